//! The block of every command that was ever accepted, by the command's id, so that no command is applied twice.
//!
//! An index: a function of the log, which no rule reads. It is kept for ever and rebuilt by replay.

use std::collections::BTreeMap;

use crate::chain::{CommandId, Header};
use crate::crypto::KeyId;
use crate::domain::AccountId;

/// The block indexes of commands, by account and command id. A registration has no account yet: there the key takes the
/// account's place, so that strangers cannot occupy each other's ids.
#[derive(Clone, Debug, Default)]
pub struct CommandIndex {
    of_members: BTreeMap<(AccountId, CommandId), u64>,
    of_strangers: BTreeMap<(KeyId, CommandId), u64>,
}

impl CommandIndex {
    /// The block of the command with this header's identity.
    pub fn get(&self, header: &Header) -> Option<u64> {
        if header.account == AccountId::NONE {
            self.of_strangers.get(&(header.key_id, header.command_id)).copied()
        } else {
            self.of_members.get(&(header.account, header.command_id)).copied()
        }
    }

    /// The block of a member's command with this id.
    pub fn of_member(&self, account: AccountId, id: CommandId) -> Option<u64> {
        self.of_members.get(&(account, id)).copied()
    }

    /// Remembers an accepted command.
    pub fn insert(&mut self, header: &Header, index: u64) {
        if header.account == AccountId::NONE {
            self.of_strangers.insert((header.key_id, header.command_id), index);
        } else {
            self.of_members.insert((header.account, header.command_id), index);
        }
    }

    /// Number of commands.
    pub fn count(&self) -> u64 {
        (self.of_members.len() + self.of_strangers.len()) as u64
    }
}
