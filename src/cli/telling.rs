//! The telling of what a command did. The order is the same everywhere: whether a receipt could be written is asked
//! before anything leaves, the outcome is told, and only then is the command struck out ([`Submitted::tell`]).

use super::context::Context;
use crate::client::{ClientError, Submitted};
use crate::terminal::exit::Exit;
use crate::wire::Accepted;

/// Says that a command is one that an earlier run sent.
pub(super) fn note_sent_before(context: &Context) {
    context.out.note(
        "the same command was sent before and its outcome was not told: this tells it, and does nothing a second time",
    );
}

/// Tells the outcome of a command, and strikes it out once it was told.
pub(super) fn tell(
    submitted: Submitted,
    telling: impl FnOnce(&Accepted) -> Result<(), ClientError>,
) -> Result<Exit, ClientError> {
    submitted.tell(telling).map(|()| Exit::Done)
}

/// Shows the acknowledgement of a command, with fields of its own.
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
