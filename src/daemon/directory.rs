//! The data directory: what is made on the first start, and what is found on every other.

use std::path::{Path, PathBuf};

use rand_core::CryptoRng;

use super::error::DaemonError;
use super::files;
use super::founding::{Found, Founding, Made, look, no_ledger};
use super::keys::{self, ServerKeys};
use super::lock::DirectoryLock;
use crate::eventlog::Disk;
use crate::session::Descriptor;
use crate::time::Timestamp;

/// A ledger's directory, used by this process alone.
#[derive(Debug)]
pub struct DataDirectory {
    path: PathBuf,
    _lock: DirectoryLock,
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
            Found::Ledger => DataDirectory::lock(path),
            found @ Found::Something(_) => Err(no_ledger(path, found)),
            Found::Nothing | Found::HalfMade => create(path, founding, rng),
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
            found => Err(no_ledger(path, found)),
        }
    }

    fn lock(path: PathBuf) -> Result<DataDirectory, DaemonError> {
        let lock = DirectoryLock::acquire(&path)?;
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

/// Where the ledger under `path` is, from the root. Takes no lock and changes nothing.
///
/// # Errors
/// [`DaemonError`] when there is no ledger.
pub(super) fn existing(path: &Path) -> Result<PathBuf, DaemonError> {
    let path = absolute(path)?;
    match look(&path)? {
        Found::Ledger => Ok(path),
        found => Err(no_ledger(path, found)),
    }
}

/// The newest descriptor of the ledger under `path`, and where that is from the root. Takes no lock and changes
/// nothing.
///
/// # Errors
/// [`DaemonError`] when there is no ledger or its descriptor cannot be read.
pub(super) fn descriptor(path: &Path) -> Result<(PathBuf, Descriptor), DaemonError> {
    let path = existing(path)?;
    let descriptor = keys::newest_descriptor(&path)?;
    Ok((path, descriptor))
}

/// Makes a ledger in a directory that holds none, and makes the directory if need be. The lock comes first, so that
/// two processes cannot make one ledger.
fn create(
    path: PathBuf,
    founding: &Founding<'_>,
    rng: &mut dyn CryptoRng,
) -> Result<DataDirectory, DaemonError> {
    files::create_private_dirs(&path).map_err(DaemonError::io_at("making", &path))?;
    let lock = DirectoryLock::acquire(&path)?;
    match look(&path)? {
        // Another process has finished between the look and the lock.
        Found::Ledger => return Ok(DataDirectory { path, _lock: lock }),
        found @ Found::Something(_) => return Err(no_ledger(path, found)),
        Found::HalfMade => {
            tracing::warn!(
                "a start was cut off while it made a ledger in {}; it is made anew",
                path.display()
            );
        }
        Found::Nothing => {}
    }
    let ledger = Made::new(founding, rng)?.write(&Disk::new(&path), &path, founding, rng)?;
    tracing::info!(%ledger, "made {}", path.display());
    Ok(DataDirectory { path, _lock: lock })
}

fn absolute(path: &Path) -> Result<PathBuf, DaemonError> {
    std::path::absolute(path).map_err(DaemonError::io_at("looking at", path))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "tests look at what is on disk")]

    use std::collections::BTreeMap;

    use super::*;
    use crate::crypto::random;
    use crate::daemon::founding::CONFIG;
    use crate::domain::Settings;
    use crate::eventlog::Options;
    use crate::terminal::exit::Exit;

    fn founding() -> Founding<'static> {
        let options = Options { segment_bytes: 64 << 10, ..Options::default() };
        static SETTINGS: std::sync::LazyLock<Settings> = std::sync::LazyLock::new(Settings::default);
        let now = Timestamp::from_millis(5);
        Founding { origin: Some("ledger.example/dir"), options, now, settings: &SETTINGS, passwords: None }
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
        let beside: Vec<_> = std::fs::read_dir(parent.path().join("a/b")).unwrap().collect();
        assert_eq!(beside.len(), 1, "nothing is left beside it: {beside:?}");

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
    }

    #[test]
    fn a_directory_with_a_configuration_and_what_a_file_system_puts_there_takes_a_ledger() {
        let parent = tempfile::tempdir().unwrap();
        std::fs::create_dir(parent.path().join("lost+found")).unwrap();
        std::fs::write(parent.path().join(CONFIG), "idle_ms = 50").unwrap();
        let made = open_or_create(parent.path()).unwrap();
        made.keys(Timestamp::default()).unwrap();
        assert!(parent.path().join("lost+found").exists());
        assert_eq!(std::fs::read(parent.path().join(CONFIG)).unwrap(), b"idle_ms = 50");
    }

    #[test]
    fn what_a_start_left_that_was_cut_off_never_counts_and_is_made_anew() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("ledger");
        std::fs::create_dir_all(path.join("keys")).unwrap();
        std::fs::write(path.join("UNFINISHED"), "").unwrap();
        std::fs::write(path.join("keys/log.seed"), [1; 32]).unwrap();
        std::fs::write(path.join("anchor"), "half").unwrap();
        let error = DataDirectory::open(&path).unwrap_err();
        assert!(error.to_string().contains("never finished"), "{error}");
        let made = open_or_create(&path).unwrap();
        assert_ne!(*made.keys(Timestamp::default()).unwrap().log_key.seed(), [1; 32]);
        assert!(!path.join("UNFINISHED").exists());
    }

    #[test]
    fn a_ledger_that_another_process_makes_is_left_to_it() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("ledger");
        std::fs::create_dir(&path).unwrap();
        std::fs::write(path.join("UNFINISHED"), "").unwrap();
        std::fs::write(path.join("anchor"), "half").unwrap();
        let _under_way = DirectoryLock::acquire(&path).unwrap();
        let before = snapshot(&path);
        assert_eq!(open_or_create(&path).unwrap_err().exit(), Exit::Busy);
        assert_eq!(snapshot(&path), before);
    }
}
