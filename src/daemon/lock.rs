//! `LOCK`: one process at a time uses a directory. The lock is the operating system's and goes with the
//! process, however it ends; the number in the file only tells people whom they are waiting for.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use super::error::DaemonError;

/// The lock's file name.
pub(super) const LOCK: &str = "LOCK";

/// A lock that is held until this is dropped.
#[derive(Debug)]
pub struct DirectoryLock {
    _file: File,
}

impl DirectoryLock {
    /// Locks a directory that exists.
    ///
    /// # Errors
    /// [`DaemonError::InUse`] at once when another process holds it, with that process's number.
    pub fn acquire(directory: &Path) -> Result<DirectoryLock, DaemonError> {
        let path = directory.join(LOCK);
        let failed = DaemonError::io_at("locking", &path);
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut file = options.open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(DaemonError::InUse { path: directory.to_owned(), pid: holder(&mut file) });
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        // A full disk must not keep a ledger closed.
        if let Err(error) = write_pid(&mut file) {
            tracing::warn!(%error, "{} does not name this process", path.display());
        }
        Ok(DirectoryLock { _file: file })
    }
}

fn write_pid(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.write_all(format!("{}\n", std::process::id()).as_bytes())
}

/// The number in the file. The holder may have taken the lock a moment ago and not have written it yet.
fn holder(file: &mut File) -> Option<u32> {
    for _ in 0..20 {
        let mut text = String::new();
        file.rewind().ok()?;
        file.take(32).read_to_string(&mut text).ok()?;
        if let Some(pid) = text.strip_suffix('\n') {
            return pid.parse().ok();
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    None
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "tests look at what is on disk")]

    use super::*;
    use crate::cli::exit::Exit;

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
