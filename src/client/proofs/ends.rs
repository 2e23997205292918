//! How a cheque ended, with the proof.

use super::receipts::{command_of, fetch_receipt};
use crate::chain::receipt::Receipt;
use crate::client::ClientError;
use crate::client::link::Reopen;
use crate::client::link::question::{Question, question};
use crate::domain::payments::{self, ChequeId, Fate};
use crate::domain::{AccountId, Answer, Query};
use crate::wire::{ReceiptOf, Reply, Request};

/// What became of a cheque that the asker wrote or settled; none while it may still be settled.
#[derive(Clone, Copy, Debug)]
struct FateOf {
    /// Whose cheque.
    payer: AccountId,
    /// Which one.
    cheque_id: ChequeId,
}
question!(
    FateOf,
    Option<Fate>,
    |q| Request::Ask(Query::Payments(payments::Query::Cheque { payer: q.payer, cheque_id: q.cheque_id })),
    Reply::Answer(Answer::Payments(payments::Answer::Cheque(fate))) => fate
);

/// The receipt of the block in which a cheque ended; none while it may still be settled, or was never signed.
///
/// # Errors
/// [`ClientError::Integrity`] when the block that the server names does not say so.
pub(in crate::client) fn fetch_end(
    link: &mut dyn Reopen,
    payer: AccountId,
    cheque_id: ChequeId,
) -> Result<Option<Receipt>, ClientError> {
    let Some(fate) = link.connection().ask(&FateOf { payer, cheque_id })? else { return Ok(None) };
    let (receipt, _) = fetch_receipt(link, ReceiptOf::Block(fate.index()))?;
    let said = match (command_of(&receipt), fate) {
        (Some((_, payments::Command::Settle(settle))), Fate::Settled(_)) => {
            (settle.cheque.payer, settle.cheque.cheque_id) == (payer, cheque_id)
        }
        (Some((author, payments::Command::RevokeCheque(revoke))), Fate::Revoked(_)) => {
            (author, revoke.cheque_id) == (payer, cheque_id)
        }
        _ => false,
    };
    if said {
        return Ok(Some(receipt));
    }
    Err(ClientError::Integrity(format!(
        "the server says that the cheque {cheque_id} ended in block {}, which does not say so",
        fate.index()
    )))
}
