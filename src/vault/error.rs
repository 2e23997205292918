//! What can be wrong with a vault, as facts.

use std::fmt;
use std::io;

use super::name::Name;
use crate::crypto::LedgerId;
use crate::eventlog::is_full;

/// Why a vault cannot be opened, read or written.
#[derive(Debug)]
pub enum VaultError {
    /// There is no vault.
    Missing,
    /// Neither header is good.
    Damaged,
    /// It is the vault of another ledger.
    Foreign(LedgerId),
    /// The vault has seen more blocks than the log has: the log is an older copy.
    Ahead {
        /// Blocks that the vault has seen.
        vault: u64,
        /// Blocks that the log has.
        log: u64,
    },
    /// The log is another one than the vault has seen.
    Mismatch {
        /// Blocks that the vault has seen.
        blocks: u64,
    },
    /// An entry does not open: it is under a key that is not there, or its bytes have changed.
    Sealed(Name),
    /// A key of the vault is not there, or is none.
    Key {
        /// The file, relative to the data directory.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The file of a key of the vault cannot be read, which says nothing about the key.
    KeyUnread {
        /// The file, relative to the data directory.
        file: String,
        /// What the storage says.
        source: io::Error,
    },
    /// There was no room for what room was not made for.
    NoRoom,
    /// The storage failed.
    Io {
        /// The file, relative to the data directory.
        file: &'static str,
        /// What was being done.
        operation: &'static str,
        /// What the storage says.
        source: io::Error,
    },
}

pub(super) fn io(file: &'static str, operation: &'static str) -> impl Fn(io::Error) -> VaultError {
    move |source| VaultError::Io { file, operation, source }
}

impl VaultError {
    /// The stable machine name.
    pub fn name(&self) -> &'static str {
        match self {
            VaultError::Missing => "vault_missing",
            VaultError::Damaged => "vault_damaged",
            VaultError::Foreign(_) | VaultError::Mismatch { .. } => "vault_mismatch",
            VaultError::Ahead { .. } => "vault_ahead",
            VaultError::Sealed(_) => "vault_sealed",
            VaultError::Key { .. } | VaultError::KeyUnread { .. } => "vault_key_unusable",
            VaultError::NoRoom => "vault_full",
            VaultError::Io { .. } => "io",
        }
    }

    /// Whether a write found no room, so that the same may be tried again. An error of a sync is none of these: after it nobody
    /// knows what is on the disk.
    pub fn is_want_of_room_to_write(&self) -> bool {
        matches!(self, VaultError::Io { operation: "write", source, .. } if is_full(source))
    }

    /// Whether the disk was full.
    pub fn is_want_of_room(&self) -> bool {
        matches!(self, VaultError::Io { source, .. } if is_full(source))
    }
}

impl fmt::Display for VaultError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            VaultError::Missing => {
                f.write_str("the vault is not there, and the ledger speaks of what lies in it")
            }
            VaultError::Damaged => f.write_str("the vault's header is damaged"),
            VaultError::Foreign(ledger_id) => write!(f, "this is the vault of the ledger {ledger_id}"),
            VaultError::Ahead { vault, log } => write!(
                f,
                "the vault has seen {vault} blocks, and the log has {log}: the log is an older copy than the vault"
            ),
            VaultError::Mismatch { blocks } => {
                write!(f, "the log has other blocks than the first {blocks} that the vault has seen")
            }
            VaultError::Sealed(name) => write!(f, "the entry {name:?} of the vault does not open"),
            VaultError::Key { file, reason } => write!(f, "{file}: {reason}"),
            VaultError::KeyUnread { file, source } => write!(f, "{file}: {source}"),
            VaultError::NoRoom => f.write_str("no room was made in the vault for what was put there"),
            VaultError::Io { file, operation, source } => write!(f, "{operation} {file}: {source}"),
        }
    }
}

impl std::error::Error for VaultError {}
