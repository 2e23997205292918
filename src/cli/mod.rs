//! The commands of `ledgerctl`: what they print, and with which exit code they end.

pub mod block_words;
pub mod commands;

use crate::client::ClientError;
use crate::terminal::exit::Exit;

impl From<&ClientError> for Exit {
    fn from(error: &ClientError) -> Exit {
        match error {
            ClientError::Usage(_) => Exit::Usage,
            // Too much at once is no refusal of what was asked.
            ClientError::Refused(refusal) if refusal.name == "busy" => Exit::Unreachable,
            ClientError::Refused(_) => Exit::Refused,
            ClientError::Unreachable(_) | ClientError::Busy(_) => Exit::Unreachable,
            ClientError::Unknown(_) => Exit::Unknown,
            ClientError::Untold(_) => Exit::Untold,
            ClientError::Integrity(_) => Exit::Integrity,
            ClientError::Config(_) | ClientError::File(..) => Exit::Config,
            ClientError::InUse(_) => Exit::Busy,
            ClientError::Unexpected(_) => Exit::Unexpected,
        }
    }
}
