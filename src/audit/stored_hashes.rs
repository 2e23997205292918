//! Compares `tree/hashes` with the hashes that the blocks give. The file is derived and never synced: what is
//! missing at its end is written at the next start, so only a hash that is there and differs is worth a word,
//! and that word is a warning. No promise of the ledger stands on this file; proofs are checked by those who
//! receive them.

use std::io;

use crate::chain::tree::HASH_BYTES;
use crate::eventlog::StorageFile;
use crate::wire::Finding;

use super::findings::Place;

/// The file, relative to the data directory.
pub(super) const PATH: &str = "tree/hashes";

const CHUNK_BYTES: usize = 256 << 10;

/// The warning that the file could not be read.
pub(super) fn unread(error: &io::Error) -> Finding {
    let place = Place { file: PATH, offset: 0, index: None };
    let reason = format!(
        "not compared, because it cannot be read ({error}); the file is derived, and nothing depends on it"
    );
    place.warning("stored_hashes_unread", reason)
}

/// A comparison under way.
pub(super) struct StoredHashes {
    /// None when there is no such file, or nothing more in it to compare.
    file: Option<Box<dyn StorageFile>>,
    chunk: Vec<u8>,
    offset: u64,
    difference: Option<u64>,
    /// Why no more could be read.
    failed: Option<io::Error>,
}

impl StoredHashes {
    /// Compares with `file`; without one there is nothing to compare.
    pub(super) fn new(file: Option<Box<dyn StorageFile>>) -> StoredHashes {
        StoredHashes { file, chunk: Vec::new(), offset: 0, difference: None, failed: None }
    }

    /// Takes the next hash that should stand in the file.
    pub(super) fn push(&mut self, hash: [u8; HASH_BYTES]) {
        if self.file.is_none() {
            return;
        }
        self.chunk.extend_from_slice(&hash);
        if self.chunk.len() >= CHUNK_BYTES {
            self.compare();
        }
    }

    fn compare(&mut self) {
        let Some(file) = &self.file else { return };
        let mut stored = vec![0; self.chunk.len()];
        let mut filled = 0;
        while let Some(rest) = stored.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match file.read_at(rest, self.offset.saturating_add(filled as u64)) {
                Ok(0) => break,
                Ok(read) => filled = filled.saturating_add(read),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.failed = Some(error);
                    break;
                }
            }
        }
        stored.truncate(filled);
        let differs = |(n, (right, found)): (usize, (&[u8], &[u8]))| (right != found).then_some(n);
        // A hash that is cut off at the file's end is not whole yet.
        let pairs = self.chunk.chunks_exact(HASH_BYTES).zip(stored.chunks_exact(HASH_BYTES));
        if let Some(n) = pairs.enumerate().find_map(differs) {
            self.difference = Some(self.offset.saturating_add((n * HASH_BYTES) as u64));
        }
        if self.difference.is_some() || filled < self.chunk.len() {
            self.file = None;
        }
        self.offset = self.offset.saturating_add(self.chunk.len() as u64);
        self.chunk.clear();
    }

    /// Compares what is left. The first hash that differs is a warning, and so is a file that cannot be read.
    pub(super) fn finish(mut self) -> Option<Finding> {
        self.compare();
        if let Some(error) = &self.failed {
            return Some(unread(error));
        }
        let place = Place { file: PATH, offset: self.difference?, index: None };
        let reason = "a stored hash of the tree differs from what the blocks give; the file is derived: \
                      delete it and restart the server, which writes it anew";
        Some(place.warning("stored_hashes_differ", reason))
    }
}
