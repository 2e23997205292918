//! The client's home directory: 0700, every file 0600 and replaced as a whole, so that a crash leaves the old
//! one or the new one. Small files that nothing else protects end with a checksum (`checked`). What only reads needs
//! a home that can be read, and nothing more.
//!
//! ```text
//! key.pem                     the key that the home begins with, PKCS#8 PEM, encrypted if it has a passphrase
//! keys/*.pem                  keys that the home made later, named by the beginnings of their ids
//! known_servers               one pinned server a line, with its addresses
//! servers/<ledger>.descriptor the newest verified descriptor of a server
//! servers/<ledger>.genesis    the first block of its ledger
//! accounts/<ledger>           the account on that ledger
//! newest/<ledger>             the newest own block that the server acknowledged or proved
//! passwords/<ledger>-<account>       the newest password of an account that logged in from here: its number, never itself
//! tickets/<ledger>-<account>-<key>   resumption tickets
//! pending/*.run               runs that are going on, or whose outcome was not told
//! sent/*                      cheques that left, and whose end was not told
//! pending.lock, sent.lock     held while somebody looks for what was left behind in these folders
//! witness.key                 the key of this home's witness, if it is one: its name and its seed
//! witness/<ledger>            the newest checkpoint that this home's witness has seen
//! evidence/<ledger>-<size>-<root>.checkpoint  notes of a server that contradicted itself
//! .tmp-ledgerctl-*            files that are being written; what a process that was killed left is removed
//! lock                        held while known_servers or an account is changed; names the process that holds it
//! keys.lock                   held while a key is added, replaced or ended, until that was told
//! ```
#![expect(clippy::disallowed_methods, reason = "the client's files are read and written here")]

mod checked;
mod locking;
#[cfg(test)]
pub(in crate::client) mod temporary;

pub(super) use checked::damaged;

use std::fmt;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Read as _, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use etcetera::BaseStrategy;
use tempfile::NamedTempFile;
use zeroize::Zeroizing;

use super::{ClientError, clock};
use crate::refusal;
use crate::wire::Refusal;

/// Hears what is worth saying beside the outcome: whom a program is waiting for, what could not be kept.
pub type Tell = dyn Fn(&str) + Send + Sync;

/// Whoever can be asked for a code of a second factor, with these words; none if nobody is there.
pub type AskCode = dyn Fn(&str) -> Option<Zeroizing<String>> + Send + Sync;

/// The folders of a home.
const FOLDERS: [&str; 10] = [
    "servers",
    "accounts",
    "keys",
    "newest",
    "passwords",
    "tickets",
    "pending",
    "evidence",
    "witness",
    "sent",
];

/// What the names of files begin with that are being written.
const TEMPORARY: &str = ".tmp-ledgerctl-";

/// A file that is being written and that nobody has touched for so long was left by a process that was killed.
const LEFT_AFTER: Duration = Duration::from_secs(60);

/// The home directory; its folders exist.
#[derive(Clone)]
pub struct Home {
    root: PathBuf,
    tell: Arc<Tell>,
    ask_code: Arc<AskCode>,
    done: Arc<DoneOnce>,
}

/// What is done once in a process, however often its home is used.
#[derive(Debug, Default)]
struct DoneOnce {
    /// What killed processes left was removed.
    swept: AtomicBool,
    /// It was told that something could not be kept.
    told_unkept: AtomicBool,
}

impl fmt::Debug for Home {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Home({})", self.root.display())
    }
}

/// The directory that was asked for, or the usual one.
fn root_of(wanted: Option<&Path>) -> Result<PathBuf, ClientError> {
    let usual = || etcetera::choose_base_strategy().map(|usual| usual.data_dir().join("ledgerctl"));
    let none = |_| ClientError::Usage("no home directory: use --home DIR".to_owned());
    wanted.map_or_else(|| usual().map_err(none), |path| Ok(path.to_owned()))
}

