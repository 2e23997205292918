//! The frames of a segment: batches and the seal, one layout.
//!
//! ```text
//! header, 100 bytes                                     payload
//!   0  4  magic "LDGB"                                  batch: (length u32 ‖ block) per block
//!   4  2  version = 1                                   seal:  hash of the last block, 32 bytes
//!   6  2  kind: 1 batch, 2 seal                         then CRC-32C of the payload, u32
//!   8 32  ledger id
//!  40  8  segment number
//!  48 16  salt of the segment
//!  64  8  frame number in the segment
//!  72  8  index of the first block
//!  80  8  durable_before: blocks known durable when the frame was formed
//!  88  4  number of blocks
//!  92  4  bytes of the payload
//!  96  4  CRC-32C of bytes 0 to 95
//! ```
//!
//! Integers are big-endian. The header's checksum stands before any length in it is believed. The checksums
//! tell torn from rotten and nothing else: tampering is for hashes and signatures to tell.

use std::fmt;

use crate::crypto::{Digest, LedgerId};
use crate::cutter::Cutter;
use crate::limits::{BATCH_BYTES_MAX, BLOCK_BYTES_MAX};

/// Bytes of a frame's header.
pub const FRAME_HEADER_BYTES: usize = 100;
/// Bytes of a frame around its payload.
pub const FRAME_BYTES_OVERHEAD: usize = FRAME_HEADER_BYTES + 4;
/// Bytes of a seal frame.
pub const SEAL_BYTES: usize = FRAME_BYTES_OVERHEAD + 32;

const MAGIC: &[u8; 4] = b"LDGB";
const VERSION: u16 = 1;
const KIND_BATCH: u16 = 1;
const KIND_SEAL: u16 = 2;

/// Bytes of a frame that holds one block of this many bytes.
pub fn frame_bytes_of(block_bytes: usize) -> u64 {
    (FRAME_BYTES_OVERHEAD + 4 + block_bytes) as u64
}

/// What a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameKind {
    /// Blocks.
    Batch,
    /// The end of a segment that will not grow any more.
    Seal,
}

/// What every frame of a segment repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentIdentity {
    /// Which ledger.
    pub ledger_id: LedgerId,
    /// Which segment, from 0.
    pub number: u64,
    /// Random, so that stale bytes of another file never look like frames of this one.
    pub salt: [u8; 16],
}

/// A frame's header, checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    /// What it holds.
    pub kind: FrameKind,
    /// Place in the segment, from 0.
    pub number: u64,
    /// Index of the first block in it; of the next block for a seal.
    pub first_index: u64,
    /// Block `s` was known to be durable when the frame was formed if `s < durable_before`.
    pub durable_before: u64,
    /// Number of blocks.
    pub count: u32,
    /// Bytes of the payload.
    pub payload_bytes: u32,
}

/// Why bytes are no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// The segment ends before the frame does.
    Cut,
    /// All zeros: the normal end of what was written.
    Zeros,
    /// Not the magic of a frame.
    Magic,
    /// The header's checksum does not hold.
    HeaderChecksum,
    /// A version that this program does not know.
    Version(u16),
    /// A frame of another ledger or segment.
    Foreign,
    /// A kind or a length that no frame has.
    Shape,
    /// The payload's checksum does not hold.
    PayloadChecksum,
    /// The blocks' lengths do not fill the payload.
    Lengths,
    /// Not the frame that follows the one before.
    Sequence,
}

