//! One command from signature to receipt, and how that is shown.

use super::Context;
use crate::client::{ClientError, Member, submit_once};
use crate::domain::Command;
use crate::wire::Accepted;

/// Signs a command of the member's and sees it through.
pub(super) fn submit(
    context: &Context,
    member: &mut Member,
    command: &Command,
) -> Result<Accepted, ClientError> {
    submit_once(member, command, &mut || {
        context.out.note("the same command was sent before and its outcome was not known: asking again");
    })
}

/// Shows the receipt of a command, with fields of its own.
pub(super) fn show(
    context: &Context,
    json: bool,
    accepted: &Accepted,
    words: &str,
    fields: &[(&str, serde_json::Value)],
) -> Result<(), ClientError> {
    let (index, hash) = (accepted.index, accepted.hash);
    if json || context.out.json {
        let mut object = serde_json::json!({
            "index": index,
            "hash": hash.to_string(),
            "timestamp": accepted.timestamp.to_string(),
            "duplicate": accepted.duplicate,
        });
        for (name, value) in fields {
            object[*name] = value.clone();
        }
        return context.out.line(&object.to_string());
    }
    let again = if accepted.duplicate { " (was there already)" } else { "" };
    context.out.line(&format!("block {index} {hash} {words}{again}"))
}
