//! What an own block has to be, whoever hands it over.

use crate::chain::{Block, Message};
use crate::client::{ClientError, Signer};

/// Checks an own block as it came from the server: its hash, its author, and the author's signature.
///
/// # Errors
/// [`ClientError::Integrity`] names what is wrong.
pub fn check_own_block<'a>(bytes: &'a [u8], signer: &Signer) -> Result<Block<'a>, ClientError> {
    let bad = |index: Option<u64>, text: &str| {
        let which = index.map_or_else(|| "a block".to_owned(), |index| format!("block {index}"));
        ClientError::Integrity(format!("{which} from the server is refused: {text}"))
    };
    let block = Block::parse(bytes).map_err(|_| bad(None, "its bytes are not a block"))?;
    let index = Some(block.index);
    if block.author != signer.account {
        return Err(bad(index, "it is of another author"));
    }
    let message = Message::parse(block.message).map_err(|_| bad(index, "it holds no signed command"))?;
    if message.header.ledger_id != signer.ledger_id || message.header.account != signer.account {
        return Err(bad(index, "its command was signed for another ledger or account"));
    }
    let key = signer.key.public();
    key.verify(&[block.message], block.signature)
        .map_err(|_| bad(index, "the signature is not one of this account's key"))?;
    Ok(block)
}
