//! A file of places of one size, behind a header that may be there: which of them are free, and room for more.

use super::error::{VaultError, io};
use super::room::Room;
use crate::eventlog::{Access, Storage, StorageFile, read_exact_at, write_all_at};

/// What a file looks like.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    /// Its path, relative to the data directory.
    pub(super) path: &'static str,
    /// Bytes before the first place.
    pub(super) begin: u64,
    /// Bytes of a place.
    pub(super) bytes: u64,
    /// Places that are allocated at once.
    pub(super) step: u32,
}

/// Zeros that are written at once.
const ZEROS: &[u8] = &[0; 65_536];

/// The file. Nothing in it is free until it was said to be.
#[derive(Debug)]
pub(super) struct Places {
    layout: Layout,
    file: Box<dyn StorageFile>,
    allocated: u32,
    pub(super) free: Room,
}

impl Places {
    pub(super) fn open(storage: &dyn Storage, layout: Layout, access: Access) -> Result<Places, VaultError> {
        let file = storage.open(layout.path, access).map_err(io(layout.path, "open"))?;
        let len = file.len().map_err(io(layout.path, "measure"))?;
        let allocated = len.saturating_sub(layout.begin) / layout.bytes;
        let allocated = u32::try_from(allocated).unwrap_or(u32::MAX);
        Ok(Places { layout, file, allocated, free: Room::default() })
    }

    /// How many places the file has.
    pub(super) fn allocated(&self) -> u32 {
        self.allocated
    }

    /// Where a place begins.
    pub(super) fn offset(&self, place: u32) -> u64 {
        self.layout.begin + u64::from(place) * self.layout.bytes
    }

    /// Allocates room for so many neighbours, if there is none; false if the disk has none either.
    pub(super) fn make_room(&mut self, count: u32) -> Result<bool, VaultError> {
        if self.free.has(count) {
            return Ok(true);
        }
        let more = count.max(self.layout.step);
        let end = self.offset(self.allocated.saturating_add(more));
        match self.file.allocate(end).map_err(io(self.layout.path, "allocate")) {
            Err(error) if error.is_want_of_room() => return Ok(false),
            allocated => allocated?,
        }
        self.free.give_back(self.allocated, more);
        self.allocated += more;
        Ok(true)
    }

    /// Fills `bytes` from a place on.
    pub(super) fn read(&self, place: u32, bytes: &mut [u8]) -> Result<(), VaultError> {
        read_exact_at(self.file.as_ref(), bytes, self.offset(place)).map_err(io(self.layout.path, "read"))
    }

    /// Writes from a place on.
    pub(super) fn write(&mut self, place: u32, bytes: &[u8]) -> Result<(), VaultError> {
        self.write_at(self.offset(place), bytes)
    }

    /// Writes at an offset of the file, as in its header.
    pub(super) fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<(), VaultError> {
        write_all_at(self.file.as_mut(), bytes, offset).map_err(io(self.layout.path, "write"))
    }

    /// All bytes of the file, its header included.
    pub(super) fn read_all(&self) -> Result<Vec<u8>, VaultError> {
        let len = self.file.len().map_err(io(self.layout.path, "measure"))?;
        let mut bytes = vec![0; usize::try_from(len).unwrap_or(0)];
        read_exact_at(self.file.as_ref(), &mut bytes, 0).map_err(io(self.layout.path, "read"))?;
        Ok(bytes)
    }

    pub(super) fn sync(&mut self) -> Result<(), VaultError> {
        self.file.sync_data().map_err(io(self.layout.path, "sync"))
    }
}

/// Overwrites a whole file with zeros, and syncs it.
///
/// # Errors
/// [`VaultError::Io`].
pub(super) fn fill_with_zeros(file: &mut dyn StorageFile, path: &'static str) -> Result<(), VaultError> {
    let (mut at, end) = (0, file.len().map_err(io(path, "measure"))?);
    while at < end {
        let count = usize::try_from(end - at).unwrap_or(ZEROS.len()).min(ZEROS.len());
        write_all_at(file, ZEROS.get(..count).unwrap_or_default(), at).map_err(io(path, "write"))?;
        at += count as u64;
    }
    file.sync_data().map_err(io(path, "sync"))
}
