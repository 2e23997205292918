//! That blocks are in the tree of a checkpoint which the client has audited.

use crate::chain::{Inclusion, LeafHash};
use crate::client::ClientError;
use crate::client::link::{Member, Reopen as _, question};
use crate::wire::INCLUSIONS_MAX;

/// Has the server prove that blocks, by their indexes in ascending order, are in the tree of the audited checkpoint, which
/// moves on first where a block is newer.
///
/// # Errors
/// [`ClientError::Integrity`] names a block that is not proven.
pub(in crate::client) fn prove_included(
    member: &mut Member,
    leaves: &[(u64, LeafHash)],
) -> Result<(), ClientError> {
    let Some((last, _)) = leaves.last() else { return Ok(()) };
    let mut checkpoint = member.checkpoint()?;
    if checkpoint.size <= *last {
        checkpoint = member.newest_checkpoint()?;
    }
    let refused = |index: u64| {
        ClientError::Integrity(format!(
            "block {index} from the server is refused: it is not in the tree of the checkpoint over {} blocks",
            checkpoint.size
        ))
    };
    let pages = leaves.chunks(INCLUSIONS_MAX);
    let questions: Vec<question::AreIncluded> = pages
        .map(|page| {
            let indexes = page.iter().map(|(index, _)| *index).collect();
            question::AreIncluded { indexes, size: checkpoint.size }
        })
        .collect();
    let answers = match member.connection().ask_all(&questions) {
        Err(ClientError::Refused(_)) => return Err(refused(*last)),
        other => other?,
    };
    let proofs: Vec<Inclusion> = answers.into_iter().flatten().collect();
    if proofs.len() != leaves.len() {
        return Err(ClientError::other_answer());
    }
    for ((index, leaf), proof) in leaves.iter().zip(proofs) {
        proof.check(checkpoint.size, checkpoint.root, *index, *leaf).map_err(|_| refused(*index))?;
    }
    Ok(())
}
