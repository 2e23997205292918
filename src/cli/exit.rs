//! How a process ends: every exit code there is. Anything else, 101, 134 or a signal, is a bug.

use std::process::ExitCode;

use crate::client::ClientError;

/// What an exit code means. Never renumbered: scripts rely on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// It was done.
    Done = 0,
    /// An unexpected failure.
    Unexpected = 1,
    /// Wrong usage or unreadable input, or an unknown server not confirmed; nothing was sent.
    Usage = 2,
    /// Refused; nothing changed.
    Refused = 3,
    /// The server could not be reached, is busy, or a read was cut off; nothing changed.
    Unreachable = 4,
    /// The outcome of a signed command is unknown; the next invocation settles it.
    Unknown = 5,
    /// It was done and is durable, but that could not be told, or its receipt could not be written.
    Untold = 6,
    /// Integrity violation: damage, broken chain, bad proof, rollback, fork, changed server.
    Integrity = 65,
    /// I/O error on the way to durability.
    Io = 74,
    /// A ledger's directory, or a home, is in use by another process.
    Busy = 75,
    /// Configuration, key files or home files unusable.
    Config = 78,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

impl From<&ClientError> for Exit {
    fn from(error: &ClientError) -> Exit {
        match error {
            ClientError::Usage(_) => Exit::Usage,
            // Too much at once is no refusal of what was asked.
            ClientError::Refused(refusal) if refusal.name == "busy" => Exit::Unreachable,
            ClientError::Refused(_) => Exit::Refused,
            ClientError::Unreachable(_) => Exit::Unreachable,
            ClientError::Unknown(_) => Exit::Unknown,
            ClientError::Untold(_) => Exit::Untold,
            ClientError::Integrity(_) => Exit::Integrity,
            ClientError::Config(_) | ClientError::File(..) => Exit::Config,
            ClientError::InUse(_) => Exit::Busy,
            ClientError::Unexpected(_) => Exit::Unexpected,
        }
    }
}
