//! The client's home directory: 0700, every file 0600 and replaced as a whole, so that a crash leaves the old
//! one or the new one.
//!
//! ```text
//! key.pem                     the RSA key, PKCS#8 PEM, encrypted if it has a passphrase
//! known_servers               one pinned server a line
//! servers/<ledger>.descriptor the newest verified descriptor of a server
//! accounts/<ledger>.newest    the newest own block that the server gave a receipt of
//! accounts/<ledger>.json      the account on that ledger
//! tickets/<ledger>-<account>-<key>   resumption tickets
//! pending/*.journal           commands that were sent and not answered
//! manifests/<ledger>-<input>.json    runs of `add` that are not finished
//! witness.key                 the key of this home's witness, if it is one: its name and its seed
//! witness/<ledger>            the newest checkpoint that this home's witness has seen
//! evidence/<ledger>-<size>-<root>.checkpoint  notes of a server that contradicted itself
//! lock                        held while known_servers is changed; names the process that holds it
//! ```
#![expect(clippy::disallowed_methods, reason = "the client's files are read and written here")]

use std::fmt;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use etcetera::BaseStrategy;

use super::{ClientError, clock};
use crate::lock_file::{LockFile, NotLocked};

/// Hears what is worth saying beside the outcome: whom a program is waiting for, what could not be kept.
pub type Tell = dyn Fn(&str) + Send + Sync;

/// How long the lock of a home is waited for.
#[derive(Clone, Copy, Debug)]
struct Patience {
    /// After this long it is told who is waited for.
    tell: Duration,
    /// After this long the wait ends.
    end: Duration,
}

/// Patience of a program that has not done anything yet.
const PATIENCE: Patience = Patience { tell: Duration::from_secs(1), end: Duration::from_secs(30) };

/// Patience for what is good to keep and is no reason to hold a finished program back.
const LITTLE_PATIENCE: Patience = Patience { tell: Duration::MAX, end: Duration::from_secs(1) };

/// The pause between two attempts to take a lock.
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// The home directory; its folders exist.
#[derive(Clone)]
pub struct Home {
    root: PathBuf,
    tell: Arc<Tell>,
}

impl fmt::Debug for Home {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Home({})", self.root.display())
    }
}

impl Home {
    /// The directory that was asked for, or the usual one of this platform (XDG).
    ///
    /// # Errors
    /// [`ClientError`] when there is none or it cannot be made.
    pub fn open(wanted: Option<&Path>) -> Result<Home, ClientError> {
        let root = match wanted {
            Some(path) => path.to_owned(),
            None => etcetera::choose_base_strategy()
                .map_err(|_| ClientError::Usage("no home directory: use --home DIR".to_owned()))?
                .data_dir()
                .join("ledgerctl"),
        };
        for folder in
            ["", "servers", "accounts", "tickets", "pending", "manifests", "evidence", "witness", "sent"]
        {
            let path = root.join(folder);
            let made = DirBuilder::new().recursive(true).mode(0o700).create(&path);
            made.map_err(ClientError::file(&path))?;
        }
        Ok(Home { root, tell: Arc::new(|_| ()) })
    }

    /// The same home, which tells this what is worth saying.
    #[must_use]
    pub fn telling(self, tell: Arc<Tell>) -> Home {
        Home { tell, ..self }
    }

    /// Says something beside the outcome.
    pub fn tell(&self, text: &str) {
        (self.tell)(text);
    }

