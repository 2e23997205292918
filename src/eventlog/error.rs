//! What can be wrong with a log, as facts.

use std::fmt;
use std::io;

/// Why the log cannot be opened, read or written any more.
#[derive(Debug)]
pub enum LogError {
    /// There is no usable anchor: which blocks were acknowledged is not known.
    AnchorMissing,
    /// The anchor speaks of more blocks than the log has: acknowledged commands are gone.
    AnchorAhead {
        /// Blocks that the anchor knows to be durable.
        anchor: u64,
        /// Blocks that the log has.
        log: u64,
    },
    /// Something in the log is damaged.
    Corrupt {
        /// The file, relative to the data directory.
        file: String,
        /// Where in the file, in bytes.
        offset: u64,
        /// The index of the first block that is affected.
        index: u64,
        /// Stable machine name.
        name: &'static str,
        /// A sentence.
        reason: String,
    },
    /// There is no segment.
    Empty,
    /// The storage failed.
    Io {
        /// The file, relative to the data directory.
        file: String,
        /// What was being done.
        operation: &'static str,
        /// What the storage says.
        source: io::Error,
    },
    /// An earlier failure has ended this log; only a restart can find out what is on disk.
    Poisoned,
}

/// Why a log cannot be opened.
pub type OpenError = LogError;

impl LogError {
    pub(crate) fn corrupt(
        file: &str,
        offset: u64,
        index: u64,
        name: &'static str,
        reason: impl ToString,
    ) -> LogError {
        LogError::Corrupt { file: file.to_owned(), offset, index, name, reason: reason.to_string() }
    }

    /// The storage failed at a file outside the log, such as a derived one.
    pub fn io(file: &str, operation: &'static str, source: io::Error) -> LogError {
        LogError::Io { file: file.to_owned(), operation, source }
    }

    /// A log without a block.
    pub fn empty() -> LogError {
        LogError::Empty
    }

    /// The stable machine name.
    pub fn name(&self) -> &'static str {
        match self {
            LogError::AnchorMissing => "anchor_missing",
            LogError::AnchorAhead { .. } => "anchor_ahead",
            LogError::Corrupt { name, .. } => name,
            LogError::Empty => "log_empty",
            LogError::Io { .. } => "io",
            LogError::Poisoned => "poisoned",
        }
    }

    /// Whether a write found no room. A failed sync is something else, whatever it says.
    pub fn is_want_of_room(&self) -> bool {
        matches!(self, LogError::Io { operation, source, .. } if *operation != "sync" && is_full(source))
    }

    /// Whether the log itself is damaged, as opposed to a disk that does not answer.
    pub fn is_damage(&self) -> bool {
        match self {
            LogError::AnchorMissing
            | LogError::AnchorAhead { .. }
            | LogError::Corrupt { .. }
            | LogError::Empty => true,
            LogError::Io { .. } | LogError::Poisoned => false,
        }
    }
}

/// For `map_err` at a file.
pub(super) fn io_error(file: &str, operation: &'static str) -> impl FnOnce(io::Error) -> LogError {
    let file = file.to_owned();
    move |source| LogError::Io { file, operation, source }
}

/// Whether an error says that there is no room: not enough blocks, quota, or the largest file.
pub fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    )
}

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LogError::AnchorMissing => f.write_str("anchor_missing: neither slot of the anchor can be read"),
            LogError::AnchorAhead { anchor, log } => {
                write!(f, "anchor_ahead: {anchor} blocks were acknowledged, the log has {log}")
            }
            LogError::Corrupt { file, offset, index, name, reason } => {
                write!(f, "{name}: {file}, offset {offset}, block {index}: {reason}")
            }
            LogError::Empty => f.write_str("log_empty: the log has no segment"),
            LogError::Io { file, operation, source } => write!(f, "{operation} {file}: {source}"),
            LogError::Poisoned => f.write_str("an earlier failure has ended this log"),
        }
    }
}

impl std::error::Error for LogError {}
