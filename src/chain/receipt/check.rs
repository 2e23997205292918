//! From a receipt to what it proves, or the first reason why it proves nothing.

use std::fmt;

use super::{Receipt, Registration};
use crate::chain::checkpoint::{Checkpoint, NotCheckpoint};
use crate::chain::tree::LeafHash;
use crate::chain::{Block, CommandId, Genesis, Message, block_hash};
use crate::crypto::note::{LogPublicKey, NoteError};
use crate::crypto::{Digest, KeyId, LedgerId, VerifyingKey};
use crate::domain::{AccountId, Happened};
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
}

/// Which of a receipt's two blocks is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The block that the receipt is for.
    Block,
    /// The author's registration.
    Registration,
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
    /// Names the ledger.
    pub ledger_id: LedgerId,
    /// The signed checkpoint under which the block stands.
    pub checkpoint: Checkpoint,
}

impl Receipt {
    /// Checks everything: the checkpoint's signature, the inclusion of both blocks, that the registration is
    /// the author's, and the author's signature.
    ///
    /// # Errors
    /// [`ReceiptError`], the first thing that does not hold.
    pub fn check(&self, log_key: &LogPublicKey) -> Result<Proven, ReceiptError> {
        let checkpoint = Checkpoint::of_note(&self.note, log_key).map_err(|error| match error {
            NotCheckpoint::Note(error) => ReceiptError::Note(error),
            NotCheckpoint::Malformed(_) | NotCheckpoint::OtherOrigin => ReceiptError::Checkpoint,
        })?;
        let block = included(Part::Block, &self.block, self.index, &self.inclusion, &checkpoint)?;
        let (ledger_id, author) = if block.index == 0 {
            (self.check_genesis(log_key)?, None)
        } else {
            let (ledger_id, author) = self.check_author(&block, &checkpoint)?;
            (ledger_id, Some(author))
        };
        let (index, hash, timestamp) = (block.index, block_hash(&self.block), block.timestamp);
        Ok(Proven { index, hash, timestamp, author, ledger_id, checkpoint })
    }

    fn check_genesis(&self, log_key: &LogPublicKey) -> Result<LedgerId, ReceiptError> {
        if self.registration.is_some() {
            return Err(ReceiptError::Registration);
        }
        let (genesis, ledger_id) =
            Genesis::from_block(&self.block).map_err(|_| ReceiptError::Malformed(Part::Block))?;
        if genesis.log_key != *log_key.bytes() || genesis.origin != log_key.origin() {
            return Err(ReceiptError::OtherLedger);
        }
        Ok(ledger_id)
    }

    fn check_author(
        &self,
        block: &Block<'_>,
        checkpoint: &Checkpoint,
    ) -> Result<(LedgerId, Author), ReceiptError> {
        let message = Message::parse(block.message).map_err(|_| ReceiptError::Malformed(Part::Block))?;
        let header = message.header;
        if header.account != block.author {
            return Err(ReceiptError::OtherAuthor);
        }
        let command_id = header.command_id;
        if block.author == AccountId::NONE {
            if self.registration.is_some() {
                return Err(ReceiptError::Registration);
            }
            let (_, author) = registered(Part::Block, block)?;
            return Ok((header.ledger_id, Author { command_id, ..author }));
        }
        let Some(Registration { block: bytes, inclusion }) = &self.registration else {
            return Err(ReceiptError::Registration);
        };
        let malformed = ReceiptError::Malformed(Part::Registration);
        let index = Block::parse(bytes).map_err(|_| malformed.clone())?.index;
        let registration = included(Part::Registration, bytes, index, inclusion, checkpoint)?;
        let registered_in = Message::parse(registration.message).map_err(|_| malformed)?.header.ledger_id;
        let (key, author) = registered(Part::Registration, &registration)?;
        if registered_in != header.ledger_id {
            return Err(ReceiptError::OtherLedger);
        }
        if author.account != block.author || author.key_id != header.key_id || index >= block.index {
            return Err(ReceiptError::OtherAuthor);
        }
        key.verify(&[block.message], block.signature).map_err(|_| ReceiptError::Signature(Part::Block))?;
        Ok((header.ledger_id, Author { command_id, ..author }))
    }
}

/// A block that is where it is said to be.
fn included<'a>(
    part: Part,
    bytes: &'a [u8],
    index: u64,
    inclusion: &super::Inclusion,
    checkpoint: &Checkpoint,
) -> Result<Block<'a>, ReceiptError> {
    let block = Block::parse(bytes).map_err(|_| ReceiptError::Malformed(part))?;
    if block.index != index {
        return Err(ReceiptError::Index { receipt: index, block: block.index });
    }
    inclusion
        .check(checkpoint.size, checkpoint.root, index, LeafHash::of_block(bytes))
        .map_err(|_| ReceiptError::NotIncluded(part))?;
    Ok(block)
}

/// The account that a registration made, and its key, with which the registration itself is signed.
fn registered(part: Part, block: &Block<'_>) -> Result<(VerifyingKey, Author), ReceiptError> {
    let message = Message::parse(block.message).map_err(|_| ReceiptError::Malformed(part))?;
    let header = message.header;
    let Ok(happened) = Happened::decode(header.tag, message.body, block.event) else {
        return Err(ReceiptError::Registration);
    };
    let opened = happened.opens().ok_or(ReceiptError::Registration)?;
    let key = VerifyingKey::from_spki(opened.public_key).map_err(|_| ReceiptError::Key)?;
    if block.author != AccountId::NONE || header.account != block.author || key.key_id() != header.key_id {
        return Err(ReceiptError::OtherAuthor);
    }
    key.verify(&[block.message], block.signature).map_err(|_| ReceiptError::Signature(part))?;
    let (account, handle) = (opened.account, opened.handle.to_owned());
    let (key_id, command_id) = (key.key_id(), header.command_id);
    Ok((key, Author { account, handle, key_id, command_id }))
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
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Part::Block => "the block",
            Part::Registration => "the author's registration",
        })
    }
}

impl fmt::Display for ReceiptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReceiptError::Line { line, expected } => write!(f, "line {line}: expected {expected}"),
            ReceiptError::Extra => f.write_str("the extra line does not hold two blocks and a proof"),
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
        }
    }
}

impl std::error::Error for ReceiptError {}
