//! One command from signature to receipt, and how that is told. The order is the same everywhere: whether a receipt
//! could be written is asked before anything leaves, the outcome is told, and only then is the command struck out.

use super::context::Context;
use crate::client::{ClientError, IdempotencyKey, Member, Submitted, conflict, end_of, submit_once};
use crate::domain::payments::OrderId;
use crate::domain::{AccountId, Command};
use crate::terminal::exit::Exit;
use crate::wire::Accepted;

/// Signs a command of the member's and sees it through.
pub(super) fn submit(
    context: &Context,
    member: &mut Member,
    command: &Command,
    key: Option<&IdempotencyKey>,
) -> Result<Submitted, ClientError> {
    refuse_order_of_key(member, key)?;
    submit_once(member, command, key, &mut || {
        context.out.note(
            "the same command was sent before and its outcome was not told: this tells it, and does nothing a second time",
        );
    })
}

/// A key that stands for a payment order already is not free for a command.
pub(super) fn refuse_order_of_key(
    member: &mut Member,
    key: Option<&IdempotencyKey>,
) -> Result<(), ClientError> {
    let Some(key) = key else { return Ok(()) };
    let (ledger_id, me) = (member.server().ledger_id, AccountId(member.account().account));
    let order_id = OrderId(key.command_id(ledger_id, me, 0).0);
    match end_of(member, me, order_id)? {
        Some((_, receipt)) => Err(ClientError::Refused(conflict(order_id, receipt.index))),
        None => Ok(()),
    }
}

/// Tells the outcome of a command, and strikes it out once it was told.
pub(super) fn tell(
    submitted: Submitted,
    telling: impl FnOnce(&Accepted) -> Result<(), ClientError>,
) -> Result<Exit, ClientError> {
    let index = submitted.accepted.index;
    telling(&submitted.accepted).map_err(|error| untold(index, error))?;
    submitted.told()?;
    Ok(Exit::Done)
}

/// What follows from a failure after a command was done: it is done, and not told. What says that somebody lies stays
/// what it is.
pub(super) fn untold(index: u64, error: ClientError) -> ClientError {
    match error {
        error @ (ClientError::Integrity(_) | ClientError::Untold(_)) => error,
        error => ClientError::Untold(format!(
            "block {index} is written, but that could not be told: {error}. The same command given again tells it, and \
             does nothing a second time"
        )),
    }
}

/// Shows the receipt of a command, with fields of its own.
pub(super) fn show(
    context: &Context,
    accepted: &Accepted,
    words: &str,
    fields: &[(&str, serde_json::Value)],
) -> Result<(), ClientError> {
    let (index, hash) = (accepted.index, accepted.hash);
    if context.out.json {
        let mut object = serde_json::json!({
            "index": index,
            "hash": hash.to_string(),
            "timestamp": accepted.timestamp.to_string(),
            "duplicate": accepted.duplicate,
        });
        for (name, value) in fields {
            object[*name] = value.clone();
        }
        return context.out.tell(&object.to_string());
    }
    let again = if accepted.duplicate { " (was there already)" } else { "" };
    context.out.tell(&format!("block {index} {hash} {words}{again}"))
}
