//! `LOCK`: one process at a time uses a directory.

use std::path::Path;

use super::error::DaemonError;
use crate::lock_file::{LockFile, NotLocked};

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
        let file = LockFile::try_lock(&path).map_err(|error| match error {
            NotLocked::HeldBy(pid) => DaemonError::InUse { path: directory.to_owned(), pid },
            NotLocked::Failed(error) => DaemonError::at_start("lock", &path)(error),
        })?;
        // A full disk must not keep a ledger closed.
        if let Some(error) = &file.not_named {
            tracing::warn!(%error, "{} does not name this process", path.display());
        }
        Ok(DirectoryLock { _file: file })
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
