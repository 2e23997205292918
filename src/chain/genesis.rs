//! Block 0: the server's public keys and the settings that hold for the whole life of a ledger.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Block, block_hash};
use crate::codec;
use crate::crypto::{Digest, LedgerId};
use crate::domain::{self, AccountId, Tag};
use crate::time::Timestamp;

/// The tag of the genesis event.
pub const GENESIS: Tag = Tag { schema: 1, kind: 0 };

/// Bytes of the longest origin.
pub const ORIGIN_BYTES_MAX: usize = 128;

/// The event of block 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Genesis {
    /// The ledger's name in checkpoints and descriptors: a C2SP key name, without spaces and plus signs.
    pub origin: String,
    /// The Ed25519 log key.
    pub log_key: [u8; 32],
    /// The first RSA key: DER `SubjectPublicKeyInfo`.
    #[serde(with = "serde_bytes")]
    pub server_key: Vec<u8>,
    /// Makes two ledgers of the same keys differ.
    pub nonce: [u8; 32],
    /// Fixed settings, sorted by key, no key twice.
    pub settings: Vec<(String, String)>,
}

/// A block that is no genesis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotGenesis;

impl fmt::Display for NotGenesis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("block 0 is not a genesis block")
    }
}

impl std::error::Error for NotGenesis {}

impl Genesis {
    /// The bytes of block 0.
    pub fn to_block(&self, timestamp: Timestamp) -> Vec<u8> {
        let mut event = Vec::new();
        event.extend_from_slice(&GENESIS.schema.to_be_bytes());
        event.extend_from_slice(&GENESIS.kind.to_be_bytes());
        event.extend_from_slice(&codec::encode(self));
        let block = Block {
            index: 0,
            timestamp,
            previous_hash: Digest::ZERO,
            author: AccountId::NONE,
            author_previous: None,
            message: &[],
            signature: &[],
            event: &event,
        };
        block.encode()
    }

    /// Reads block 0; the ledger's id is the hash of these bytes.
    ///
    /// # Errors
    /// [`NotGenesis`] when any field is not what genesis has.
    pub fn from_block(bytes: &[u8]) -> Result<(Genesis, LedgerId), NotGenesis> {
        let block = Block::parse(bytes).map_err(|_| NotGenesis)?;
        let (tag, body) = domain::split_tag(block.event).map_err(|_| NotGenesis)?;
        let genesis: Genesis = codec::strict(body).map_err(|_| NotGenesis)?;
        let sorted = genesis.settings.is_sorted_by(|(a, _), (b, _)| a < b);
        let shaped = tag == GENESIS
            && block.index == 0
            && block.previous_hash == Digest::ZERO
            && block.author == AccountId::NONE
            && block.author_previous.is_none()
            && block.message.is_empty()
            && block.signature.is_empty();
        if shaped && sorted && is_origin(&genesis.origin) {
            Ok((genesis, LedgerId(block_hash(bytes).0)))
        } else {
            Err(NotGenesis)
        }
    }
}

/// Whether a text can be an origin: a C2SP key name (no white space, no plus sign) of at most
/// [`ORIGIN_BYTES_MAX`] printable bytes.
pub fn is_origin(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_graphic() && c != '+';
    !text.is_empty() && text.len() <= ORIGIN_BYTES_MAX && text.chars().all(allowed)
}
