//! Members' keys that are ready for use. To make a key ready takes a millisecond, more than checking many signatures with it,
//! and to keep it costs a few kilobytes, so that not everybody's can be kept. A helper makes a key ready when it is wanted
//! and not here; the loop never does.
//!
//! A cache: it may be lost, and is filled again from the keys of the state.

use std::collections::BTreeMap;

use crate::crypto::{KeyId, VerifyingKey};

/// Keys in one generation; twice as many are kept.
const GENERATION: usize = 4_096;

/// Two generations of keys: a key that was not used while the younger generation filled up goes with the older one.
#[derive(Default)]
pub(super) struct KeyCache {
    young: BTreeMap<KeyId, VerifyingKey>,
    old: BTreeMap<KeyId, VerifyingKey>,
}

impl KeyCache {
    /// The key of this name, if it is kept.
    pub(super) fn get(&mut self, key_id: &KeyId) -> Option<VerifyingKey> {
        if let Some(key) = self.young.get(key_id) {
            return Some(key.clone());
        }
        let key = self.old.remove(key_id)?;
        self.keep_as(*key_id, key.clone());
        Some(key)
    }

    /// Whether the key of this name is kept.
    pub(super) fn has(&self, key_id: &KeyId) -> bool {
        self.young.contains_key(key_id) || self.old.contains_key(key_id)
    }

    /// Keeps a key that somebody has made ready.
    pub(super) fn keep(&mut self, key: VerifyingKey) {
        self.keep_as(key.key_id(), key);
    }

    fn keep_as(&mut self, key_id: KeyId, key: VerifyingKey) {
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key_id, key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::SigningKey;

    #[test]
    fn what_is_used_stays_and_no_more_than_two_generations_do() {
        let pem = include_str!("../../fixtures/keys/client.pem");
        let key = SigningKey::from_pkcs8_pem(pem, None).unwrap().public().clone();
        let (mut cache, mut made) = (KeyCache::default(), 0);
        let key_id = |number: u64| KeyId::of_spki(&number.to_be_bytes());
        let often = key_id(u64::MAX);
        for number in 0..3 * GENERATION as u64 {
            for key_id in [key_id(number), often] {
                if cache.get(&key_id).is_none() {
                    made += 1;
                    cache.keep_as(key_id, key.clone());
                }
            }
            assert!(cache.young.len() + cache.old.len() <= 2 * GENERATION);
        }
        assert_eq!(made, 3 * GENERATION + 1, "each of the others once, and this one once");
        assert!(cache.get(&key_id(0)).is_none(), "long gone");
    }
}
