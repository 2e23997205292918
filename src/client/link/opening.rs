//! Opening channels with a full handshake, and with a newer descriptor if the server has rotated its key.

use std::time::Duration;

use super::away::busy;
use super::connection::{Connection, NotOpened, Opening, get_key};
use super::known_server::KnownServer;
use super::known_servers;
use crate::client::{ClientError, Home};
use crate::session::{ClientAuth, Descriptor};

/// The server pinned at an address.
///
/// # Errors
/// [`ClientError::Usage`] when none is.
pub fn pinned(home: &Home, address: &str) -> Result<KnownServer, ClientError> {
    known_servers::find(home, address)?.ok_or_else(|| {
        ClientError::Usage(format!("{address} is not known: run `ledgerctl --server {address} getKey` first"))
    })
}

/// A full handshake; a server that does not know the key any more is asked for its descriptor, once.
pub(super) fn open_full(
    home: &Home,
    server: KnownServer,
    auth: Option<ClientAuth>,
    patience: Duration,
) -> Result<(KnownServer, Connection), ClientError> {
    let descriptor = server.descriptor(home)?;
    match Connection::open(server.address(), &Opening::Full(&descriptor, auth.clone()), patience) {
        Ok(connection) => Ok((server, connection)),
        Err(NotOpened::Alert(3)) => {
            let (server, descriptor) = refresh(home, &server)?;
            let opened = Connection::open(server.address(), &Opening::Full(&descriptor, auth), patience);
            opened.map(|connection| (server.clone(), connection)).map_err(|error| not_opened(&server, error))
        }
        Err(error) => Err(not_opened(&server, error)),
    }
}

/// Fetches the descriptor of a pinned server again and holds it against the pin.
///
/// # Errors
/// [`ClientError::Integrity`] when it is of another server or older.
fn refresh(home: &Home, server: &KnownServer) -> Result<(KnownServer, Descriptor), ClientError> {
    let descriptor = known_servers::verify_key_info(&get_key(server.address())?)?;
    server.check(home, server.address(), &descriptor)?;
    match known_servers::renew(home, server, &descriptor) {
        // It is asked for again next time.
        Err(ClientError::File(path, error)) => {
            home.not_kept(&path, &error);
            Ok((server.clone(), descriptor))
        }
        kept => Ok((kept?, descriptor)),
    }
}

pub(super) fn not_opened(server: &KnownServer, error: NotOpened) -> ClientError {
    let address = server.address();
    match error {
        NotOpened::Error(error) => error,
        NotOpened::Alert(2) => busy(address),
        NotOpened::Alert(3) => {
            ClientError::Unreachable(format!("{address} supports none of our channel suites"))
        }
        NotOpened::Alert(_) => ClientError::Unreachable(format!("{address} refused the handshake")),
    }
}
