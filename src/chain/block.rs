//! The bytes of a block, and its hash.
//!
//! ```text
//! index u64 ‖ timestamp_us u64 ‖ previous_hash[32] ‖ author u64 ‖ author_previous u64
//!   ‖ m_len u32 ‖ M ‖ s_len u16 ‖ signature ‖ e_len u32 ‖ event
//! ```
//!
//! Integers are big-endian. `author_previous` is the index of the block before with the same author, 2^64−1
//! if there is none. The hash is SHA3-256 over a prefix and exactly these bytes; the leaf of the tree is the
//! RFC 6962 leaf over the same bytes.

use std::fmt;

use super::LeafHash;
use crate::crypto::{self, Digest, is_signature_length};
use crate::cutter::Cutter;
use crate::domain::AccountId;
use crate::limits::{BLOCK_BYTES_MAX, COMMAND_BODY_BYTES_MAX, EVENT_BODY_BYTES_MAX};
use crate::time::Timestamp;

/// Bytes of a block beside its message, its signature and its event.
pub const BLOCK_FIELDS_BYTES: usize = 74;

const NO_BLOCK: u64 = u64::MAX;

/// A block taken apart, borrowing its variable parts from the stored bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block<'a> {
    /// Place in the chain, from 0.
    pub index: u64,
    /// When the block was made; later than the block before.
    pub timestamp: Timestamp,
    /// Hash of the block before; zeros in genesis.
    pub previous_hash: Digest,
    /// Who signed the command; [`AccountId::NONE`] in genesis and registrations.
    pub author: AccountId,
    /// Index of the block before with the same author.
    pub author_previous: Option<u64>,
    /// The signed command M (see [`super::message`]); empty in genesis.
    pub message: &'a [u8],
    /// The author's signature over M; empty in genesis.
    pub signature: &'a [u8],
    /// schema u16 ‖ kind u16 ‖ canonical postcard.
    pub event: &'a [u8],
}

/// Bytes that are no block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockError;

impl fmt::Display for BlockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the bytes are not a block")
    }
}

impl std::error::Error for BlockError {}

/// The hash of a block's stored bytes.
pub fn block_hash(bytes: &[u8]) -> Digest {
    crypto::sha3(&[b"ledgerd/block/1\0", bytes])
}

/// What the chain and the tree know a block by: both hashes of its stored bytes, and a function of nothing else.
/// Whoever has the bytes may compute them, on whichever thread, before it is known what the block means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockDigests {
    hash: Digest,
    leaf: LeafHash,
}

impl BlockDigests {
    /// The digests of a block's stored bytes. There is no other way to have some.
    pub fn of(bytes: &[u8]) -> BlockDigests {
        BlockDigests { hash: block_hash(bytes), leaf: LeafHash::of_block(bytes) }
    }

    /// The block's hash, which the next block names.
    pub fn hash(&self) -> Digest {
        self.hash
    }

    /// The block's leaf in the tree.
    pub fn leaf(&self) -> LeafHash {
        self.leaf
    }
}

