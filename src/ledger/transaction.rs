//! A block with meaning: the command and the event that its bytes hold.

use std::fmt;

use crate::chain::{Block, MalformedMessage, Message};
use crate::crypto::LedgerId;
use crate::domain::{AccountId, Context, Happened, NoPair};
use crate::time::Timestamp;

/// A block's command and event, decoded. Genesis is not a transaction.
#[derive(Clone, Debug)]
pub struct Transaction<'a> {
    /// The signed message, taken apart.
    pub message: Message<'a>,
    /// What was asked for, and what happened.
    pub happened: Happened,
    /// The author, the key, the time and the index of the block.
    pub context: Context<'a>,
}

/// The reason for which a block's bytes are no transaction of this ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransactionError {
    /// The signed message has no valid form.
    Message(MalformedMessage),
    /// The command was signed for another ledger.
    OtherLedger,
    /// The block's author is not the account that the command names.
    OtherAuthor {
        /// The author that the block names.
        block: AccountId,
        /// The account that the signed command names.
        message: AccountId,
    },
    /// Command and event do not decode as a pair.
    NoPair(NoPair),
}

impl<'a> Transaction<'a> {
    /// Decodes what a block holds.
    ///
    /// # Errors
    /// [`TransactionError`] for the first thing that does not fit.
    pub fn decode(block: &Block<'a>, ledger_id: LedgerId) -> Result<Transaction<'a>, TransactionError> {
        let message = Message::parse(block.message).map_err(TransactionError::Message)?;
        if message.header.ledger_id != ledger_id {
            return Err(TransactionError::OtherLedger);
        }
        if message.header.account != block.author {
            return Err(TransactionError::OtherAuthor {
                block: block.author,
                message: message.header.account,
            });
        }
        let happened = Happened::decode(message.header.tag, message.body, block.event)
            .map_err(TransactionError::NoPair)?;
        let context = context_of(&message, block.timestamp, block.index);
        Ok(Transaction { message, happened, context })
    }
}

/// What a rule may know of a command that stands, or will stand, in this block.
pub fn context_of<'a>(message: &Message<'a>, timestamp: Timestamp, index: u64) -> Context<'a> {
    Context {
        ledger_id: message.header.ledger_id,
        author: message.header.account,
        key_id: message.header.key_id,
        command_id: message.header.command_id,
        message: message.bytes,
        timestamp,
        index,
    }
}

impl TransactionError {
    /// The stable machine name.
    pub fn name(&self) -> &'static str {
        match self {
            TransactionError::Message(_) => "malformed_message",
            TransactionError::OtherLedger => "other_ledger",
            TransactionError::OtherAuthor { .. } => "other_author",
            TransactionError::NoPair(NoPair::Command(_)) => "undecodable_command",
            TransactionError::NoPair(NoPair::Event(_)) => "undecodable_event",
            TransactionError::NoPair(NoPair::OtherEvent) => "event_mismatch",
        }
    }
}

impl fmt::Display for TransactionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TransactionError::Message(error) => error.fmt(f),
            TransactionError::OtherLedger => f.write_str("the command was signed for another ledger"),
            TransactionError::OtherAuthor { block, message } => {
                write!(f, "the block names author {block}, the signed command account {message}")
            }
            TransactionError::NoPair(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for TransactionError {}
