//! Files that were named on the command line; `-` names standard input and standard output. What cannot be read is a
//! mistake of usage: nothing was sent. What is there is never replaced unless somebody asks for it.
#![expect(clippy::disallowed_methods, reason = "these files were named by whoever runs the command")]

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::chain::{Receipt, armour};
use crate::client::ClientError;

/// Bytes of a file that is said to hold a receipt, a cheque, a checkpoint or a key, at most: a receipt holds two
/// blocks of at most a megabyte or so in base64, and there may be a letter around it.
const HANDED_ON_BYTES_MAX: u64 = 8 << 20;

/// What the lines around a private key in PEM end with.
const PRIVATE_KEY: &[u8] = b"PRIVATE KEY-----";

/// Opens a file to read, or standard input for `-`.
pub(super) fn open_source(name: impl AsRef<Path>) -> Result<Box<dyn Read + Send>, ClientError> {
    let path = name.as_ref();
    if path.as_os_str() == "-" {
        return Ok(Box::new(io::stdin()));
    }
    Ok(Box::new(File::open(path).map_err(unusable(path))?))
}

/// For `map_err` at a file that is needed before anything can be done.
fn unusable(path: &Path) -> impl Fn(io::Error) -> ClientError {
    move |error| ClientError::Usage(format!("{}: {error}", path.display()))
}

/// The text of a file that came from somebody, in whatever encoding, or of standard input for `-`.
pub(super) fn read_handed_on(name: impl AsRef<Path>) -> Result<String, ClientError> {
    Ok(armour::text_of(&read_bytes(name)?))
}

/// The bytes of such a file.
pub(super) fn read_bytes(name: impl AsRef<Path>) -> Result<Vec<u8>, ClientError> {
    let path = name.as_ref();
    let mut bytes = Vec::new();
    let source = open_source(path)?;
    source.take(HANDED_ON_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unusable(path))?;
    if bytes.len() as u64 > HANDED_ON_BYTES_MAX {
        let text = format!("{}: longer than any receipt, cheque, checkpoint or key", path.display());
        return Err(ClientError::Usage(text));
    }
    Ok(bytes)
}

/// A file that a command is going to write: as a whole, and over nothing but the same, unless that is wanted.
#[derive(Clone, Copy, Debug)]
pub(super) struct NewFile<'a> {
    path: &'a Path,
    /// Whether what is there may be replaced.
    force: bool,
}

/// Whether this names standard input or standard output.
pub(super) fn is_standard(path: &Path) -> bool {
    path.as_os_str() == "-"
}

