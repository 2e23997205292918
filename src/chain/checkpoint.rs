//! A checkpoint: origin, tree size and root. Its text is that of C2SP `tlog-checkpoint`; signed, it is a C2SP
//! signed note (`crypto::note`).

use std::fmt;

use tlog_tiles::tlog::Hash;

use super::TreeRoot;
use super::armour::{self, NotOne};
use super::genesis::is_origin;
use crate::crypto::note::{self, LogPublicKey, NoteError};

/// What the log key signs: "the ledger of this name has these blocks and no others before them".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The ledger's name.
    pub origin: String,
    /// Number of blocks.
    pub size: u64,
    /// Root of the tree over them.
    pub root: TreeRoot,
}

/// A text that is no checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MalformedCheckpoint;

impl fmt::Display for MalformedCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the text is not a checkpoint")
    }
}

impl std::error::Error for MalformedCheckpoint {}

/// A note that is no checkpoint of a ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotCheckpoint {
    /// It is not signed by the ledger's log key.
    Note(NoteError),
    /// It is, and its text is no checkpoint.
    Malformed(MalformedCheckpoint),
    /// It is one, of another origin than the key's.
    OtherOrigin,
}

impl fmt::Display for NotCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotCheckpoint::Note(error) => error.fmt(f),
            NotCheckpoint::Malformed(error) => error.fmt(f),
            NotCheckpoint::OtherOrigin => f.write_str("it is of another origin"),
        }
    }
}

impl std::error::Error for NotCheckpoint {}

impl Checkpoint {
    /// Reads a signed note: signature, text and origin.
    ///
    /// # Errors
    /// [`NotCheckpoint`].
    pub fn of_note(note: &str, log_key: &LogPublicKey) -> Result<Checkpoint, NotCheckpoint> {
        let text = log_key.verify_note(note).map_err(NotCheckpoint::Note)?;
        let checkpoint = Checkpoint::parse(text).map_err(NotCheckpoint::Malformed)?;
        if checkpoint.origin == log_key.origin() { Ok(checkpoint) } else { Err(NotCheckpoint::OtherOrigin) }
    }

    /// The signed note in a text as a person hands it on, whatever mail made of it: see [`armour`]. Nothing of it is
    /// believed yet.
    ///
    /// # Errors
    /// [`NotOne`] when the text does not hold one checkpoint.
    pub fn find_note(text: &str) -> Result<String, NotOne> {
        if note::text_of(text).is_some_and(|text| Checkpoint::parse(text).is_ok()) {
            return Ok(text.to_owned());
        }
        // What has the words of a note need not be one, as where a character of a signature is another.
        let found = armour::checkpoint(text)?;
        if note::text_of(&found).is_some() { Ok(found) } else { Err(NotOne::Changed) }
    }

    /// The text to sign: three lines.
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, Hash(self.root.0))
    }

    /// Reads the text of a checkpoint. Extension lines are refused: we never write any, and what we do not
    /// understand we do not vouch for.
    ///
    /// # Errors
    /// [`MalformedCheckpoint`] unless the text is exactly what [`Checkpoint::text`] would write.
    pub fn parse(text: &str) -> Result<Checkpoint, MalformedCheckpoint> {
        let mut lines = text.split('\n');
        let mut parse = || {
            let (origin, size, root) = (lines.next()?, lines.next()?, lines.next()?);
            let size = size.parse().ok()?;
            let root = TreeRoot(Hash::parse_hash(root).ok()?.0);
            Some(Checkpoint { origin: origin.to_owned(), size, root })
        };
        let checkpoint = parse().filter(|checkpoint| is_origin(&checkpoint.origin));
        checkpoint.filter(|checkpoint| checkpoint.text() == text).ok_or(MalformedCheckpoint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_reads_back_and_nothing_else_does() {
        let checkpoint = Checkpoint { origin: "example.org/l".into(), size: 10, root: TreeRoot([7; 32]) };
        let text = checkpoint.text();
        assert_eq!(Checkpoint::parse(&text), Ok(checkpoint));
        for bad in [
            text.replace("10", "010"),
            text.replace("10", "+10"),
            format!("{text}extension\n"),
            text.trim_end().to_owned(),
            text.replace("example.org/l", ""),
            String::new(),
        ] {
            assert_eq!(Checkpoint::parse(&bad), Err(MalformedCheckpoint), "{bad:?}");
        }
    }

    #[test]
    fn what_is_found_in_a_letter_is_a_signed_note_or_is_told_to_be_changed() {
        let text = Checkpoint { origin: "example.org/l".into(), size: 10, root: TreeRoot([7; 32]) }.text();
        let note = format!("{text}\n\u{2014} example.org/l {}=\n", "A".repeat(91));
        // The last character has bits that are always zero.
        let changed = note.replace("A=", "B=");
        let letter = |text: &str| format!("Hi,\n\n> {}\n-- \nBob\n", text.trim_end().replace('\n', "\n> "));
        assert_eq!(Checkpoint::find_note(&note), Ok(note.clone()));
        assert_eq!(Checkpoint::find_note(&letter(&note)), Ok(note));
        assert_eq!(Checkpoint::find_note(&changed), Err(NotOne::Changed));
        assert_eq!(Checkpoint::find_note(&letter(&changed)), Err(NotOne::Changed));
        assert_eq!(Checkpoint::find_note(&letter(&text)), Err(NotOne::Absent));
    }
}
