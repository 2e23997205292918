//! The channel of a member. Nothing is sent before the server's checkpoint was compared with the one that is kept.

use std::time::Duration;

use super::addresses::Addresses;
use super::checkpoints::audit;
use super::connection::{Bell, Connection, NotOpened, Opening, PATIENCE};
use super::known_server::{KnownServer, read_checkpoint};
use super::newest;
use super::opening::{Channel, audited, not_opened, open_at_first, open_full};
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
    /// Where the server is looked for; the address in use is in front.
    addresses: Addresses,
    account: Account,
    key: SigningKey,
    connection: Connection,
    bell: Option<Bell>,
    /// The newest block of this account's that the server acknowledged or proved on this connection.
    receipt: Option<(u64, Digest)>,
    /// Whether the home keeps nothing of this session: it is not the member's own.
    passing: bool,
}

impl Member {
    /// Opens a channel with an account and its key, at the first of these addresses where the server answers.
    pub(in crate::client) fn open_as(
        home: &Home,
        (server, addresses): (KnownServer, &Addresses),
        account: Account,
        key: SigningKey,
        patience: Duration,
    ) -> Result<Member, ClientError> {
        let (server, connection) =
            open_at_first(home, &server, addresses, patience, &mut |server, patience| {
                audited(home, open_with(home, server, (&account, &key), patience)?)
            })?;
        let addresses = addresses.beginning_with(server.address());
        let home = home.clone();
        let (bell, receipt, passing) = (None, None, false);
        Ok(Member { home, server, addresses, account, key, connection, bell, receipt, passing })
    }

    /// Has the home keep nothing of this session: neither tickets nor the newest block.
    pub(in crate::client) fn pass_by(&mut self) {
        self.passing = true;
    }

    /// The newest own block that the server ever acknowledged or proved to this home.
    ///
    /// # Errors
    /// [`ClientError::Config`] when the file holds something else.
    pub(in crate::client) fn recall_newest(&self) -> Result<Option<(u64, Digest)>, ClientError> {
        if self.passing { Ok(None) } else { newest::recall(&self.home, self.server.ledger_id) }
    }

    /// Opens another channel to the same server, with another key of the same account.
    ///
    /// # Errors
    /// [`ClientError::KeyEnded`] when the server does not take that key; otherwise what stands in the way.
    pub(in crate::client) fn open_beside(&self, key: SigningKey) -> Result<Member, ClientError> {
        let account = Account { key_id: key.public().key_id().to_string(), ..self.account.clone() };
        Member::open_as(&self.home, (self.server.clone(), &self.addresses), account, key, PATIENCE)
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

    /// Whether the session was opened with the key of this device, which may only act.
    pub fn is_of_device(&self) -> bool {
        self.account.device.as_ref().is_some_and(|device| device.key_id == self.account.key_id)
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

    /// Has the home keep the tickets of this session after all: it is the member's own.
    pub(in crate::client) fn stay(&mut self) {
        self.passing = false;
    }

    /// Asks a question and waits for its answer; see [`Connection::ask`]. Where the server wants a second factor first, it is
    /// given, if somebody is there to give it.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn ask<Q: Question>(&mut self, question: &Q) -> Result<Q::Answer, ClientError> {
        self.with_second_factor(|member| member.connection.ask(question))
    }
}

/// Opens a channel at the address in use: with a ticket if there is one, else with a full handshake.
fn open_with(
    home: &Home,
    server: KnownServer,
    (account, key): (&Account, &SigningKey),
    patience: Duration,
) -> Result<Channel, ClientError> {
    let resumed = read_ticket(home, &server, account)
        .map(|ticket| Connection::open(server.address(), &Opening::Resume(&ticket), patience));
    match resumed {
        Some(Ok(connection)) => Ok((server, connection)),
        Some(Err(NotOpened::Alert(2))) => Err(not_opened(&server, NotOpened::Alert(2))),
        Some(Err(NotOpened::Error(error))) => Err(error),
        // An unknown ticket: the full handshake is at least as strong.
        Some(Err(NotOpened::Alert(_))) | None => {
            let auth = ClientAuth { account: account.account, key: key.clone() };
            open_full(home, server, Some(auth), patience)
        }
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
        let mut again = Member::open_as(&self.home, (server, &self.addresses), account, key, patience)?;
        again.passing = self.passing;
        if let Some(bell) = &self.bell {
            bell.move_to(&again.connection);
        }
        // What was lost goes out of scope with `again`.
        std::mem::swap(&mut self.connection, &mut again.connection);
        std::mem::swap(&mut self.server, &mut again.server);
        std::mem::swap(&mut self.addresses, &mut again.addresses);
        Ok(())
    }
}

/// However a command ends, the channel ends in good order and its tickets are kept.
impl Drop for Member {
    fn drop(&mut self) {
        if self.passing {
            return self.connection.close();
        }
        if let Some((index, hash)) = self.receipt {
            // What is not remembered can be withheld a little longer; it is no reason to fail what was done.
            drop(newest::remember(&self.home, self.server.ledger_id, index, hash));
        }
        self.connection.close();
        keep_tickets(&self.home, &self.server, &self.account, &self.connection.take_tickets());
    }
}
