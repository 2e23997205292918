//! The formats that a verifier has to know, and nothing else: the bytes of a block and of the signed command in it, the
//! link to the block before, the tree with its proofs, checkpoints and receipts, and how these are found in a text that a
//! person hands on.

pub mod armour;
pub mod block;
pub mod checkpoint;
pub mod erasure;
pub mod genesis;
pub mod link;
pub mod message;
pub mod receipt;
pub mod tiles;
pub mod tree;

pub use crate::domain::CommandId;
pub use block::{BLOCK_FIELDS_BYTES, Block, BlockDigests, BlockError, block_hash};
pub use checkpoint::Checkpoint;
pub use erasure::{Erasure, NotErasure};
pub use genesis::Genesis;
pub use link::{Link, LinkError};
pub use message::{Header, MalformedMessage, Message};
pub use receipt::{Receipt, ReceiptError};
pub use tree::{Consistency, Frontier, Inclusion, LeafHash, TreeRoot};

/// A reader that takes fields off the front of bytes from a stranger. It answers with none for a field that the bytes are
/// too short for.
pub(crate) struct Cutter<'a>(pub(crate) &'a [u8]);

impl<'a> Cutter<'a> {
    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(head)
    }
}
