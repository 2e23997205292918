//! The client as an auditor: whatever checkpoint a server shows has to extend the one that was kept, by proof.
//! What contradicts it is kept as evidence: both notes carry the server's own signature.

use super::connection::Connection;
use super::evidence::keep_evidence;
use super::known_server::{FILE, KnownServer, read_checkpoint};
use super::known_servers;
use super::question::{self, Extends};
use crate::chain::{Checkpoint, Consistency};
use crate::client::{ClientError, Home};

/// A checkpoint with the note that it stands in.
pub(super) struct Signed<'a> {
    pub(super) note: &'a str,
    pub(super) checkpoint: Checkpoint,
}

impl<'a> Signed<'a> {
    pub(super) fn read(server: &KnownServer, note: &'a str) -> Result<Signed<'a>, ClientError> {
        Ok(Signed { note, checkpoint: read_checkpoint(server, note)? })
    }

    /// The same of a note that was kept: what is wrong with that is no fault of the server's.
    pub(super) fn kept(home: &Home, server: &KnownServer, note: &'a str) -> Result<Signed<'a>, ClientError> {
        Signed::read(server, note).map_err(|error| {
            let path = home.path(FILE);
            ClientError::Config(format!("{}: {}: {error}", path.display(), server.address()))
        })
    }
}

/// Believes a checkpoint that the server shows once it is proven to extend the one that `server` was opened
/// with and the one that is kept by now, which another call may have moved on; then keeps it. Costs a round
/// trip where there is something to prove, and nothing where the checkpoint is the one that is kept.
///
/// # Errors
/// [`ClientError::Integrity`]: ROLLBACK when the server is behind what it showed before, FORK when it is not
/// the same history. The message names the files in which both signed notes are kept.
pub(in crate::client) fn audit(
    home: &Home,
    server: &mut KnownServer,
    connection: &mut Connection,
    note: &str,
) -> Result<Checkpoint, ClientError> {
    let shown = Signed::read(server, note)?;
    let before = server.checkpoint.clone();
    if let Some(before) = &before {
        let before = Signed::kept(home, server, before)?;
        if shown.checkpoint.size < before.checkpoint.size {
            return Err(contradiction(home, server, "ROLLBACK", &before, &shown));
        }
    }
    let now = known_servers::find_ledger(home, server.ledger_id)?.and_then(|server| server.checkpoint);
    let now = now.filter(|now| Some(now) != before.as_ref());
    let kept: Vec<Signed<'_>> =
        before.iter().chain(&now).map(|note| Signed::kept(home, server, note)).collect::<Result<_, _>>()?;
    prove(home, server, connection, &shown, &kept)?;
    match known_servers::advance(home, server.ledger_id, note) {
        // Who only reads needs nothing to be written.
        Err(ClientError::File(path, error)) => home.not_kept(&path, &error),
        other => other?,
    }
    server.checkpoint = Some(note.to_owned());
    Ok(shown.checkpoint)
}

/// Has the server prove that `shown` and each of `kept` are of one history, whichever is the longer.
pub(super) fn prove(
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
            questions.push(Extends { old_size: old.size, size: new.size });
        }
    }
    if questions.is_empty() {
        return Ok(());
    }
    let answers = match connection.ask_all(&questions) {
        // It signed both, and has no proof that they belong together.
        Err(ClientError::Refused(_)) => Vec::new(),
        Err(ClientError::Unreachable(why)) => {
            let (new, old) = (shown.checkpoint.size, kept.iter().map(|kept| kept.checkpoint.size).max());
            return Err(ClientError::Unreachable(format!(
                "whether the {new} blocks that the server at {} shows extend the {} that it showed before could not be \
                 checked: {why}. If that lasts, ask its operator: a server that never proves it may hide a fork",
                server.address(),
                old.unwrap_or_default()
            )));
        }
        other => other?,
    };
    let mut answers = answers.into_iter();
    for (kept, old, new) in pairs {
        let proof = answers.next().unwrap_or_else(|| Consistency(Vec::new()));
        if proof.check(new.size, new.root, old.size, old.root).is_err() {
            return Err(contradiction(home, server, "FORK", kept, shown));
        }
    }
    Ok(())
}

/// Keeps both notes and says what is wrong with them.
pub(super) fn contradiction(
    home: &Home,
    server: &KnownServer,
    what: &str,
    kept: &Signed<'_>,
    shown: &Signed<'_>,
) -> ClientError {
    let (new, old) = (&shown.checkpoint, &kept.checkpoint);
    let files = keep_evidence(home, server, kept.note).and_then(|first| {
        let second = keep_evidence(home, server, shown.note)?;
        let (first, second) = (first.display(), second.display());
        Ok(format!(
            "Both checkpoints, signed by the server, are kept as evidence:\n  {first}\n  {second}\n\
             What was shown before and is gone may hold commands of yours. Only if the operator tells you, another \
             way than through this connection, that an older copy was put back after a disk was lost, go on with it:\n  \
             ledgerctl --server {} checkpoint accept {second}",
            server.address()
        ))
    });
    let evidence = files.unwrap_or_else(|error| format!("The evidence could not be kept: {error}"));
    ClientError::Integrity(format!(
        "{what}: the server at {} shows {} blocks with root {}, but showed {} blocks with root {} before, and \
         does not prove that one extends the other.\n{evidence}",
        server.address(),
        new.size,
        new.root,
        old.size,
        old.root
    ))
}

/// The checkpoint that came with the handshake.
pub(super) fn shown_note(connection: &Connection) -> Result<String, ClientError> {
    let note = connection.params().map(|params| params.checkpoint_note.clone()).unwrap_or_default();
    String::from_utf8(note)
        .map_err(|_| ClientError::Integrity("the server's checkpoint is not text".to_owned()))
}

/// Holds the checkpoint that came with the handshake against the one that was kept before the hello left.
pub(super) fn audit_shown(
    home: &Home,
    server: &mut KnownServer,
    connection: &mut Connection,
) -> Result<Checkpoint, ClientError> {
    let note = shown_note(connection)?;
    audit(home, server, connection, &note)
}

/// Asks for the newest checkpoint and believes it as [`audit`] does.
pub(super) fn newest(
    home: &Home,
    server: &mut KnownServer,
    connection: &mut Connection,
) -> Result<Checkpoint, ClientError> {
    let note = connection.ask(&question::Checkpoint)?;
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
pub(in crate::client) fn prove_consistent(
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
pub(in crate::client) fn prove_extends(
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