    /// A path in the directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// The text of a file, if it is there.
    ///
    /// # Errors
    /// [`ClientError::File`].
    pub fn read(&self, name: &str) -> Result<Option<String>, ClientError> {
        let path = self.path(name);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(ClientError::File(path, error)),
        }
    }

    /// Replaces a file, durably.
    ///
    /// # Errors
    /// [`ClientError::File`].
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), ClientError> {
        let path = self.path(name);
        let folder = path.parent().unwrap_or(&self.root);
        let write = || {
            // Temporary files are 0600 from the start.
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            file.write_all(bytes)?;
            file.as_file().sync_all()?;
            file.persist(&path).map_err(|error| error.error)?;
            File::open(folder)?.sync_all()
        };
        write().map_err(ClientError::file(&path))
    }

    /// Makes a file that must not be there yet, durably. False when it is there: what it holds stays.
    ///
    /// # Errors
    /// [`ClientError::File`].
    pub fn create(&self, name: &str, bytes: &[u8]) -> Result<bool, ClientError> {
        let path = self.path(name);
        let folder = path.parent().unwrap_or(&self.root);
        let create = || {
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            file.write_all(bytes)?;
            file.as_file().sync_all()?;
            match file.persist_noclobber(&path) {
                Ok(_) => {}
                Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
                Err(error) => return Err(error.error),
            }
            File::open(folder)?.sync_all()?;
            Ok(true)
        };
        create().map_err(ClientError::file(&path))
    }

    /// Removes a file if it is there.
    ///
    /// # Errors
    /// [`ClientError::File`].
    pub fn remove(&self, name: &str) -> Result<(), ClientError> {
        let path = self.path(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(ClientError::File(path, error)),
            _ => Ok(()),
        }
    }

    /// The names in a folder.
    ///
    /// # Errors
    /// [`ClientError::File`].
    pub fn list(&self, folder: &str) -> Result<Vec<String>, ClientError> {
        let path = self.path(folder);
        let entries = fs::read_dir(&path).map_err(ClientError::file(&path))?;
        let mut names: Vec<String> =
            entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        Ok(names)
    }

    /// Waits for the lock of the directory; it is released when what is returned is dropped. After a second it is
    /// told who is waited for.
    ///
    /// # Errors
    /// [`ClientError::InUse`] when another process held it for 30 seconds, [`ClientError::File`].
    pub fn lock(&self) -> Result<LockFile, ClientError> {
        self.lock_with(PATIENCE)
    }

    /// The same, for what is done when everything else is done: it waits a second and tells nobody.
    pub(super) fn lock_at_the_end(&self) -> Result<LockFile, ClientError> {
        self.lock_with(LITTLE_PATIENCE)
    }

    fn lock_with(&self, patience: Patience) -> Result<LockFile, ClientError> {
        let path = self.path("lock");
        let began = clock::now().mono.0;
        let mut told = false;
        loop {
            let holder = match LockFile::try_lock(&path) {
                Ok(lock) => return Ok(lock),
                Err(NotLocked::Failed(error)) => return Err(ClientError::File(path, error)),
                Err(NotLocked::HeldBy(pid)) => Holder(pid),
            };
            let waited = clock::now().mono.0.saturating_sub(began);
            if waited >= patience.end {
                return Err(ClientError::InUse(format!(
                    "{holder} has held {} for {} seconds: nothing was done. Try again when it has ended",
                    path.display(),
                    waited.as_secs()
                )));
            }
            if waited >= patience.tell && !told {
                told = true;
                self.tell(&format!("waiting for {holder}, which holds {}", path.display()));
            }
            std::thread::sleep(LOCK_PAUSE.min(patience.end.saturating_sub(waited)));
        }
    }
}

/// Who holds a lock, in words.
struct Holder(Option<u32>);

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(pid) => write!(f, "another ledgerctl (process {pid})"),
            None => f.write_str("another program"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    fn home() -> (tempfile::TempDir, Home) {
        let directory = tempfile::tempdir().unwrap();
        let home = Home::open(Some(directory.path())).unwrap();
        (directory, home)
    }

    #[test]
    fn whoever_waits_for_a_home_says_for_whom_and_comes_in_when_it_is_free() {
        let (_directory, home) = home();
        let first = home.lock().unwrap();
        let (sender, said) = channel();
        let second = home.clone().telling(Arc::new(move |text| sender.send(text.to_owned()).unwrap()));
        let patience = Patience { tell: Duration::ZERO, end: Duration::from_secs(600) };
        let waiting = std::thread::spawn(move || second.lock_with(patience).map(drop));
        let words = said.recv().unwrap();
        assert!(words.contains(&format!("(process {})", std::process::id())), "{words}");
        assert!(words.contains(&home.path("lock").display().to_string()), "{words}");
        drop(first);
        waiting.join().unwrap().unwrap();
        assert!(said.recv().is_err(), "told once");
    }

    #[test]
    fn a_wait_for_a_home_ends_and_names_the_holder_or_says_that_it_is_not_known() {
        let (_directory, home) = home();
        let patience = Patience { tell: Duration::MAX, end: Duration::ZERO };
        let lock = home.lock().unwrap();
        match home.lock_with(patience) {
            Err(ClientError::InUse(text)) => {
                assert!(text.contains(&format!("(process {})", std::process::id())), "{text}");
            }
            other => panic!("{other:?}"),
        }
        drop(lock);
        let other = File::open(home.path("lock")).unwrap();
        other.lock().unwrap();
        match home.lock_with(patience) {
            Err(ClientError::InUse(text)) => assert!(text.contains("another program"), "{text}"),
            other => panic!("{other:?}"),
        }
    }
}
