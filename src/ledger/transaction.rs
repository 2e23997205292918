//! A block with meaning: the command and the event that its bytes hold.

use std::fmt;

use crate::chain::{Block, MalformedMessage, Message};
use crate::crypto::LedgerId;
use crate::domain::{AccountId, Command, Context, Event, Undecodable, split_tag};

/// A block's command and event, decoded. Genesis is not a transaction.
#[derive(Clone, Debug)]
pub struct Transaction<'a> {
    /// The signed message, taken apart.
    pub message: Message<'a>,
    /// What was asked for.
    pub command: Command,
    /// What happened.
    pub event: Event,
    /// Who, when, where.
    pub context: Context,
}

/// Why a block's bytes are no transaction of this ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransactionError {
    /// The signed message has no valid form.
    Message(MalformedMessage),
    /// The command was signed for another ledger.
    OtherLedger,
    /// The block's author is not the account that the command names.
    OtherAuthor {
        /// What the block says.
        block: AccountId,
        /// What the author signed.
        message: AccountId,
    },
    /// The command does not decode.
    Command(Undecodable),
    /// The event does not decode.
    Event(Undecodable),
    /// The event is not one of this command.
    Mismatch,
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
        let command = Command::decode(message.header.tag, message.body).map_err(TransactionError::Command)?;
        let event = Event::decode(block.event).map_err(TransactionError::Event)?;
        // An event has the number of the command that it came from.
        let (event_tag, _) = split_tag(block.event).map_err(TransactionError::Event)?;
        if event_tag.kind != message.header.tag.kind {
            return Err(TransactionError::Mismatch);
        }
        let context = Context {
            ledger_id,
            author: block.author,
            key_id: message.header.key_id,
            timestamp: block.timestamp,
            index: block.index,
        };
        Ok(Transaction { message, command, event, context })
    }
}

impl TransactionError {
    /// The stable machine name.
    pub fn name(&self) -> &'static str {
        match self {
            TransactionError::Message(_) => "malformed_message",
            TransactionError::OtherLedger => "other_ledger",
            TransactionError::OtherAuthor { .. } => "other_author",
            TransactionError::Command(_) => "undecodable_command",
            TransactionError::Event(_) => "undecodable_event",
            TransactionError::Mismatch => "event_mismatch",
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
            TransactionError::Command(error) => write!(f, "the command: {error}"),
            TransactionError::Event(error) => write!(f, "the event: {error}"),
            TransactionError::Mismatch => f.write_str("the event is not one of this command"),
        }
    }
}

impl std::error::Error for TransactionError {}
