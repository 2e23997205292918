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

#[cfg(test)]
mod tests {
    use super::*;

    fn genesis() -> Genesis {
        Genesis {
            origin: "ledger.example/prod".to_owned(),
            log_key: [1; 32],
            server_key: vec![2; 422],
            nonce: [3; 32],
            settings: vec![("a".to_owned(), "1".to_owned()), ("b".to_owned(), "2".to_owned())],
        }
    }

    fn settings(keys: &[&str]) -> Vec<(String, String)> {
        keys.iter().map(|key| ((*key).to_owned(), "value".to_owned())).collect()
    }

    fn reads(genesis: &Genesis) -> bool {
        let read = Genesis::from_block(&genesis.to_block(Timestamp::default()));
        read.is_ok_and(|(read, _)| read == *genesis)
    }

    #[test]
    fn genesis_reads_back_and_its_hash_is_the_ledgers_id() {
        let bytes = genesis().to_block(Timestamp::from_millis(1_676_482_571_051));
        let (read, ledger_id) = Genesis::from_block(&bytes).unwrap();
        assert_eq!(read, genesis());
        assert_eq!(ledger_id.0, block_hash(&bytes).0);
    }

    #[test]
    fn settings_are_sorted_and_none_stands_twice() {
        for good in [&[][..], &["a"], &["a", "aa", "b"], &["B", "a"]] {
            assert!(reads(&Genesis { settings: settings(good), ..genesis() }), "{good:?}");
        }
        for bad in [&["b", "a"][..], &["a", "a"], &["a", "b", "b"], &["a", "c", "b"], &["a", "B"]] {
            assert!(!reads(&Genesis { settings: settings(bad), ..genesis() }), "{bad:?}");
        }
    }

    #[test]
    fn an_origin_is_printable_ascii_without_blanks_and_plus_signs() {
        let longest = "x".repeat(ORIGIN_BYTES_MAX);
        for good in ["a", "ledger.example/prod", "localhost:7878", &longest] {
            assert!(is_origin(good), "{good:?}");
            assert!(reads(&Genesis { origin: good.to_owned(), ..genesis() }), "{good:?}");
        }
        let too_long = "x".repeat(ORIGIN_BYTES_MAX + 1);
        for bad in ["", " ", "a b", "a+b", "a\n", "a\tb", "\u{7f}", "é", "a\u{a0}b", "a\0", &too_long] {
            assert!(!is_origin(bad), "{bad:?}");
            assert!(!reads(&Genesis { origin: bad.to_owned(), ..genesis() }), "{bad:?}");
        }
    }

    #[test]
    fn a_block_with_any_other_field_than_genesis_has_is_no_genesis() {
        let bytes = genesis().to_block(Timestamp::default());
        let good = Block::parse(&bytes).unwrap();
        let signature = [0; crate::crypto::SIGNATURE_BYTES_MAX];
        let other_kind = [&[0, 1, 0, 1], &good.event[4..]].concat();
        let other_schema = [&[0, 2, 0, 0], &good.event[4..]].concat();
        let trailing = [good.event, &[0]].concat();
        let others = [
            Block { index: 1, signature: &signature, ..good },
            Block { previous_hash: Digest([1; 32]), ..good },
            Block { author: AccountId(1), ..good },
            Block { author_previous: Some(0), ..good },
            Block { message: b"m", ..good },
            Block { signature: &signature, ..good },
            Block { event: &other_kind, ..good },
            Block { event: &other_schema, ..good },
            Block { event: &trailing, ..good },
            Block { event: &good.event[..4], ..good },
            Block { event: &[], ..good },
        ];
        assert!(Genesis::from_block(&good.encode()).is_ok());
        for (number, other) in others.iter().enumerate() {
            assert_eq!(Genesis::from_block(&other.encode()), Err(NotGenesis), "case {number}");
        }
    }

    #[test]
    fn every_truncation_is_refused_and_every_flipped_bit_names_another_ledger() {
        let good = genesis().to_block(Timestamp::default());
        let (_, id) = Genesis::from_block(&good).unwrap();
        for length in 0..good.len() {
            assert_eq!(Genesis::from_block(&good[..length]), Err(NotGenesis), "{length} bytes");
        }
        for at in 0..good.len() {
            for bit in 0..8 {
                let mut bytes = good.clone();
                bytes[at] ^= 1 << bit;
                if let Ok((_, other)) = Genesis::from_block(&bytes) {
                    assert_ne!(other, id, "bit {bit} of byte {at}");
                }
            }
        }
    }
}
