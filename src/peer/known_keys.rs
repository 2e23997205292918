//! Keys of other members that a listener has asked the server for, each for a while: whether a key stands is the server's
//! word, and a listener that cannot reach the server goes by what it heard a few minutes ago, and by nothing older.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::client::Registrant;
use crate::crypto::KeyId;
use crate::domain::AccountId;
use crate::time::Monotonic;

/// For how long nobody asks again.
const FRESH: Duration = Duration::from_secs(60);

/// For how long a key is taken while the server is away.
const PEER_KEY_AGE_MAX: Duration = Duration::from_secs(10 * 60);

/// Keys remembered.
const KEYS_MAX: usize = 1_024;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct KnownKeys(BTreeMap<(AccountId, KeyId), (Registrant, Monotonic)>);

impl KnownKeys {
    /// A key of which the server said just now that it stands.
    pub(super) fn fresh(&self, account: AccountId, key_id: KeyId, now: Monotonic) -> Option<Registrant> {
        self.not_older(account, key_id, now, FRESH)
    }

    /// A key that is taken although the server cannot be asked.
    pub(super) fn without_server(
        &self,
        account: AccountId,
        key_id: KeyId,
        now: Monotonic,
    ) -> Option<Registrant> {
        self.not_older(account, key_id, now, PEER_KEY_AGE_MAX)
    }

    fn not_older(
        &self,
        account: AccountId,
        key_id: KeyId,
        now: Monotonic,
        most: Duration,
    ) -> Option<Registrant> {
        let (registrant, asked_at) = self.0.get(&(account, key_id))?;
        (now.0.saturating_sub(asked_at.0) <= most).then(|| registrant.clone())
    }

    /// Remembers what the server said: the key stands, or it does not.
    pub(super) fn note(
        &mut self,
        account: AccountId,
        key_id: KeyId,
        standing: Option<&Registrant>,
        now: Monotonic,
    ) {
        let name = (account, key_id);
        let Some(registrant) = standing else {
            self.0.remove(&name);
            return;
        };
        if self.0.len() >= KEYS_MAX && !self.0.contains_key(&name) {
            self.0.retain(|_, (_, asked_at)| now.0.saturating_sub(asked_at.0) <= FRESH);
        }
        if self.0.len() < KEYS_MAX || self.0.contains_key(&name) {
            self.0.insert(name, (registrant.clone(), now));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::random::Seeded;
    use crate::crypto::{KeyKind, SigningKey};

    #[test]
    fn a_key_is_taken_for_ten_minutes_without_the_server_and_not_at_all_once_it_ended() {
        let key = SigningKey::generate(KeyKind::Ed25519, &mut Seeded::new("peer")).public().clone();
        let (account, key_id) = (AccountId(7), key.key_id());
        let registrant = Registrant { account, handle: "alice".to_owned(), key, key_id };
        let at = |seconds| Monotonic(Duration::from_secs(seconds));
        let mut known = KnownKeys::default();
        known.note(account, key_id, Some(&registrant), at(100));
        for (seconds, fresh, usable) in [(100, true, true), (160, true, true), (161, false, true)] {
            assert_eq!(known.fresh(account, key_id, at(seconds)).is_some(), fresh, "{seconds}");
            assert_eq!(known.without_server(account, key_id, at(seconds)).is_some(), usable, "{seconds}");
        }
        assert!(known.without_server(account, key_id, at(700)).is_some());
        assert!(known.without_server(account, key_id, at(701)).is_none());
        known.note(account, key_id, None, at(102));
        assert!(known.fresh(account, key_id, at(102)).is_none());
        for number in 0..2 * KEYS_MAX as u64 {
            let other = KeyId::of_spki(&number.to_be_bytes());
            known.note(account, other, Some(&registrant), at(200));
        }
        assert_eq!(known.0.len(), KEYS_MAX);
    }
}
