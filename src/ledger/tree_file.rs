//! `tree/hashes`: the tree's stored hashes, 32 bytes each, in the order of C2SP stored hash numbers. Derived
//! from the log: it is never synced, and what is missing, behind or wrong is written anew, at the start or when a proof
//! needs it.

use std::io;

use crate::chain::tree::{HASH_BYTES, StoredHashes};
use crate::eventlog::{Access, Storage, StorageFile, is_full, read_exact_at, write_all_at};

const DIR: &str = "tree";
const PATH: &str = "tree/hashes";
/// The file that is made anew beside it.
pub(super) const NEXT: &str = "tree/hashes.tmp";

/// The file of stored hashes, and those that are not written yet.
pub(super) struct TreeFile {
    file: Box<dyn StorageFile>,
    written: u64,
    pending: Vec<u8>,
    /// The file is not written to: another one is made in its place.
    set_aside: bool,
}

/// A file of stored hashes that is being made.
pub(super) struct NewTreeFile {
    file: Box<dyn StorageFile>,
    written: u64,
    pending: Vec<u8>,
}

/// Compares the file with the hashes that replay computes, without writing: a start that is refused must leave
/// every file as it was.
pub(super) struct Comparison {
    file: Option<Box<dyn StorageFile>>,
    chunk: Vec<u8>,
    compared: u64,
    good: u64,
    differs: bool,
}

const CHUNK_BYTES: usize = 256 << 10;

impl Comparison {
    /// Starts a comparison; a missing file differs from the first hash on.
    pub(super) fn start(storage: &dyn Storage) -> Comparison {
        let file = storage.open(PATH, Access::Read).ok();
        let differs = file.is_none();
        Comparison { file, chunk: Vec::with_capacity(CHUNK_BYTES), compared: 0, good: 0, differs }
    }

    /// Takes the next hash that should stand in the file.
    pub(super) fn push(&mut self, hash: [u8; HASH_BYTES]) {
        if self.differs {
            return;
        }
        self.chunk.extend_from_slice(&hash);
        if self.chunk.len() >= CHUNK_BYTES {
            self.compare_chunk();
        }
    }

    fn compare_chunk(&mut self) {
        let mut stored = vec![0; self.chunk.len()];
        let offset = self.compared * HASH_BYTES as u64;
        let read = self.file.as_ref().map(|file| read_exact_at(file.as_ref(), &mut stored, offset));
        if matches!(read, Some(Ok(()))) && stored == self.chunk {
            self.compared += (self.chunk.len() / HASH_BYTES) as u64;
            self.good = self.compared;
        } else {
            self.differs = true;
        }
        self.chunk.clear();
    }

    /// How many hashes from the start are right; everything after them is to be written anew. None means that
    /// all are there.
    pub(super) fn finish(mut self) -> Option<u64> {
        if !self.differs && !self.chunk.is_empty() {
            self.compare_chunk();
        }
        self.differs.then_some(self.good)
    }
}

impl TreeFile {
    /// Opens the file, of which the first `good` hashes are right, or makes an empty one if it cannot be used;
    /// [`TreeFile::count`] tells which.
    ///
    /// # Errors
    /// What the storage says.
    pub(super) fn open(storage: &dyn Storage, good: u64) -> io::Result<TreeFile> {
        make_dir(storage)?;
        remove_if_there(storage, NEXT)?;
        let usable = storage.open(PATH, Access::ReadWrite).and_then(|mut file| {
            match file.set_len(good * HASH_BYTES as u64) {
                // What is there beyond the good ones is written over in time; on a full disk that copies on write even
                // cutting it off can fail.
                Err(error) if is_full(&error) => {}
                other => other?,
            }
            Ok(file)
        });
        let (file, written) = match usable {
            Ok(file) => (file, good),
            // A file that cannot be used keeps no ledger closed: all of it can be made anew.
            Err(_) => {
                remove_if_there(storage, PATH)?;
                (storage.open(PATH, Access::CreateNew)?, 0)
            }
        };
        Ok(TreeFile { file, written, pending: Vec::new(), set_aside: false })
    }

