//! The newest signed checkpoint, and whether it is about to leave the process. Nobody can show two histories: what
//! leaves is kept in a file first, so the only way to the text marks it as leaving.

/// A signed note over the first `size` blocks.
#[derive(Default)]
pub(super) struct NewestNote {
    size: u64,
    text: String,
    leaves: bool,
}

impl NewestNote {
    /// How many blocks it is over.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Takes the place of an older one.
    pub(super) fn renew(&mut self, size: u64, text: String) {
        (self.size, self.text) = (size, text);
    }

    /// The note, which leaves with what it is put into.
    pub(super) fn hand_out(&mut self) -> String {
        self.leaves = true;
        self.text.clone()
    }

    /// The note for a handshake, whose session says whether it told it: then [`NewestNote::was_told`].
    pub(super) fn lend(&self) -> &str {
        &self.text
    }

    /// The note stands in what is about to leave.
    pub(super) fn was_told(&mut self) {
        self.leaves = true;
    }

    /// The note for the file in which it is kept.
    pub(super) fn to_keep(&self) -> &str {
        &self.text
    }

    /// Whether it leaves at the end of this turn.
    pub(super) fn leaves(&self) -> bool {
        self.leaves
    }

    /// The same, once: whoever asks keeps it.
    pub(super) fn take_leaving(&mut self) -> bool {
        std::mem::take(&mut self.leaves)
    }
}
