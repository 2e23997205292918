//! The second factor, the server's side: enrolling one, giving a code, and what may not be done without.
//!
//! ```text
//! guesses   how often codes may be guessed, over all connections
//! given     which authentications have given a code, and what carries that over from a log-in
//! guard     what of commands and questions needs a second factor
//! brought   the second factor that comes with a command
//! codes     whether a code is right, and that it works once
//! offer     the offer of a second factor that is not there yet
//! ```
//!
//! A code is compared with what the vault keeps, and that it was used is durable there before anybody hears that it was right.

mod brought;
mod codes;
mod given;
mod guard;
mod guesses;
mod offer;

pub(super) use brought::BroughtFactor;

use given::Given;
use guesses::Guesses;

use super::log_in::LogIn;
use super::passwords::{invalid_login, wait};
use super::{ConnectionId, Service};
use crate::crypto::KeyId;
use crate::domain::{AccountId, Fact};
use crate::limits::Limits;
use crate::refusal;
use crate::time::Now;
use crate::wire::{FactorGiven, Refusal, Reply, WrongCodes};

use rand_core::CryptoRng;

/// Wrong codes after which a log-in or a session ends.
const WRONG_CODES_MAX: u32 = 5;

/// What is known in memory of second factors.
pub(super) struct Factors {
    guesses: Guesses,
    given: Given,
}

impl Factors {
    /// Nobody has given a code yet.
    pub(super) fn new(limits: &Limits) -> Factors {
        Factors { guesses: Guesses::new(limits), given: Given::default() }
    }
}

impl Service {
    /// Takes a second factor that somebody gives.
    pub(super) fn second_factor(
        &mut self,
        id: ConnectionId,
        request: u32,
        factor: FactorGiven<'_>,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) {
        let Some(connection) = self.door.connections.get_mut(&id) else { return };
        let account = connection.account();
        if account == AccountId::NONE {
            return self.factor_of_log_in(id, request, factor, now, rng);
        }
        let taken = match factor {
            FactorGiven::Code(code) => self.take_code(id, account, code, now),
            FactorGiven::Carry(token) => Ok(self.take_carried(id, &token, now)),
        };
        let reply = match taken {
            Ok(Ok(wrong_codes)) => Reply::FactorTaken(wrong_codes),
            Ok(Err(refusal)) => {
                self.count_wrong(id, &refusal);
                Reply::Refused(refusal)
            }
            Err(error) => {
                self.fatal.get_or_insert(error);
                return;
            }
        };
        self.hold_durable(id, request, reply);
    }

    /// Takes the code of a log-in whose password was right.
    fn factor_of_log_in(
        &mut self,
        id: ConnectionId,
        request: u32,
        factor: FactorGiven<'_>,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) {
        let Some(connection) = self.door.connections.get_mut(&id) else { return };
        let (login, prefix) = (connection.login.take(), connection.prefix());
        let (Some(LogIn::Proven { account, charge, epoch, wrong }), FactorGiven::Code(code)) =
            (login.map(|login| *login), factor)
        else {
            return self.hold_durable(id, request, Reply::Refused(invalid_login()));
        };
        let state = self.ledger.replica().state();
        // Between the password and the code the account may have been erased, or its password changed.
        let stands = state.credential(account).is_some_and(|counts| counts.commit.epoch == epoch);
        if !stands {
            return self.hold_durable(id, request, Reply::Refused(invalid_login()));
        }
        match self.use_code(account, prefix, code, now) {
            Ok(Ok(wrong_codes)) => {
                let key_id = self.ledger.replica().state().roaming_key(account).unwrap_or_default();
                let factor = self.carry_over(account, key_id, now, rng);
                self.unlock(id, request, Some((account, charge)), (factor, wrong_codes));
            }
            Ok(Err(refusal)) => {
                self.note_refusal(account, &refusal);
                let wrong = wrong + u32::from(refusal.name == refusal::INVALID_CODE);
                if wrong < WRONG_CODES_MAX
                    && let Some(connection) = self.door.connections.get_mut(&id)
                {
                    connection.login = Some(Box::new(LogIn::Proven { account, charge, epoch, wrong }));
                }
                self.hold_durable(id, request, Reply::Refused(refusal));
            }
            Err(error) => {
                self.fatal.get_or_insert(error);
            }
        }
    }

    /// Counts a wrong code of a session, which ends with the fifth.
    pub(super) fn count_wrong(&mut self, id: ConnectionId, refusal: &Refusal) {
        let Some(connection) = self.door.connections.get_mut(&id) else { return };
        if refusal.name != refusal::INVALID_CODE {
            return;
        }
        connection.wrong_codes += 1;
        if connection.wrong_codes >= WRONG_CODES_MAX {
            self.door.leaving.insert(id);
        }
    }

    /// Whether a log-in of this account needs a code.
    pub(super) fn logs_in_with_code(&self, account: AccountId) -> bool {
        self.limits.second_factor > 0 && self.ledger.replica().state().second_factor(account).is_some()
    }
}

fn invalid_code(now: Now) -> Refusal {
    let sentence = format!(
        "the code is not right, or was used before; the server's clock says {}: a telephone whose clock differs by more than half a \
         minute shows other codes",
        now.wall
    );
    let facts = vec![(Fact::Until, now.wall.into())];
    Refusal { facts, ..Refusal::fail(refusal::INVALID_CODE, sentence) }
}

fn not_enrolled(account: AccountId) -> Refusal {
    let facts = vec![(Fact::Account, account.0.into())];
    Refusal {
        facts,
        ..Refusal::fail(refusal::NOT_ENROLLED, format!("account {account} has no second factor"))
    }
}

fn codes_lost(account: AccountId) -> Refusal {
    let facts = vec![(Fact::Account, account.0.into())];
    let sentence = "what the codes of the account are checked with is not in the server's vault: an operator can end this second \
                    factor";
    Refusal { facts, ..Refusal::fail(refusal::KEY_MISSING, sentence) }
}

/// The wrong codes before a good one, of an account that nobody has guessed at.
const NONE_WRONG: WrongCodes = WrongCodes { count: 0, since_ms: 0 };

/// The key with which a session was opened.
fn key_of(connection: &super::door::Connection) -> Option<KeyId> {
    match connection.caller {
        super::door::Caller::Member(_, key_id) => Some(key_id),
        super::door::Caller::Unknown | super::door::Caller::Anonymous => None,
    }
}
