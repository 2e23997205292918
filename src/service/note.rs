//! The newest signed checkpoint, and whether it is about to leave the process. Nobody can show two histories, because a
//! checkpoint is kept in a file before it leaves. Whoever takes the text with `hand_out` marks it as leaving; a handshake
//! borrows it with `lend` and reports afterwards whether it told it (`was_told`).

/// A signed note over the first `size` blocks.
#[derive(Default)]
pub(super) struct NewestNote {
    size: u64,
    text: String,
    leaves: bool,
}

impl NewestNote {
    /// The number of blocks that the note is over.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Replaces the note with a newer one.
    pub(super) fn renew(&mut self, size: u64, text: String) {
        (self.size, self.text) = (size, text);
    }

    /// The note for a reply, which it leaves with. The note counts as leaving from here on.
    pub(super) fn hand_out(&mut self) -> String {
        self.leaves = true;
        self.text.clone()
    }

    /// The note for a handshake. The session says afterwards whether it told the note; if so, [`NewestNote::was_told`] has to
    /// be called.
    pub(super) fn lend(&self) -> &str {
        &self.text
    }

    /// Marks the note as leaving, because a handshake has told it.
    pub(super) fn was_told(&mut self) {
        self.leaves = true;
    }

    /// The note for the file in which it is kept.
    pub(super) fn to_keep(&self) -> &str {
        &self.text
    }

    /// Whether the note leaves at the end of this turn.
    pub(super) fn leaves(&self) -> bool {
        self.leaves
    }

    /// Whether the note leaves, and takes the mark away: whoever asks has to keep the note in its file.
    pub(super) fn take_leaving(&mut self) -> bool {
        std::mem::take(&mut self.leaves)
    }
}
