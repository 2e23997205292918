//! Forgetting a server. The newest checkpoint that it showed stays, because it is the only thing that could ever show
//! that its ledger went back.

use std::path::PathBuf;

use super::evidence::keep_evidence;
use super::known_servers::{self, FILE, KnownServer};
use crate::client::{ClientError, Home};

/// What is left of a server that was forgotten.
#[derive(Clone, Debug)]
pub struct Forgotten {
    /// The server.
    pub server: KnownServer,
    /// Where its newest checkpoint is kept now, if no other address leads to its ledger.
    pub checkpoint_file: Option<PathBuf>,
}

/// Forgets a server, and keeps its newest checkpoint as a file.
///
/// # Errors
/// [`ClientError::Usage`] when no server is known at this address.
pub fn forget_server(home: &Home, address: &str) -> Result<Forgotten, ClientError> {
    let known = known_servers::find(home, address)?.ok_or_else(|| {
        ClientError::Usage(format!(
            "no server is known at {address}; those that are known stand in {}",
            home.path(FILE).display()
        ))
    })?;
    let is_elsewhere =
        |server: &KnownServer| server.ledger_id == known.ledger_id && server.address != address;
    let is_last = !known_servers::all(home)?.iter().any(is_elsewhere);
    let note = known.checkpoint.as_deref().filter(|_| is_last);
    let checkpoint_file = note.map(|note| keep_evidence(home, &known, note)).transpose()?;
    known_servers::strike_out(home, &known, is_last)?;
    Ok(Forgotten { server: known, checkpoint_file })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::note::LogKey;
    use crate::crypto::{KeyId, LedgerId};

    fn line(address: &str) -> String {
        let log_key = LogKey::from_seed("ledger.example/test", &[7; 32]).unwrap().public().clone();
        let (ledger_id, encryption_key) = (LedgerId([1; 32]), KeyId([2; 32]));
        let checkpoint = Some("a note\n".to_owned());
        let address = address.to_owned();
        KnownServer { address, ledger_id, log_key, serial: 3, encryption_key, checkpoint }.to_line()
    }

    #[test]
    fn one_address_of_several_takes_nothing_with_it_and_none_is_forgotten_twice() {
        let directory = tempfile::tempdir().unwrap();
        let home = Home::open(Some(directory.path())).unwrap();
        home.write(FILE, format!("{}\n{}\n", line("a:1"), line("b:2")).as_bytes()).unwrap();
        let forgotten = forget_server(&home, "a:1").unwrap();
        assert_eq!(forgotten.checkpoint_file, None, "b leads to the same ledger");
        match forget_server(&home, "a:1") {
            Err(ClientError::Usage(text)) => assert!(text.contains("known_servers"), "{text}"),
            other => panic!("{other:?}"),
        }
    }
}
