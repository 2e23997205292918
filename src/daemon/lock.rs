//! `LOCK`: one process at a time uses a directory.

use std::path::Path;

use super::error::DaemonError;
use crate::lock_file::{LockFile, NotLocked, ReadLock};

/// The lock's file name.
pub(super) const LOCK: &str = "LOCK";

/// A lock that is held until this is dropped.
#[derive(Debug)]
pub struct DirectoryLock {
    _file: LockFile,
}

impl DirectoryLock {
    /// Locks a directory that exists.
    ///
    /// # Errors
    /// [`DaemonError::InUse`] at once when another process holds it, with that process's number.
    pub fn acquire(directory: &Path) -> Result<DirectoryLock, DaemonError> {
        let path = directory.join(LOCK);
        let file = LockFile::try_lock(&path).map_err(not_locked(directory, &path))?;
        // A full disk must not keep a ledger closed.
        if let Some(error) = &file.not_named {
            tracing::warn!(%error, "{} does not name this process", path.display());
        }
        Ok(DirectoryLock { _file: file })
    }
}

/// Keeps everybody out of a directory who would change something in it, and changes nothing itself; none where there is no
/// lock file, as in a copy.
///
/// # Errors
/// [`DaemonError::InUse`] at once when a process uses it to change something.
pub fn keep_as_it_is(directory: &Path) -> Result<Option<ReadLock>, DaemonError> {
    let path = directory.join(LOCK);
    ReadLock::try_lock(&path).map_err(not_locked(directory, &path))
}

fn not_locked(directory: &Path, lock: &Path) -> impl FnOnce(NotLocked) -> DaemonError {
    move |error| match error {
        NotLocked::HeldBy(pid) => DaemonError::InUse { path: directory.to_owned(), pid },
        NotLocked::Failed(error) => DaemonError::at_start("lock", lock)(error),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "tests look at what is on disk")]

    use super::*;
    use crate::terminal::exit::Exit;

    #[test]
    fn the_second_is_told_who_the_first_is_and_comes_in_when_it_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let first = DirectoryLock::acquire(dir.path()).unwrap();
        match DirectoryLock::acquire(dir.path()) {
            Err(error @ DaemonError::InUse { pid: Some(pid), .. }) if pid == std::process::id() => {
                assert_eq!(error.exit(), Exit::Busy);
                assert!(error.to_string().contains(&pid.to_string()));
            }
            other => panic!("{other:?}"),
        }
        drop(first);
        assert!(DirectoryLock::acquire(dir.path()).is_ok());
    }

    #[test]
    fn what_a_dead_process_left_in_the_file_does_not_matter() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(LOCK), "4294967295000 nonsense").unwrap();
        let _lock = DirectoryLock::acquire(dir.path()).unwrap();
        let text = std::fs::read_to_string(dir.path().join(LOCK)).unwrap();
        assert_eq!(text, format!("{}\n", std::process::id()));
    }
}
