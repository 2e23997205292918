//! Ids that stand for something already. An idempotency key gives one id to a command and to a cheque, so that
//! whoever begins with one of the two asks for the other.

use super::ends::fetch_end;
use super::receipts::fetch_receipt;
use crate::chain::CommandId;
use crate::client::ClientError;
use crate::client::link::Reopen;
use crate::domain::payments::ChequeId;
use crate::refusal;
use crate::wire::{ReceiptOf, Refusal};

/// What a client says when a cheque id stands for something else.
pub fn conflict(id: ChequeId, index: u64) -> Refusal {
    let text =
        format!("another payment with the cheque id {id} was settled in block {index}; nothing was changed");
    Refusal::fail(refusal::CONFLICT, text)
}

/// Makes sure that no cheque of this id was settled or revoked.
///
/// # Errors
/// [`ClientError::Refused`] with the name `conflict` when one was.
pub(in crate::client) fn refuse_id_of_cheque(
    link: &mut dyn Reopen,
    cheque_id: ChequeId,
) -> Result<(), ClientError> {
    let payer = link.account_id();
    match fetch_end(link, payer, cheque_id)? {
        Some(receipt) => Err(ClientError::Refused(conflict(cheque_id, receipt.index))),
        None => Ok(()),
    }
}

/// Makes sure that no command of this id stands in a block.
///
/// # Errors
/// [`ClientError::Refused`] with the name `conflict` when one does.
pub fn refuse_id_of_command(link: &mut dyn Reopen, id: CommandId) -> Result<(), ClientError> {
    match fetch_receipt(link, ReceiptOf::Command(id)) {
        Ok((receipt, _)) => {
            let text =
                format!("this key stands for the command in block {}; nothing was changed", receipt.index);
            Err(ClientError::Refused(Refusal::fail(refusal::CONFLICT, text)))
        }
        Err(ClientError::Refused(refusal)) if refusal.name == refusal::NO_SUCH_BLOCK => Ok(()),
        Err(error) => Err(error),
    }
}
