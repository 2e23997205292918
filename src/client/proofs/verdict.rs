//! The server's verdict on its own log, and what the client checks of it.

use crate::chain::Checkpoint;
use crate::client::ClientError;
use crate::client::link::Member;
use crate::wire::{Reply, Request, Verification};

/// What came of a check.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// What the server says.
    pub verification: Verification,
    /// The checkpoint that it signed over what it checked, audited and kept; none when it found damage.
    pub checkpoint: Option<Checkpoint>,
}

/// Has the server check its whole log. `progress` hears how many blocks are done, of how many.
///
/// # Errors
/// [`ClientError::Integrity`] when the checkpoint in the verdict does not extend the one that is kept, or is not over
/// what was checked.
pub fn have_verified(
    member: &mut Member,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Verdict, ClientError> {
    let reply = member.ask(&Request::Verify, &mut |push| {
        if let Reply::Progress(done) = push {
            progress(done.done, done.total);
        }
    });
    let Reply::Verification(verification) = reply? else { return Err(ClientError::unexpected_reply()) };
    if verification.findings_total > 0 {
        return Ok(Verdict { verification, checkpoint: None });
    }
    let shown = member.audit(&verification.checkpoint)?;
    if shown.size != verification.blocks {
        return Err(ClientError::Integrity(format!(
            "the server checked {} blocks and signed a checkpoint over {}",
            verification.blocks, shown.size
        )));
    }
    Ok(Verdict { verification, checkpoint: Some(shown) })
}
