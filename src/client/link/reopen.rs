//! What everything that asks or sends is written for: a channel, of a member or of a stranger, that can be opened again.

use std::time::Duration;

use super::checkpoints;
use super::connection::Connection;
use super::known_server::KnownServer;
use crate::chain::Checkpoint;
use crate::client::{ClientError, Home};
use crate::crypto::Digest;
use crate::domain::AccountId;

/// A channel that can be opened again when its connection was lost, and the server that it leads to.
pub trait Reopen {
    /// The home directory, the server as it is known, and the connection to it.
    fn parts(&mut self) -> (&Home, &mut KnownServer, &mut Connection);

    /// Whose channel it is: the account of a member, [`AccountId::NONE`] of a stranger.
    fn account_id(&self) -> AccountId;

    /// The connection.
    fn connection(&mut self) -> &mut Connection {
        self.parts().2
    }

    /// Remembers the newest block of one's own that the server has acknowledged or proven.
    fn note_receipt(&mut self, index: u64, hash: Digest);

    /// Asks for the newest checkpoint, has it proven to extend the one that is kept, and keeps it.
    ///
    /// # Errors
    /// [`ClientError::Integrity`]: ROLLBACK or FORK, with the place of the evidence.
    fn newest_checkpoint(&mut self) -> Result<Checkpoint, ClientError> {
        let (home, server, connection) = self.parts();
        checkpoints::newest(home, server, connection)
    }

    /// Has the server prove that what it shows extends a checkpoint that somebody kept: a signed note.
    ///
    /// # Errors
    /// [`ClientError::Integrity`]: ROLLBACK or FORK, with the place of the evidence, or a note that this server
    /// did not sign.
    fn prove_kept(&mut self, note: &str) -> Result<Checkpoint, ClientError> {
        let (home, server, connection) = self.parts();
        checkpoints::prove_kept(home, server, connection, note)
    }

    /// Replaces the connection with a new one to the same server, within about `patience`: at the address in use, or at
    /// another one of the list that the channel was opened with.
    ///
    /// # Errors
    /// [`ClientError::Unreachable`] when it may work later; any other when it will not.
    fn reopen(&mut self, patience: Duration) -> Result<(), ClientError>;
}
