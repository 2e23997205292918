//! Forgetting where a server was found, and with its last address the server. The newest checkpoint that it showed stays,
//! because it is the only thing that could ever show that its ledger went back.

use std::path::PathBuf;

use super::addresses::Addresses;
use super::evidence::keep_evidence;
use super::known_server::{FILE, KnownServer};
use super::known_servers::{self, Struck};
use crate::client::{ClientError, Home};

/// What is left after an address was forgotten.
#[derive(Clone, Debug)]
pub struct Forgotten {
    /// The server as it was known.
    pub server: KnownServer,
    /// The addresses at which it is still known; with the last one the server itself is forgotten.
    pub elsewhere: Option<Addresses>,
    /// Where the newest checkpoint of a server that is forgotten is kept now.
    pub checkpoint_file: Option<PathBuf>,
}

/// Forgets an address of a server, and with the last one the server, whose newest checkpoint is kept as a file.
///
/// # Errors
/// [`ClientError::Usage`] when no server is known at this address.
pub fn forget_server(home: &Home, address: &str) -> Result<Forgotten, ClientError> {
    let mut checkpoint_file = None;
    let struck = known_servers::strike_out(home, address, &mut |server| {
        let note = server.checkpoint.as_deref();
        checkpoint_file = note.map(|note| keep_evidence(home, server, note)).transpose()?;
        Ok(())
    })?;
    let Some(Struck { server, elsewhere }) = struck else {
        return Err(ClientError::Usage(format!(
            "no server is known at {address}; those that are known stand in {}",
            home.path(FILE).display()
        )));
    };
    // What was looked at without the lock may have been the last address, and not be it any more.
    let checkpoint_file = checkpoint_file.filter(|_| elsewhere.is_none());
    Ok(Forgotten { server, elsewhere, checkpoint_file })
}

#[cfg(test)]
mod tests {
    use super::super::example::example;
    use super::*;
    use crate::client::home::temporary::home;

    #[test]
    fn one_address_of_several_takes_nothing_with_it_and_none_is_forgotten_twice() {
        let (_directory, home) = home();
        home.write(FILE, format!("{}\n", example(1, "a:1,b:2").to_line()).as_bytes()).unwrap();
        let forgotten = forget_server(&home, "a:1").unwrap();
        assert_eq!(forgotten.checkpoint_file, None, "b leads to the same ledger");
        assert_eq!(forgotten.elsewhere.map(|left| left.to_string()), Some("b:2".to_owned()));
        match forget_server(&home, "a:1") {
            Err(ClientError::Usage(text)) => assert!(text.contains("known_servers"), "{text}"),
            other => panic!("{other:?}"),
        }
    }
}
