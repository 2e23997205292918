//! A receipt: everything that a stranger needs to see that a block is in a ledger and who signed its command,
//! given the ledger's verifier key and nothing else. `docs/proofs.md` describes every line.
//!
//! The text is a C2SP `tlog-proof` (<https://c2sp.org/tlog-proof>), so that tools of that format can check the
//! inclusion. Its `extra` line carries what they do not need:
//!
//! ```text
//! "ledgerd/receipt/2\0" ‖ n u32 ‖ block ‖ c u8 ‖ c × (r u32 ‖ key block ‖ h u8 ‖ h × hash[32])
//! ```
//!
//! The key blocks say whose key signed the block: first the registration of its author, then those that introduced further
//! keys, each signed by a key of a block before, up to the one that introduced the key. The hashes prove the inclusion of
//! each under the same checkpoint. There are none where the block is itself a registration or genesis. That the key had not
//! been ended when it signed is the ledger's word, which an audit checks and a receipt cannot show.

mod opened;
mod verdict;
mod keys;
mod check;

use base64ct::{Base64, Encoding as _};

pub use opened::{ShownLeaf, Unopened, open_with_leaf};
pub use verdict::{Author, Proven, ReceiptError};

use super::armour::{self, RECEIPT_HEAD as HEAD};
use super::tree::{HASH_BYTES, Inclusion};
use crate::cutter::Cutter;
use crate::limits::KEYS_EVER_MAX;

/// What the extra data starts with.
const CONTEXT: &[u8; 18] = b"ledgerd/receipt/2\0";

/// Hashes of a proof at most: one for each level of the largest tree.
const HASHES_MAX: usize = 64;

/// Key blocks at most: one for each key that an account ever has.
const KEY_BLOCKS_MAX: usize = KEYS_EVER_MAX;

/// A block that introduced a key of the author's, with its proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyBlock {
    /// Stored bytes.
    pub block: Vec<u8>,
    /// That it is in the tree of the receipt's checkpoint.
    pub inclusion: Inclusion,
}

/// A receipt as it was given, of which nothing is believed before [`Receipt::check`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The index that the block is said to have.
    pub index: u64,
    /// Stored bytes.
    pub block: Vec<u8>,
    /// That it is in the tree of the checkpoint.
    pub inclusion: Inclusion,
    /// Who the author is and how the key came to it, in the order of the log; none for registrations, which say so
    /// themselves, and for genesis.
    pub keys: Vec<KeyBlock>,
    /// The checkpoint: a C2SP signed note.
    pub note: String,
}

impl Receipt {
    /// The text, ending with a newline.
    pub fn to_text(&self) -> String {
        let mut text =
            format!("{HEAD}\nextra {}\nindex {}\n", Base64::encode_string(&self.extra()), self.index);
        for hash in &self.inclusion.0 {
            text.push_str(&Base64::encode_string(hash));
            text.push('\n');
        }
        text.push('\n');
        text.push_str(&self.note);
        text
    }

    fn extra(&self) -> Vec<u8> {
        let mut extra = CONTEXT.to_vec();
        let block = |extra: &mut Vec<u8>, bytes: &[u8]| {
            extra.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
            extra.extend_from_slice(bytes);
        };
        block(&mut extra, &self.block);
        extra.push(self.keys.len() as u8);
        for key in &self.keys {
            block(&mut extra, &key.block);
            extra.push(key.inclusion.0.len() as u8);
            key.inclusion.0.iter().for_each(|hash| extra.extend_from_slice(hash));
        }
        extra
    }

    /// Reads a receipt out of a text as a person hands it on, whatever mail made of it: see [`armour`].
    ///
    /// # Errors
    /// As for [`Receipt::parse`], of the receipt that was found.
    pub fn find(text: &str) -> Result<Receipt, ReceiptError> {
        Receipt::parse(text).or_else(|error| match armour::receipt(text) {
            Ok(receipt) => Receipt::parse(&receipt),
            Err(armour::NotOne::Absent | armour::NotOne::Changed) => Err(error),
            Err(armour::NotOne::Several(_)) => {
                Err(ReceiptError::Line { line: 1, expected: "one receipt, not several different ones" })
            }
        })
    }

    /// Reads the text. There is one spelling for a receipt: what would be written otherwise is refused.
    ///
    /// # Errors
    /// [`ReceiptError::Line`] names the line and what was expected there, [`ReceiptError::Extra`] says that the
    /// extra data has another form.
    pub fn parse(text: &str) -> Result<Receipt, ReceiptError> {
        let line = |line: usize, expected: &'static str| ReceiptError::Line { line, expected };
        let (proof, note) =
            text.split_once("\n\n").ok_or(line(1, "a proof, a blank line and a checkpoint"))?;
        let mut lines = proof.split('\n');
        if lines.next() != Some(HEAD) {
            return Err(line(1, "c2sp.org/tlog-proof@v1"));
        }
        let extra = lines.next().and_then(|text| text.strip_prefix("extra "));
        let extra = extra.and_then(|base64| Base64::decode_vec(base64).ok());
        let extra = extra.ok_or(line(2, "extra and base64"))?;
        let index = lines.next().and_then(|text| text.strip_prefix("index ")?.parse().ok());
        let index = index.ok_or(line(3, "index and a decimal number"))?;
        let mut hashes = Vec::new();
        for (number, text) in (4..).zip(lines) {
            let mut hash = [0; HASH_BYTES];
            match Base64::decode(text, &mut hash) {
                Ok(decoded) if decoded.len() == HASH_BYTES && hashes.len() < HASHES_MAX => hashes.push(hash),
                _ => return Err(line(number, "a hash: base64 of 32 bytes, at most 64 of them")),
            }
        }
        let (block, keys) = parse_extra(&extra).ok_or(ReceiptError::Extra)?;
        let inclusion = Inclusion(hashes);
        let receipt = Receipt { index, block, inclusion, keys, note: note.to_owned() };
        // A leading zero or plus sign in the index.
        if receipt.to_text() == text {
            Ok(receipt)
        } else {
            Err(line(3, "the shortest spelling of the index"))
        }
    }
}

fn parse_extra(extra: &[u8]) -> Option<(Vec<u8>, Vec<KeyBlock>)> {
    let mut cutter = Cutter(extra);
    if cutter.array::<18>()? != *CONTEXT {
        return None;
    }
    let block = parse_block(&mut cutter)?;
    let [count] = cutter.array::<1>()?;
    let mut keys = Vec::new();
    for _ in 0..count {
        let block = parse_block(&mut cutter)?;
        let [hashes] = cutter.array::<1>()?;
        let mut inclusion = Inclusion(Vec::new());
        for _ in 0..hashes {
            inclusion.0.push(cutter.array::<HASH_BYTES>()?);
        }
        if inclusion.0.len() > HASHES_MAX {
            return None;
        }
        keys.push(KeyBlock { block, inclusion });
    }
    (cutter.0.is_empty() && keys.len() <= KEY_BLOCKS_MAX).then_some((block, keys))
}

fn parse_block(cutter: &mut Cutter<'_>) -> Option<Vec<u8>> {
    let length = usize::try_from(cutter.u32()?).ok()?;
    Some(cutter.bytes(length)?.to_vec())
}
