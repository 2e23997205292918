//! Members' keys, ready for use: making one ready costs more than checking a signature with it, and keeping it costs a
//! few kilobytes, so that not everybody's can be kept.

use std::collections::BTreeMap;

use crate::crypto::rsa::PublicKey;
use crate::domain::AccountId;

/// Keys in one generation; twice as many are kept.
const GENERATION: usize = 4_096;

/// Two generations: what was not used while the younger one filled up goes with the older.
#[derive(Default)]
pub(super) struct KeyCache {
    young: BTreeMap<AccountId, PublicKey>,
    old: BTreeMap<AccountId, PublicKey>,
}

impl KeyCache {
    /// The key of an account, if it is kept; else the one that `make` makes.
    pub(super) fn get(
        &mut self,
        account: AccountId,
        make: impl FnOnce() -> Option<PublicKey>,
    ) -> Option<PublicKey> {
        if let Some(key) = self.young.get(&account) {
            return Some(key.clone());
        }
        let key = self.old.remove(&account).or_else(make)?;
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(account, key.clone());
        Some(key)
    }

    /// Forgets all: accounts may be gone.
    pub(super) fn clear(&mut self) {
        *self = KeyCache::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::rsa::PrivateKey;

    #[test]
    fn what_is_used_stays_and_no_more_than_two_generations_do() {
        let pem = include_str!("../../fixtures/keys/client.pem");
        let key = PrivateKey::from_pkcs8_pem(pem, None).unwrap().public().clone();
        let (mut cache, mut made) = (KeyCache::default(), 0);
        let often = AccountId(u64::MAX);
        for account in 0..3 * GENERATION as u64 {
            for account in [AccountId(account), often] {
                let made_now = cache.get(account, || {
                    made += 1;
                    Some(key.clone())
                });
                assert!(made_now.is_some());
            }
            assert!(cache.young.len() + cache.old.len() <= 2 * GENERATION);
        }
        assert_eq!(made, 3 * GENERATION + 1, "each of the others once, and this one once");
        assert!(cache.get(AccountId(0), || None).is_none(), "long gone, and not made again");
    }
}
