//! Opening channels: with a ticket if there is one, with a full handshake if not, and with a newer descriptor
//! if the server has rotated its key. Nothing is sent before the server's checkpoint was compared with the one
//! that is kept.

use std::time::Duration;

use super::away::busy;
use super::checkpoints::{self, audit, prove_kept, shown_note};
use super::connection::{Bell, PATIENCE};
use super::known_servers::{self, KnownServer, read_checkpoint};
use super::{
    Account, ClientError, Connection, Home, KEY_FILE, NotOpened, Opening, PassphraseSource, clock, get_key,
};
use super::{find_account, load_key, newest, read_account};
use crate::chain::Checkpoint;
use crate::crypto::Digest;
use crate::crypto::rsa::PrivateKey;
use crate::session::{ClientAuth, ClientTicket, Descriptor};
use crate::wire::{Reply, Request};

/// A member's authenticated connection.
pub struct Member {
    home: Home,
    server: KnownServer,
    account: Account,
    key: PrivateKey,
    connection: Connection,
    bell: Option<Bell>,
    /// The newest block of this account's that the server gave a receipt of on this connection.
    receipt: Option<(u64, Digest)>,
}

/// An anonymous connection: for registrations, checkpoints and proofs.
pub struct Anonymous {
    home: Home,
    server: KnownServer,
    connection: Connection,
}

/// A channel that can be opened again when its connection was lost, and the server that it leads to.
pub trait Reopen {
    /// The home directory, the server as it is known, and the connection to it.
    fn parts(&mut self) -> (&Home, &mut KnownServer, &mut Connection);

    /// The connection.
    fn connection(&mut self) -> &mut Connection {
        self.parts().2
    }

    /// Remembers that the server gave a receipt of a block of one's own.
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
        prove_kept(home, server, connection, note)
    }

    /// Replaces the connection with a new one to the same server, within about `patience`.
    ///
    /// # Errors
    /// [`ClientError::Unreachable`] when it may work later; any other when it will not.
    fn reopen(&mut self, patience: Duration) -> Result<(), ClientError>;
}

/// The server pinned at an address.
///
/// # Errors
/// [`ClientError::Usage`] when none is.
pub fn pinned(home: &Home, address: &str) -> Result<KnownServer, ClientError> {
    known_servers::find(home, address)?.ok_or_else(|| {
        ClientError::Usage(format!("{address} is not known: run `ledgerctl --server {address} getKey` first"))
    })
}

fn ticket_file(server: &KnownServer, account: &Account) -> String {
    format!("tickets/{}-{}-{}", server.ledger_id, account.account, account.key_id)
}

fn read_ticket(home: &Home, server: &KnownServer, account: &Account) -> Option<ClientTicket> {
    // A ticket that is damaged costs a full handshake and nothing else.
    let text = home.read_checked(&ticket_file(server, account)).ok()??;
    let bytes = const_hex::decode(text.trim()).ok()?;
    let ticket: ClientTicket = crate::codec::strict(&bytes).ok()?;
    let fits = ticket.serial == server.serial && ticket.expires_ms > clock::now().wall.millis();
    fits.then_some(ticket)
}

fn keep_tickets(home: &Home, server: &KnownServer, account: &Account, tickets: &[ClientTicket]) {
    if let Some(ticket) = tickets.last() {
        let text = const_hex::encode(crate::codec::encode(ticket));
        // A ticket that is not kept costs a full handshake next time and nothing else.
        drop(home.write_checked(&ticket_file(server, account), &text));
    }
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

    /// A stranger has no blocks yet.
    fn note_receipt(&mut self, _: u64, _: Digest) {}

    fn reopen(&mut self, patience: Duration) -> Result<(), ClientError> {
        *self = Anonymous::open_at(&self.home, self.server.clone(), patience)?;
        Ok(())
    }
}

