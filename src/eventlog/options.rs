//! What an operator may set about the log, and what the log says about itself.

use crate::limits::{SEGMENT_BYTES_DEFAULT, SEGMENT_BYTES_MAX, SEGMENT_BYTES_MIN};

/// How the log is written. Never makes an existing log unopenable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Nominal bytes of a new segment.
    pub segment_bytes: u64,
}

impl Options {
    /// The nominal bytes of a segment, held to what the format allows.
    pub(super) fn nominal_bytes(self) -> u64 {
        self.segment_bytes.clamp(SEGMENT_BYTES_MIN, SEGMENT_BYTES_MAX)
    }
}

impl Default for Options {
    fn default() -> Options {
        Options { segment_bytes: SEGMENT_BYTES_DEFAULT }
    }
}

/// Whether batches are taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// They are.
    ReadWrite,
    /// They are not, because the disk is full.
    ReadOnly {
        /// What the disk said.
        reason: String,
    },
}

impl Mode {
    /// Whether batches are refused.
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
