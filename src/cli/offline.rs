//! What a command says that uses the directory of a ledger which nobody serves.

use crate::client::ClientError;
use crate::daemon::DaemonError;
use crate::terminal::exit::Exit;

/// An error of the daemon's files, as a command ends with it.
pub(super) fn of_daemon(error: DaemonError) -> ClientError {
    let text = error.to_string();
    match (&error, error.exit()) {
        (DaemonError::InUse { .. }, _) => {
            ClientError::InUse(format!("{text}; stop ledgerd first, and start it afterwards"))
        }
        (_, Exit::Usage) => ClientError::Usage(text),
        (_, Exit::Integrity) => ClientError::Integrity(text),
        (_, Exit::Config) => ClientError::Config(text),
        _ => ClientError::Unexpected(text),
    }
}
