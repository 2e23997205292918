//! The newest checkpoint that ever left the process, in a file of its own: a signed note, as C2SP writes it. A
//! log that does not extend it is not served. In the data directory it catches a log that was cut or exchanged;
//! on another disk it catches a directory that was put back whole.

use std::fmt;
use std::io;
use std::sync::Arc;

use crate::chain::Checkpoint;
use crate::chain::checkpoint::NotCheckpoint;
use crate::crypto::note::{LogPublicKey, NoteError};
use crate::eventlog::{Storage, read_small, replace, try_replace};

/// The usual name, in the data directory.
pub const CHECKPOINT_FILE: &str = "checkpoint";

/// A checkpoint's note is a few hundred bytes; one with many cosignatures a few thousand.
const NOTE_BYTES_MAX: u64 = 64 << 10;

/// Where the newest checkpoint is kept.
#[derive(Clone, Debug)]
pub struct CheckpointFile {
    storage: Arc<dyn Storage>,
    name: String,
    kept: Option<Checkpoint>,
}

/// Why the file cannot be used.
#[derive(Debug)]
pub enum CheckpointFileError {
    /// It holds no checkpoint, or one of another ledger.
    NotOurs(NotCheckpoint),
    /// It cannot be read.
    Unreadable(io::Error),
    /// It cannot be written where it is.
    Unwritable(io::Error),
}

impl CheckpointFile {
    /// Reads the file, and finds out whether a newer one can take its place; what is there stays as it is. That
    /// there is none yet is no error, and known by [`CheckpointFile::kept`].
    ///
    /// # Errors
    /// [`CheckpointFileError`].
    pub fn open(
        storage: Arc<dyn Storage>,
        name: &str,
        log_key: &LogPublicKey,
    ) -> Result<CheckpointFile, CheckpointFileError> {
        let note = read_small(storage.as_ref(), name, NOTE_BYTES_MAX);
        let kept = match note.map_err(CheckpointFileError::Unreadable)? {
            Some(note) => Some(verify(&note, log_key).map_err(CheckpointFileError::NotOurs)?),
            None => None,
        };
        try_replace(storage.as_ref(), name).map_err(CheckpointFileError::Unwritable)?;
        Ok(CheckpointFile { storage, name: name.to_owned(), kept })
    }

    /// The newest checkpoint that left the process.
    pub fn kept(&self) -> Option<&Checkpoint> {
        self.kept.as_ref()
    }

    /// Replaces the file, durably, before a note of this checkpoint leaves. Does nothing if it is there.
    ///
    /// # Errors
    /// What the file system says; the note must not leave unless the disk is just full.
    pub fn keep(&mut self, checkpoint: Checkpoint, note: &str) -> io::Result<()> {
        if self.kept.as_ref().is_some_and(|kept| kept.size >= checkpoint.size) {
            return Ok(());
        }
        replace(self.storage.as_ref(), &self.name, note.as_bytes())?;
        self.kept = Some(checkpoint);
        Ok(())
    }
}

fn verify(note: &[u8], log_key: &LogPublicKey) -> Result<Checkpoint, NotCheckpoint> {
    let note = std::str::from_utf8(note).map_err(|_| NotCheckpoint::Note(NoteError::Malformed))?;
    Checkpoint::of_note(note, log_key)
}

impl fmt::Display for CheckpointFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CheckpointFileError::NotOurs(error) => {
                write!(f, "checkpoint_file: not a checkpoint that this ledger signed: {error}")
            }
            CheckpointFileError::Unreadable(error) => {
                write!(f, "checkpoint_file: the newest checkpoint cannot be read: {error}")
            }
            CheckpointFileError::Unwritable(error) if error.kind() == io::ErrorKind::NotFound => {
                f.write_str("checkpoint_file: the newest checkpoint cannot be kept there: no such folder")
            }
            CheckpointFileError::Unwritable(error) => {
                write!(f, "checkpoint_file: the newest checkpoint cannot be kept there: {error}")
            }
        }
    }
}

impl std::error::Error for CheckpointFileError {}