impl FrameHeader {
    /// Writes the header's bytes.
    pub fn encode(&self, identity: &SegmentIdentity) -> [u8; FRAME_HEADER_BYTES] {
        let mut bytes = Vec::with_capacity(FRAME_HEADER_BYTES);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&VERSION.to_be_bytes());
        let kind = match self.kind {
            FrameKind::Batch => KIND_BATCH,
            FrameKind::Seal => KIND_SEAL,
        };
        bytes.extend_from_slice(&kind.to_be_bytes());
        bytes.extend_from_slice(&identity.ledger_id.0);
        bytes.extend_from_slice(&identity.number.to_be_bytes());
        bytes.extend_from_slice(&identity.salt);
        bytes.extend_from_slice(&self.number.to_be_bytes());
        bytes.extend_from_slice(&self.first_index.to_be_bytes());
        bytes.extend_from_slice(&self.durable_before.to_be_bytes());
        bytes.extend_from_slice(&self.count.to_be_bytes());
        bytes.extend_from_slice(&self.payload_bytes.to_be_bytes());
        let checksum = crc32c::crc32c(&bytes);
        bytes.extend_from_slice(&checksum.to_be_bytes());
        let mut header = [0; FRAME_HEADER_BYTES];
        header.copy_from_slice(&bytes);
        header
    }

    /// Reads and checks a header. The payload's length is within its limits afterwards.
    ///
    /// # Errors
    /// [`FrameError`].
    pub fn decode(
        bytes: &[u8; FRAME_HEADER_BYTES],
        identity: &SegmentIdentity,
    ) -> Result<FrameHeader, FrameError> {
        if bytes.iter().all(|byte| *byte == 0) {
            return Err(FrameError::Zeros);
        }
        if !bytes.starts_with(MAGIC) {
            return Err(FrameError::Magic);
        }
        let (covered, checksum) = bytes.split_at(FRAME_HEADER_BYTES - 4);
        if checksum != crc32c::crc32c(covered).to_be_bytes() {
            return Err(FrameError::HeaderChecksum);
        }
        let mut cutter = Cutter(covered.get(4..).unwrap_or_default());
        let mut cut = || {
            let (version, kind) = (cutter.u16()?, cutter.u16()?);
            let found = SegmentIdentity {
                ledger_id: LedgerId(cutter.array()?),
                number: cutter.u64()?,
                salt: cutter.array()?,
            };
            let (number, first_index, durable_before) = (cutter.u64()?, cutter.u64()?, cutter.u64()?);
            let (count, payload_bytes) = (cutter.u32()?, cutter.u32()?);
            let kind = if kind == KIND_BATCH { FrameKind::Batch } else { FrameKind::Seal };
            Some((
                version,
                found,
                FrameHeader { kind, number, first_index, durable_before, count, payload_bytes },
            ))
        };
        let raw_kind = u16::from_be_bytes([bytes[6], bytes[7]]);
        let (version, found, header) = cut().ok_or(FrameError::Shape)?;
        if version != VERSION {
            return Err(FrameError::Version(version));
        }
        if found != *identity {
            return Err(FrameError::Foreign);
        }
        let shaped = match raw_kind {
            KIND_BATCH => {
                header.count > 0
                    && header.payload_bytes as usize <= BATCH_BYTES_MAX - FRAME_BYTES_OVERHEAD
                    && header.payload_bytes / 4 >= header.count
            }
            KIND_SEAL => header.count == 0 && header.payload_bytes == 32,
            _ => false,
        };
        if shaped { Ok(header) } else { Err(FrameError::Shape) }
    }

    /// Bytes of the whole frame.
    pub fn frame_bytes(&self) -> u64 {
        FRAME_BYTES_OVERHEAD as u64 + u64::from(self.payload_bytes)
    }
}

/// The blocks of a payload whose checksum holds.
///
/// # Errors
/// [`FrameError::Lengths`] unless `count` blocks fill it exactly.
pub fn split_blocks(payload: &[u8], count: u32) -> Result<impl Iterator<Item = (usize, &[u8])>, FrameError> {
    let mut cutter = Cutter(payload);
    for _ in 0..count {
        let length = cutter.u32().ok_or(FrameError::Lengths)? as usize;
        if length > BLOCK_BYTES_MAX || cutter.bytes(length).is_none() {
            return Err(FrameError::Lengths);
        }
    }
    if !cutter.0.is_empty() {
        return Err(FrameError::Lengths);
    }
    let mut cutter = Cutter(payload);
    let all = payload.len();
    Ok(std::iter::from_fn(move || {
        let length = cutter.u32()? as usize;
        let at = all - cutter.0.len();
        Some((at, cutter.bytes(length)?))
    }))
}

/// The seal of a segment.
pub fn seal(identity: &SegmentIdentity, number: u64, next_index: u64, durable: u64, head: Digest) -> Vec<u8> {
    let header = FrameHeader {
        kind: FrameKind::Seal,
        number,
        first_index: next_index,
        durable_before: durable,
        count: 0,
        payload_bytes: 32,
    };
    let mut bytes = header.encode(identity).to_vec();
    bytes.extend_from_slice(&head.0);
    bytes.extend_from_slice(&crc32c::crc32c(&head.0).to_be_bytes());
    bytes
}

/// The blocks of one tick, laid out as the frame that will be written: room for the header in front, so that
/// the whole is one write from one buffer that is used again and again.
#[derive(Debug)]
pub struct Batch {
    /// Room for the header, the payload, and the payload's checksum once the frame was finished.
    bytes: Vec<u8>,
    /// Where the payload ends in `bytes`.
    payload_end: usize,
    starts: Vec<u32>,
    head: Digest,
}

impl Default for Batch {
    fn default() -> Batch {
        Batch::new()
    }
}

impl Batch {
    /// An empty batch.
    pub fn new() -> Batch {
        Batch {
            bytes: vec![0; FRAME_HEADER_BYTES],
            payload_end: FRAME_HEADER_BYTES,
            starts: Vec::new(),
            head: Digest::ZERO,
        }
    }

