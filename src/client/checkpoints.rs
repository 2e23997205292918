//! The client as an auditor: whatever checkpoint a server shows has to extend the one that was kept, by proof.
//! What contradicts it is kept as evidence: both notes carry the server's own signature.

use super::known_servers::{self, KnownServer, read_checkpoint};
use super::{ClientError, Connection, Home};
use crate::chain::{Checkpoint, Consistency};
use crate::wire::{CheckpointNote, Reply, Request};

/// A checkpoint with the note that it stands in.
struct Signed<'a> {
    note: &'a str,
    checkpoint: Checkpoint,
}

impl<'a> Signed<'a> {
    fn read(server: &KnownServer, note: &'a str) -> Result<Signed<'a>, ClientError> {
        Ok(Signed { note, checkpoint: read_checkpoint(server, note)? })
    }
}

/// Believes a checkpoint that the server shows once it is proven to extend the one that `server` was opened
/// with and the one that is kept by now, which another call may have moved on; then keeps it. Costs a round
/// trip where there is something to prove, and nothing where the checkpoint is the one that is kept.
///
/// # Errors
/// [`ClientError::Integrity`]: ROLLBACK when the server is behind what it showed before, FORK when it is not
/// the same history. The message names the files in which both signed notes are kept.
pub(super) fn audit(
    home: &Home,
    server: &mut KnownServer,
    connection: &mut Connection,
    note: &str,
) -> Result<Checkpoint, ClientError> {
    let shown = Signed::read(server, note)?;
    let before = server.checkpoint.clone();
    if let Some(before) = &before {
        let before = Signed::read(server, before)?;
        if shown.checkpoint.size < before.checkpoint.size {
            return Err(contradiction(home, server, "ROLLBACK", &before, &shown));
        }
    }
    let now = known_servers::find(home, &server.address)?.and_then(|server| server.checkpoint);
    let now = now.filter(|now| Some(now) != before.as_ref());
    let kept: Vec<Signed<'_>> =
        before.iter().chain(&now).map(|note| Signed::read(server, note)).collect::<Result<_, _>>()?;
    prove(home, server, connection, &shown, &kept)?;
    known_servers::advance(home, server.ledger_id, note)?;
    server.checkpoint = Some(note.to_owned());
    Ok(shown.checkpoint)
}

/// Has the server prove that `shown` and each of `kept` are of one history, whichever is the longer.
fn prove(
    home: &Home,
    server: &KnownServer,
    connection: &mut Connection,
    shown: &Signed<'_>,
    kept: &[Signed<'_>],
) -> Result<(), ClientError> {
    let mut pairs = Vec::new();
    let mut questions = Vec::new();
    for kept in kept {
        let (one, other) = (&kept.checkpoint, &shown.checkpoint);
        let (old, new) = if one.size <= other.size { (one, other) } else { (other, one) };
        if old.size == new.size {
            if old.root != new.root {
                return Err(contradiction(home, server, "FORK", kept, shown));
            }
        } else if old.size > 0 {
            pairs.push((kept, old, new));
            questions.push(Request::Consistency { old_size: old.size, size: new.size });
        }
    }
    if questions.is_empty() {
        return Ok(());
    }
    let answers = match connection.ask_all(&questions) {
        // It signed both, and has no proof that they belong together.
        Err(ClientError::Refused(_)) => Vec::new(),
        other => other?,
    };
    let mut answers = answers.into_iter();
    for (kept, old, new) in pairs {
        let proof = match answers.next() {
            Some(Reply::Consistency(proof)) => proof,
            _ => Consistency(Vec::new()),
        };
        if proof.check(new.size, new.root, old.size, old.root).is_err() {
            return Err(contradiction(home, server, "FORK", kept, shown));
        }
    }
    Ok(())
}

/// Keeps both notes and says what is wrong with them.
fn contradiction(
    home: &Home,
    server: &KnownServer,
    what: &str,
    kept: &Signed<'_>,
    shown: &Signed<'_>,
) -> ClientError {
    let (new, old) = (&shown.checkpoint, &kept.checkpoint);
    let files = keep_evidence(home, server, kept).and_then(|first| {
        let second = keep_evidence(home, server, shown)?;
        Ok(format!("Both checkpoints, signed by the server, are kept as evidence:\n  {first}\n  {second}"))
    });
    let evidence = files.unwrap_or_else(|error| format!("The evidence could not be kept: {error}"));
    ClientError::Integrity(format!(
        "{what}: the server at {} shows {} blocks with root {}, but showed {} blocks with root {} before, and \
         does not prove that one extends the other.\n{evidence}",
        server.address, new.size, new.root, old.size, old.root
    ))
}

/// Keeps a note under a name that says what it is, so that the same one is kept once.
fn keep_evidence(home: &Home, server: &KnownServer, signed: &Signed<'_>) -> Result<String, ClientError> {
    let Signed { note, checkpoint } = signed;
    let short = |text: String| text.get(..16).map(str::to_owned).unwrap_or(text);
    let (ledger, root) = (short(server.ledger_id.to_string()), short(checkpoint.root.to_string()));
    let name = format!("evidence/{ledger}-{}-{root}.checkpoint", checkpoint.size);
    home.write(&name, note.as_bytes())?;
    Ok(home.path(&name).display().to_string())
}

/// Asks for the newest checkpoint and believes it as [`audit`] does.
pub(super) fn newest(
    home: &Home,
    server: &mut KnownServer,
    connection: &mut Connection,
) -> Result<Checkpoint, ClientError> {
    let Reply::Checkpoint(CheckpointNote { note }) = connection.ask(&Request::Checkpoint, &mut |_| ())?
    else {
        return Err(ClientError::unexpected_reply());
    };
    audit(home, server, connection, &note)
}

/// Reads a checkpoint that somebody kept and has the server prove that its newest one extends it. Nothing is
/// kept but evidence.
pub(super) fn prove_kept(
    home: &Home,
    server: &KnownServer,
    connection: &mut Connection,
    kept: &str,
) -> Result<Checkpoint, ClientError> {
    let newest = server.checkpoint.clone().unwrap_or_default();
    prove_extends(home, server, connection, (kept, &newest))?;
    read_checkpoint(server, kept)
}

/// Has the server prove that a checkpoint of its own, older or newer, is of one history with the one that is kept.
/// Nothing is kept but evidence.
pub(super) fn prove_consistent(
    home: &Home,
    server: &KnownServer,
    connection: &mut Connection,
    note: &str,
) -> Result<Checkpoint, ClientError> {
    let other = Signed::read(server, note)?;
    let shown = Signed::read(server, server.checkpoint.as_deref().unwrap_or_default())?;
    prove(home, server, connection, &shown, std::slice::from_ref(&other))?;
    Ok(other.checkpoint)
}

/// Has the server prove that a checkpoint extends one that somebody kept.
pub(super) fn prove_extends(
    home: &Home,
    server: &KnownServer,
    connection: &mut Connection,
    (kept, note): (&str, &str),
) -> Result<(), ClientError> {
    let (kept, shown) = (Signed::read(server, kept)?, Signed::read(server, note)?);
    if shown.checkpoint.size < kept.checkpoint.size {
        return Err(contradiction(home, server, "ROLLBACK", &kept, &shown));
    }
    prove(home, server, connection, &shown, std::slice::from_ref(&kept))
}