impl<'a> Block<'a> {
    /// Appends the block's bytes to `out`.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        out.reserve(BLOCK_FIELDS_BYTES + self.message.len() + self.signature.len() + self.event.len());
        out.extend_from_slice(&self.index.to_be_bytes());
        out.extend_from_slice(&self.timestamp.micros().to_be_bytes());
        out.extend_from_slice(&self.previous_hash.0);
        out.extend_from_slice(&self.author.0.to_be_bytes());
        out.extend_from_slice(&self.author_previous.unwrap_or(NO_BLOCK).to_be_bytes());
        out.extend_from_slice(&(self.message.len() as u32).to_be_bytes());
        out.extend_from_slice(self.message);
        out.extend_from_slice(&(self.signature.len() as u16).to_be_bytes());
        out.extend_from_slice(self.signature);
        out.extend_from_slice(&(self.event.len() as u32).to_be_bytes());
        out.extend_from_slice(self.event);
    }

    /// The block's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode_into(&mut out);
        out
    }

    /// Takes a block apart.
    ///
    /// # Errors
    /// [`BlockError`] unless every byte has its place and every length is within its limit.
    pub fn parse(bytes: &'a [u8]) -> Result<Block<'a>, BlockError> {
        if bytes.len() > BLOCK_BYTES_MAX {
            return Err(BlockError);
        }
        let mut cutter = Cutter(bytes);
        let mut parse = || {
            let index = cutter.u64()?;
            let timestamp = Timestamp::from_micros(cutter.u64()?);
            let previous_hash = Digest(cutter.array()?);
            let author = AccountId(cutter.u64()?);
            let author_previous = Some(cutter.u64()?).filter(|&index| index != NO_BLOCK);
            let message = cutter.u32()? as usize;
            let message = cutter.bytes(message)?;
            let signature = usize::from(cutter.u16()?);
            let signature = cutter.bytes(signature)?;
            let event = cutter.u32()? as usize;
            let event = cutter.bytes(event)?;
            let fits = message.len() <= super::message::HEADER_BYTES + COMMAND_BODY_BYTES_MAX
                && (is_signature_length(signature.len()) || index == 0 && signature.is_empty())
                && event.len() <= EVENT_BODY_BYTES_MAX
                && cutter.0.is_empty();
            fits.then_some(Block {
                index,
                timestamp,
                previous_hash,
                author,
                author_previous,
                message,
                signature,
                event,
            })
        };
        parse().ok_or(BlockError)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::crypto::SIGNATURE_BYTES_MAX;

    const SIGNATURE: [u8; SIGNATURE_BYTES_MAX] = [0x5a; SIGNATURE_BYTES_MAX];

    /// Where the three lengths stand in the bytes of [`sample`].
    const MESSAGE_LENGTH_AT: usize = 64;
    const SIGNATURE_LENGTH_AT: usize = MESSAGE_LENGTH_AT + 4 + 7;
    const EVENT_LENGTH_AT: usize = SIGNATURE_LENGTH_AT + 2 + SIGNATURE_BYTES_MAX;

    fn sample() -> Block<'static> {
        Block {
            index: 7,
            timestamp: Timestamp::from_micros(1_676_482_571_051_068),
            previous_hash: Digest([0xab; 32]),
            author: AccountId(3),
            author_previous: Some(5),
            message: b"message",
            signature: &SIGNATURE,
            event: b"\0\x01\0\x10\x02",
        }
    }

    #[test]
    fn the_bytes_stand_where_the_format_says() {
        let bytes = sample().encode();
        assert_eq!(bytes[..8], 7u64.to_be_bytes());
        assert_eq!(bytes[8..16], 1_676_482_571_051_068u64.to_be_bytes());
        assert_eq!(bytes[16..48], [0xab; 32]);
        assert_eq!(bytes[48..56], 3u64.to_be_bytes());
        assert_eq!(bytes[56..64], 5u64.to_be_bytes());
        assert_eq!(bytes[64..75], *b"\0\0\0\x07message");
        assert_eq!(bytes[75..77], [0x01, 0x80]);
        assert_eq!(bytes[461..], *b"\0\0\0\x05\0\x01\0\x10\x02");
        let variable = 7 + SIGNATURE.len() + 5;
        assert_eq!(bytes.len(), BLOCK_FIELDS_BYTES + variable);
        let first = Block { author_previous: None, ..sample() };
        assert_eq!(first.encode()[56..64], [0xff; 8]);
    }

    #[test]
    fn every_truncation_and_every_trailing_byte_is_refused() {
        let bytes = sample().encode();
        assert_eq!(Block::parse(&bytes), Ok(sample()));
        for length in 0..bytes.len() {
            assert_eq!(Block::parse(&bytes[..length]), Err(BlockError), "{length} bytes");
        }
        for byte in 0..=u8::MAX {
            let longer = [&bytes[..], &[byte]].concat();
            assert_eq!(Block::parse(&longer), Err(BlockError), "{byte} follows");
        }
    }

    #[test]
    fn every_flipped_bit_changes_the_hash_and_what_still_parses_has_just_these_bytes() {
        let good = sample().encode();
        for at in 0..good.len() {
            for bit in 0..8 {
                let mut bytes = good.clone();
                bytes[at] ^= 1 << bit;
                assert_ne!(block_hash(&bytes), block_hash(&good), "bit {bit} of byte {at}");
                if let Ok(block) = Block::parse(&bytes) {
                    assert_eq!(block.encode(), bytes, "bit {bit} of byte {at}");
                }
            }
        }
    }

    #[test]
    fn a_length_that_lies_is_refused() {
        let good = sample().encode();
        let with = |at: usize, length: &[u8]| {
            let mut bytes = good.clone();
            bytes[at..at + length.len()].copy_from_slice(length);
            bytes
        };
        for length in [0u32, 6, 8, 1 << 20, 1 << 31, u32::MAX] {
            let bytes = with(MESSAGE_LENGTH_AT, &length.to_be_bytes());
            assert_eq!(Block::parse(&bytes), Err(BlockError), "message of {length}");
        }
        for length in [0u16, 383, 385, u16::MAX] {
            let bytes = with(SIGNATURE_LENGTH_AT, &length.to_be_bytes());
            assert_eq!(Block::parse(&bytes), Err(BlockError), "signature of {length}");
        }
        for length in [0u32, 4, 6, 1 << 31, u32::MAX] {
            let bytes = with(EVENT_LENGTH_AT, &length.to_be_bytes());
            assert_eq!(Block::parse(&bytes), Err(BlockError), "event of {length}");
        }
    }

    #[test]
    fn only_genesis_goes_without_a_signature() {
        let unsigned = Block { signature: &[], ..sample() };
        assert_eq!(Block::parse(&unsigned.encode()), Err(BlockError));
        let genesis = Block { index: 0, ..unsigned };
        assert_eq!(Block::parse(&genesis.encode()), Ok(genesis));
        for length in [1, 383, 385, 512] {
            let signature = vec![1; length];
            let block = Block { signature: &signature, ..sample() };
            assert_eq!(Block::parse(&block.encode()), Err(BlockError), "signature of {length} bytes");
        }
    }

    #[test]
    fn the_largest_parts_fit_and_one_byte_more_does_not() {
        let message = vec![1; super::super::message::HEADER_BYTES + COMMAND_BODY_BYTES_MAX + 1];
        let event = vec![2; EVENT_BODY_BYTES_MAX + 1];
        let largest = Block { message: &message[1..], event: &event[1..], ..sample() };
        let bytes = largest.encode();
        assert!(bytes.len() <= BLOCK_BYTES_MAX);
        assert_eq!(Block::parse(&bytes), Ok(largest));
        let message_too_long = Block { message: &message, ..largest }.encode();
        assert_eq!(Block::parse(&message_too_long), Err(BlockError));
        let event_too_long = Block { event: &event, ..largest }.encode();
        assert_eq!(Block::parse(&event_too_long), Err(BlockError));
    }

    proptest! {
        #[test]
        fn whatever_is_encoded_parses_to_the_same_block(
            numbers: [u64; 3],
            author_previous in prop::option::of(0..u64::MAX),
            previous_hash: [u8; 32],
            message in prop::collection::vec(any::<u8>(), 0..300),
            event in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            let [index, micros, author] = numbers;
            let block = Block {
                index,
                timestamp: Timestamp::from_micros(micros),
                previous_hash: Digest(previous_hash),
                author: AccountId(author),
                author_previous,
                message: &message,
                signature: &SIGNATURE,
                event: &event,
            };
            let bytes = block.encode();
            prop_assert_eq!(Block::parse(&bytes), Ok(block));
        }

        #[test]
        fn bytes_of_a_stranger_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..800)) {
            if let Ok(block) = Block::parse(&bytes) {
                prop_assert_eq!(block.encode(), bytes);
            }
        }
    }
}
