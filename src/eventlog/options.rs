//! What an operator may set about the log, and what the log says about itself.

use super::frame::frame_bytes_of;
use super::segment::bytes_for;
use crate::limits::{BLOCK_BYTES_MAX, SEGMENT_BYTES_DEFAULT, SEGMENT_BYTES_MAX, SEGMENT_BYTES_MIN};

/// How the log is written. Never makes an existing log unopenable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Nominal bytes of a new segment.
    pub segment_bytes: u64,
    /// Bytes of the largest block that is expected. A segment that is made ahead has room for one of them, whatever its
    /// nominal size: otherwise a full disk would refuse the large commands only, and nobody could say when it is full.
    pub block_bytes_max: usize,
}

impl Options {
    /// The nominal bytes of a segment, held to what the format allows.
    pub(super) fn nominal_bytes(self) -> u64 {
        self.segment_bytes.clamp(SEGMENT_BYTES_MIN, SEGMENT_BYTES_MAX)
    }

    /// Bytes of a segment that is made ahead.
    pub(super) fn spare_bytes(self) -> u64 {
        self.nominal_bytes().max(bytes_for(frame_bytes_of(self.block_bytes_max)))
    }
}

impl Default for Options {
    fn default() -> Options {
        Options { segment_bytes: SEGMENT_BYTES_DEFAULT, block_bytes_max: BLOCK_BYTES_MAX }
    }
}

/// Whether there is room for further blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// There is, or it is allocated when it is asked for.
    ReadWrite,
    /// There is none, because the disk is full.
    ReadOnly {
        /// What the disk said.
        reason: String,
    },
}

impl Mode {
    /// Whether nothing more is taken.
    pub fn is_read_only(&self) -> bool {
        matches!(self, Mode::ReadOnly { .. })
    }
}

/// What the log counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Segments.
    pub segments: u64,
    /// Bytes of headers and frames in all segments.
    pub log_bytes: u64,
    /// Bytes written to segments since the log was opened.
    pub bytes_written: u64,
    /// Batches written since the log was opened.
    pub batches: u64,
    /// Syncs of segments since the log was opened.
    pub syncs: u64,
}