impl Home {
    /// The directory that was asked for, or the usual one of this platform (XDG).
    ///
    /// # Errors
    /// [`ClientError`] when there is none or it cannot be made.
    pub fn open(wanted: Option<&Path>) -> Result<Home, ClientError> {
        let root = root_of(wanted)?;
        match make_folders(&root, &mut |folder| File::open(folder)?.sync_all()) {
            Ok(()) => {}
            // A home that cannot be written to can be read.
            Err(_) if root.is_dir() => {}
            Err(error) if root.exists() => return Err(ClientError::File(root, error)),
            Err(error) => return Err(not_writable(&root, &error)),
        }
        let (tell, ask_code) = (Arc::new(|_: &str| ()), Arc::new(|_: &str| None));
        Ok(Home { root, tell, ask_code, done: Arc::default() })
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

    /// The same home, which asks this for codes of a second factor.
    #[must_use]
    pub fn asking_codes(self, ask_code: Arc<AskCode>) -> Home {
        Home { ask_code, ..self }
    }

    /// Asks for a code of a second factor; none if nobody is there who has one.
    pub(super) fn ask_code(&self, words: &str) -> Option<Zeroizing<String>> {
        (self.ask_code)(words)
    }

    /// The same directory if it is one already, for whoever only looks: none is made.
    pub fn existing(wanted: Option<&Path>) -> Option<Home> {
        let root = root_of(wanted).ok()?;
        let is_home = ["known_servers", "key.pem"].iter().any(|name| root.join(name).exists());
        if is_home { Home::open(Some(&root)).ok() } else { None }
    }

    /// A path in the directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Says, once in a process, that something could not be kept which a command that only reads can do without.
    pub(super) fn not_kept(&self, path: &Path, error: &io::Error) {
        if !self.done.told_unkept.swap(true, Ordering::Relaxed) {
            self.tell(&format!(
                "{}: {error}: what the server showed could not be kept, so that nobody would notice if it went back \
                 behind this",
                path.display()
            ));
        }
    }

    /// Makes sure that the home can be written to, before something is done that has to be kept.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with `home_not_writable`.
    pub fn check_writable(&self) -> Result<(), ClientError> {
        // A block of the file system: where not even that fits, nothing does.
        let write = || self.temporary(&self.root)?.write_all(&[0; 4096]);
        write().map_err(|error| not_writable(&self.root, &error))
    }

    /// The text of a file, if it is there.
    ///
    /// # Errors
    /// [`ClientError::File`].
    pub fn read(&self, name: &str) -> Result<Option<String>, ClientError> {
        let text = self.read_bytes(name)?.map(String::from_utf8).transpose();
        let not_text = |_| ClientError::File(self.path(name), io::Error::other("the file is not text"));
        text.map_err(not_text)
    }

    /// What a file holds, if it is there.
    ///
    /// # Errors
    /// [`ClientError::File`].
    pub fn read_bytes(&self, name: &str) -> Result<Option<Vec<u8>>, ClientError> {
        let path = self.path(name);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(ClientError::File(path, error)),
        }
    }

    /// A file that is being written. It is 0600 from the start, and locked for as long as it is open, so that nobody
    /// takes it for one that was left behind.
    fn temporary(&self, folder: &Path) -> io::Result<NamedTempFile> {
        if !self.done.swept.swap(true, Ordering::Relaxed) {
            self.sweep();
        }
        let file = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(folder)?;
        file.as_file().lock()?;
        Ok(file)
    }

