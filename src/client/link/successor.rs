//! Going on with a ledger that contradicts what it showed before: only a person may decide that, and what was shown
//! before stays as evidence.

use std::path::PathBuf;

use super::addresses::Addresses;
use super::checkpoints::{Signed, audit, contradiction, prove, shown_note};
use super::connection::PATIENCE;
use super::evidence::keep_evidence;
use super::opening::{open_at_first, open_full, pinned};
use super::{known_servers, newest};
use crate::chain::Checkpoint;
use crate::client::{ClientError, Home};

/// A history that was accepted in the place of another one.
#[derive(Clone, Debug)]
pub struct Successor {
    /// What the server showed before.
    pub before: Checkpoint,
    /// What it shows now, and is kept from now on.
    pub now: Checkpoint,
    /// Where the evidence of what it showed before is kept.
    pub evidence: PathBuf,
}

/// Goes on with a server that contradicts what it showed before, because somebody decided so. `named` is a checkpoint
/// of the history that is accepted: the server has to prove that what it shows now extends that. None when the server
/// contradicts nothing.
///
/// # Errors
/// [`ClientError::Integrity`] when the server did not sign `named`, or shows a history that does not extend it.
pub fn accept_successor(
    home: &Home,
    addresses: &Addresses,
    named: &str,
) -> Result<Option<Successor>, ClientError> {
    let server = pinned(home, addresses)?;
    let named = Signed::read(&server, named)?;
    let before = server.checkpoint.clone();
    let (mut server, mut connection) =
        open_at_first(home, &server, addresses, PATIENCE, &mut |server, patience| {
            open_full(home, server, None, patience)
        })?;
    let note = shown_note(&connection)?;
    let Some(before) = before else {
        audit(home, &mut server, &mut connection, &note)?;
        return Ok(None);
    };
    let (before, shown) = (Signed::kept(home, &server, &before)?, Signed::read(&server, &note)?);
    if shown.checkpoint.size < named.checkpoint.size {
        return Err(contradiction(home, &server, "ROLLBACK", &named, &shown));
    }
    prove(home, &server, &mut connection, &shown, std::slice::from_ref(&named))?;
    if shown.checkpoint.size >= before.checkpoint.size {
        match prove(home, &server, &mut connection, &shown, std::slice::from_ref(&before)) {
            Ok(()) => {
                known_servers::advance(home, server.ledger_id, &note)?;
                return Ok(None);
            }
            Err(ClientError::Integrity(_)) => {}
            Err(error) => return Err(error),
        }
    }
    let evidence = keep_evidence(home, &server, before.note)?;
    keep_evidence(home, &server, shown.note)?;
    // A block of the history that is gone would make the server one that withholds a block which it acknowledged.
    newest::forget(home, server.ledger_id)?;
    known_servers::put_in_place(home, server.ledger_id, &note)?;
    Ok(Some(Successor { before: before.checkpoint, now: shown.checkpoint, evidence }))
}
