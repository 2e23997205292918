//! Opening channels: at the first address of a list that answers, with a full handshake, and with a newer descriptor if the
//! server has rotated its key.

use std::time::Duration;

use super::addresses::Addresses;
use super::away::busy;
use super::checkpoints::audit_shown;
use super::connection::{Connection, NotOpened, Opening, PATIENCE, get_key_within};
use super::known_server::KnownServer;
use super::known_servers::{self, verify_key_info};
use super::trying::first_that_answers;
use crate::client::{ClientError, Home};
use crate::session::{ClientAuth, Descriptor};

/// A connection that is open, and the server that it leads to, in use at the address where it was opened.
pub(super) type Channel = (KnownServer, Connection);

/// The pinned server that these addresses are of. If it was found at none of them yet, they are asked, and a server that is
/// pinned is known by what it says of itself.
///
/// # Errors
/// [`ClientError::Usage`] when none is pinned, [`ClientError::Integrity`] when the addresses are those of two.
pub fn pinned(home: &Home, addresses: &Addresses) -> Result<KnownServer, ClientError> {
    if let Some(server) = known_servers::find_one(home, addresses)? {
        return Ok(server);
    }
    let unknown = || {
        ClientError::Usage(format!(
            "{addresses} is not known: run `ledgerctl --server {addresses} getKey` first"
        ))
    };
    if known_servers::all(home)?.is_empty() {
        return Err(unknown());
    }
    let asked = first_that_answers(addresses, PATIENCE, &mut |address, patience| {
        let descriptor = verify_key_info(&get_key_within(address, patience)?)?;
        let server = known_servers::find_ledger(home, descriptor.ledger_id())?;
        let server = server.ok_or_else(unknown)?;
        server.check(home, address, &descriptor)?;
        Ok(server)
    });
    asked.map(|(server, _)| server).map_err(|error| match error {
        ClientError::Unreachable(text) => {
            ClientError::Unreachable(format!("{addresses} is not known: {text}"))
        }
        ClientError::Busy(text) => ClientError::Busy(format!("{addresses} is not known: {text}")),
        other => other,
    })
}

/// Opens a channel to a pinned server with `open`, at the first of these addresses where it answers, within about `patience`
/// for all of them together. An address where it was never found is asked who is there before anything else, and is kept
/// once `open` has had the server prove itself.
///
/// # Errors
/// [`ClientError::Integrity`] when another server is met at one of them.
pub(super) fn open_at_first(
    home: &Home,
    server: &KnownServer,
    addresses: &Addresses,
    patience: Duration,
    open: &mut dyn FnMut(KnownServer, Duration) -> Result<Channel, ClientError>,
) -> Result<Channel, ClientError> {
    let (channel, silent) = first_that_answers(addresses, patience, &mut |address, patience| {
        if !server.addresses.contains(address) {
            let descriptor = verify_key_info(&get_key_within(address, patience)?)?;
            server.check(home, address, &descriptor)?;
        }
        open(server.in_use_at(address), patience)
    })?;
    let address = channel.0.address();
    if !server.addresses.contains(address) {
        match known_servers::add_address(home, server, address) {
            // It is recognised again next time.
            Ok(()) | Err(ClientError::File(..)) => home.tell(&server.also_at(address)),
            Err(error) => return Err(error),
        }
    }
    if !silent.is_empty() {
        let reasons: Vec<String> = silent.iter().map(ClientError::to_string).collect();
        home.tell(&format!("{}; the server answers at {address}", reasons.join("; ")));
    }
    Ok(channel)
}

/// A channel whose server has proven that what it shows extends what is kept. One that did not is closed in good order.
pub(super) fn audited(home: &Home, channel: Channel) -> Result<Channel, ClientError> {
    let (mut server, mut connection) = channel;
    match audit_shown(home, &mut server, &mut connection) {
        Ok(_) => Ok((server, connection)),
        Err(error) => {
            connection.close();
            Err(error)
        }
    }
}

/// A full handshake; a server that does not know the key any more is asked for its descriptor, once.
pub(super) fn open_full(
    home: &Home,
    server: KnownServer,
    auth: Option<ClientAuth>,
    patience: Duration,
) -> Result<Channel, ClientError> {
    let descriptor = server.descriptor(home)?;
    match Connection::open(server.address(), &Opening::Full(&descriptor, auth.clone()), patience) {
        Ok(connection) => Ok((server, connection)),
        Err(NotOpened::Alert(3)) => {
            let (server, descriptor) = refresh(home, &server, patience)?;
            let opening = Opening::Full(&descriptor, auth.clone());
            let opened = Connection::open(server.address(), &opening, patience);
            let opened = opened.map(|connection| (server.clone(), connection));
            opened.map_err(|error| not_opened_as(&server, auth.as_ref(), error))
        }
        Err(error) => Err(not_opened_as(&server, auth.as_ref(), error)),
    }
}

/// Fetches the descriptor of a pinned server again and holds it against the pin.
///
/// # Errors
/// [`ClientError::Integrity`] when it is of another server or older.
fn refresh(
    home: &Home,
    server: &KnownServer,
    patience: Duration,
) -> Result<(KnownServer, Descriptor), ClientError> {
    let descriptor = verify_key_info(&get_key_within(server.address(), patience)?)?;
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

/// Why a full handshake failed. A server that has proven itself and then refuses does not take the key.
fn not_opened_as(server: &KnownServer, auth: Option<&ClientAuth>, error: NotOpened) -> ClientError {
    match (error, auth) {
        (NotOpened::Alert(1), Some(auth)) => ClientError::KeyEnded(format!(
            "key_ended: {} does not take the key {} for account {}: it was ended, or is none of the account's",
            server.address(),
            auth.key.public().key_id(),
            auth.account
        )),
        (error, _) => not_opened(server, error),
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
