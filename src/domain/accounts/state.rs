//! The members as replay yields them.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Command, Event, Handle};
use crate::crypto::KeyId;
use crate::domain::{AccountId, Context};

/// One member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Account {
    /// The public name.
    pub handle: String,
    /// DER `SubjectPublicKeyInfo` of the signing key.
    pub public_key: Vec<u8>,
    /// Names that key.
    pub key_id: KeyId,
    /// Index of the registration's block.
    pub registered_at: u64,
}

/// All members, and the two ways in which a registration can clash with them.
#[derive(Clone, Debug, Default, Serialize)]
pub struct State {
    accounts: BTreeMap<AccountId, Account>,
    by_folded_handle: BTreeMap<String, AccountId>,
    by_key: BTreeMap<KeyId, AccountId>,
}

impl State {
    /// The member with this number.
    pub fn get(&self, account: AccountId) -> Option<&Account> {
        self.accounts.get(&account)
    }

    /// Whose handle this is, without regard to case.
    pub fn by_handle(&self, handle: &Handle) -> Option<AccountId> {
        self.by_folded_handle.get(&handle.folded()).copied()
    }

    /// Whose key this is.
    pub fn by_key(&self, key_id: &KeyId) -> Option<AccountId> {
        self.by_key.get(key_id).copied()
    }

    /// Number of members.
    pub fn count(&self) -> u64 {
        self.accounts.len() as u64
    }

    /// The number that the next member gets.
    pub fn next_id(&self) -> AccountId {
        AccountId(self.accounts.last_key_value().map_or(1, |(last, _)| last.0.saturating_add(1)))
    }
}

/// Takes a new member in.
pub fn apply(state: &mut State, command: &Command, event: &Event, context: &Context) {
    let (Command::Register(register), Event::Registered(registered)) = (command, event);
    state.by_folded_handle.insert(register.handle.to_ascii_lowercase(), registered.account);
    state.by_key.insert(context.key_id, registered.account);
    state.accounts.insert(
        registered.account,
        Account {
            handle: register.handle.clone(),
            public_key: register.public_key.clone(),
            key_id: context.key_id,
            registered_at: context.index,
        },
    );
}
