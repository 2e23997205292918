//! Backups of a vault that nobody serves, and the way back. The log is replayed for both, so that what its blocks have erased
//! goes neither into a backup nor back into a vault.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rand_core::CryptoRng;

use super::config;
use super::directory::{self, DataDirectory};
use super::error::DaemonError;
use super::founding::CONFIG;
use super::lock::keep_as_it_is;
use crate::audit::{Replayed, replay};
use crate::domain::State;
use crate::eventlog::{Disk, Storage};
use crate::time::Timestamp;
use crate::vault::{
    BackupError, BackupHead, BackupKey, BackupReader, BackupWriter, FIRST_KEK, Key, Position, Restoring,
    Standing, VaultError, VaultReader, entry_bytes, factors_missing, kek_missing, locked_out, make_kek,
    newest_kek, read_kek, read_keks, scopes_without_key,
};

/// Milliseconds of a day.
const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

/// What was done with a backup.
#[derive(Clone, Copy, Debug)]
pub struct BackedUp {
    /// What the backup says of itself.
    pub head: BackupHead,
    /// Entries that were there and that the log does not need: erased ones and those that no block names.
    pub left_out: u64,
    /// Scopes that nobody has erased, and whose keys are not there.
    pub missing: u64,
    /// Members whose passwords are not there.
    pub missing_passwords: u64,
    /// Members whose second factors are not there.
    pub missing_factors: u64,
}

/// How a backup is put back.
#[derive(Clone, Debug, Default)]
pub struct RestoreOptions {
    /// Whether a vault that is there is replaced.
    pub replace: bool,
    /// Whether the backup may be of any age.
    pub any_age: bool,
    /// The configuration that says how old a backup may be, if it is not the one in the ledger's directory.
    pub config: Option<PathBuf>,
}

/// Writes a backup of the vault of the ledger in `data`, which nobody may serve meanwhile. Nothing of it is changed.
///
/// # Errors
/// [`DaemonError`].
pub fn back_up_vault(
    data: &Path,
    key: &BackupKey,
    now: Timestamp,
    to: &mut dyn Write,
) -> Result<BackedUp, DaemonError> {
    let data = directory::existing(data)?;
    let _unchanged = keep_as_it_is(&data)?;
    let disk = Disk::new(&data);
    let vault = VaultReader::look(&disk)?.ok_or(VaultError::Missing)?;
    let keks = read_keks(&disk, vault.header().kek)?.ok_or_else(|| kek_missing(vault.header().kek))?;
    let header = *vault.header();
    let position = Position { durable: header.durable, head: header.head };
    let replayed = replay(&disk, position.durable).map_err(DaemonError::log_at_start(&data))?;
    if header.ledger_id != replayed.replica.ledger_id() {
        return Err(VaultError::Foreign(header.ledger_id).into());
    }
    check_position(&replayed, position)?;
    let state = replayed.replica.state();
    let needed: Vec<Key> = vault.keys().filter(|key| is_needed(state, key)).copied().collect();
    let bytes = needed.iter().filter_map(|key| vault.content_bytes(key)).map(entry_bytes);
    let head = BackupHead {
        ledger_id: header.ledger_id,
        position,
        generation: header.generation,
        made_at: Timestamp::from_millis(now.millis()),
        entries: needed.len() as u64,
        bytes: bytes.sum(),
    };
    let mut writer = BackupWriter::begin(&head, key, to)?;
    for key in &needed {
        // A secret that cannot be opened is not one that may be missing without a word.
        let secret = vault.read_with(key, &keks)?.ok_or(VaultError::Sealed(key.0))?;
        writer.entry(key, &secret)?;
    }
    writer.finish()?;
    let left_out = (vault.keys().count() - needed.len()) as u64;
    let missing = scopes_without_key(state, |key| vault.has(key)).count() as u64;
    let missing_passwords = locked_out(state, vault.keys()).count() as u64;
    let missing_factors = factors_missing(state, |key| vault.has(key)).count() as u64;
    Ok(BackedUp { head, left_out, missing, missing_passwords, missing_factors })
}

