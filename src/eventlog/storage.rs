//! The one door to a disk. The log, the anchor and the derived files know nothing but this trait; behind it is
//! a real directory ([`super::Disk`]) or a hostile simulated one ([`super::SimDisk`]).
//!
//! Paths are relative to the data directory, with `/` between names.

use std::fmt::Debug;
use std::io;

use super::error::is_full;

/// How a file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// To read; the file exists.
    Read,
    /// To read and write; the file exists.
    ReadWrite,
    /// To read and write; the file does not exist.
    CreateNew,
}

/// A directory tree with the durability of a POSIX file system: what was written may be lost until it was
/// synced, and so may the names of files until their directory was.
pub trait Storage: Send + Sync + Debug {
    /// The names in a directory, sorted.
    ///
    /// # Errors
    /// What the file system says.
    fn list(&self, directory: &str) -> io::Result<Vec<String>>;

    /// Opens a file.
    ///
    /// # Errors
    /// What the file system says.
    fn open(&self, path: &str, access: Access) -> io::Result<Box<dyn StorageFile>>;

    /// Makes a directory.
    ///
    /// # Errors
    /// What the file system says.
    fn create_dir(&self, path: &str) -> io::Result<()>;

    /// Gives a file another name, replacing what had that name.
    ///
    /// # Errors
    /// What the file system says.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// What the file system says.
    fn remove(&self, path: &str) -> io::Result<()>;

    /// Makes the names in a directory durable.
    ///
    /// # Errors
    /// What the file system says; the caller must not go on as if nothing had happened.
    fn sync_dir(&self, path: &str) -> io::Result<()>;
}

/// An open file, read and written at explicit offsets.
#[expect(clippy::len_without_is_empty, reason = "whether a file is empty is asked by nobody")]
pub trait StorageFile: Send + Debug {
    /// Reads into `buffer`; may read less, and reads nothing at the end.
    ///
    /// # Errors
    /// What the file system says.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes from `bytes`; may write less.
    ///
    /// # Errors
    /// What the file system says.
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<usize>;

    /// The file's length in bytes.
    ///
    /// # Errors
    /// What the file system says.
    fn len(&self) -> io::Result<u64>;

    /// Cuts the file off, or extends it with zeros.
    ///
    /// # Errors
    /// What the file system says.
    fn set_len(&mut self, len: u64) -> io::Result<()>;

    /// Gives the file `len` bytes that are zeros and have their place on the disk, so that writing them
    /// later cannot fail for want of room.
    ///
    /// # Errors
    /// What the file system says: this is where a full disk shows.
    fn allocate(&mut self, len: u64) -> io::Result<()>;

    /// Makes what was written durable, and what is needed to read it.
    ///
    /// # Errors
    /// What the file system says. After an error nothing is known about the file, and no later success
    /// changes that.
    fn sync_data(&mut self) -> io::Result<()>;
}

/// Replaces a small file as a whole, durably: after a crash there is the old one or the new one. Where that fails, nothing
/// is left beside it, so that a full disk does not become fuller.
///
/// # Errors
/// What the file system says.
pub fn replace(storage: &dyn Storage, path: &str, bytes: &[u8]) -> io::Result<()> {
    let next = format!("{path}.tmp");
    match storage.remove(&next) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = storage.open(&next, Access::CreateNew)?;
    let renamed = write_all_at(file.as_mut(), bytes, 0)
        .and_then(|()| file.sync_data())
        .and_then(|()| storage.rename(&next, path));
    if let Err(error) = renamed {
        // What went wrong first is what the caller has to know.
        drop(storage.remove(&next));
        return Err(error);
    }
    storage.sync_dir(path.rsplit_once('/').map_or("", |(folder, _)| folder))
}

/// Finds out whether [`replace`] could put a file there, and leaves what is there as it is. A full disk is no
/// obstacle: room comes and goes.
///
/// # Errors
/// What the file system says.
pub fn try_replace(storage: &dyn Storage, path: &str) -> io::Result<()> {
    let next = format!("{path}.tmp");
    match storage.open(&next, Access::CreateNew) {
        Err(error) if is_full(&error) => return Ok(()),
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        // What a crash left has to go in any case.
        _ => {}
    }
    storage.remove(&next)?;
    storage.sync_dir("")
}

/// Reads a small file, as far as `most` bytes; none if it is not there.
///
/// # Errors
/// What the file system says.
pub fn read_small(storage: &dyn Storage, path: &str, most: u64) -> io::Result<Option<Vec<u8>>> {
    let file = match storage.open(path, Access::Read) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    let mut bytes = vec![0; usize::try_from(file.len()?.min(most)).unwrap_or(0)];
    read_exact_at(file.as_ref(), &mut bytes, 0)?;
    Ok(Some(bytes))
}

/// Fills `buffer` from `offset`.
///
/// # Errors
/// `UnexpectedEof` when the file is shorter, or what the file system says.
pub fn read_exact_at(file: &dyn StorageFile, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    let mut done = 0;
    while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset + done as u64) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => done += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Reads up to the end of the file; returns how many bytes there were.
///
/// # Errors
/// What the file system says.
pub fn read_up_to(file: &dyn StorageFile, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut done = 0;
    while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset + done as u64) {
            Ok(0) => break,
            Ok(read) => done += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

/// Writes all of `bytes` at `offset`.
///
/// # Errors
/// What the file system says; some of the bytes may have been written.
pub fn write_all_at(file: &mut dyn StorageFile, bytes: &[u8], offset: u64) -> io::Result<()> {
    let mut done = 0;
    while let Some(rest) = bytes.get(done..).filter(|rest| !rest.is_empty()) {
        match file.write_at(rest, offset + done as u64) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => done += written,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eventlog::{Fault, SimDisk};

    #[test]
    fn a_file_that_could_not_be_replaced_is_the_old_one_and_nothing_lies_beside_it() {
        for number in 0.. {
            let disk = SimDisk::new();
            replace(&disk, "file", b"old").unwrap();
            disk.fail_call(disk.calls() + number, Fault::Error(io::ErrorKind::StorageFull));
            let replaced = replace(&disk, "file", b"new");
            let image = disk.image();
            let names: Vec<&str> = image.keys().map(String::as_str).collect();
            assert_eq!(names, ["file"], "call {number}: {replaced:?}");
            if replaced.is_ok() {
                assert_eq!(image.get("file").map(Vec::as_slice), Some(&b"new"[..]));
                assert!(number > 4, "create, write, sync, rename and sync of the folder are tried");
                return;
            }
        }
    }
}
