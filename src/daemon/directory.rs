//! The data directory: what is made on the first start, and what is found on every other.
//!
//! A new ledger is made as `DIR.new` and renamed to `DIR` when it is complete, so that `DIR` is a whole ledger
//! or none at all. The order, in which every step is durable before the next:
//!
//! ```text
//! mkdir DIR.new → lock DIR.new/LOCK → keys/* → log/, anchor → fsync(DIR.new)
//! → rename(DIR.new, DIR) → fsync(parent)
//! ```
//!
//! The lock is taken inside `DIR.new` and survives the renaming, so two processes cannot make one ledger.

use std::io;
use std::path::{Path, PathBuf};

use rand_core::CryptoRng;

use super::error::DaemonError;
use super::files;
use super::keys::{self, FirstKeys, KEYS, ServerKeys};
use super::lock::{DirectoryLock, LOCK};
use crate::chain::{Genesis, block_hash};
use crate::crypto::note::LogKey;
use crate::crypto::rsa::PrivateKey;
use crate::crypto::{LedgerId, random};
use crate::domain::Settings;
use crate::eventlog::{self, Disk, Options};
use crate::session::Descriptor;
use crate::time::Timestamp;

/// The names at the top of a ledger's directory that only a ledger has, all of them there from the start.
const LEDGER_NAMES: [&str; 4] = [LOCK, KEYS, "anchor", "log"];

/// The name of the configuration file in the data directory.
pub(super) const CONFIG: &str = "ledgerd.toml";

/// What makes the name of a ledger that was not named.
const DEFAULT_ORIGIN_PREFIX: &str = "ledgerd.local/";

/// A ledger's directory, used by this process alone.
#[derive(Debug)]
pub struct DataDirectory {
    path: PathBuf,
    _lock: DirectoryLock,
}

/// What a new ledger is made of.
#[derive(Debug)]
pub struct Founding<'a> {
    /// Its name in checkpoints and descriptors; one is made up when none is given.
    pub origin: Option<&'a str>,
    /// How its log is written.
    pub options: Options,
    /// The time of its genesis block.
    pub now: Timestamp,
    /// What holds for its whole life.
    pub settings: &'a Settings,
}

/// What is there under a path.
enum Found {
    Nothing,
    Ledger,
    Something(&'static str),
}

impl DataDirectory {
    /// Opens the ledger under `path`, making it if there is nothing.
    ///
    /// # Errors
    /// [`DaemonError`]. A directory that is neither empty nor a ledger, or that another process uses, is left
    /// as it is.
    pub fn open_or_create(
        path: &Path,
        founding: &Founding<'_>,
        rng: &mut dyn CryptoRng,
    ) -> Result<DataDirectory, DaemonError> {
        let path = absolute(path)?;
        match look(&path)? {
            Found::Nothing => create(&path, founding, rng),
            Found::Ledger => DataDirectory::lock(path),
            Found::Something(reason) => Err(DaemonError::NotALedger { path, reason }),
        }
    }

    /// Opens the ledger under `path`.
    ///
    /// # Errors
    /// [`DaemonError`]; whatever is there is left as it is.
    pub fn open(path: &Path) -> Result<DataDirectory, DaemonError> {
        let path = absolute(path)?;
        match look(&path)? {
            Found::Ledger => DataDirectory::lock(path),
            Found::Nothing => Err(DaemonError::NotALedger { path, reason: "does not hold a ledger" }),
            Found::Something(reason) => Err(DaemonError::NotALedger { path, reason }),
        }
    }

    fn lock(path: PathBuf) -> Result<DataDirectory, DaemonError> {
        let lock = DirectoryLock::acquire(&path)?;
        let staging = staging_path(&path)?;
        if staging.exists() {
            tracing::warn!("{} is what a start left that was cut off; it is not used", staging.display());
        }
        Ok(DataDirectory { path, _lock: lock })
    }

