//! The vault as the service uses it. What the commands of a batch bring is gathered here and put into the vault before the
//! blocks are written, so that no durable block ever needs a secret that is not there.
//!
//! ```text
//! decide all commands of the batch → secrets put and synced → blocks written and synced
//!     → secrets that they erase destroyed and synced → replies leave
//! ```

use std::collections::BTreeSet;
use std::sync::Arc;

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::credentials::{Credentials, credential_entry, credential_in};
use super::passwords::BroughtCredential;
use crate::chain::block_hash;
use crate::crypto::sealed::{ScopeId, ScopeKey};
use crate::domain::{AccountId, Scope, State};
use crate::eventlog::{LogError, Storage};
use crate::ledger::{Committed, Ledger};
use crate::password::{Credential, LoginKeys};
use crate::vault::{
    Keks, Key, Kind, Position, Secret, Standing, VaultError, VaultFile, factors_missing, scope_entry,
    scopes_without_key,
};

/// A bug, for the simulator to find. Nothing else plants one.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretsBug {
    /// Secrets are destroyed before the block that erases them is written.
    DestroyedEarly,
    /// A start does not destroy what the blocks do not name.
    NotSwept,
    /// A password is destroyed when the one after it is put, before the block that brings it is written.
    PasswordOverwritten,
    /// That a code of a second factor was used is not put into the vault.
    CodesInMemory,
    /// The key that the vault was under is destroyed before the slots are synced that are under the next one.
    KeyForgottenEarly,
}

/// The secrets of a ledger.
#[derive(Debug, Default)]
pub struct Secrets {
    /// The vault; none while the daemon serves without it.
    pub(super) vault: Option<VaultFile>,
    /// The secrets that the commands of the open batch bring.
    brought: Vec<(Key, Secret)>,
    /// Whether something of that belongs to no block, so that it is put when the turn ends whatever becomes of the batch.
    presses: bool,
    /// Accounts that blocks have erased, whose secrets are still to be destroyed.
    erased: Vec<AccountId>,
    /// How many accounts were erased while the vault was not here: the next start with it destroys what they have there.
    erased_unseen: u64,
    /// Whose passwords are whose.
    credentials: Credentials,
    /// What log-ins need; none where nobody logs in by password.
    logins: Option<LoginKeys>,
    /// Accounts whose password or second factor has changed in a block, so that what was before it is to be destroyed.
    unsettled: BTreeSet<AccountId>,
    /// Members who have a password by the blocks, and none in the vault.
    locked_out: u64,
    /// Members who have a second factor by the blocks, and none in the vault.
    factors_missing: u64,
    /// Whether the log says already that they wait for room.
    owes_told: bool,
    /// Whether the log says already that the vault's way to its next key waits for room.
    pub(super) rewrap_waits: bool,
    /// Scopes whose keys are neither in the vault nor destroyed.
    missing: u64,
    pub(super) bug: Option<SecretsBug>,
}

