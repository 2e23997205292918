//! The channel of somebody who is no member: for registrations, checkpoints and proofs.

use std::time::Duration;

use super::checkpoints::audit_shown;
use super::connection::{Connection, PATIENCE};
use super::known_server::KnownServer;
use super::opening::{open_full, pinned};
use super::reopen::Reopen;
use crate::client::{ClientError, Home};
use crate::crypto::Digest;
use crate::domain::AccountId;

/// An anonymous connection: for registrations, checkpoints and proofs.
pub struct Anonymous {
    home: Home,
    server: KnownServer,
    connection: Connection,
}

impl Anonymous {
    /// Opens an anonymous channel.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn open(home: &Home, address: &str) -> Result<Anonymous, ClientError> {
        Anonymous::open_at(home, pinned(home, address)?, PATIENCE)
    }

    fn open_at(home: &Home, server: KnownServer, patience: Duration) -> Result<Anonymous, ClientError> {
        let (server, connection) = open_full(home, server, None, patience)?;
        let mut opened = Anonymous { home: home.clone(), server, connection };
        audit_shown(home, &mut opened.server, &mut opened.connection)?;
        Ok(opened)
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
        *self = Anonymous::open_at(&self.home, self.server.clone(), patience)?;
        Ok(())
    }
}
