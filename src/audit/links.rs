//! The end of the chain that an audit has read: whether the next block follows, also behind blocks that are missing.

use crate::chain::{Block, Link, LinkError};
use crate::crypto::Digest;

/// The end of the chain that was read, as far as it is known.
#[derive(Debug)]
pub(super) struct Chain {
    /// None after something went missing: the next block is taken as it is.
    pub(super) link: Option<Link>,
    /// Index of the block that `link` starts at.
    pub(super) anchored_at: u64,
}

impl Chain {
    /// Checks that a block follows.
    pub(super) fn check(&self, block: &Block<'_>, place_index: Option<u64>) -> Result<(), LinkError> {
        let Some(link) = &self.link else {
            return match place_index {
                Some(expected) if expected != block.index => {
                    Err(LinkError::Index { expected, found: block.index })
                }
                _ => Ok(()),
            };
        };
        match link.check(block) {
            // The author's block before may be one of those that are missing.
            Err(LinkError::AuthorPrevious)
                if link.last_of(block.author).is_none()
                    && block.author_previous.is_none_or(|index| index < self.anchored_at) =>
            {
                Ok(())
            }
            other => other,
        }
    }

    /// Takes a block in, whether it follows or not.
    pub(super) fn advance(&mut self, block: &Block<'_>, hash: Digest) {
        if self.link.is_none() {
            self.anchored_at = block.index;
        }
        self.link.get_or_insert_default().advance(block, hash);
    }
}
