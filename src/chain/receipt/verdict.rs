//! What a receipt proves, or the reason why it proves nothing.

use std::fmt;

use crate::chain::CommandId;
use crate::chain::checkpoint::Checkpoint;
use crate::crypto::note::NoteError;
use crate::crypto::{Digest, KeyId, LedgerId, VerifyingKey};
use crate::domain::{AccountId, Custody};
use crate::time::Timestamp;

/// Why a receipt proves nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReceiptError {
    /// The text has another form.
    Line {
        /// Counted from 1.
        line: usize,
        /// What should stand there.
        expected: &'static str,
    },
    /// The extra data has another form.
    Extra,
    /// The checkpoint is not signed by this ledger's log key.
    Note(NoteError),
    /// The note is signed, but what it says is no checkpoint of this origin.
    Checkpoint,
    /// The bytes are no block, no signed command, or no genesis.
    Malformed(Part),
    /// The block has another index than the receipt says.
    Index {
        /// What the receipt says.
        receipt: u64,
        /// What the block says.
        block: u64,
    },
    /// It is not in the tree of the checkpoint.
    NotIncluded(Part),
    /// The command was signed for another ledger than the registration, or genesis names another log key.
    OtherLedger,
    /// The command names another account or key than the block, or the registration another one than both.
    OtherAuthor,
    /// There is no registration, or one that is not wanted.
    Registration,
    /// The key is not one that may sign.
    Key,
    /// The author's signature does not hold.
    Signature(Part),
    /// A block of the receipt's keys is not what leads from the registration to the key that signed; in words, why.
    KeyChain(&'static str),
}

/// Which of a receipt's blocks is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The block that the receipt is for.
    Block,
    /// The author's registration.
    Registration,
    /// A block that introduced a further key.
    Key,
}

/// Who signed a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    /// The account.
    pub account: AccountId,
    /// Its public name.
    pub handle: String,
    /// The key that signed.
    pub key_id: KeyId,
    /// The place of the private half of that key, by the author's word.
    pub custody: Custody,
    /// Which command of the author's it is.
    pub command_id: CommandId,
}

/// What a receipt proves to whoever holds the ledger's verifier key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proven {
    /// The block's index.
    pub index: u64,
    /// The block's hash.
    pub hash: Digest,
    /// When it was made, by the server's clock.
    pub timestamp: Timestamp,
    /// Who signed its command; nobody in genesis.
    pub author: Option<Author>,
    /// The key that signed its command; none in genesis.
    pub key: Option<VerifyingKey>,
    /// The key that the block introduces for its author, which has signed that it is to be that; none for other blocks.
    pub introduces: Option<VerifyingKey>,
    /// Names the ledger.
    pub ledger_id: LedgerId,
    /// The signed checkpoint under which the block stands.
    pub checkpoint: Checkpoint,
}

impl ReceiptError {
    /// The stable machine name.
    pub fn name(&self) -> &'static str {
        match self {
            ReceiptError::Line { .. } => "malformed_receipt",
            ReceiptError::Extra => "malformed_extra",
            ReceiptError::Note(_) => "checkpoint_signature",
            ReceiptError::Checkpoint => "malformed_checkpoint",
            ReceiptError::Malformed(_) => "malformed_block",
            ReceiptError::Index { .. } => "other_index",
            ReceiptError::NotIncluded(_) => "not_included",
            ReceiptError::OtherLedger => "other_ledger",
            ReceiptError::OtherAuthor => "other_author",
            ReceiptError::Registration => "no_registration",
            ReceiptError::Key => "invalid_key",
            ReceiptError::Signature(_) => "bad_signature",
            ReceiptError::KeyChain(_) => "key_chain",
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Part::Block => "the block",
            Part::Registration => "the author's registration",
            Part::Key => "a block that introduced a key",
        })
    }
}

impl fmt::Display for ReceiptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReceiptError::Line { line, expected } => write!(f, "line {line}: expected {expected}"),
            ReceiptError::Extra => f.write_str("the extra line does not hold blocks and their proofs"),
            ReceiptError::Note(error) => write!(f, "the checkpoint: {error}"),
            ReceiptError::Checkpoint => f.write_str("the signed text is no checkpoint of this ledger"),
            ReceiptError::Malformed(part) => write!(f, "{part} is not one: its bytes have another form"),
            ReceiptError::Index { receipt, block } => {
                write!(f, "the receipt is for block {receipt}, its bytes are those of block {block}")
            }
            ReceiptError::NotIncluded(part) => {
                write!(f, "{part} is not in the tree of the checkpoint: its proof does not hold")
            }
            ReceiptError::OtherLedger => f.write_str("it belongs to another ledger"),
            ReceiptError::OtherAuthor => {
                f.write_str("the command's account and key are not those of the registration")
            }
            ReceiptError::Registration => {
                f.write_str("the author's registration is missing, or stands where none is wanted")
            }
            ReceiptError::Key => f.write_str("the registered key is not one that may sign"),
            ReceiptError::Signature(part) => write!(f, "the signature of {part} does not hold"),
            ReceiptError::KeyChain(reason) => {
                write!(f, "the receipt does not show how the key came to its author: {reason}")
            }
        }
    }
}

impl std::error::Error for ReceiptError {}
