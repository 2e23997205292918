//! A checkpoint that somebody kept, held against a log: the reason why a server cannot take back or exchange
//! what it once showed.

use std::fmt;

use super::checker::Outcome;
use super::findings::Place;
use crate::chain::checkpoint::MalformedCheckpoint;
use crate::chain::{Checkpoint, TreeRoot};
use crate::crypto::note::LogPublicKey;
use crate::wire::Finding;

/// A checkpoint as it was kept: a signed note, and perhaps the key that its keeper pinned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    note: String,
    checkpoint: Checkpoint,
    pinned: Option<LogPublicKey>,
}

impl Kept {
    /// Reads a signed note. Whether the signature holds is for the audit to say, which learns the log key from
    /// the genesis block; `pinned` is the key that it must be, where the keeper knows one.
    ///
    /// # Errors
    /// [`MalformedCheckpoint`] when the note's text is not a checkpoint: the file is something else.
    pub fn read(note: &str, pinned: Option<LogPublicKey>) -> Result<Kept, MalformedCheckpoint> {
        // The text of a note ends with the newline before its last blank line.
        let text = note.rfind("\n\n").and_then(|end| note.get(..=end)).ok_or(MalformedCheckpoint)?;
        let checkpoint = Checkpoint::parse(text)?;
        Ok(Kept { note: note.to_owned(), checkpoint, pinned })
    }

    /// What the note says.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// Compares with the outcome of a walk, which `found` this root at the checkpoint's size, over a log that has or
    /// had `length` blocks. At most one finding: the first reason not to believe the log, or the note.
    pub(super) fn judge(&self, outcome: &Outcome, found: Option<TreeRoot>, length: u64) -> Option<Finding> {
        let Checkpoint { size, root, .. } = &self.checkpoint;
        let last = size.checked_sub(1);
        let place = Place { file: "log", offset: 0, index: last };
        let Some(log_key) = &outcome.log_key else {
            let reason = "the log has no usable genesis block to hold the checkpoint against";
            return Some(place.warning("checkpoint_unchecked", reason));
        };
        if self.pinned.as_ref().is_some_and(|pinned| pinned != log_key) {
            let reason = format!("the log key of this ledger is {log_key}, not the one that was pinned");
            return Some(place.finding("other_log_key", reason));
        }
        if let Err(error) = log_key.verify_note(&self.note) {
            let reason = format!("the checkpoint is not one of this ledger's ({log_key}): {error}");
            return Some(place.finding("checkpoint_signature", reason));
        }
        if length < *size {
            let reason =
                format!("the log has {length} blocks; the ledger once had {size} and signed for them");
            return Some(place.finding("rollback", reason));
        }
        match found {
            Some(found) if found == *root => None,
            Some(found) => {
                let reason = format!(
                    "the first {size} blocks have the root {found}, the ledger signed for {root}: two histories"
                );
                Some(place.finding("fork", reason))
            }
            None => {
                let reason =
                    "the blocks up to the checkpoint were not all read as one chain: their root is unknown";
                Some(place.warning("checkpoint_unchecked", reason))
            }
        }
    }
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {} blocks", self.checkpoint.origin, self.checkpoint.size)
    }
}
