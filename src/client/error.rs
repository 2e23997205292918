//! Why something could not be done, and whether anything may have changed by it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::refusal::{self, Retry};
use crate::wire::Refusal;

/// What stops a client.
#[derive(Debug)]
pub enum ClientError {
    /// Something that the person at the keyboard has to set right; nothing was sent.
    Usage(String),
    /// The server refused, or nothing could be asked without an account; nothing changed.
    Refused(Refusal),
    /// The server cannot be reached, is busy, or the connection was cut while reading; nothing changed.
    Unreachable(String),
    /// The server is there and takes nobody else at the moment; nothing changed.
    Busy(String),
    /// A signed command is under way and its outcome is not known.
    Unknown(String),
    /// The server takes none of the keys of this home: they were ended, or belong to no account there. What earlier runs left
    /// open is not known, and stays written down.
    KeyEnded(String),
    /// A command was done and is durable, but its outcome could not be told or its receipt could not be written. The
    /// sentence names the block; the same command again tells it, and does nothing a second time.
    Untold(String),
    /// Something is not what it claims to be: a changed server, a bad proof, a damaged block.
    Integrity(String),
    /// A key or another file of the client's home is not what it has to be.
    Config(String),
    /// A file of the client's home could not be read or written.
    File(PathBuf, io::Error),
    /// Another process uses the home and did not end in time; nothing changed.
    InUse(String),
    /// Anything else.
    Unexpected(String),
}

impl ClientError {
    pub(super) fn file(path: &Path) -> impl FnOnce(io::Error) -> ClientError {
        let path = path.to_owned();
        move |error| ClientError::File(path, error)
    }

    /// The stable name: a refusal's own, or that of the kind of error.
    pub fn name(&self) -> &str {
        match self {
            ClientError::Usage(_) => "usage",
            ClientError::Refused(refusal) => &refusal.name,
            ClientError::Unreachable(_) => "unreachable",
            ClientError::Busy(_) => "busy",
            ClientError::Unknown(_) => "outcome_unknown",
            ClientError::KeyEnded(_) => refusal::KEY_ENDED,
            ClientError::Untold(_) => "untold",
            ClientError::Integrity(_) => "integrity",
            ClientError::Config(_) => "config",
            ClientError::InUse(_) => "in_use",
            ClientError::File(..) => "file",
            ClientError::Unexpected(_) => "unexpected",
        }
    }

    /// Whether the server did not answer, or takes nobody: the same may work in a moment.
    pub fn is_away(&self) -> bool {
        matches!(self, ClientError::Unreachable(_) | ClientError::Busy(_))
    }

    /// Whether trying again can help, and how.
    pub fn retry(&self) -> Retry {
        match self {
            ClientError::Refused(refusal) => refusal::retry_of(&refusal.name),
            ClientError::Unreachable(_)
            | ClientError::Busy(_)
            | ClientError::InUse(_)
            | ClientError::File(..) => Retry::Later,
            ClientError::Unknown(_) | ClientError::Untold(_) => Retry::SameCommand,
            ClientError::Usage(_)
            | ClientError::Integrity(_)
            | ClientError::Config(_)
            | ClientError::KeyEnded(_)
            | ClientError::Unexpected(_) => Retry::Never,
        }
    }

    /// What follows from a failure after a command was done: it is done, and not told. What says that somebody lies stays
    /// what it is.
    pub fn untold(index: u64, failure: ClientError) -> ClientError {
        match failure {
            failure @ (ClientError::Integrity(_) | ClientError::Untold(_)) => failure,
            failure => ClientError::Untold(format!(
                "block {index} is written, but that could not be told: {failure}. The same command given again tells \
                 it, and does nothing a second time"
            )),
        }
    }

    /// What the server said has nothing to do with what it was asked.
    pub fn other_answer() -> ClientError {
        ClientError::Unexpected("the server answered something else than was asked".to_owned())
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ClientError::Refused(refusal) => {
                write!(f, "refused: {} ({}): {}", refusal.name, refusal.code, refusal.message)
            }
            ClientError::File(path, error) => write!(f, "{}: {error}", path.display()),
            ClientError::Usage(text)
            | ClientError::Config(text)
            | ClientError::Unreachable(text)
            | ClientError::Busy(text)
            | ClientError::Unknown(text)
            | ClientError::KeyEnded(text)
            | ClientError::Untold(text)
            | ClientError::Integrity(text)
            | ClientError::InUse(text)
            | ClientError::Unexpected(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for ClientError {}
