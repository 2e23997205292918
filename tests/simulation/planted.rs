//! Bugs, planted one at a time through the seams of the simulator. A simulator that does not find them would
//! not find ours.

use std::io;
use std::sync::{Arc, Mutex};

use ledgerd::eventlog::{Access, Lies, SimDisk, Storage, StorageFile};
use ledgerd::ledger::Ledger;
use ledgerd::service::SecretsBug;

use super::search;
use super::template::template;

/// Seeds within which every planted bug has to be found.
const SEEDS: u64 = 500;

/// A bug that the server could have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bug {
    /// Batches are not synced.
    NoSync,
    /// The names of new segments are not synced.
    NoDirectorySync,
    /// Replies leave before the sync.
    ReplyBeforeSync,
    /// A failed sync is tried again.
    RetriedSync,
    /// What was written before a restart is not written again.
    NoRewrite,
    /// The anchor is not used.
    NoAnchor,
    /// The table of command ids is not rebuilt.
    NoCommandIds,
    /// A damaged log is cut off in the middle.
    CutInTheMiddle,
    /// Commands are decided without a look at whether there is room for their blocks.
    NoRoomAsked,
    /// What is put into the vault is not synced before the log is.
    NoVaultSync,
    /// Secrets are destroyed before the block that erases them is written.
    DestroyedBeforeTheBlock,
    /// A start does not carry out what the blocks have erased.
    NoErasureAtStart,
    /// A password is put in the place of the one before it, before the block is written.
    PasswordOverwritten,
    /// That a code was used is kept in memory, and told before it is in the vault.
    CodesKeptInMemory,
    /// The key that the vault was under is destroyed before the slots under the next one are synced.
    KeyForgottenBeforeTheSync,
}

pub(super) fn prepare(disk: &SimDisk, bug: Option<Bug>) {
    disk.set_lies(Lies {
        ignores_sync: bug == Some(Bug::NoSync),
        ignores_sync_dir: bug == Some(Bug::NoDirectorySync),
    });
}

pub(super) fn storage(disk: &SimDisk, bug: Option<Bug>) -> Arc<dyn Storage> {
    match bug {
        Some(Bug::ReplyBeforeSync | Bug::RetriedSync | Bug::NoRewrite | Bug::NoVaultSync) => {
            Arc::new(BuggyStorage { disk: disk.clone(), bug })
        }
        _ => Arc::new(disk.clone()),
    }
}

/// The bug, where it is one of how the service uses its vault.
pub(super) fn of_secrets(bug: Option<Bug>) -> Option<SecretsBug> {
    match bug {
        Some(Bug::DestroyedBeforeTheBlock) => Some(SecretsBug::DestroyedEarly),
        Some(Bug::NoErasureAtStart) => Some(SecretsBug::NotSwept),
        Some(Bug::PasswordOverwritten) => Some(SecretsBug::PasswordOverwritten),
        Some(Bug::CodesKeptInMemory) => Some(SecretsBug::CodesInMemory),
        Some(Bug::KeyForgottenBeforeTheSync) => Some(SecretsBug::KeyForgottenEarly),
        _ => None,
    }
}

/// Whether acknowledged blocks rot in this world.
pub(super) fn has_rot(bug: Option<Bug>) -> bool {
    matches!(bug, Some(Bug::NoAnchor | Bug::CutInTheMiddle))
}

pub(super) fn cuts_in_the_middle(bug: Option<Bug>) -> bool {
    bug == Some(Bug::CutInTheMiddle)
}

/// Lets the last batch rot, and makes the server as blind to it as the bug would.
pub(super) fn before_start(disk: &SimDisk, bug: Option<Bug>, seed: u64) {
    if !has_rot(bug) || !seed.is_multiple_of(2) {
        return;
    }
    let last = disk.image().into_keys().rfind(|path| path.ends_with(".seg"));
    if let Some(path) = last
        && let Some(mut bytes) = disk.bytes(&path)
        && let Some(end) = bytes.iter().rposition(|byte| *byte != 0)
    {
        bytes[end.saturating_sub(40)] ^= 1;
        disk.put(&path, &bytes);
    }
    if bug == Some(Bug::NoAnchor) {
        forget_anchor(disk);
    }
}

/// An anchor that knows of nothing but the beginning, and of no clean close.
fn forget_anchor(disk: &SimDisk) {
    let mut anchor = template().anchor.clone();
    for slot in anchor.chunks_mut(4_096) {
        slot[104] = 0;
        let checksum = crc32c::crc32c(&slot[..105]);
        slot[105..109].copy_from_slice(&checksum.to_be_bytes());
    }
    disk.put("anchor", &anchor);
}

/// Cuts a log off at a damaged frame, whatever follows.
pub(super) fn cut(disk: &SimDisk, file: &str, offset: u64) {
    if let Some(mut bytes) = disk.bytes(file) {
        bytes[offset as usize..].fill(0);
        disk.put(file, &bytes);
    }
    forget_anchor(disk);
}