    /// Removes what processes that were killed have left. What cannot be removed is no reason to fail.
    fn sweep(&self) {
        let now = UNIX_EPOCH + Duration::from_micros(clock::now().wall.micros());
        for folder in std::iter::once("").chain(FOLDERS) {
            let names = self.list(folder).unwrap_or_default().into_iter();
            for name in names.filter(|name| name.starts_with(TEMPORARY)) {
                let path = self.root.join(folder).join(name);
                let is_left = || -> io::Result<bool> {
                    let file = File::open(&path)?;
                    let age = now.duration_since(file.metadata()?.modified()?).unwrap_or_default();
                    Ok(age > LEFT_AFTER && file.try_lock().is_ok())
                };
                if is_left().unwrap_or(false) {
                    drop(fs::remove_file(&path));
                }
            }
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
            let mut file = self.temporary(folder)?;
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
            let mut file = self.temporary(folder)?;
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

    /// Makes a file that is locked before it has its name, durably; the lock lasts as long as what is returned. None
    /// when there is a file of this name and it is not to be replaced.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with `home_not_writable`.
    pub(super) fn place_locked(
        &self,
        name: &str,
        bytes: &[u8],
        replace: bool,
    ) -> Result<Option<File>, ClientError> {
        let path = self.path(name);
        let folder = path.parent().unwrap_or(&self.root);
        let place = || {
            let mut file = self.temporary(folder)?;
            file.write_all(bytes)?;
            file.as_file().sync_all()?;
            let placed = if replace { file.persist(&path) } else { file.persist_noclobber(&path) };
            let file = match placed {
                Ok(file) => file,
                Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => return Ok(None),
                Err(error) => return Err(error.error),
            };
            File::open(folder)?.sync_all()?;
            Ok(Some(file))
        };
        place().map_err(|error| not_writable(&path, &error))
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

    /// Writes zeros over a file that holds secrets, and removes it, if it is there. What a disk keeps of it elsewhere is out of
    /// reach.
    ///
    /// # Errors
    /// [`ClientError::File`].
    pub fn wipe(&self, name: &str) -> Result<(), ClientError> {
        let path = self.path(name);
        let zeros = || {
            let mut file = fs::OpenOptions::new().write(true).open(&path)?;
            io::copy(&mut io::repeat(0).take(file.metadata()?.len()), &mut file)?;
            file.sync_all()
        };
        match zeros() {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(ClientError::File(path, error)),
            _ => self.remove(name),
        }
    }

    /// The names in a folder.
    ///
    /// # Errors
    /// [`ClientError::File`].
    pub fn list(&self, folder: &str) -> Result<Vec<String>, ClientError> {
        let path = self.path(folder);
        let entries = match fs::read_dir(&path) {
            // A home that could not be completed has none.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.map_err(ClientError::file(&path))?,
        };
        let mut names: Vec<String> =
            entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        Ok(names)
    }
}

/// Makes a home and its folders. `sync` makes the names in a folder durable: a file whose folder has no durable name
/// is lost with the folder.
fn make_folders(root: &Path, sync: &mut dyn FnMut(&Path) -> io::Result<()>) -> io::Result<()> {
    let is_missing = |path: &&Path| !path.as_os_str().is_empty() && !path.exists();
    let missing: Vec<&Path> = root.ancestors().take_while(is_missing).collect();
    DirBuilder::new().recursive(true).mode(0o700).create(root)?;
    for path in missing.iter().rev() {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        sync(parent.unwrap_or(Path::new(".")))?;
    }
    let mut made_one = false;
    for folder in FOLDERS {
        match DirBuilder::new().mode(0o700).create(root.join(folder)) {
            Ok(()) => made_one = true,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    if made_one { sync(root) } else { Ok(()) }
}

/// That nothing was begun because the home cannot be written to.
pub fn not_writable(path: &Path, error: &io::Error) -> ClientError {
    ClientError::Refused(Refusal::fail(
        refusal::HOME_NOT_WRITABLE,
        format!("{}: {error}: what is not kept cannot be done; nothing was sent", path.display()),
    ))
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::temporary::home;
    use super::*;

    #[test]
    fn every_name_that_a_new_home_adds_to_a_folder_is_made_durable() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("a/b");
        let mut synced = Vec::new();
        let make = |synced: &mut Vec<PathBuf>| {
            make_folders(&root, &mut |folder| {
                synced.push(folder.to_owned());
                File::open(folder)?.sync_all()
            })
            .unwrap();
        };
        make(&mut synced);
        assert_eq!(synced, [directory.path(), &directory.path().join("a"), &root]);
        synced.clear();
        make(&mut synced);
        assert!(synced.is_empty(), "a home that is there costs nothing: {synced:?}");
        fs::remove_dir(root.join("sent")).unwrap();
        make(&mut synced);
        assert_eq!(synced, [root]);
    }

    #[test]
    fn what_is_no_directory_is_no_home_and_what_cannot_be_made_is_not_begun_in() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        File::create(&file).unwrap();
        assert!(matches!(Home::open(Some(&file)), Err(ClientError::File(path, _)) if path == file));
        match Home::open(Some(&file.join("home"))) {
            Err(ClientError::Refused(refusal)) => assert_eq!(refusal.name, "home_not_writable"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_a_killed_process_left_is_removed_and_what_is_being_written_stays() {
        let (_directory, home) = home();
        let long_ago = UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        let make = |name: &str, modified: Option<SystemTime>| {
            let file = File::create(home.path(name)).unwrap();
            if let Some(modified) = modified {
                file.set_modified(modified).unwrap();
            }
            file
        };
        for left in [".tmp-ledgerctl-1", "pending/.tmp-ledgerctl-2", "newest/.tmp-ledgerctl-3"] {
            drop(make(left, Some(long_ago)));
        }
        let locked = make("sent/.tmp-ledgerctl-4", Some(long_ago));
        locked.lock().unwrap();
        drop(make("sent/.tmp-ledgerctl-5", None));
        drop(make(".tmpother", Some(long_ago)));
        home.write("tickets/a", b"x").unwrap();
        home.write("tickets/b", b"x").unwrap();
        let there = |folder: &str| {
            let names = home.list(folder).unwrap();
            names.into_iter().filter(|name| name.starts_with(".tmp")).collect::<Vec<_>>()
        };
        assert_eq!(there(""), [".tmpother"], "another program's");
        assert_eq!(there("sent"), [".tmp-ledgerctl-4", ".tmp-ledgerctl-5"]);
        assert!(there("pending").is_empty() && there("newest").is_empty() && there("tickets").is_empty());
    }
}
