//! Whether a command of the member's was done, asked by its id: that settles the outcome of one whose key has ended since.

use serde_bytes::ByteBuf;

use super::receipts::fetch_receipt;
use crate::chain::{Block, CommandId, Message};
use crate::client::ClientError;
use crate::client::link::Member;
use crate::domain::Tag;
use crate::refusal;
use crate::wire::{Accepted, ReceiptOf};

/// What became of the command with this id, if the ledger has it and it asks for the same; none otherwise.
///
/// # Errors
/// [`ClientError::Integrity`] when the proof does not hold.
pub(in crate::client) fn fetch_done(
    member: &mut Member,
    id: CommandId,
    (tag, body): (Tag, &[u8]),
) -> Result<Option<Accepted>, ClientError> {
    let receipt = match fetch_receipt(member, ReceiptOf::Command(id)) {
        Err(ClientError::Refused(refusal)) if refusal.name == refusal::NO_SUCH_BLOCK => return Ok(None),
        other => other?,
    };
    let (receipt, proven) = receipt;
    // Both parse: the receipt was checked.
    let Ok(block) = Block::parse(&receipt.block) else { return Ok(None) };
    let Ok(message) = Message::parse(block.message) else { return Ok(None) };
    let same = message.header.tag == tag && message.body == body;
    Ok(same.then(|| Accepted {
        index: proven.index,
        hash: proven.hash,
        timestamp: proven.timestamp,
        event: ByteBuf::from(block.event),
        duplicate: true,
    }))
}
