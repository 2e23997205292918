//! Keys that are read after the state has become unknown. Blocks are missing then, or say what cannot be; but what a block
//! says of keys still tells whose signatures the blocks after it hold.

use std::collections::BTreeMap;

use crate::crypto::KeyId;
use crate::domain::{AccountId, Happened, KeyChange, Rights};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct LateKeys {
    /// Each key that came, by account.
    introduced: BTreeMap<(AccountId, KeyId), LateKey>,
    /// The block that ended each, where one was read.
    ended: BTreeMap<(AccountId, KeyId), u64>,
    /// The block that erased each account, where one was read.
    erased: BTreeMap<AccountId, u64>,
}

/// A key as the block says that introduced it.
#[derive(Debug)]
struct LateKey {
    /// DER `SubjectPublicKeyInfo`.
    spki: Vec<u8>,
    /// What it may sign.
    rights: Rights,
}

impl LateKeys {
    /// Takes note of the keys that come with a block, and of those that end with it.
    pub(super) fn note(&mut self, happened: &Happened, author: AccountId, index: u64) {
        happened.visit_keys(author, &mut |change| match change {
            KeyChange::Introduced { account, spki, rights, .. } => {
                let key = || LateKey { spki: spki.to_vec(), rights };
                self.introduced.entry((account, KeyId::of_spki(spki))).or_insert_with(key);
            }
            KeyChange::AllEnded { account } => {
                self.erased.entry(account).or_insert(index);
            }
            KeyChange::Ended { account, key_id } => {
                self.ended.entry((account, key_id)).or_insert(index);
            }
        });
    }

    /// The DER of a key of an account.
    pub(super) fn spki(&self, account: AccountId, key_id: KeyId) -> Option<&[u8]> {
        self.introduced.get(&(account, key_id)).map(|key| &key.spki[..])
    }

    /// What a key of an account may sign.
    pub(super) fn rights(&self, account: AccountId, key_id: KeyId) -> Option<Rights> {
        self.introduced.get(&(account, key_id)).map(|key| key.rights)
    }

    /// The block that ended a key.
    pub(super) fn ended_at(&self, account: AccountId, key_id: KeyId) -> Option<u64> {
        let erased = self.erased.get(&account).copied();
        let ended = self.ended.get(&(account, key_id)).copied();
        // An account is erased once, and no key of it ends afterwards.
        ended.or(erased)
    }
}