/// Puts a backup in the place of the vault of the ledger in `data`, which nobody may serve meanwhile. What the log has erased is
/// not put back. After a crash there is the vault of before or that of the backup.
///
/// # Errors
/// [`DaemonError`]; the vault that was there is as it was, unless the error is one of the disk.
pub fn restore_vault(
    data: &Path,
    key: &BackupKey,
    options: &RestoreOptions,
    (now, rng): (Timestamp, &mut dyn CryptoRng),
    from: &mut dyn Read,
) -> Result<BackedUp, DaemonError> {
    let directory = DataDirectory::open(data)?;
    let data = directory.path();
    let disk: Arc<dyn Storage> = Arc::new(Disk::new(data));
    let disk = disk.as_ref();
    let mut backup = BackupReader::begin(key, from)?;
    let head = *backup.head();
    check_age(data, options, &head, now)?;
    let replayed = replay(disk, head.position.durable).map_err(DaemonError::log_at_start(data))?;
    if head.ledger_id != replayed.replica.ledger_id() {
        return Err(DaemonError::OtherLedgersBackup(head.ledger_id));
    }
    check_position(&replayed, head.position)?;
    let before = VaultReader::look(disk);
    if !matches!(before, Ok(None)) && !options.replace {
        let is = match &before {
            Err(error) => format!("there is a vault already ({}: {error})", error.name()),
            Ok(_) => "there is a vault already".to_owned(),
        };
        return Err(DaemonError::Usage(format!(
            "{}: {is}; --replace puts the backup in its place, and what the vault has and the backup has not is lost",
            data.display()
        )));
    }
    let state = replayed.replica.state();
    let number = newest_kek(disk)?.unwrap_or(FIRST_KEK);
    let kek = match read_kek(disk, number)? {
        Some(kek) => kek,
        None => make_kek(disk, number, rng)?,
    };
    let mut restoring = Restoring::begin(disk, head.ledger_id, kek)?;
    let left_out = match put_all(&mut backup, &mut restoring, state, rng) {
        Ok(left_out) => left_out,
        Err(error) => {
            restoring.abandon();
            return Err(error);
        }
    };
    let missing = scopes_without_key(state, |key| restoring.has(key)).count() as u64;
    let missing_passwords = locked_out(state, restoring.keys()).count() as u64;
    let missing_factors = factors_missing(state, |key| restoring.has(key)).count() as u64;
    let newest = before.ok().flatten().map_or(0, |before| before.header().generation);
    restoring.finish(replayed.durable, newest.max(head.generation))?;
    Ok(BackedUp { head, left_out, missing, missing_passwords, missing_factors })
}

/// Puts the entries of a backup that the log asks for; gives how many it does not ask for.
fn put_all(
    backup: &mut BackupReader<'_>,
    restoring: &mut Restoring<'_>,
    state: &State,
    rng: &mut dyn CryptoRng,
) -> Result<u64, DaemonError> {
    let mut left_out = 0;
    while let Some((key, secret)) = backup.entry()? {
        if !is_needed(state, &key) {
            left_out += 1;
        } else if !restoring.put(&key, &secret, rng)? {
            return Err(BackupError::Damaged.into());
        }
    }
    Ok(left_out)
}

/// Whether the log has the blocks up to this position.
fn check_position(replayed: &Replayed, seen: Position) -> Result<(), DaemonError> {
    let log = replayed.replica.frontier().size();
    match replayed.head {
        None => Err(VaultError::Ahead { vault: seen.durable, log }.into()),
        Some(head) if head != seen.head => Err(VaultError::Mismatch { blocks: seen.durable }.into()),
        Some(_) => Ok(()),
    }
}

fn check_age(
    data: &Path,
    options: &RestoreOptions,
    head: &BackupHead,
    now: Timestamp,
) -> Result<(), DaemonError> {
    let named = options.config.as_ref();
    let file = named.cloned().unwrap_or_else(|| data.join(CONFIG));
    let most = config::read(&file, named.is_some())?.limits.vault_backup_days;
    let age = now.millis().saturating_sub(head.made_at.millis());
    if options.any_age || age <= most.saturating_mul(DAY_MS) {
        return Ok(());
    }
    let (made_at, days) = (head.made_at, age / DAY_MS);
    Err(DaemonError::Usage(format!(
        "this backup was made at {made_at}, {days} days ago, which is more than vault_backup_days = {most}; --force takes it all the same"
    )))
}

fn is_needed(state: &State, key: &Key) -> bool {
    Standing::of(state, key) == Standing::Needed
}
