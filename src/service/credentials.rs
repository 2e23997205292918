//! Which entry of the vault is whose password: of several of one account the one counts that the durable log speaks of.

use std::collections::BTreeMap;

use crate::crypto::LedgerId;
use crate::domain::{AccountId, CredentialAt, State};
use crate::password::{Credential, LoginKeys};
use crate::vault::{Key, Kind, Name, Secret, VaultError, VaultFile, generation_of};

/// The credentials that count.
#[derive(Debug, Default)]
pub(super) struct Credentials {
    /// What the e-mail of each is called, and whose it is.
    by_name: BTreeMap<[u8; 16], AccountId>,
    /// The entry of each account.
    entries: BTreeMap<AccountId, Key>,
}

impl Credentials {
    /// Looks through the entries of a vault: the second value is what has to be destroyed, the third how many members cannot log
    /// in although the blocks say that they have a password.
    ///
    /// # Errors
    /// [`VaultError::Io`]: what cannot be read now may be the one that counts.
    pub(super) fn read(
        state: &State,
        vault: &VaultFile,
        ledger_id: LedgerId,
        keys: Option<&LoginKeys>,
    ) -> Result<(Credentials, Vec<Key>, u64), VaultError> {
        let mut found: BTreeMap<AccountId, Vec<Key>> = BTreeMap::new();
        for key in vault.keys().filter(|(name, _)| name.kind == Kind::Credential) {
            found.entry(AccountId(key.0.subject)).or_default().push(*key);
        }
        let mut credentials = Credentials::default();
        let mut stale = Vec::new();
        for (account, entries) in &found {
            match state.credential(*account) {
                None => stale.extend(entries),
                Some(counts) => match the_one(entries, counts, vault, ledger_id, keys)? {
                    Some(one) => {
                        credentials.note(*account, one);
                        stale.extend(entries.iter().filter(|entry| **entry != one));
                    }
                    // An older vault was put back: none is served, and none is destroyed, because it may be the last wrap of the key.
                    None => {
                        tracing::warn!(%account, "credential_missing: the password of this account is not in the vault")
                    }
                },
            }
        }
        let missing = state.credentials().filter(|(account, _)| !credentials.entries.contains_key(account));
        let missing = missing.count() as u64;
        Ok((credentials, stale, missing))
    }

    fn note(&mut self, account: AccountId, key: Key) {
        self.forget(account);
        self.by_name.insert(key.0.scope, account);
        self.entries.insert(account, key);
    }

    fn forget(&mut self, account: AccountId) {
        if let Some((name, _)) = self.entries.remove(&account) {
            self.by_name.remove(&name.scope);
        }
    }

    /// Whose e-mail this is.
    pub(super) fn owner(&self, name: &[u8; 16]) -> Option<AccountId> {
        self.by_name.get(name).copied()
    }

    /// The entry of an account.
    pub(super) fn entry(&self, account: AccountId) -> Option<Key> {
        self.entries.get(&account).copied()
    }

    /// The entry that stands behind a name, or else the first one: some entry, where there is any.
    pub(super) fn some_entry_near(&self, name: &[u8; 16]) -> Option<Key> {
        let near = self.by_name.range(*name..).next().or_else(|| self.by_name.first_key_value());
        near.and_then(|(_, account)| self.entry(*account))
    }

    /// Which entries of an account are to be destroyed, now that its newest block is durable; notes the one that counts.
    pub(super) fn settle(&mut self, account: AccountId, state: &State, vault: &VaultFile) -> Vec<Key> {
        let entries: Vec<Key> =
            vault.keys_of(account.0).into_iter().filter(|(name, _)| name.kind == Kind::Credential).collect();
        let counts = state.credential(account).map(generation_of);
        let one = entries.iter().find(|(_, generation)| Some(*generation) == counts).copied();
        match (one, counts) {
            (Some(one), _) => {
                self.note(account, one);
                entries.into_iter().filter(|entry| *entry != one).collect()
            }
            (None, Some(_)) => Vec::new(),
            (None, None) => {
                self.forget(account);
                entries
            }
        }
    }
}

/// The entry that the blocks speak of. Where there is one alone with the right number it is not read: a start reads slots, and
/// not a million pages; it is compared in full before anybody is handed it.
fn the_one(
    entries: &[Key],
    counts: CredentialAt,
    vault: &VaultFile,
    ledger_id: LedgerId,
    keys: Option<&LoginKeys>,
) -> Result<Option<Key>, VaultError> {
    if let [one] = entries
        && one.1 == generation_of(counts)
    {
        return Ok(Some(*one));
    }
    for entry in entries {
        let secret = match vault.read(entry) {
            Err(error @ VaultError::Io { .. }) => return Err(error),
            read => read.ok().flatten(),
        };
        let kept = secret.as_ref().and_then(credential_in);
        let commit = kept.zip(keys).map(|(kept, keys)| kept.commit(ledger_id, &keys.opaque.server_key));
        if commit == Some(counts.commit.commit) {
            return Ok(Some(*entry));
        }
    }
    Ok(None)
}

/// The name of a credential's entry.
pub(super) fn credential_entry(subject: AccountId, name: [u8; 16], epoch: u32) -> Key {
    (Name { kind: Kind::Credential, subject: subject.0, scope: name }, epoch as u16)
}

/// The credential that an entry holds.
pub(super) fn credential_in(secret: &Secret) -> Option<Credential> {
    match secret {
        Secret::Long(content) => Credential::from_bytes(content),
        Secret::Short(_) => None,
    }
}