    /// Takes out everything, keeping the memory of a batch of ordinary size.
    pub fn clear(&mut self) {
        self.bytes.truncate(FRAME_HEADER_BYTES);
        self.bytes.shrink_to(1 << 20);
        self.payload_end = FRAME_HEADER_BYTES;
        self.starts.clear();
    }

    /// Number of blocks.
    pub fn count(&self) -> u64 {
        self.starts.len() as u64
    }

    /// Whether a block of this many bytes still fits.
    pub fn has_room(&self, block_bytes: usize) -> bool {
        self.frame_bytes_with(block_bytes) <= BATCH_BYTES_MAX as u64
    }

    /// Adds a block, of which `hash` is the hash. The caller has asked whether there is room.
    ///
    /// # Panics
    /// When there is none, or the block is longer than any block may be.
    pub fn push(&mut self, block: &[u8], hash: Digest) {
        assert!(self.has_room(block.len()), "a batch never grows past its limit");
        assert!(block.len() <= BLOCK_BYTES_MAX, "a longer block could not be read back");
        self.bytes.truncate(self.payload_end);
        self.bytes.extend_from_slice(&(block.len() as u32).to_be_bytes());
        self.starts.push((self.bytes.len() - FRAME_HEADER_BYTES) as u32);
        self.bytes.extend_from_slice(block);
        self.payload_end = self.bytes.len();
        self.head = hash;
    }

    /// The block number `n` of the batch, from 0.
    pub fn block(&self, n: u64) -> Option<&[u8]> {
        let n = usize::try_from(n).ok()?;
        let start = FRAME_HEADER_BYTES + *self.starts.get(n)? as usize;
        let end =
            self.starts.get(n + 1).map_or(self.payload_end, |next| FRAME_HEADER_BYTES + *next as usize - 4);
        self.bytes.get(start..end)
    }

    /// Hash of the last block.
    pub fn head(&self) -> Digest {
        self.head
    }

    /// Bytes of the frame when it is finished.
    pub fn frame_bytes(&self) -> u64 {
        self.payload_end as u64 + 4
    }

    /// Bytes of the frame when it is finished after one more block of this many bytes.
    pub fn frame_bytes_with(&self, block_bytes: usize) -> u64 {
        (self.payload_end + 4 + block_bytes + 4) as u64
    }

    /// Offsets of the blocks in the payload.
    pub(super) fn starts(&self) -> &[u32] {
        &self.starts
    }

    /// Puts header and checksum around the blocks: the bytes to write. Until the batch is cleared its blocks can still
    /// be looked at.
    pub(super) fn finish(
        &mut self,
        identity: &SegmentIdentity,
        number: u64,
        first_index: u64,
        durable_before: u64,
    ) -> &[u8] {
        self.bytes.truncate(self.payload_end);
        let payload = self.bytes.get(FRAME_HEADER_BYTES..).unwrap_or_default();
        let header = FrameHeader {
            kind: FrameKind::Batch,
            number,
            first_index,
            durable_before,
            count: self.starts.len() as u32,
            payload_bytes: payload.len() as u32,
        };
        let checksum = crc32c::crc32c(payload);
        if let Some(front) = self.bytes.first_chunk_mut::<FRAME_HEADER_BYTES>() {
            *front = header.encode(identity);
        }
        self.bytes.extend_from_slice(&checksum.to_be_bytes());
        &self.bytes
    }
}

impl FrameError {
    /// The stable machine name.
    pub fn name(&self) -> &'static str {
        match self {
            FrameError::Cut => "frame_cut",
            FrameError::Zeros => "frame_missing",
            FrameError::Magic => "frame_magic",
            FrameError::HeaderChecksum => "frame_header_checksum",
            FrameError::Version(_) => "frame_version",
            FrameError::Foreign => "frame_foreign",
            FrameError::Shape => "frame_shape",
            FrameError::PayloadChecksum => "frame_payload_checksum",
            FrameError::Lengths => "frame_lengths",
            FrameError::Sequence => "frame_sequence",
        }
    }
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FrameError::Cut => f.write_str("the segment ends within a frame"),
            FrameError::Zeros => f.write_str("zeros where a frame should be"),
            FrameError::Magic => f.write_str("the bytes are not a frame"),
            FrameError::HeaderChecksum => f.write_str("the checksum of a frame's header does not hold"),
            FrameError::Version(version) => write!(f, "a frame of version {version}, which is not known"),
            FrameError::Foreign => f.write_str("a frame of another ledger or segment"),
            FrameError::Shape => f.write_str("a frame with a kind or length that no frame has"),
            FrameError::PayloadChecksum => f.write_str("the checksum of a batch does not hold"),
            FrameError::Lengths => f.write_str("the blocks do not fill their batch"),
            FrameError::Sequence => f.write_str("not the frame that follows the one before"),
        }
    }
}

impl std::error::Error for FrameError {}
