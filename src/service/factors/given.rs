//! Which authentications have given a code lately. A code counts for all that descends from one signature: the session, its
//! tickets, and the sessions that these resume. What a log-in with a code has brought carries it over to the session that is
//! opened with the fetched key.

use std::collections::BTreeMap;
use std::time::Duration;

use rand_core::CryptoRng;

use super::{NONE_WRONG, invalid_code, key_of};
use crate::crypto::{KeyId, random};
use crate::domain::AccountId;
use crate::service::{ConnectionId, Service};
use crate::time::{Monotonic, Now};
use crate::wire::{Refusal, WrongCodes};

/// For how long a code of a log-in can be carried over.
const CARRIED_FOR: Duration = Duration::from_mins(1);

/// See the module.
#[derive(Default)]
pub(super) struct Given {
    /// By the number of the authentication.
    by_authentication: BTreeMap<u64, GivenAt>,
    /// What may be carried over, by its secret name.
    carried: BTreeMap<[u8; 32], Carried>,
}

/// A second factor that was given.
struct GivenAt {
    /// Its number: one that was replaced since counts no more.
    generation: u32,
    at: Monotonic,
}

struct Carried {
    account: AccountId,
    key_id: KeyId,
    generation: u32,
    until: Monotonic,
}

impl Service {
    /// Until when the second factor counts that a connection's session has given; none if it has given none, or that is over.
    pub(in crate::service) fn factor_until(&self, id: ConnectionId, now: Now) -> Option<Monotonic> {
        let connection = self.door.connections.get(&id)?;
        let given = self.factors.given.by_authentication.get(&connection.session.authentication()?)?;
        let counts = self.ledger.replica().state().second_factor(connection.account())?;
        let until = Monotonic(given.at.0 + Duration::from_millis(self.limits.factor_age_ms));
        (given.generation == counts.generation && now.mono < until).then_some(until)
    }

    /// Notes that the session of a connection has given the second factor that counts.
    pub(in crate::service) fn note_given(&mut self, id: ConnectionId, now: Now) {
        let age = Duration::from_millis(self.limits.factor_age_ms);
        let given = &mut self.factors.given.by_authentication;
        given.retain(|_, given| now.mono.0.saturating_sub(given.at.0) < age);
        let Some(connection) = self.door.connections.get(&id) else { return };
        let counts = self.ledger.replica().state().second_factor(connection.account());
        if let (Some(authentication), Some(counts)) = (connection.session.authentication(), counts) {
            given.insert(authentication, GivenAt { generation: counts.generation, at: now.mono });
        }
    }

    /// Makes what carries the code of a log-in over to the session with the fetched key.
    pub(super) fn carry_over(
        &mut self,
        account: AccountId,
        key_id: KeyId,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Option<[u8; 32]> {
        let carried = &mut self.factors.given.carried;
        carried.retain(|_, carried| now.mono < carried.until);
        let generation = self.ledger.replica().state().second_factor(account)?.generation;
        let (name, until) = (random::bytes(rng), Monotonic(now.mono.0 + CARRIED_FOR));
        carried.insert(name, Carried { account, key_id, generation, until });
        Some(name)
    }

    /// Takes what carries a code over. It is good once, whoever shows it.
    pub(super) fn take_carried(
        &mut self,
        id: ConnectionId,
        name: &[u8; 32],
        now: Now,
    ) -> Result<WrongCodes, Refusal> {
        let carried = self.factors.given.carried.remove(name);
        let connection = self.door.connections.get(&id);
        let whose = connection.and_then(|connection| Some((connection.account(), key_of(connection)?)));
        let fits = carried.zip(whose).is_some_and(|(carried, (account, key_id))| {
            let counts = self.ledger.replica().state().second_factor(account);
            (carried.account, carried.key_id) == (account, key_id)
                && counts.is_some_and(|counts| counts.generation == carried.generation)
                && now.mono < carried.until
        });
        if !fits {
            return Err(invalid_code(now));
        }
        self.note_given(id, now);
        Ok(NONE_WRONG)
    }
}
