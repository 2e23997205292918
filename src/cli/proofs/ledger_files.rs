//! The files of a ledger, which somebody named: whether they are there, and what it means that they cannot be read.

use std::io::ErrorKind;
use std::path::Path;

use crate::audit::AuditError;
use crate::client::ClientError;
use crate::daemon::is_unfinished;
use crate::eventlog::{Disk, LogError};

/// The files of a ledger, which somebody named.
pub(super) fn directory(path: &Path) -> Result<Disk, ClientError> {
    is_folder(path)?;
    if is_unfinished(path) {
        let text = format!("{}: not a ledger yet: it was never finished, or is being made", path.display());
        return Err(ClientError::Usage(text));
    }
    if is_folder(&path.join("log"))? {
        Ok(Disk::new(path))
    } else {
        Err(ClientError::Usage(format!("{}: not a ledger's directory: it has no log", path.display())))
    }
}

/// Whether a folder is there; that this cannot be told is another matter.
pub(super) fn is_folder(path: &Path) -> Result<bool, ClientError> {
    match std::fs::metadata(path) {
        Ok(found) => Ok(found.is_dir()),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(false),
        Err(error) => Err(unreadable(path, &error)),
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> ClientError {
    let advice = match error.kind() {
        ErrorKind::PermissionDenied => ": nothing was judged; run it as a user who may read the files",
        _ => "",
    };
    ClientError::Usage(format!("{}: {error}{advice}", path.display()))
}

/// Files of this directory that cannot be read are an input that cannot be read, and say nothing about the ledger.
pub(super) fn no_verdict(directory: &Path, error: &AuditError) -> ClientError {
    match error {
        AuditError::Storage(LogError::Io { file, source, .. }) => unreadable(&directory.join(file), source),
        error => ClientError::Unexpected(format!("{}: {error}", directory.display())),
    }
}
