//! The link from a block to the one before: what makes the log one chain.

use std::collections::BTreeMap;
use std::fmt;

use super::Block;
use crate::crypto::Digest;
use crate::domain::AccountId;
use crate::time::Timestamp;

/// The end of a chain: everything that the next block has to agree with.
#[derive(Clone, Debug, Default)]
pub struct Link {
    next_index: u64,
    head: Digest,
    timestamp: Timestamp,
    last_of_author: BTreeMap<AccountId, u64>,
}

/// How a block fails to follow the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkError {
    /// It carries another index than its place in the chain.
    Index {
        /// Its place.
        expected: u64,
        /// What it says.
        found: u64,
    },
    /// It names another hash than that of the block before.
    PreviousHash,
    /// It is not later than the block before.
    Timestamp,
    /// It names another block as its author's last.
    AuthorPrevious,
}

impl Link {
    /// The index of the next block; also the number of blocks so far.
    pub fn next_index(&self) -> u64 {
        self.next_index
    }

    /// The hash of the last block; zeros before genesis.
    pub fn head(&self) -> Digest {
        self.head
    }

    /// The time of the last block.
    pub fn timestamp(&self) -> Timestamp {
        self.timestamp
    }

    /// The index of the author's last block.
    pub fn last_of(&self, author: AccountId) -> Option<u64> {
        self.last_of_author.get(&author).copied()
    }

    /// The time of a block made now: the wall clock, but always later than the block before.
    pub fn next_timestamp(&self, wall: Timestamp) -> Timestamp {
        if self.next_index == 0 { wall } else { wall.max(self.timestamp.plus_micros(1)) }
    }

    /// Whether a block follows.
    ///
    /// # Errors
    /// The first [`LinkError`] found.
    pub fn check(&self, block: &Block<'_>) -> Result<(), LinkError> {
        if block.index != self.next_index {
            return Err(LinkError::Index { expected: self.next_index, found: block.index });
        }
        if block.previous_hash != self.head {
            return Err(LinkError::PreviousHash);
        }
        if self.next_index > 0 && block.timestamp <= self.timestamp {
            return Err(LinkError::Timestamp);
        }
        if block.author_previous != self.last_of(block.author) {
            return Err(LinkError::AuthorPrevious);
        }
        Ok(())
    }

    /// Moves on to a block, of which `hash` is the hash.
    pub fn advance(&mut self, block: &Block<'_>, hash: Digest) {
        self.next_index = block.index.saturating_add(1);
        self.head = hash;
        self.timestamp = block.timestamp;
        self.last_of_author.insert(block.author, block.index);
    }
}

impl LinkError {
    /// The stable machine name.
    pub fn name(&self) -> &'static str {
        match self {
            LinkError::Index { .. } => "index_mismatch",
            LinkError::PreviousHash => "chain_broken",
            LinkError::Timestamp => "time_not_increasing",
            LinkError::AuthorPrevious => "author_previous_mismatch",
        }
    }
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LinkError::Index { expected, found } => {
                write!(f, "block {expected} says that it is block {found}")
            }
            LinkError::PreviousHash => f.write_str("the previous hash is not that of the block before"),
            LinkError::Timestamp => f.write_str("the block is not later than the block before"),
            LinkError::AuthorPrevious => f.write_str("the author's block before is another one"),
        }
    }
}

impl std::error::Error for LinkError {}