impl Secrets {
    /// Whether the ledger may begin a vault: it has none, and nothing that its blocks say lies in one.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    fn may_begin(storage: &dyn Storage, ledger: &Ledger) -> Result<bool, VaultError> {
        let is_needed = ledger.replica().state().speaks_of_vault();
        Ok(!is_needed && !VaultFile::is_there(storage)?)
    }

    /// Opens the vault of a ledger, or begins one where nothing was ever put. What the blocks do not name is destroyed, which
    /// a start before may have left undone.
    ///
    /// # Errors
    /// [`VaultError`]. Nothing has been changed, unless the error is one of the disk.
    pub fn open(
        storage: &Arc<dyn Storage>,
        ledger: &Ledger,
        keks: impl Into<Keks>,
        logins: Option<LoginKeys>,
    ) -> Result<Secrets, VaultError> {
        Secrets::open_with(storage, ledger, keks, logins, None)
    }

    /// The same with a bug, for the simulator to find.
    ///
    /// # Errors
    /// As for [`Secrets::open`].
    #[doc(hidden)]
    pub fn open_with(
        storage: &Arc<dyn Storage>,
        ledger: &Ledger,
        keks: impl Into<Keks>,
        logins: Option<LoginKeys>,
        bug: Option<SecretsBug>,
    ) -> Result<Secrets, VaultError> {
        let position = position_of(ledger.committed());
        if Secrets::may_begin(storage.as_ref(), ledger)? {
            let vault = VaultFile::create(storage, ledger.ledger_id(), keks, position)?;
            return Ok(Secrets { vault: Some(vault), logins, bug, ..Secrets::default() });
        }
        let head_after = |blocks: u64| {
            let newest = blocks.checked_sub(1)?;
            ledger.block(newest).ok().flatten().map(|block| block_hash(&block))
        };
        let mut vault = VaultFile::open(storage, ledger.ledger_id(), keks, position.durable, &head_after)?;
        let state = ledger.replica().state();
        let (credentials, stale, locked_out) =
            Credentials::read(state, &vault, ledger.ledger_id(), logins.as_ref())?;
        // Of a ledger that has no room for its newest blocks nobody knows yet what they need.
        if !ledger.log().is_unmended() && bug != Some(SecretsBug::NotSwept) {
            let unnamed = vault.keys().filter(|key| !is_named(state, key)).copied();
            let unnamed: Vec<Key> = unnamed.chain(stale).collect();
            let erased = |subject| state.erased_at(AccountId(subject)).is_some();
            let destroyed = vault.destroy(&unnamed)? + vault.destroy_damaged(&erased)?;
            if destroyed > 0 {
                tracing::info!(destroyed, "destroyed what the ledger does not name any more");
            }
        }
        for damaged in vault.damaged() {
            tracing::warn!(
                slot = damaged.slot,
                "slot_damaged: what lay in this slot of the vault cannot be read"
            );
        }
        let missing = tell_missing(state, &vault);
        let factors_missing = tell_factors_missing(state, &vault);
        if locked_out > 0 {
            tracing::warn!(
                members = locked_out,
                "members cannot log in: their passwords are not in the vault"
            );
        }
        let vault = Some(vault);
        Ok(Secrets {
            vault,
            credentials,
            logins,
            locked_out,
            factors_missing,
            missing,
            bug,
            ..Secrets::default()
        })
    }

    /// Serves without a vault: nobody's sealed text is opened, and nobody seals any.
    pub fn absent() -> Secrets {
        Secrets::default()
    }

    /// Whether there is a vault.
    pub(super) fn are_here(&self) -> bool {
        self.vault.is_some()
    }

    /// Scopes whose keys are not here, although nobody has destroyed them: those that were missing at the start, and without
    /// a vault all.
    pub(super) fn missing(&self, state: &State) -> u64 {
        if self.are_here() { self.missing } else { state.scopes.live().count() as u64 }
    }

    /// The key of a scope of this account; none if it is not here.
    ///
    /// # Errors
    /// The process must end: a key is not missing because a disk fails.
    pub(super) fn scope_key(&self, subject: AccountId, scope: ScopeId) -> Result<Option<ScopeKey>, LogError> {
        Ok(self.newest(&scope_entry(subject, scope))?.and_then(|secret| match secret {
            Secret::Short(key) => Some(ScopeKey::from_bytes(*key)),
            Secret::Long(_) => None,
        }))
    }

    /// What an entry holds after the open batch; none if there is no such entry.
    ///
    /// # Errors
    /// The process must end.
    pub(super) fn newest(&self, key: &Key) -> Result<Option<Secret>, LogError> {
        match self.brought.iter().rev().find(|(brought, _)| brought == key) {
            Some((_, secret)) => Ok(Some(secret.clone())),
            None => self.read(key),
        }
    }

    /// Reads an entry of the vault; one that does not open is told and counts as none.
    fn read(&self, key: &Key) -> Result<Option<Secret>, LogError> {
        match self.vault.as_ref().map_or(Ok(None), |vault| vault.read(key)) {
            Err(error @ VaultError::Io { .. }) => Err(failed(error)),
            Err(error) => {
                tracing::warn!(%error, entry = ?key.0, "an entry of the vault cannot be read");
                Ok(None)
            }
            Ok(secret) => Ok(secret),
        }
    }

    /// What log-ins need; none where nobody logs in by password.
    pub(super) fn login_keys(&self) -> Option<&LoginKeys> {
        self.logins.as_ref()
    }

    /// How many members have a password by the blocks, and none here.
    pub(super) fn locked_out(&self, state: &State) -> u64 {
        if self.are_here() { self.locked_out } else { state.credentials().count() as u64 }
    }

    /// How many members have a second factor by the blocks, and none here.
    pub(super) fn factors_missing(&self, state: &State) -> u64 {
        if self.are_here() { self.factors_missing } else { state.second_factors().count() as u64 }
    }

    /// Who logs in with the e-mail of this name, the open batch included.
    pub(super) fn owner_of_e_mail(&self, name: &[u8; 16]) -> Option<AccountId> {
        let is_it = |key: &Key| key.0.kind == Kind::Credential && key.0.scope == *name;
        let brought = self.brought.iter().rev().find(|(key, _)| is_it(key));
        brought.map(|(key, _)| AccountId(key.0.subject)).or_else(|| self.credentials.owner(name))
    }

    /// What the e-mail of an account's password is called.
    pub(super) fn e_mail_name_of(&self, account: AccountId) -> Option<[u8; 16]> {
        let is_it = |key: &Key| key.0.kind == Kind::Credential && key.0.subject == account.0;
        let brought = self.brought.iter().rev().find(|(key, _)| is_it(key)).map(|(key, _)| *key);
        brought.or_else(|| self.credentials.entry(account)).map(|(name, _)| name.scope)
    }

    /// What the vault keeps of an account's password.
    ///
    /// # Errors
    /// The process must end.
    pub(super) fn credential(&self, account: AccountId) -> Result<Option<Credential>, LogError> {
        self.read_credential(self.credentials.entry(account))
    }

    /// The account with the e-mail of this name, and a credential: its own, or where there is no such account that of another
    /// one, which takes as long.
    ///
    /// # Errors
    /// The process must end.
    pub(super) fn credential_of_e_mail(
        &self,
        name: &[u8; 16],
    ) -> Result<(Option<AccountId>, Option<Credential>), LogError> {
        let credential = self.read_credential(self.credentials.some_entry_near(name))?;
        Ok((self.credentials.owner(name), credential))
    }

    fn read_credential(&self, entry: Option<Key>) -> Result<Option<Credential>, LogError> {
        let secret = entry.map_or(Ok(None), |entry| self.read(&entry))?;
        Ok(secret.as_ref().and_then(credential_in))
    }

    /// Takes the credential that a command of the open batch brings. Room was made before.
    pub(super) fn bring_credential(&mut self, account: AccountId, brought: &BroughtCredential) {
        let entry = credential_entry(account, brought.name, brought.credential.epoch);
        self.bring(entry, Secret::Long(Zeroizing::new(brought.credential.to_bytes())));
    }

    /// Takes a secret that a command of the open batch brings. Room was made before.
    pub(super) fn bring(&mut self, key: Key, secret: Secret) {
        // A file takes one entry of a name in one list.
        self.brought.retain(|(brought, _)| *brought != key);
        self.brought.push((key, secret));
    }

    /// Takes another content of an entry, whatever becomes of the open batch: it is durable when the turn ends, before any reply
    /// leaves. Room was made before.
    pub(super) fn bring_now(&mut self, key: Key, secret: Secret) {
        self.bring(key, secret);
        self.presses = true;
    }

    /// Whether something is to be put when this turn ends.
    pub(super) fn are_pressing(&self) -> bool {
        self.presses
    }

    /// Takes note that a block of the open batch changes the password or the second factor of an account, or ends it.
    pub(super) fn unsettle(&mut self, account: AccountId) {
        self.unsettled.insert(account);
    }

    /// Makes room for two more entries, one of them with a page, beside those that the open batch brings; false if the disk has
    /// none.
    ///
    /// # Errors
    /// The process must end.
    pub(super) fn make_room(&mut self) -> Result<bool, LogError> {
        let entries = u32::try_from(self.brought.len() + 2).unwrap_or(u32::MAX);
        self.vault.as_mut().map_or(Ok(false), |vault| vault.make_room(entries, entries)).map_err(failed)
    }

    /// Takes the key of a scope that a command of the open batch has opened. Room was made before.
    pub(super) fn bring_scope_key(&mut self, subject: AccountId, scope: ScopeId, key: &ScopeKey) {
        self.bring(scope_entry(subject, scope), Secret::Short(Zeroizing::new(*key.as_bytes())));
    }

    /// Takes note that a block of the open batch erases an account.
    pub(super) fn erase(&mut self, account: AccountId) {
        self.erased.push(account);
    }

    /// How many accounts have secrets that durable blocks have erased or replaced, and that are not destroyed yet.
    pub(super) fn owed(&self) -> u64 {
        (self.erased.len() + self.unsettled.len()) as u64
    }

    /// The same with the accounts that were erased while the vault was not here.
    pub(super) fn owed_in_all(&self) -> u64 {
        self.owed() + self.erased_unseen
    }

    /// The generation of the vault's header; none without a vault.
    pub(super) fn generation(&self) -> Option<u64> {
        self.vault.as_ref().map(|vault| vault.header().generation)
    }

    /// The number of the newest key that the vault is under; none without a vault.
    pub(super) fn newest_kek(&self) -> Option<u64> {
        self.vault.as_ref().map(|vault| vault.newest_kek().into())
    }

    /// Destroys what durable blocks have erased; it is unreadable afterwards. False if the disk had no room to write, which only
    /// delays it: nobody may be told of the erasure before the same call gives true.
    ///
    /// # Errors
    /// The process must end, and nobody may be answered.
    pub(super) fn destroy(&mut self, state: &State) -> Result<bool, LogError> {
        let owed = self.owed() > 0;
        let Some(vault) = self.vault.as_mut().filter(|_| owed) else {
            // Without the vault there is nothing to destroy: the start with the vault does so.
            self.erased_unseen += self.erased.len() as u64;
            self.erased.clear();
            self.unsettled.clear();
            return Ok(true);
        };
        let mut keys: Vec<Key> = self.erased.iter().flat_map(|account| vault.keys_of(account.0)).collect();
        for account in self.unsettled.iter().chain(&self.erased) {
            keys.extend(self.credentials.settle(*account, state, vault));
            keys.extend(ended_factors(*account, state, vault));
        }
        let erased = &self.erased;
        let destroyed = vault.destroy(&keys);
        let destroyed =
            destroyed.and_then(|_| vault.destroy_damaged(&|subject| erased.contains(&AccountId(subject))));
        match destroyed {
            Ok(_) => {
                (self.erased, self.owes_told) = (Vec::new(), false);
                self.unsettled.clear();
                Ok(true)
            }
            Err(error) if error.is_want_of_room_to_write() => {
                if !std::mem::replace(&mut self.owes_told, true) {
                    tracing::error!(%error, "what was erased could not be destroyed; it is tried again, and unanswered until then");
                }
                Ok(false)
            }
            Err(error) => Err(failed(error)),
        }
    }

    /// Puts what the open batch brings; it is durable afterwards.
    ///
    /// # Errors
    /// The process must end, and nobody may be answered.
    pub(super) fn put(&mut self, ledger: &Ledger, rng: &mut dyn CryptoRng) -> Result<(), LogError> {
        if self.bug == Some(SecretsBug::DestroyedEarly) {
            self.destroy(ledger.replica().state())?;
        }
        if self.brought.is_empty() {
            return Ok(());
        }
        let mut brought = std::mem::take(&mut self.brought);
        self.presses = false;
        if self.bug == Some(SecretsBug::CodesInMemory) {
            let is_factor =
                |(key, _): &(Key, Secret)| matches!(key.0.kind, Kind::SecondFactor | Kind::SpareCodes);
            (self.brought, brought) = brought.into_iter().partition(is_factor);
        }
        if self.bug == Some(SecretsBug::PasswordOverwritten) {
            let replaced = self.unsettled.iter().filter_map(|account| self.credentials.entry(*account));
            let replaced: Vec<Key> = replaced.collect();
            self.vault.as_mut().map_or(Ok(0), |vault| vault.destroy(&replaced)).map_err(failed)?;
        }
        let vault = self.vault.as_mut();
        let position = position_of(ledger.committed());
        vault.map_or(Ok(()), |vault| vault.put(&brought, position, rng)).map_err(failed)
    }

    /// Says in the vault that all is done.
    ///
    /// # Errors
    /// [`LogError::Io`].
    pub(super) fn close(self, committed: Committed) -> Result<(), LogError> {
        self.vault.map_or(Ok(()), |vault| vault.close(position_of(committed))).map_err(failed)
    }
}

