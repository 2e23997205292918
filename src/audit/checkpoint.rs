//! A checkpoint that somebody kept, held against a log: the reason why a server cannot take back or exchange
//! what it once showed.
//!
//! Two questions are kept apart. Whether the file is a checkpoint of this ledger at all says something about the
//! file. Only a checkpoint that the ledger did sign says something about the ledger.

use std::fmt;

use super::checker::Outcome;
use super::findings::Place;
use crate::chain::armour::{self, NotOne};
use crate::chain::checkpoint::MalformedCheckpoint;
use crate::chain::{Checkpoint, TreeRoot};
use crate::crypto::note::{LogPublicKey, NoteError};
use crate::wire::Finding;

/// What a kept checkpoint says about a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// The log begins with the very blocks that the checkpoint is over.
    Extended,
    /// The checkpoint is not one of this ledger, for this reason. About the ledger, it says nothing.
    NotOfThisLedger(String),
    /// The ledger signed for something else than what is there: a rollback or a fork. The finding is among those of
    /// the report.
    Contradicted(Finding),
    /// The log is damaged before the checkpoint's end, so that nobody can tell. The warning is among those of the
    /// report.
    Unchecked(Finding),
}

impl Judgement {
    /// The stable machine name.
    pub fn name(&self) -> &str {
        match self {
            Judgement::Extended => "extended",
            Judgement::NotOfThisLedger(_) => "not_of_this_ledger",
            Judgement::Contradicted(finding) => &finding.name,
            Judgement::Unchecked(_) => "unchecked",
        }
    }

    /// What of it belongs into the report on the log.
    pub(super) fn finding(&self) -> Option<Finding> {
        match self {
            Judgement::Extended | Judgement::NotOfThisLedger(_) => None,
            Judgement::Contradicted(finding) | Judgement::Unchecked(finding) => Some(finding.clone()),
        }
    }
}

/// A checkpoint as it was kept: a signed note, and perhaps the key that its keeper pinned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    note: String,
    checkpoint: Checkpoint,
    pinned: Option<LogPublicKey>,
}

impl Kept {
    /// Reads a signed note out of a file as a person kept it or got it by mail; the verifier key that its keeper had
    /// may stand in it as well. Whether the signature holds is for the audit to say, which learns the log key from
    /// the genesis block.
    ///
    /// # Errors
    /// [`NotOne`] when the file is something else.
    pub fn find(text: &str) -> Result<Kept, NotOne> {
        let note = Checkpoint::find_note(text)?;
        let kept = Kept::read(&note, armour::word(text));
        kept.map_err(|_| NotOne::Absent)
    }

    /// Reads a signed note; `pinned` is the key that the log must have, where the keeper knows one.
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
    /// had `length` blocks. The first reason not to believe the note, or the log.
    pub(super) fn judge(&self, outcome: &Outcome, found: Option<TreeRoot>, length: u64) -> Judgement {
        let Checkpoint { size, root, .. } = &self.checkpoint;
        let last = size.checked_sub(1);
        let place = Place { file: "log", offset: 0, index: last };
        let unchecked = |reason: &str| Judgement::Unchecked(place.warning("checkpoint_unchecked", reason));
        let contradicted = |name: &str, reason: String| Judgement::Contradicted(place.finding(name, reason));
        let Some(log_key) = &outcome.log_key else {
            return unchecked("the log has no usable genesis block to hold the checkpoint against");
        };
        if let Some(reason) = self.is_foreign(log_key) {
            return Judgement::NotOfThisLedger(reason);
        }
        if length < *size {
            let reason =
                format!("the log has {length} blocks; the ledger once had {size} and signed for them");
            return contradicted("rollback", reason);
        }
        match found {
            Some(found) if found == *root => Judgement::Extended,
            Some(found) => {
                let reason = format!(
                    "the first {size} blocks have the root {found}, the ledger signed for {root}: two histories"
                );
                contradicted("fork", reason)
            }
            None => unchecked(
                "the blocks up to the checkpoint were not all read as one chain: their root is unknown",
            ),
        }
    }

    /// Why this is not a checkpoint of the ledger with this log key, if it is not.
    fn is_foreign(&self, log_key: &LogPublicKey) -> Option<String> {
        let origin = &self.checkpoint.origin;
        if origin != log_key.origin() {
            return Some(format!("it is of {origin}, the ledger is {}", log_key.origin()));
        }
        if let Some(pinned) = self.pinned.as_ref().filter(|pinned| *pinned != log_key) {
            return Some(format!(
                "it came with the key {pinned}, the ledger of this name has the key {log_key}"
            ));
        }
        let error = log_key.verify_note(&self.note).err()?;
        Some(match error {
            NoteError::NotSigned => {
                format!("it is of a ledger with this name and another key; this one has the key {log_key}")
            }
            NoteError::BadSignature => {
                format!("its signature by {log_key} does not hold: the file was changed after it was signed")
            }
            other => other.to_string(),
        })
    }
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {} blocks", self.checkpoint.origin, self.checkpoint.size)
    }
}
