//! The members as replay yields them.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{Command, Event, Handle, Register, Role};
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
    roles: BTreeSet<(Role, AccountId)>,
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

    /// Whether a member has a role.
    pub fn has_role(&self, account: AccountId, role: Role) -> bool {
        self.roles.contains(&(role, account))
    }

    /// Whether a member is an operator.
    pub fn is_operator(&self, account: AccountId) -> bool {
        self.has_role(account, Role::Operator)
    }

    /// How many members have a role.
    pub fn holders(&self, role: Role) -> u64 {
        self.roles.iter().filter(|(held, _)| *held == role).count() as u64
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

/// Takes a new member in, or gives or takes a role. `operator` is the key that genesis names.
pub fn apply(
    state: &mut State,
    command: &Command,
    event: &Event,
    operator: Option<&KeyId>,
    context: &Context,
) {
    match (command, event) {
        (Command::Register(register), Event::Registered(registered)) => {
            register_member(state, register, registered.account, context);
            if operator == Some(&context.key_id) {
                state.roles.insert((Role::Operator, registered.account));
            }
        }
        (Command::GrantRole(grant), _) => {
            state.roles.insert((grant.role, grant.account));
        }
        (Command::RevokeRole(revoke), _) => {
            state.roles.remove(&(revoke.role, revoke.account));
        }
        // A block that pairs them otherwise does not decode as a transaction.
        (Command::Register(_), _) => {}
    }
}

fn register_member(state: &mut State, register: &Register, account: AccountId, context: &Context) {
    state.by_folded_handle.insert(register.handle.to_ascii_lowercase(), account);
    state.by_key.insert(context.key_id, account);
    let member = Account {
        handle: register.handle.clone(),
        public_key: register.public_key.clone(),
        key_id: context.key_id,
        registered_at: context.index,
    };
    state.accounts.insert(account, member);
}
