//! The data directory: made whole or not at all, used by one process at a time.

use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rand_core::CryptoRng;

use super::keys;
use crate::chain::Genesis;
use crate::chain::genesis::is_origin;
use crate::crypto::{LedgerId, random};
use crate::eventlog::{self, Disk, LogError, Options, Storage};
use crate::time::Timestamp;

/// Why a data directory cannot be used.
#[derive(Debug)]
pub enum DirectoryError {
    /// Another process uses it.
    InUse(String),
    /// A key file is missing, unreadable, or not of this ledger.
    Keys(PathBuf, String),
    /// The directory is something else than a ledger.
    NotALedger(PathBuf, &'static str),
    /// The origin is not one.
    Origin(String),
    /// The log cannot be opened or made.
    Log(LogError),
    /// The operating system refused something.
    Io(PathBuf, io::Error),
}

/// A directory that is locked for this process.
#[derive(Debug)]
pub struct Opened {
    /// Where it is.
    pub path: PathBuf,
    /// The door to it.
    pub storage: Arc<dyn Storage>,
    /// Held for the life of the process.
    _lock: File,
}

/// Opens the directory, making the ledger first if there is none.
///
/// # Errors
/// [`DirectoryError`].
pub(super) fn open(
    path: &Path,
    origin: Option<&str>,
    options: Options,
    wall: Timestamp,
    rng: &mut dyn CryptoRng,
) -> Result<Opened, DirectoryError> {
    let failed = |error| DirectoryError::Io(path.to_owned(), error);
    let exists = path.try_exists().map_err(failed)?;
    let empty = exists && path.is_dir() && fs::read_dir(path).map_err(failed)?.next().is_none();
    if !exists || empty {
        create(path, origin, options, wall, rng)?;
    }
    if !path.is_dir() {
        return Err(DirectoryError::NotALedger(path.to_owned(), "it is not a directory"));
    }
    let is_ledger = ["log", "keys"].iter().all(|name| path.join(name).is_dir());
    if !is_ledger {
        return Err(DirectoryError::NotALedger(path.to_owned(), "it has no log and no keys"));
    }
    let lock = lock(path)?;
    Ok(Opened { path: path.to_owned(), storage: Arc::new(Disk::new(path)), _lock: lock })
}

/// Takes the lock, or names who has it.
fn lock(path: &Path) -> Result<File, DirectoryError> {
    let name = path.join("LOCK");
    let failed = |error| DirectoryError::Io(name.clone(), error);
    let open = OpenOptions::new().create(true).truncate(false).read(true).write(true).mode(0o600).open(&name);
    let mut file = open.map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            // Who it is, is told for convenience; that there is somebody, is known.
            drop(file.take(64).read_to_string(&mut holder));
            return Err(DirectoryError::InUse(holder.trim().to_owned()));
        }
        Err(TryLockError::Error(error)) => return Err(failed(error)),
    }
    file.set_len(0).map_err(failed)?;
    writeln!(file, "{}", std::process::id()).map_err(failed)?;
    Ok(file)
}

/// Makes a ledger beside its place and moves it there when it is whole and durable.
fn create(
    path: &Path,
    origin: Option<&str>,
    options: Options,
    wall: Timestamp,
    rng: &mut dyn CryptoRng,
) -> Result<(), DirectoryError> {
    let origin = match origin {
        Some(origin) if is_origin(origin) => origin.to_owned(),
        Some(origin) => return Err(DirectoryError::Origin(origin.to_owned())),
        None => format!("ledgerd.local/{}", const_hex::encode(random::bytes::<8>(rng))),
    };
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let fresh = path.with_file_name(name);
    let failed = |error| DirectoryError::Io(fresh.clone(), error);
    if fresh.try_exists().map_err(failed)? {
        tracing::warn!(path = %fresh.display(), "removing a ledger that was not finished being made");
        fs::remove_dir_all(&fresh).map_err(failed)?;
    }
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        fs::create_dir_all(parent).map_err(failed)?;
    }
    DirBuilder::new().mode(0o700).create(&fresh).map_err(failed)?;
    let folder = fresh.join("keys");
    let (log_key, key) = keys::make(&folder, &origin, rng)?;
    let genesis = Genesis {
        origin,
        log_key: *log_key.public().bytes(),
        server_key: key.public().spki().to_vec(),
        nonce: random::bytes(rng),
        settings: Vec::new(),
    };
    let block = genesis.to_block(wall);
    let ledger_id = LedgerId(crate::chain::block_hash(&block).0);
    keys::describe(&folder, &log_key, ledger_id, 1, &key, wall)?;
    let disk = Disk::new(&fresh);
    eventlog::create(&disk, ledger_id, &block, options, rng).map_err(DirectoryError::Log)?;
    File::open(&fresh).and_then(|folder| folder.sync_all()).map_err(failed)?;
    fs::rename(&fresh, path).map_err(failed)?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(parent).and_then(|folder| folder.sync_all()).map_err(failed)?;
    tracing::info!(path = %path.display(), ledger = %ledger_id, origin = genesis.origin, "ledger created");
    Ok(())
}

impl fmt::Display for DirectoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DirectoryError::InUse(pid) => write!(f, "the directory is in use by process {pid}"),
            DirectoryError::Keys(path, reason) => write!(f, "{}: {reason}", path.display()),
            DirectoryError::NotALedger(path, reason) => {
                write!(f, "{} is not a ledger: {reason}; nothing was touched", path.display())
            }
            DirectoryError::Origin(origin) => {
                write!(f, "--origin {origin:?}: expected 1 to 128 printable characters without spaces and +")
            }
            DirectoryError::Log(error) => error.fmt(f),
            DirectoryError::Io(path, error) => write!(f, "{}: {error}", path.display()),
        }
    }
}

impl std::error::Error for DirectoryError {}
