//! A command that was refused with `conflict` because its id stands already, in a block whose bytes are others. A home may have
//! got another key since the command was sent first: then the signature is another one, and what it asks for is the same.

use serde_bytes::ByteBuf;

use crate::chain::{Block, Message, block_hash};
use crate::wire::Accepted;

/// What became of the command in `message`, if this block of its id asks for the same; none otherwise.
pub(super) fn stands_in(block: &[u8], message: &[u8]) -> Option<Accepted> {
    let hash = block_hash(block);
    let block = Block::parse(block).ok()?;
    let (stands, wanted) = (Message::parse(block.message).ok()?, Message::parse(message).ok()?);
    let face =
        |message: &Message<'_>| (message.header.ledger_id, message.header.account, message.header.command_id);
    let same = face(&stands) == face(&wanted)
        && stands.header.tag == wanted.header.tag
        && stands.body == wanted.body;
    same.then(|| Accepted {
        index: block.index,
        hash,
        timestamp: block.timestamp,
        event: ByteBuf::from(block.event),
        duplicate: true,
    })
}