pub(super) fn position_of(committed: Committed) -> Position {
    Position { durable: committed.size, head: committed.head }
}

/// Whether the blocks speak of an entry of the vault.
fn is_named(state: &State, key: &Key) -> bool {
    // Which of an account's passwords counts, `credentials` says.
    key.0.kind == Kind::Credential || Standing::of(state, key) == Standing::Needed
}

/// The entries of second factors of an account that its newest durable block does not speak of any more.
fn ended_factors(account: AccountId, state: &State, vault: &VaultFile) -> Vec<Key> {
    let of_factors = |key: &Key| matches!(key.0.kind, Kind::SecondFactor | Kind::SpareCodes);
    let ended = |key: &Key| of_factors(key) && Standing::of(state, key) != Standing::Needed;
    vault.keys_of(account.0).into_iter().filter(ended).collect()
}

/// Tells of which second factors something is missing; gives how many.
fn tell_factors_missing(state: &State, vault: &VaultFile) -> u64 {
    let mut missing = 0;
    for (account, _) in factors_missing(state, |key| vault.has(key)) {
        missing += 1;
        tracing::warn!(%account, "factor_missing: the second factor of this account is not in the vault");
    }
    missing
}

/// Tells which scopes have no key, although nobody has erased anything; gives how many.
fn tell_missing(state: &State, vault: &VaultFile) -> u64 {
    let mut missing = 0;
    for (scope, Scope { subject: account, .. }) in scopes_without_key(state, |key| vault.has(key)) {
        missing += 1;
        tracing::warn!(%scope, %account, "key_missing: the texts of this scope cannot be read");
    }
    missing
}

/// After an error of the vault nobody knows what is on the disk, as after one of the log.
pub(super) fn failed(error: VaultError) -> LogError {
    match error {
        VaultError::Io { file, operation, source } => LogError::io(file, operation, source),
        other => LogError::io("vault/slots", "use", std::io::Error::other(other)),
    }
}