    /// Takes the next hash; [`TreeFile::flush`] writes it.
    pub(super) fn push(&mut self, hash: [u8; HASH_BYTES]) {
        self.pending.extend_from_slice(&hash);
    }

    /// Number of hashes taken.
    pub(super) fn count(&self) -> u64 {
        self.written + (self.pending.len() / HASH_BYTES) as u64
    }

    /// Writes what was taken. What cannot be written, on a full disk, stays in memory and is tried again with
    /// the next batch.
    ///
    /// # Errors
    /// What the storage says; nothing is lost by it.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        if self.pending.is_empty() || self.set_aside {
            return Ok(());
        }
        write_all_at(self.file.as_mut(), &self.pending, self.written * HASH_BYTES as u64)?;
        self.written = self.count();
        self.pending.clear();
        Ok(())
    }

    /// Writes nothing more to the file, which is not to be relied on: what is taken from now on stays in memory.
    pub(super) fn set_aside(&mut self) {
        self.set_aside = true;
    }

    /// Puts the file that was made anew in the place of this one. It has the first `count` hashes; those behind them
    /// are in memory.
    ///
    /// # Errors
    /// What the storage says; this file stays in use.
    pub(super) fn take_over(&mut self, storage: &dyn Storage, count: u64) -> io::Result<()> {
        let file = storage.open(NEXT, Access::ReadWrite)?;
        storage.rename(NEXT, PATH)?;
        self.file = file;
        let known = usize::try_from(count.saturating_sub(self.written)).unwrap_or(usize::MAX);
        self.pending.drain(..known.saturating_mul(HASH_BYTES).min(self.pending.len()));
        self.written = count;
        self.set_aside = false;
        Ok(())
    }
}

impl NewTreeFile {
    /// Begins a file beside the one that is in use.
    ///
    /// # Errors
    /// What the storage says.
    pub(super) fn create(storage: &dyn Storage) -> io::Result<NewTreeFile> {
        make_dir(storage)?;
        remove_if_there(storage, NEXT)?;
        let file = storage.open(NEXT, Access::CreateNew)?;
        Ok(NewTreeFile { file, written: 0, pending: Vec::with_capacity(2 * CHUNK_BYTES) })
    }

    /// Takes the next hash.
    pub(super) fn push(&mut self, hash: [u8; HASH_BYTES]) {
        self.pending.extend_from_slice(&hash);
    }

    /// Writes what was taken, if it is worth a call.
    ///
    /// # Errors
    /// What the storage says: the file is of no use then.
    pub(super) fn flush_if_large(&mut self) -> io::Result<()> {
        if self.pending.len() < CHUNK_BYTES { Ok(()) } else { self.flush() }
    }

    fn flush(&mut self) -> io::Result<()> {
        write_all_at(self.file.as_mut(), &self.pending, self.written * HASH_BYTES as u64)?;
        self.written += (self.pending.len() / HASH_BYTES) as u64;
        self.pending.clear();
        Ok(())
    }

    /// Writes the rest; gives how many hashes there are.
    ///
    /// # Errors
    /// What the storage says.
    pub(super) fn finish(mut self) -> io::Result<u64> {
        self.flush()?;
        Ok(self.written)
    }
}

fn make_dir(storage: &dyn Storage) -> io::Result<()> {
    match storage.create_dir(DIR) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

fn remove_if_there(storage: &dyn Storage, path: &str) -> io::Result<()> {
    match storage.remove(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

impl StoredHashes for TreeFile {
    fn stored_hash(&self, number: u64) -> Option<[u8; HASH_BYTES]> {
        let mut hash = [0; HASH_BYTES];
        if let Some(behind) = number.checked_sub(self.written) {
            let at = usize::try_from(behind).ok()?.checked_mul(HASH_BYTES)?;
            hash.copy_from_slice(self.pending.get(at..at.checked_add(HASH_BYTES)?)?);
        } else {
            read_exact_at(self.file.as_ref(), &mut hash, number * HASH_BYTES as u64).ok()?;
        }
        Some(hash)
    }
}
