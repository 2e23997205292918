//! The channel of a member. Nothing is sent before the server's checkpoint was compared with the one that is kept.

use std::time::Duration;

use super::checkpoints::{audit, audit_shown};
use super::connection::{Bell, Connection, NotOpened, Opening};
use super::known_server::{KnownServer, read_checkpoint};
use super::newest;
use super::opening::{not_opened, open_full};
use super::question::Question;
use super::reopen::Reopen;
use super::tickets::{keep_tickets, read_ticket};
use crate::chain::Checkpoint;
use crate::client::{Account, ClientError, Home};
use crate::crypto::{Digest, SigningKey};
use crate::domain::AccountId;
use crate::session::ClientAuth;

/// A member's authenticated connection.
pub struct Member {
    home: Home,
    server: KnownServer,
    account: Account,
    key: SigningKey,
    connection: Connection,
    bell: Option<Bell>,
    /// The newest block of this account's that the server gave a receipt of on this connection.
    receipt: Option<(u64, Digest)>,
}

impl Member {
    /// Opens a channel with an account and its key: with a ticket if there is one, else with a full handshake.
    pub(in crate::client) fn open_as(
        home: &Home,
        server: KnownServer,
        account: Account,
        key: SigningKey,
        patience: Duration,
    ) -> Result<Member, ClientError> {
        let resumed = read_ticket(home, &server, &account)
            .map(|ticket| Connection::open(server.address(), &Opening::Resume(&ticket), patience));
        let (server, connection) = match resumed {
            Some(Ok(connection)) => (server, connection),
            Some(Err(NotOpened::Alert(2))) => return Err(not_opened(&server, NotOpened::Alert(2))),
            Some(Err(NotOpened::Error(error))) => return Err(error),
            // An unknown ticket: the full handshake is at least as strong.
            Some(Err(NotOpened::Alert(_))) | None => {
                let auth = ClientAuth { account: account.account, key: key.clone() };
                open_full(home, server, Some(auth), patience)?
            }
        };
        let mut opened =
            Member { home: home.clone(), server, account, key, connection, bell: None, receipt: None };
        audit_shown(home, &mut opened.server, &mut opened.connection)?;
        Ok(opened)
    }

    /// The server.
    pub fn server(&self) -> &KnownServer {
        &self.server
    }

    /// The account.
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// The key.
    pub fn key(&self) -> &SigningKey {
        &self.key
    }

    /// The home directory.
    pub fn home(&self) -> &Home {
        &self.home
    }

    /// What another thread can end a wait on this member's connection with.
    pub fn bell(&mut self) -> Bell {
        self.bell.get_or_insert_with(|| Bell::of(&self.connection)).clone()
    }

    /// The newest checkpoint that was proven to extend all before it.
    ///
    /// # Errors
    /// [`ClientError::Integrity`] when none was.
    pub fn checkpoint(&self) -> Result<Checkpoint, ClientError> {
        let note = self.server.checkpoint.as_deref().unwrap_or_default();
        read_checkpoint(&self.server, note)
    }

    /// Believes a checkpoint that the server shows, once it is proven to extend the one that was kept.
    ///
    /// # Errors
    /// [`ClientError::Integrity`]: ROLLBACK or FORK, with the evidence's place.
    pub fn audit(&mut self, note: &str) -> Result<Checkpoint, ClientError> {
        audit(&self.home, &mut self.server, &mut self.connection, note)
    }

    /// Whether a note is a checkpoint that the server signed.
    pub fn has_signed(&self, note: &str) -> bool {
        read_checkpoint(&self.server, note).is_ok()
    }

    /// Asks a question and waits for its answer; see [`Connection::ask`].
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn ask<Q: Question>(&mut self, question: &Q) -> Result<Q::Answer, ClientError> {
        self.connection.ask(question)
    }
}

impl Reopen for Member {
    fn parts(&mut self) -> (&Home, &mut KnownServer, &mut Connection) {
        (&self.home, &mut self.server, &mut self.connection)
    }

    fn account_id(&self) -> AccountId {
        AccountId(self.account.account)
    }

    fn note_receipt(&mut self, index: u64, hash: Digest) {
        if self.receipt.is_none_or(|(newest, _)| newest < index) {
            self.receipt = Some((index, hash));
        }
    }

    fn reopen(&mut self, patience: Duration) -> Result<(), ClientError> {
        let (server, account, key) = (self.server.clone(), self.account.clone(), self.key.clone());
        let mut again = Member::open_as(&self.home, server, account, key, patience)?;
        if let Some(bell) = &self.bell {
            bell.move_to(&again.connection);
        }
        // What was lost goes out of scope with `again`.
        std::mem::swap(&mut self.connection, &mut again.connection);
        std::mem::swap(&mut self.server, &mut again.server);
        Ok(())
    }
}

/// However a command ends, the channel ends in good order and its tickets are kept.
impl Drop for Member {
    fn drop(&mut self) {
        if let Some((index, hash)) = self.receipt {
            // What is not remembered can be withheld a little longer; it is no reason to fail what was done.
            drop(newest::remember(&self.home, self.server.ledger_id, index, hash));
        }
        self.connection.close();
        keep_tickets(&self.home, &self.server, &self.account, &self.connection.take_tickets());
    }
}