pub(super) fn after_start(mut ledger: Ledger, bug: Option<Bug>) -> Ledger {
    if bug == Some(Bug::NoCommandIds) {
        ledger.forget_commands();
    }
    if bug == Some(Bug::NoRoomAsked) {
        ledger.log_mut().take_room_for_granted();
    }
    ledger
}

/// A storage with a bug between the log and the disk.
#[derive(Debug)]
struct BuggyStorage {
    disk: SimDisk,
    bug: Option<Bug>,
}

impl Storage for BuggyStorage {
    fn list(&self, directory: &str) -> io::Result<Vec<String>> {
        self.disk.list(directory)
    }

    fn open(&self, path: &str, access: Access) -> io::Result<Box<dyn StorageFile>> {
        let file = self.disk.open(path, access)?;
        let of_vault = path.starts_with("vault/");
        Ok(Box::new(BuggyFile { file, of_vault, bug: self.bug, late: Mutex::new(false) }))
    }

    fn create_dir(&self, path: &str) -> io::Result<()> {
        self.disk.create_dir(path)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.disk.remove(path)
    }

    fn sync_dir(&self, path: &str) -> io::Result<()> {
        self.disk.sync_dir(path)
    }
}

#[derive(Debug)]
struct BuggyFile {
    file: Box<dyn StorageFile>,
    bug: Option<Bug>,
    /// Whether it is one of the vault.
    of_vault: bool,
    /// A sync that was reported and not made yet.
    late: Mutex<bool>,
}

impl StorageFile for BuggyFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(buffer, offset)
    }

    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        if std::mem::take(&mut *self.late.lock().unwrap()) {
            self.file.sync_data()?;
        }
        if self.bug == Some(Bug::NoRewrite) {
            let mut there = vec![0; bytes.len()];
            let read = self.file.read_at(&mut there, offset)?;
            if read == bytes.len() && there == bytes {
                return Ok(read);
            }
        }
        self.file.write_at(bytes, offset)
    }

    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn allocate(&mut self, len: u64) -> io::Result<()> {
        self.file.allocate(len)
    }

    fn sync_data(&mut self) -> io::Result<()> {
        match self.bug {
            Some(Bug::ReplyBeforeSync) => {
                *self.late.lock().unwrap() = true;
                Ok(())
            }
            Some(Bug::NoVaultSync) if self.of_vault => Ok(()),
            Some(Bug::RetriedSync) => self.file.sync_data().or_else(|_| self.file.sync_data()),
            _ => self.file.sync_data(),
        }
    }
}

fn is_found(bug: Bug) {
    let found = search(0..SEEDS, Some(bug));
    assert!(found.is_some(), "{bug:?} was not found in {SEEDS} seeds");
}

#[test]
fn a_server_that_does_not_sync_is_found() {
    is_found(Bug::NoSync);
}

#[test]
fn a_server_that_does_not_sync_directories_is_found() {
    is_found(Bug::NoDirectorySync);
}

#[test]
fn a_server_that_replies_before_the_sync_is_found() {
    is_found(Bug::ReplyBeforeSync);
}

#[test]
fn a_server_that_tries_a_failed_sync_again_is_found() {
    is_found(Bug::RetriedSync);
}

#[test]
fn a_server_that_does_not_write_again_what_a_restart_found_is_found() {
    is_found(Bug::NoRewrite);
}

#[test]
fn a_server_without_an_anchor_is_found() {
    is_found(Bug::NoAnchor);
}

#[test]
fn a_server_that_forgets_command_ids_is_found() {
    is_found(Bug::NoCommandIds);
}

#[test]
fn a_server_that_cuts_its_log_in_the_middle_is_found() {
    is_found(Bug::CutInTheMiddle);
}

#[test]
fn a_server_that_decides_without_asking_for_room_is_found() {
    is_found(Bug::NoRoomAsked);
}

#[test]
fn a_server_that_does_not_sync_its_vault_before_its_log_is_found() {
    is_found(Bug::NoVaultSync);
}

#[test]
fn a_server_that_destroys_before_the_block_stands_is_found() {
    is_found(Bug::DestroyedBeforeTheBlock);
}

#[test]
fn a_server_that_does_not_erase_at_its_start_is_found() {
    is_found(Bug::NoErasureAtStart);
}

#[test]
fn a_server_that_overwrites_a_password_before_the_block_is_found() {
    is_found(Bug::PasswordOverwritten);
}

#[test]
fn a_server_that_keeps_it_in_memory_which_codes_were_used_is_found() {
    is_found(Bug::CodesKeptInMemory);
}

#[test]
fn a_server_that_forgets_the_key_of_its_vault_too_early_is_found() {
    is_found(Bug::KeyForgottenBeforeTheSync);
}