    /// Where the directory is, from the root.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the server's keys.
    ///
    /// # Errors
    /// [`DaemonError::Keys`] names the file that cannot be used.
    pub fn keys(&self, now: Timestamp) -> Result<ServerKeys, DaemonError> {
        ServerKeys::load(&self.path, now)
    }
}

/// The newest descriptor of the ledger under `path`, and where that is from the root. Takes no lock and changes
/// nothing.
///
/// # Errors
/// [`DaemonError`] when there is no ledger or its descriptor cannot be read.
pub(super) fn descriptor(path: &Path) -> Result<(PathBuf, Descriptor), DaemonError> {
    let path = absolute(path)?;
    match look(&path)? {
        Found::Ledger => {
            let descriptor = keys::newest_descriptor(&path)?;
            Ok((path, descriptor))
        }
        Found::Nothing => Err(DaemonError::NotALedger { path, reason: "does not hold a ledger" }),
        Found::Something(reason) => Err(DaemonError::NotALedger { path, reason }),
    }
}

/// Says what is under a path without changing anything.
fn look(path: &Path) -> Result<Found, DaemonError> {
    let failed = DaemonError::io_at("looking at", path);
    match std::fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) => return Err(failed(error)),
        Ok(metadata) if !metadata.is_dir() => return Ok(Found::Something("is not a directory")),
        Ok(_) => {}
    }
    let mut ours = 0;
    let mut names = 0;
    for entry in std::fs::read_dir(path).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        names += 1;
        ours += usize::from(LEDGER_NAMES.iter().any(|known| name == **known));
    }
    Ok(match (names, ours) {
        (0, _) => Found::Nothing,
        // A ledger that lost one of its parts is still one, and opening it will say what is missing.
        (_, 2..) => Found::Ledger,
        (1, 0) if path.join(CONFIG).exists() => Found::Something(
            "holds a configuration and no ledger: for the first start, name it with --config",
        ),
        _ => Found::Something("is not empty and holds no ledger"),
    })
}

/// Makes a ledger as `DIR.new`, whole and durable, and gives it its name.
fn create(
    path: &Path,
    founding: &Founding<'_>,
    rng: &mut dyn CryptoRng,
) -> Result<DataDirectory, DaemonError> {
    let parent = path.parent().unwrap_or(Path::new("/"));
    let staging = staging_path(path)?;
    files::create_dirs(parent).map_err(DaemonError::io_at("making", parent))?;
    let lock = occupy_staging(&staging)?;
    // Another process may have finished between the look and the lock.
    if !matches!(look(path)?, Found::Nothing) {
        return Err(DaemonError::InUse { path: path.to_owned(), pid: None });
    }
    let origin = founding.origin.map_or_else(|| made_up_origin(rng), str::to_owned);
    let log_key = LogKey::from_seed(&origin, &random::bytes(rng))
        .map_err(|error| DaemonError::Usage(format!("--origin {origin:?}: {error}")))?;
    tracing::info!(origin, "making a new ledger; its keys take a moment");
    let keys = FirstKeys { log_key, private: PrivateKey::generate(rng) };
    let genesis = Genesis {
        origin,
        log_key: *keys.log_key.public().bytes(),
        server_key: keys.private.public().spki().to_vec(),
        nonce: random::bytes(rng),
        settings: founding.settings.write(),
    };
    let block = genesis.to_block(founding.now);
    let id = LedgerId(block_hash(&block).0);
    keys.write(&staging, id, founding.now)?;
    eventlog::create(&Disk::new(&staging), id, &block, founding.options, rng)?;
    files::sync_dir(&staging).map_err(DaemonError::io_at("syncing", &staging))?;
    std::fs::rename(&staging, path).map_err(DaemonError::io_at("giving the new ledger its name,", path))?;
    files::sync_dir(parent).map_err(DaemonError::io_at("syncing", parent))?;
    tracing::info!(ledger = %id, "made {}", path.display());
    Ok(DataDirectory { path: path.to_owned(), _lock: lock })
}

/// Makes and locks `DIR.new`. What a start that was cut off left there never was a ledger: it is cleared away
/// when it holds nothing but what such a start makes, and refused otherwise.
fn occupy_staging(staging: &Path) -> Result<DirectoryLock, DaemonError> {
    let failed = DaemonError::io_at("making", staging);
    match files::create_private_dir(staging) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(failed(error)),
        _ => {}
    }
    let mut leftovers = Vec::new();
    for entry in std::fs::read_dir(staging).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        if !LEDGER_NAMES.iter().any(|known| name == **known) {
            let reason = "is in the way of making a ledger and holds something else";
            return Err(DaemonError::NotALedger { path: staging.to_owned(), reason });
        }
        leftovers.extend(Some(name).filter(|name| name != LOCK));
    }
    let lock = DirectoryLock::acquire(staging)?;
    for name in leftovers {
        let path = staging.join(&name);
        tracing::warn!("removing {}: a start that was cut off left it", path.display());
        let removed =
            if path.is_dir() { std::fs::remove_dir_all(&path) } else { files::remove_if_there(&path) };
        removed.map_err(DaemonError::io_at("removing", &path))?;
    }
    Ok(lock)
}

fn made_up_origin(rng: &mut dyn CryptoRng) -> String {
    format!("{DEFAULT_ORIGIN_PREFIX}{}", const_hex::encode(random::bytes::<8>(rng)))
}

fn absolute(path: &Path) -> Result<PathBuf, DaemonError> {
    std::path::absolute(path).map_err(DaemonError::io_at("looking at", path))
}

