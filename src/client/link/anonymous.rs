//! The channel of somebody who is no member: for registrations, checkpoints and proofs.

use std::time::Duration;

use super::addresses::Addresses;
use super::connection::{Connection, PATIENCE};
use super::known_server::KnownServer;
use super::opening::{audited, open_at_first, open_full, pinned};
use super::reopen::Reopen;
use crate::client::{ClientError, Home};
use crate::crypto::Digest;
use crate::domain::AccountId;

/// An anonymous connection: for registrations, checkpoints and proofs.
pub struct Anonymous {
    home: Home,
    server: KnownServer,
    /// Where the server is looked for; the address in use is in front.
    addresses: Addresses,
    connection: Connection,
}

impl Anonymous {
    /// Opens an anonymous channel, at the first of these addresses where the server answers.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn open(home: &Home, addresses: &Addresses) -> Result<Anonymous, ClientError> {
        Anonymous::open_to(home, &pinned(home, addresses)?, addresses, PATIENCE)
    }

    fn open_to(
        home: &Home,
        server: &KnownServer,
        addresses: &Addresses,
        patience: Duration,
    ) -> Result<Anonymous, ClientError> {
        let (server, connection) =
            open_at_first(home, server, addresses, patience, &mut |server, patience| {
                audited(home, open_full(home, server, None, patience)?)
            })?;
        let addresses = addresses.beginning_with(server.address());
        Ok(Anonymous { home: home.clone(), server, addresses, connection })
    }

    /// The server.
    pub fn server(&self) -> &KnownServer {
        &self.server
    }
}

impl Drop for Anonymous {
    fn drop(&mut self) {
        self.connection.close();
    }
}

impl Reopen for Anonymous {
    fn parts(&mut self) -> (&Home, &mut KnownServer, &mut Connection) {
        (&self.home, &mut self.server, &mut self.connection)
    }

    fn account_id(&self) -> AccountId {
        AccountId::NONE
    }

    /// A stranger has no blocks yet.
    fn note_receipt(&mut self, _: u64, _: Digest) {}

    fn reopen(&mut self, patience: Duration) -> Result<(), ClientError> {
        *self = Anonymous::open_to(&self.home, &self.server, &self.addresses, patience)?;
        Ok(())
    }
}