/// A full handshake; a server that does not know the key any more is asked for its descriptor, once.
pub(super) fn open_full(
    home: &Home,
    server: KnownServer,
    auth: Option<ClientAuth>,
    patience: Duration,
) -> Result<(KnownServer, Connection), ClientError> {
    let descriptor = server.descriptor(home)?;
    match Connection::open(&server.address, &Opening::Full(&descriptor, auth.clone()), patience) {
        Ok(connection) => Ok((server, connection)),
        Err(NotOpened::Alert(3)) => {
            let (server, descriptor) = refresh(home, &server)?;
            let opened = Connection::open(&server.address, &Opening::Full(&descriptor, auth), patience);
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
    let descriptor = known_servers::verify_key_info(&get_key(&server.address)?)?;
    server.check(home, &descriptor)?;
    match known_servers::keep(home, &server.address, &descriptor) {
        // It is asked for again next time.
        Err(ClientError::File(path, error)) => {
            home.not_kept(&path, &error);
            Ok((server.clone(), descriptor))
        }
        kept => Ok((kept?, descriptor)),
    }
}

fn not_opened(server: &KnownServer, error: NotOpened) -> ClientError {
    let address = &server.address;
    match error {
        NotOpened::Error(error) => error,
        NotOpened::Alert(2) => busy(address),
        NotOpened::Alert(3) => {
            ClientError::Unreachable(format!("{address} supports none of our channel suites"))
        }
        NotOpened::Alert(_) => ClientError::Unreachable(format!("{address} refused the handshake")),
    }
}

/// Holds the checkpoint that came with the handshake against the one that was kept before the hello left.
fn audit_shown(
    home: &Home,
    server: &mut KnownServer,
    connection: &mut Connection,
) -> Result<Checkpoint, ClientError> {
    let note = shown_note(connection)?;
    audit(home, server, connection, &note)
}

/// The account of a key that is all that a home has left.
fn restore(home: &Home, address: &str, key: &PrivateKey) -> Result<Account, ClientError> {
    let account = find_account(home, &mut Anonymous::open(home, address)?, key)?.ok_or_else(|| {
        ClientError::Usage(format!(
            "the key of this home has no account on the ledger of {address}: run `ledgerctl register HANDLE` first"
        ))
    })?;
    home.tell(&format!("the key of this home has account {} ({})", account.account, account.handle));
    Ok(account)
}

impl Member {
    /// Opens an authenticated channel with the account of this home; an account that the home does not know is found
    /// by its key.
    ///
    /// # Errors
    /// [`ClientError::Usage`] without a registration; otherwise what stands in the way.
    pub fn open(home: &Home, address: &str, ask: &mut PassphraseSource<'_>) -> Result<Member, ClientError> {
        let server = pinned(home, address)?;
        let account = read_account(home, server.ledger_id)?;
        let (account, key) = match (account, load_key(home, ask)?) {
            (Some(account), Some(key)) => (account, key),
            (None, Some(key)) => (restore(home, address, &key)?, key),
            (Some(account), None) => {
                return Err(ClientError::Config(format!(
                    "{} is gone, without which account {} ({}) on the ledger of {address} cannot be used: put a copy \
                     of it back",
                    home.path(KEY_FILE).display(),
                    account.account,
                    account.handle
                )));
            }
            (None, None) => {
                return Err(ClientError::Usage(format!(
                    "not registered on the ledger of {address}: run `ledgerctl register HANDLE` first, or put your \
                     copy of key.pem into {}",
                    home.path("").display()
                )));
            }
        };
        if key.public().key_id().to_string() != account.key_id {
            return Err(ClientError::Config(format!(
                "key.pem is not the key of account {} ({}) on the ledger of {address}",
                account.account, account.handle
            )));
        }
        Member::open_as(home, server, account, key, PATIENCE)
    }

    fn open_as(
        home: &Home,
        server: KnownServer,
        account: Account,
        key: PrivateKey,
        patience: Duration,
    ) -> Result<Member, ClientError> {
        let resumed = read_ticket(home, &server, &account)
            .map(|ticket| Connection::open(&server.address, &Opening::Resume(&ticket), patience));
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
    pub fn key(&self) -> &PrivateKey {
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

    /// Sends a request that changes nothing and waits for its reply; see [`Connection::ask`].
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn ask(&mut self, request: &Request<'_>, push: &mut dyn FnMut(&Reply)) -> Result<Reply, ClientError> {
        self.connection.ask(request, push)
    }
}

impl Reopen for Member {
    fn parts(&mut self) -> (&Home, &mut KnownServer, &mut Connection) {
        (&self.home, &mut self.server, &mut self.connection)
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
