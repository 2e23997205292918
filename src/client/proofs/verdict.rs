//! The server's verdict on its own log, and what the client checks of it.

use crate::chain::Checkpoint;
use crate::client::ClientError;
use crate::client::link::{Member, Reopen as _, question};
use crate::wire::{Progress, Verification};

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
    let mut told = |Progress { done, total }: Progress| progress(done, total);
    let verification = member.connection().ask_with_progress(&question::Verify, &mut told)?;
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