impl<'a> NewFile<'a> {
    /// Looks before anything is done whether the file can be written, and whether its name is free.
    ///
    /// # Errors
    /// [`ClientError::Usage`].
    pub(super) fn new(path: &'a Path, force: bool) -> Result<NewFile<'a>, ClientError> {
        let file = NewFile::again(path, force)?;
        if !force && !is_standard(path) && is_regular(path) {
            return Err(ClientError::Usage(format!(
                "{} is there already; --force replaces it",
                path.display()
            )));
        }
        Ok(file)
    }

    /// The same for a run that goes on with an earlier one, which may have written the file: what is in it is
    /// looked at when it is known what has to be.
    ///
    /// # Errors
    /// [`ClientError::Usage`].
    pub(super) fn again(path: &'a Path, force: bool) -> Result<NewFile<'a>, ClientError> {
        if path.is_dir() {
            return Err(ClientError::Usage(format!(
                "{} is a directory, not a file to write",
                path.display()
            )));
        }
        if !is_standard(path) && (is_regular(path) || !path.exists()) {
            // The only test that holds for every kind of file system and permission.
            tempfile::NamedTempFile::new_in(folder_of(path)).map_err(unusable(path))?;
        }
        if is_regular(path) {
            // However much it is forced, and before anything leaves.
            keep_private_key(path, &fs::read(path).map_err(unusable(path))?)?;
        }
        Ok(NewFile { path, force })
    }

    /// Writes the file. The same bytes already there are as good.
    ///
    /// # Errors
    /// [`ClientError::Usage`] when something else is there, [`ClientError::File`] when it cannot be written.
    pub(super) fn write(self, bytes: &[u8]) -> Result<(), ClientError> {
        self.write_unless(bytes, |found| found == bytes)
    }

    /// Writes a receipt. Another one of the same block already there is as good: it proves the same.
    ///
    /// # Errors
    /// As for [`NewFile::write`].
    pub(super) fn write_receipt(self, receipt: &Receipt) -> Result<(), ClientError> {
        let same = |found: &[u8]| {
            let found = Receipt::parse(&String::from_utf8_lossy(found));
            found.is_ok_and(|found| found.block == receipt.block)
        };
        self.write_unless(receipt.to_text().as_bytes(), same)
    }

    /// Whether [`NewFile::write`] of these bytes would not be refused for what is there.
    ///
    /// # Errors
    /// As for [`NewFile::write`].
    pub(super) fn is_free_for(self, bytes: &[u8]) -> Result<(), ClientError> {
        self.is_wanted(|found| found == bytes).map(|_| ())
    }

    /// A file for its owner alone, which must not be there.
    ///
    /// # Errors
    /// [`ClientError::Usage`].
    pub(super) fn private(path: &'a Path) -> Result<NewFile<'a>, ClientError> {
        if is_standard(path) || path.exists() {
            let text = format!("{}: a new file is needed here, and nothing is replaced", path.display());
            return Err(ClientError::Usage(text));
        }
        NewFile::again(path, false)
    }

    /// Writes a file for its owner alone, piece by piece; it is there as a whole or not at all.
    ///
    /// # Errors
    /// What `write` says; [`ClientError::File`] when the file cannot be put in its place.
    pub(super) fn write_private<T>(
        self,
        write: impl FnOnce(&mut dyn Write) -> Result<T, ClientError>,
    ) -> Result<T, ClientError> {
        let failed = |error| ClientError::File(self.path.to_owned(), error);
        let folder = folder_of(self.path);
        let mut file = io::BufWriter::new(tempfile::NamedTempFile::new_in(folder).map_err(failed)?);
        let written = write(&mut file)?;
        let file = file.into_inner().map_err(|error| failed(error.into_error()))?;
        file.as_file().sync_all().map_err(failed)?;
        file.persist_noclobber(self.path).map_err(|error| failed(error.error))?;
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
        Ok(written)
    }

    /// Writes a line that is a secret into a file for its owner alone.
    ///
    /// # Errors
    /// [`ClientError::File`] when the file cannot be written.
    pub(super) fn write_secret_line(self, line: &str) -> Result<(), ClientError> {
        let failed = |error| ClientError::File(self.path.to_owned(), error);
        self.write_private(|to| writeln!(to, "{line}").map_err(failed))
    }

    /// Takes a file away again that was just written. One that cannot be removed is no reason to fail.
    pub(super) fn remove(self) {
        drop(fs::remove_file(self.path));
    }

    /// Whether the file has to be written: not when what is there is as good.
    fn is_wanted(self, is_as_good: impl Fn(&[u8]) -> bool) -> Result<bool, ClientError> {
        let NewFile { path, force } = self;
        let found = match fs::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
            found => found.map_err(|error| ClientError::File(path.to_owned(), error))?,
        };
        if is_as_good(&found) {
            return Ok(false);
        }
        keep_private_key(path, &found)?;
        if force { Ok(true) } else { Err(taken(path)) }
    }

    fn write_unless(self, bytes: &[u8], is_as_good: impl Fn(&[u8]) -> bool) -> Result<(), ClientError> {
        let NewFile { path, force } = self;
        let failed = |error| ClientError::File(path.to_owned(), error);
        if is_standard(path) {
            let mut out = io::stdout().lock();
            return out.write_all(bytes).and_then(|()| out.flush()).map_err(failed);
        }
        if path.exists() && !is_regular(path) {
            // A pipe or a device takes what is written to it and is not replaced.
            let open = OpenOptions::new().write(true).open(path);
            return open.and_then(|mut file| file.write_all(bytes)).map_err(failed);
        }
        if !self.is_wanted(is_as_good)? {
            return Ok(());
        }
        match place(path, bytes, force) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(taken(path)),
            placed => placed.map_err(failed),
        }
    }
}

/// A private key is never replaced.
fn keep_private_key(path: &Path, found: &[u8]) -> Result<(), ClientError> {
    if found.windows(PRIVATE_KEY.len()).any(|window| window == PRIVATE_KEY) {
        let text = format!("{} holds a private key, which is never replaced", path.display());
        return Err(ClientError::Usage(text));
    }
    Ok(())
}

fn taken(path: &Path) -> ClientError {
    ClientError::Usage(format!(
        "{} is there already and holds something else; --force replaces it",
        path.display()
    ))
}

/// Whether there is a file of the usual kind, which is replaced and not written to.
fn is_regular(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_file())
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes a file as a whole, durably, with the permissions that the user's mask leaves.
fn place(path: &Path, bytes: &[u8], replace: bool) -> io::Result<()> {
    let folder = folder_of(path);
    let mut builder = tempfile::Builder::new();
    let mut file = builder.permissions(Permissions::from_mode(0o666)).tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    let placed = if replace { file.persist(path) } else { file.persist_noclobber(path) };
    placed.map_err(|error| error.error)?;
    File::open(folder)?.sync_all()
}
