//! Evidence: signed notes that a home keeps, because only they can show that a server went back or has two histories.

use std::path::PathBuf;

use super::known_server::{KnownServer, read_checkpoint};
use crate::client::{ClientError, Home};

/// Keeps a note under a name that says what it is, so that the same one is kept once.
pub(super) fn keep_evidence(home: &Home, server: &KnownServer, note: &str) -> Result<PathBuf, ClientError> {
    let checkpoint = read_checkpoint(server, note)?;
    let short = |text: String| text.get(..16).map(str::to_owned).unwrap_or(text);
    let (ledger, root) = (short(server.ledger_id.to_string()), short(checkpoint.root.to_string()));
    let name = format!("evidence/{ledger}-{}-{root}.checkpoint", checkpoint.size);
    home.write(&name, note.as_bytes())?;
    Ok(home.path(&name))
}
