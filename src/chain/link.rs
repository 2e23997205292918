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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::block_hash;
    use crate::crypto::SIGNATURE_BYTES_MAX;

    const ALICE: AccountId = AccountId(1);
    const BOB: AccountId = AccountId(2);

    fn block(index: u64, micros: u64, author: AccountId) -> Block<'static> {
        Block {
            index,
            timestamp: Timestamp::from_micros(micros),
            previous_hash: Digest::ZERO,
            author,
            author_previous: None,
            message: &[],
            signature: &[0; SIGNATURE_BYTES_MAX],
            event: &[],
        }
    }

    /// Genesis at 100 µs, then a block of Alice at 200 µs and one of Bob at 300 µs.
    fn three_blocks() -> Link {
        let mut link = Link::default();
        for (index, author) in [AccountId::NONE, ALICE, BOB].into_iter().enumerate() {
            let index = index as u64;
            let next = Block {
                previous_hash: link.head(),
                author_previous: link.last_of(author),
                ..block(index, 100 * (index + 1), author)
            };
            assert_eq!(link.check(&next), Ok(()));
            link.advance(&next, block_hash(&next.encode()));
        }
        link
    }

    #[test]
    fn the_end_of_a_chain_is_told_by_its_last_block() {
        let link = three_blocks();
        assert_eq!((link.next_index(), link.timestamp()), (3, Timestamp::from_micros(300)));
        assert_eq!(
            (link.last_of(ALICE), link.last_of(BOB), link.last_of(AccountId(3))),
            (Some(1), Some(2), None)
        );
        assert_eq!(link.last_of(AccountId::NONE), Some(0), "the first registration follows genesis");
        assert_ne!(link.head(), Digest::ZERO);
        let empty = Link::default();
        assert_eq!((empty.next_index(), empty.head()), (0, Digest::ZERO));
    }

    #[test]
    fn a_block_follows_only_with_its_index_hash_time_and_authors_block_right() {
        let link = three_blocks();
        let good = Block { previous_hash: link.head(), author_previous: Some(1), ..block(3, 301, ALICE) };
        assert_eq!(link.check(&good), Ok(()));
        for found in [0, 2, 4, u64::MAX] {
            let wrong = Block { index: found, ..good };
            assert_eq!(link.check(&wrong), Err(LinkError::Index { expected: 3, found }));
        }
        let mut hash = link.head();
        hash.0[31] ^= 1;
        for previous_hash in [hash, Digest::ZERO] {
            assert_eq!(link.check(&Block { previous_hash, ..good }), Err(LinkError::PreviousHash));
        }
        for micros in [0, 299, 300] {
            let timestamp = Timestamp::from_micros(micros);
            assert_eq!(link.check(&Block { timestamp, ..good }), Err(LinkError::Timestamp), "{micros} µs");
        }
        for author_previous in [None, Some(0), Some(2), Some(3)] {
            let wrong = Block { author_previous, ..good };
            assert_eq!(link.check(&wrong), Err(LinkError::AuthorPrevious), "{author_previous:?}");
        }
        let newcomer = Block { author: AccountId(3), author_previous: None, ..good };
        assert_eq!(link.check(&newcomer), Ok(()));
    }

    #[test]
    fn genesis_may_have_any_time_but_not_any_predecessor() {
        let link = Link::default();
        assert_eq!(link.check(&block(0, 0, AccountId::NONE)), Ok(()));
        let follows = Block { previous_hash: Digest([1; 32]), ..block(0, 0, AccountId::NONE) };
        assert_eq!(link.check(&follows), Err(LinkError::PreviousHash));
        assert_eq!(
            link.check(&block(1, 0, AccountId::NONE)),
            Err(LinkError::Index { expected: 0, found: 1 })
        );
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_set_the_chain_back() {
        let micros = Timestamp::from_micros;
        assert_eq!(Link::default().next_timestamp(micros(0)), micros(0));
        let link = three_blocks();
        assert_eq!(link.next_timestamp(micros(5)), micros(301));
        assert_eq!(link.next_timestamp(micros(300)), micros(301));
        assert_eq!(link.next_timestamp(micros(1_000)), micros(1_000));
    }

    #[test]
    fn a_block_at_the_end_of_all_numbers_does_not_overflow() {
        let mut link = Link::default();
        link.advance(&block(u64::MAX, u64::MAX, ALICE), Digest::ZERO);
        assert_eq!(link.next_index(), u64::MAX);
        assert_eq!(link.next_timestamp(Timestamp::default()), Timestamp::from_micros(u64::MAX));
    }

    #[test]
    fn each_way_to_fail_has_a_name_and_a_sentence() {
        let errors = [
            LinkError::Index { expected: 3, found: 4 },
            LinkError::PreviousHash,
            LinkError::Timestamp,
            LinkError::AuthorPrevious,
        ];
        let names: Vec<_> = errors.iter().map(LinkError::name).collect();
        assert_eq!(
            names,
            ["index_mismatch", "chain_broken", "time_not_increasing", "author_previous_mismatch"]
        );
        assert_eq!(errors[0].to_string(), "block 3 says that it is block 4");
    }
}
