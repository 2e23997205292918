//! A segment: its name, and the header that ties it to the segment before.
//!
//! ```text
//!   0 16  "ledgerd segment\0"          66  8  index of the first block
//!  16  2  version = 1                  74 32  hash of the block before; zeros in the first segment
//!  18 32  ledger id                   106 16  salt
//!  50  8  segment number, from 0      122  4  CRC-32C of bytes 0 to 121
//!  58  8  bytes of the file when it was made
//! ```

use super::frame::{FRAME_BYTES_OVERHEAD, SEAL_BYTES, SegmentIdentity};
use crate::crypto::{Digest, LedgerId};
use crate::cutter::Cutter;
use crate::limits::BATCH_BYTES_MAX;

/// Bytes of a segment's header.
pub const SEGMENT_HEADER_BYTES: usize = 126;

/// The folder of the segments.
pub const LOG_DIR: &str = "log";

/// The segment that is being prepared; its contents mean nothing.
pub const SPARE: &str = "log/next.tmp";

const MAGIC: &[u8; 16] = b"ledgerd segment\0";
const VERSION: u16 = 1;
const SUFFIX: &str = ".seg";

/// What stands at the front of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentHeader {
    /// Which ledger, which number, which salt.
    pub identity: SegmentIdentity,
    /// Bytes of the file when it was made.
    pub file_bytes: u64,
    /// Index of the first block.
    pub first_index: u64,
    /// Hash of the block before.
    pub hash_before: Digest,
}

impl SegmentHeader {
    /// Writes the header's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(SEGMENT_HEADER_BYTES);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&VERSION.to_be_bytes());
        bytes.extend_from_slice(&self.identity.ledger_id.0);
        bytes.extend_from_slice(&self.identity.number.to_be_bytes());
        bytes.extend_from_slice(&self.file_bytes.to_be_bytes());
        bytes.extend_from_slice(&self.first_index.to_be_bytes());
        bytes.extend_from_slice(&self.hash_before.0);
        bytes.extend_from_slice(&self.identity.salt);
        let checksum = crc32c::crc32c(&bytes);
        bytes.extend_from_slice(&checksum.to_be_bytes());
        bytes
    }

    /// Reads and checks a header.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn decode(bytes: &[u8; SEGMENT_HEADER_BYTES]) -> Result<SegmentHeader, &'static str> {
        let (covered, checksum) = bytes.split_at(SEGMENT_HEADER_BYTES - 4);
        if !covered.starts_with(MAGIC) {
            return Err("the file does not begin like a segment");
        }
        if checksum != crc32c::crc32c(covered).to_be_bytes() {
            return Err("the checksum of the segment's header does not hold");
        }
        let mut cutter = Cutter(covered.get(MAGIC.len()..).unwrap_or_default());
        let mut cut = || {
            let version = cutter.u16()?;
            let ledger_id = LedgerId(cutter.array()?);
            let number = cutter.u64()?;
            let (file_bytes, first_index) = (cutter.u64()?, cutter.u64()?);
            let hash_before = Digest(cutter.array()?);
            let identity = SegmentIdentity { ledger_id, number, salt: cutter.array()? };
            Some((version, SegmentHeader { identity, file_bytes, first_index, hash_before }))
        };
        match cut() {
            Some((VERSION, header)) => Ok(header),
            Some(_) => Err("the segment has a version that is not known"),
            None => Err("the segment's header is cut off"),
        }
    }
}

/// The path of the segment whose first block has this index.
pub fn path(first_index: u64) -> String {
    format!("{LOG_DIR}/{first_index:020}{SUFFIX}")
}

/// The first index that a file's name says, if it is the name of a segment.
pub fn parse_name(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(SUFFIX)?;
    (digits.len() == 20 && digits.bytes().all(|b| b.is_ascii_digit())).then(|| digits.parse().ok())?
}

/// Bytes that a segment needs for its header, one frame and its seal, whatever its nominal size.
pub fn bytes_for(frame_bytes: u64) -> u64 {
    (SEGMENT_HEADER_BYTES + SEAL_BYTES) as u64 + frame_bytes
}

const _: () = assert!(BATCH_BYTES_MAX > FRAME_BYTES_OVERHEAD + SEAL_BYTES);
