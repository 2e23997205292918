//! A file that is locked while somebody uses what it stands for, and that names the process which does. The lock is
//! the operating system's and goes with the process, however it ends; the number in the file only tells people whom
//! they are waiting for.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

/// Times that an empty file is looked at again: the holder may have taken the lock a moment ago and not have written
/// its number yet.
const LOOKS: u32 = 20;

/// The pause between two looks.
const LOOK_PAUSE: Duration = Duration::from_millis(10);

/// A lock that is held until this is dropped.
#[derive(Debug)]
pub struct LockFile {
    file: File,
    /// Why the file does not name this process, if it does not. The lock holds all the same: a full disk must not
    /// keep anything closed.
    pub not_named: Option<io::Error>,
}

/// Why a file was not locked.
#[derive(Debug)]
pub enum NotLocked {
    /// Another process holds it: this one, if it is known.
    HeldBy(Option<u32>),
    /// The file cannot be made or opened.
    Failed(io::Error),
}

impl LockFile {
    /// Makes the file if it is not there and locks it, without waiting.
    ///
    /// # Errors
    /// [`NotLocked`].
    pub fn try_lock(path: &Path) -> Result<LockFile, NotLocked> {
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut file = options.open(path).map_err(NotLocked::Failed)?;
        match file.try_lock() {
            Ok(()) => {
                let not_named = name_this_process(&mut file).err();
                Ok(LockFile { file, not_named })
            }
            Err(TryLockError::WouldBlock) => Err(NotLocked::HeldBy(holder(&mut file))),
            Err(TryLockError::Error(error)) => Err(NotLocked::Failed(error)),
        }
    }
}

/// A lock that changes no byte of its file and that several may have at the same time. It keeps those out who would lock the
/// file to change something.
#[derive(Debug)]
pub struct ReadLock {
    _file: File,
}

impl ReadLock {
    /// Locks a file that is there, without waiting; none where there is no file, so that nobody can hold it.
    ///
    /// # Errors
    /// [`NotLocked`].
    pub fn try_lock(path: &Path) -> Result<Option<ReadLock>, NotLocked> {
        let mut file = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(NotLocked::Failed)?,
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(Some(ReadLock { _file: file })),
            Err(TryLockError::WouldBlock) => Err(NotLocked::HeldBy(holder(&mut file))),
            Err(TryLockError::Error(error)) => Err(NotLocked::Failed(error)),
        }
    }
}

/// A file that nobody holds names nobody, so that a program which locks it without writing into it is not taken for
/// the one before.
impl Drop for LockFile {
    fn drop(&mut self) {
        drop(self.file.set_len(0));
    }
}

fn name_this_process(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.write_all(format!("{}\n", std::process::id()).as_bytes())
}

/// The number in the file, if it is that of a process that is there.
fn holder(file: &mut File) -> Option<u32> {
    for _ in 0..LOOKS {
        let mut text = String::new();
        file.rewind().ok()?;
        file.take(32).read_to_string(&mut text).ok()?;
        if let Some(number) = text.strip_suffix('\n') {
            return number.parse().ok().filter(|number| is_there(*number));
        }
        std::thread::sleep(LOOK_PAUSE);
    }
    None
}

fn is_there(number: u32) -> bool {
    let pid = i32::try_from(number).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| test_kill_process(pid) != Err(Errno::SRCH))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "tests look at what is on disk")]

    use super::*;

    #[test]
    fn the_second_learns_who_the_first_is_and_comes_in_when_it_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let first = LockFile::try_lock(&path).unwrap();
        match LockFile::try_lock(&path) {
            Err(NotLocked::HeldBy(pid)) => assert_eq!(pid, Some(std::process::id())),
            other => panic!("{other:?}"),
        }
        drop(first);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "", "nobody holds it");
        assert!(LockFile::try_lock(&path).is_ok());
    }

    #[test]
    fn whoever_only_reads_changes_nothing_keeps_others_out_and_is_kept_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        assert!(ReadLock::try_lock(&path).unwrap().is_none());
        assert!(!path.exists());
        drop(LockFile::try_lock(&path).unwrap());
        let readers = [(); 2].map(|()| ReadLock::try_lock(&path).unwrap().unwrap());
        assert!(matches!(LockFile::try_lock(&path), Err(NotLocked::HeldBy(None))));
        assert_eq!(std::fs::read(&path).unwrap(), b"");
        drop(readers);
        let _writer = LockFile::try_lock(&path).unwrap();
        match ReadLock::try_lock(&path) {
            Err(NotLocked::HeldBy(pid)) => assert_eq!(pid, Some(std::process::id())),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_holder_that_is_not_in_the_file_is_not_known() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        // A number that no process can have, as a process that was killed may leave one behind.
        for text in ["2147483646\n", "4294967295000 nonsense\n"] {
            std::fs::write(&path, text).unwrap();
            let other = File::open(&path).unwrap();
            other.lock().unwrap();
            assert!(matches!(LockFile::try_lock(&path), Err(NotLocked::HeldBy(None))), "{text:?}");
        }
    }
}
