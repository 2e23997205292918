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

use super::{Cutter, SIGNATURE_BYTES};
use crate::crypto::{self, Digest};
use crate::domain::AccountId;
use crate::limits::{BLOCK_BYTES_MAX, COMMAND_BODY_BYTES_MAX, EVENT_BODY_BYTES_MAX};
use crate::time::Timestamp;

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

impl<'a> Block<'a> {
    /// Appends the block's bytes to `out`.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        out.reserve(78 + self.message.len() + self.signature.len() + self.event.len());
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
                && (signature.len() == SIGNATURE_BYTES || index == 0 && signature.is_empty())
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
