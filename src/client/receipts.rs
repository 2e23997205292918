//! Fetching a receipt. The client believes it no more than a stranger would: it checks all of it, with the pinned
//! key, before it hands it on.

use super::{ClientError, Member};
use crate::chain::receipt::{Proven, Receipt, Registration};
use crate::chain::{Block, CommandId};
use crate::domain::AccountId;
use crate::wire::{Proofs, ReceiptOf, Reply, Request};

/// Fetches the receipt of one of the member's blocks; its checkpoint is audited and kept like any other.
///
/// # Errors
/// [`ClientError::Refused`] when there is no such block of the member's, [`ClientError::Integrity`] when the
/// receipt does not hold or is one of another block.
pub fn fetch_receipt(member: &mut Member, of: ReceiptOf) -> Result<(Receipt, Proven), ClientError> {
    let Reply::Receipt(proofs) = member.ask(&Request::Receipt(of), &mut |_| ())? else {
        return Err(ClientError::unexpected_reply());
    };
    let bad = |text: String| ClientError::Integrity(format!("the server's receipt is refused: {text}"));
    let Proofs { block, inclusion, registration, note } = proofs;
    let index = Block::parse(&block).map_err(|error| bad(error.to_string()))?.index;
    let registration =
        registration.map(|(block, inclusion)| Registration { block: block.into_vec(), inclusion });
    let receipt = Receipt { index, block: block.into_vec(), inclusion, registration, note };
    let proven = receipt.check(&member.server().log_key).map_err(|error| bad(error.to_string()))?;
    if proven.ledger_id != member.server().ledger_id {
        return Err(bad("it is of another ledger".to_owned()));
    }
    let me = AccountId(member.account().account);
    let of_this = match of {
        ReceiptOf::Block(wanted) => proven.index == wanted,
        ReceiptOf::Command(wanted) => author_of(&proven) == Some((me, wanted)),
    };
    if !of_this {
        return Err(bad(format!("it is for block {}, which is not the one asked for", proven.index)));
    }
    member.audit(&receipt.note)?;
    Ok((receipt, proven))
}

fn author_of(proven: &Proven) -> Option<(AccountId, CommandId)> {
    proven.author.as_ref().map(|author| (author.account, author.command_id))
}
