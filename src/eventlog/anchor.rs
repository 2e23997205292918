//! The anchor: how far the log is known to be durable. Without it, a rotten last batch could not be told from
//! one that was torn while it was written, and cutting it off would lose acknowledged commands.
//!
//! Two slots of 4 KiB, written in turn, so that a torn write leaves the other one:
//!
//! ```text
//!   0  8  "LDGANCH1"      56  8  offset of the end of the last durable frame
//!   8 32  ledger id       64 32  hash of the last durable block
//!  40  8  durable blocks  96  8  generation
//!  48  8  segment        104  1  1 if the log was closed cleanly   105  4  CRC-32C of bytes 0 to 104
//! ```

use std::io;

use super::storage::{Access, Storage, StorageFile, read_up_to, write_all_at};
use crate::crypto::{Digest, LedgerId};
use crate::cutter::Cutter;

/// The anchor's path.
pub const PATH: &str = "anchor";

const SLOT_BYTES: usize = 4_096;
const MAGIC: &[u8; 8] = b"LDGANCH1";
const FIELD_BYTES: usize = 105;

/// What a slot says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// Which ledger.
    pub ledger_id: LedgerId,
    /// Durable blocks.
    pub durable: u64,
    /// Number of the segment that holds the last of them.
    pub segment: u64,
    /// Where in that segment the frame of the last of them ends.
    pub offset: u64,
    /// Hash of the last of them.
    pub head: Digest,
    /// Grows with every write; the greater one of the two slots holds.
    pub generation: u64,
    /// Whether the log was closed cleanly: then nothing may follow.
    pub clean: bool,
}

impl Anchor {
    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(SLOT_BYTES);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&self.ledger_id.0);
        bytes.extend_from_slice(&self.durable.to_be_bytes());
        bytes.extend_from_slice(&self.segment.to_be_bytes());
        bytes.extend_from_slice(&self.offset.to_be_bytes());
        bytes.extend_from_slice(&self.head.0);
        bytes.extend_from_slice(&self.generation.to_be_bytes());
        bytes.push(u8::from(self.clean));
        let checksum = crc32c::crc32c(&bytes);
        bytes.extend_from_slice(&checksum.to_be_bytes());
        bytes.resize(SLOT_BYTES, 0);
        bytes
    }

    fn decode(slot: &[u8]) -> Option<Anchor> {
        let covered = slot.get(..FIELD_BYTES)?;
        let checksum = slot.get(FIELD_BYTES..FIELD_BYTES + 4)?;
        if checksum != crc32c::crc32c(covered).to_be_bytes() {
            return None;
        }
        let mut cutter = Cutter(covered);
        if cutter.array::<8>()? != *MAGIC {
            return None;
        }
        Some(Anchor {
            ledger_id: LedgerId(cutter.array()?),
            durable: cutter.u64()?,
            segment: cutter.u64()?,
            offset: cutter.u64()?,
            head: Digest(cutter.array()?),
            generation: cutter.u64()?,
            clean: cutter.array::<1>()? == [1],
        })
    }
}

/// Reads the anchor: the newer of the good slots, if there is one.
///
/// # Errors
/// What the storage says, a missing file excepted.
pub fn read(storage: &dyn Storage) -> io::Result<Option<Anchor>> {
    let file = match storage.open(PATH, Access::Read) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    let mut bytes = vec![0; 2 * SLOT_BYTES];
    let read = read_up_to(file.as_ref(), &mut bytes, 0)?;
    bytes.truncate(read);
    let slots = bytes.chunks(SLOT_BYTES).filter_map(Anchor::decode);
    Ok(slots.max_by_key(|anchor| anchor.generation))
}

/// The anchor's file, open for writing.
#[derive(Debug)]
pub struct AnchorFile {
    file: Box<dyn StorageFile>,
    /// What was written last.
    last: Anchor,
    unsynced: bool,
}

impl AnchorFile {
    /// Makes the anchor of a new ledger, and syncs it.
    ///
    /// # Errors
    /// What the storage says.
    pub fn create(storage: &dyn Storage, anchor: Anchor) -> io::Result<AnchorFile> {
        let mut file = storage.open(PATH, Access::CreateNew)?;
        write_all_at(file.as_mut(), &[0; 2 * SLOT_BYTES], 0)?;
        let mut file = AnchorFile { file, last: anchor, unsynced: false };
        file.write(anchor)?;
        file.sync()?;
        Ok(file)
    }

    /// Opens the anchor that was [`read`].
    ///
    /// # Errors
    /// What the storage says.
    pub fn open(storage: &dyn Storage, last: Anchor) -> io::Result<AnchorFile> {
        Ok(AnchorFile { file: storage.open(PATH, Access::ReadWrite)?, last, unsynced: false })
    }

    /// What was written last.
    pub fn last(&self) -> &Anchor {
        &self.last
    }

    /// Writes an anchor of the next generation into the slot that is not in use.
    ///
    /// # Errors
    /// What the storage says.
    pub fn write(&mut self, anchor: Anchor) -> io::Result<()> {
        let anchor = Anchor { generation: self.last.generation + 1, ..anchor };
        let slot = anchor.generation % 2;
        write_all_at(self.file.as_mut(), &anchor.encode(), slot * SLOT_BYTES as u64)?;
        self.last = anchor;
        self.unsynced = true;
        Ok(())
    }

    /// Whether something was written and not synced.
    pub fn is_unsynced(&self) -> bool {
        self.unsynced
    }

    /// Makes what was written durable.
    ///
    /// # Errors
    /// What the storage says; fatal like every failed sync.
    pub fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()?;
        self.unsynced = false;
        Ok(())
    }
}
