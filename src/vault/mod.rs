//! The vault: the secrets that make sealed text readable and passwords work. They lie beside the log and not in it, so that
//! they can be destroyed while every proof over the log still holds.
//!
//! The vault is a map from names to secrets, each of 32 bytes and up to 64 pages of content. What a turn of the daemon
//! changes is one list of changes, handed over once. Nobody outside this room knows of slots and pages.
//!
//! ```text
//! name     what an entry is called: its kind, whose it is, and the scope
//! slot     the format of an entry: 128 bytes, overwritten in one sector
//! page     the format of an entry's content: pages of 4 KiB under a key that lies in the slot
//! header   how far the log was durable when the vault was synced
//! room     which places of a file are free
//! places   a file of slots or of pages, and room for more of them
//! reader   what lies in the files, read and never changed
//! file     the vault on a disk: opening, putting, destroying
//! backup, backup_key   the format of a backup, and the key that it is under
//! sealing  the way of a secret into the files
//! rewrap   the way of a vault from one key to the next
//! restore  a vault that takes the place of another one, or of none
//! kek_file the files of the keys that the entries are under
//! factor   how a second factor lies in entries
//! standing what the blocks say of an entry: whether they need it
//! ```
//!
//! The formats are those of `docs/vault-format.md`.

mod backup;
mod backup_key;
mod error;
mod factor;
mod file;
mod header;
mod kek_file;
mod name;
mod page;
mod places;
mod reader;
mod restore;
mod rewrap;
mod room;
mod sealing;
mod slot;
mod standing;

pub use backup::{BackupError, BackupHead, BackupReader, BackupWriter, entry_bytes};
pub use backup_key::{BackupKey, NotABackupKey};
pub use error::VaultError;
pub use factor::{FactorEntry, factor_entry, spare_codes_entry};
pub use file::VaultFile;
pub use header::Header;
pub use kek_file::{FIRST_KEK, kek_missing, make_kek, newest_kek, read_kek, read_keks};
pub use name::{Kek, Keks, Kind, Name};
pub use page::{
    CONTENT_BYTES_MAX, PAGE_BYTES, PAGES_MAX, PageKey, PagesBroken, open_pages, pages_for, seal_pages,
};
pub use reader::{DamagedSlot, Key, Position, Secret, VaultReader};
pub use restore::Restoring;
pub use rewrap::Rewrapped;
pub use slot::{PageRange, SLOT_BYTES, Slot, SlotDamaged, SlotSealed};
pub use standing::{
    Standing, factor_entries, factors_missing, generation_of, locked_out, scope_entry, scopes_without_key,
};
