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
//! lock                        held while known_servers is changed
//! ```
#![expect(clippy::disallowed_methods, reason = "the client's files are read and written here")]

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

use super::ClientError;

/// The home directory; its folders exist.
#[derive(Clone, Debug)]
pub struct Home {
    root: PathBuf,
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
        Ok(Home { root })
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

    /// Waits for the lock of the directory; it is released when the file is dropped.
    ///
    /// # Errors
    /// [`ClientError::File`].
    pub fn lock(&self) -> Result<File, ClientError> {
        let path = self.path("lock");
        let open = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path);
        let file = open.map_err(ClientError::file(&path))?;
        file.lock().map_err(ClientError::file(&path))?;
        Ok(file)
    }
}
