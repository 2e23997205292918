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
mod sealed_fields;
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
pub use sealed_fields::SealedFault;
pub use tree::{Consistency, Frontier, Inclusion, LeafHash, TreeRoot};