/// `DIR.new` beside `DIR`.
fn staging_path(path: &Path) -> Result<PathBuf, DaemonError> {
    let Some(name) = path.file_name() else {
        let reason = "has no name that a new directory beside it could be called after";
        return Err(DaemonError::NotALedger { path: path.to_owned(), reason });
    };
    let mut name = name.to_owned();
    name.push(".new");
    Ok(path.with_file_name(name))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "tests look at what is on disk")]

    use std::collections::BTreeMap;

    use super::*;
    use crate::cli::exit::Exit;

    fn founding() -> Founding<'static> {
        let options = Options { segment_bytes: 64 << 10 };
        static SETTINGS: std::sync::LazyLock<Settings> = std::sync::LazyLock::new(Settings::default);
        let now = Timestamp::from_millis(5);
        Founding { origin: Some("ledger.example/dir"), options, now, settings: &SETTINGS }
    }

    fn open_or_create(path: &Path) -> Result<DataDirectory, DaemonError> {
        DataDirectory::open_or_create(path, &founding(), &mut random::os())
    }

    /// Every file below a directory, with its content.
    fn snapshot(path: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        for entry in std::fs::read_dir(path).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files.extend(snapshot(&path));
                files.insert(path, Vec::new());
            } else {
                files.insert(path.clone(), std::fs::read(&path).unwrap());
            }
        }
        files
    }

    #[test]
    fn a_ledger_is_made_once_and_opened_afterwards() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("a/b/ledger");
        std::fs::create_dir_all(&path).unwrap();
        let made = open_or_create(&path).unwrap();
        let first = made.keys(Timestamp::default()).unwrap();
        assert_eq!(first.log_key.public().origin(), "ledger.example/dir");
        assert!(!path.with_file_name("ledger.new").exists());

        // The lock was taken under another name and holds under this one.
        let second = open_or_create(&path).unwrap_err();
        assert_eq!(second.exit(), Exit::Busy);
        assert!(second.to_string().contains(&std::process::id().to_string()), "{second}");
        drop(made);
        let again = open_or_create(&path).unwrap().keys(Timestamp::default()).unwrap();
        assert_eq!(again.current.descriptor, first.current.descriptor);
    }

    #[test]
    fn what_is_no_ledger_is_left_alone() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("home");
        std::fs::create_dir_all(path.join("log")).unwrap();
        std::fs::write(path.join("log/syslog"), "mine").unwrap();
        let before = snapshot(parent.path());
        for attempt in [open_or_create(&path), DataDirectory::open(&path)] {
            let error = attempt.unwrap_err();
            assert_eq!(error.exit(), Exit::Usage);
            assert!(error.to_string().contains("holds no ledger"), "{error}");
        }
        assert_eq!(snapshot(parent.path()), before);
        assert!(open_or_create(&path.join("log/syslog")).is_err());
        assert!(DataDirectory::open(&parent.path().join("nothing")).is_err());
        std::fs::remove_dir_all(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        std::fs::write(path.join(CONFIG), "").unwrap();
        let error = open_or_create(&path).unwrap_err().to_string();
        assert!(error.contains("--config"), "{error}");
        assert_eq!(snapshot(&path).len(), 1);
    }

    #[test]
    fn what_a_start_left_that_was_cut_off_never_counts() {
        let parent = tempfile::tempdir().unwrap();
        let (path, staging) = (parent.path().join("ledger"), parent.path().join("ledger.new"));
        std::fs::create_dir_all(staging.join(KEYS)).unwrap();
        std::fs::write(staging.join(KEYS).join("log.seed"), [1; 32]).unwrap();
        std::fs::write(staging.join("anchor"), "half").unwrap();
        assert!(DataDirectory::open(&path).is_err(), "a half-made ledger is none");
        let made = open_or_create(&path).unwrap();
        assert_ne!(*made.keys(Timestamp::default()).unwrap().log_key.seed(), [1; 32]);
        assert!(!staging.exists());
    }

    #[test]
    fn somebody_elses_files_in_the_way_are_not_removed_and_neither_is_a_start_under_way() {
        let parent = tempfile::tempdir().unwrap();
        let (path, staging) = (parent.path().join("ledger"), parent.path().join("ledger.new"));
        std::fs::create_dir(&staging).unwrap();
        std::fs::write(staging.join("letter"), "dear").unwrap();
        assert!(open_or_create(&path).unwrap_err().to_string().contains("ledger.new"));
        assert_eq!(std::fs::read(staging.join("letter")).unwrap(), b"dear");

        std::fs::remove_file(staging.join("letter")).unwrap();
        std::fs::write(staging.join("anchor"), "half").unwrap();
        let _under_way = DirectoryLock::acquire(&staging).unwrap();
        assert_eq!(open_or_create(&path).unwrap_err().exit(), Exit::Busy);
        assert_eq!(std::fs::read(staging.join("anchor")).unwrap(), b"half");
    }
}
