//! What the blocks of a ledger say of the entries of its vault: which of them they need, and which must be gone.

use std::collections::BTreeSet;

use super::factor::{factor_entry, spare_codes_entry};
use super::name::{Kind, Name};
use super::reader::Key;
use crate::crypto::sealed::ScopeId;
use crate::domain::{AccountId, CredentialAt, Scope, SecondFactorAt, State};

/// What the blocks say of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Blocks need it.
    Needed,
    /// The block of this index has erased it.
    Erased(u64),
    /// No block speaks of it.
    Unnamed,
}

impl Standing {
    /// What the state after all blocks says of an entry.
    pub fn of(state: &State, (name, _): &Key) -> Standing {
        match name.kind {
            Kind::ScopeKey => {
                let scope = state.scopes.get(&ScopeId(name.scope));
                match scope.filter(|scope| scope.subject.0 == name.subject).map(|scope| scope.erased_at) {
                    Some(None) => Standing::Needed,
                    Some(Some(block)) => Standing::Erased(block),
                    None => Standing::Unnamed,
                }
            }
            // Of several of one account it cannot be said here which one counts: only the whole of it says so.
            Kind::Credential => {
                let account = AccountId(name.subject);
                match (state.erased_at(account), state.credential(account)) {
                    (Some(block), _) => Standing::Erased(block),
                    (None, Some(_)) => Standing::Needed,
                    (None, None) => Standing::Unnamed,
                }
            }
            Kind::SecondFactor | Kind::SpareCodes => {
                let account = AccountId(name.subject);
                let counts = state.second_factor(account);
                let is_it =
                    |counts: SecondFactorAt| factor_entries(account, counts).iter().any(|key| key.0 == *name);
                match (state.erased_at(account), counts) {
                    (Some(block), _) => Standing::Erased(block),
                    (None, Some(counts)) if is_it(counts) => Standing::Needed,
                    (None, _) => Standing::Unnamed,
                }
            }
            Kind::Leaves => Standing::Unnamed,
        }
    }
}

/// The entry that holds the key of a scope.
pub fn scope_entry(subject: AccountId, scope: ScopeId) -> Key {
    (Name { kind: Kind::ScopeKey, subject: subject.0, scope: scope.0 }, 0)
}

/// The entries of a second factor: its secret, and its spare codes.
pub fn factor_entries(account: AccountId, counts: SecondFactorAt) -> [Key; 2] {
    [factor_entry(account, counts.generation), spare_codes_entry(account, counts.generation)]
}

/// The members who have a second factor by the blocks, and of whose entries one is missing.
pub fn factors_missing<'a>(
    state: &'a State,
    has: impl Fn(&Key) -> bool + 'a,
) -> impl Iterator<Item = (AccountId, SecondFactorAt)> + 'a {
    let lacks = move |account, counts| !factor_entries(account, counts).iter().all(&has);
    state.second_factors().filter(move |(account, counts)| lacks(*account, *counts))
}

/// The scopes that nobody has erased, and of whose key there is no entry.
pub fn scopes_without_key<'a>(
    state: &'a State,
    has: impl Fn(&Key) -> bool + 'a,
) -> impl Iterator<Item = (ScopeId, &'a Scope)> {
    let live = state.scopes.live().map(|(id, scope)| (*id, scope));
    live.filter(move |(id, scope)| !has(&scope_entry(scope.subject, *id)))
}

/// The members who have a password by the blocks, and of whose newest password no entry is among these.
pub fn locked_out<'a>(
    state: &State,
    keys: impl Iterator<Item = &'a Key>,
) -> impl Iterator<Item = (AccountId, CredentialAt)> {
    let of_passwords = keys.filter(|(name, _)| name.kind == Kind::Credential);
    let held: BTreeSet<(u64, u16)> =
        of_passwords.map(|(name, generation)| (name.subject, *generation)).collect();
    let has =
        move |account: AccountId, counts: CredentialAt| held.contains(&(account.0, generation_of(counts)));
    state.credentials().filter(move |(account, counts)| !has(*account, *counts))
}

/// The generation of the entry that holds a password.
pub fn generation_of(counts: CredentialAt) -> u16 {
    // A slot has room for the low half of the number, which is enough: only neighbours lie in one vault.
    counts.commit.epoch as u16
}
