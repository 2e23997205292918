//! Registering: a command signed by the key that it contains, sent over an anonymous channel. One that was sent
//! and not answered before is settled first, under its own id; and a key that has an account gets no second one, but
//! its account back.

use super::identity::write_account;
use super::journal::leftovers;
use super::known_servers::KnownServer;
use super::receipts::fetch_registrant_of_key;
use super::submitter::{DEADLINE, Outcome, submit_one};
use super::{Account, Anonymous, ClientError, Home, Journal, Signer};
use crate::chain::{CommandId, Message};
use crate::crypto::random;
use crate::crypto::rsa::PrivateKey;
use crate::domain::accounts::{self, Handle, Registered};
use crate::domain::{AccountId, Command, Event};
use crate::wire::Accepted;

/// How a key came to its account.
#[derive(Clone, Debug)]
pub enum Joined {
    /// It was registered now.
    Now(Account),
    /// An earlier registration, whose answer was lost, turned out to stand, under the handle that it asked for.
    Earlier(Account),
    /// The ledger knew the key; only the home did not know its account.
    Before(Account),
}

impl Joined {
    /// The account.
    pub fn account(&self) -> &Account {
        match self {
            Joined::Now(account) | Joined::Earlier(account) | Joined::Before(account) => account,
        }
    }
}

/// Registers under a handle and keeps the account. A key that has an account keeps that.
///
/// # Errors
/// [`ClientError`]; after [`ClientError::Unknown`] the same call settles it.
pub fn register(
    home: &Home,
    link: &mut Anonymous,
    key: &PrivateKey,
    handle: &Handle,
) -> Result<Joined, ClientError> {
    let server = link.server().clone();
    if let Some(account) = settle(home, link, &server, key)? {
        return Ok(Joined::Earlier(account));
    }
    if let Some(account) = find_account(home, link, key)? {
        return Ok(Joined::Before(account));
    }
    let signer = Signer { ledger_id: server.ledger_id, account: AccountId::NONE, key: key.clone() };
    let command = Command::Accounts(accounts::Command::Register(accounts::Register {
        handle: handle.as_str().to_owned(),
        public_key: key.public().spki().to_vec(),
    }));
    let id = CommandId(random::bytes(&mut random::os()));
    let (message, signature) = signer.sign(id, &command);
    let mut journal = Journal::create(home)?;
    journal.sending(&message, &signature, true)?;
    match submit_one(link, message, signature, DEADLINE)? {
        Outcome::Done(accepted) => {
            let account = keep(home, &server, key, handle.as_str(), &accepted)?;
            // Struck out only now: until the account is kept, the next invocation has to find it again.
            journal.settled(id)?;
            journal.finish()?;
            Ok(Joined::Now(account))
        }
        Outcome::Refused(refusal) => {
            journal.settled(id)?;
            journal.finish()?;
            Err(ClientError::Refused(refusal))
        }
        Outcome::Unknown => Err(unknown()),
    }
}

/// Has the ledger prove which account this key has, and keeps that in the home; none if the key has no account.
///
/// # Errors
/// [`ClientError::Integrity`] when the proof does not hold.
pub fn find_account(
    home: &Home,
    link: &mut Anonymous,
    key: &PrivateKey,
) -> Result<Option<Account>, ClientError> {
    let ledger_id = link.server().ledger_id;
    let Some(found) = fetch_registrant_of_key(link, key.public())? else { return Ok(None) };
    let (number, handle) = (found.account.0, found.handle);
    match write_account(home, ledger_id, number, &handle, found.key_id) {
        // It is found again next time.
        Err(ClientError::File(path, error)) => {
            home.not_kept(&path, &error);
            Ok(Some(Account { account: number, handle, key_id: found.key_id.to_string() }))
        }
        kept => kept.map(Some),
    }
}

/// Settles earlier registrations of this key; gives the account if one of them stands.
fn settle(
    home: &Home,
    link: &mut Anonymous,
    server: &KnownServer,
    key: &PrivateKey,
) -> Result<Option<Account>, ClientError> {
    for left in leftovers(home, server.ledger_id)? {
        let mut account = None;
        let mut of_this_key = true;
        for command in &left.commands {
            let Ok(message) = Message::parse(&command.message) else { continue };
            let header = &message.header;
            if header.account != AccountId::NONE || header.key_id != key.public().key_id() {
                of_this_key = false;
                continue;
            }
            let (bytes, signature) = (command.message.clone(), command.signature.clone());
            let outcome = submit_one(link, bytes, signature, DEADLINE)?;
            let earlier = Command::decode(header.tag, message.body);
            match (outcome, earlier) {
                (
                    Outcome::Done(accepted),
                    Ok(Command::Accounts(accounts::Command::Register(accounts::Register { handle, .. }))),
                ) => account = Some(keep(home, server, key, &handle, &accepted)?),
                (Outcome::Unknown, _) => return Err(unknown()),
                (Outcome::Done(_) | Outcome::Refused(_), _) => {}
            }
        }
        if of_this_key {
            left.settled()?;
        }
        if account.is_some() {
            return Ok(account);
        }
    }
    Ok(None)
}

fn unknown() -> ClientError {
    ClientError::Unknown(
        "no answer came: whether the registration stands is not known. Run the same command again".to_owned(),
    )
}

fn keep(
    home: &Home,
    server: &KnownServer,
    key: &PrivateKey,
    handle: &str,
    accepted: &Accepted,
) -> Result<Account, ClientError> {
    match Event::decode(&accepted.event) {
        Ok(Event::Accounts(accounts::Event::Registered(Registered { account }))) => {
            write_account(home, server.ledger_id, account.0, handle, key.public().key_id())
        }
        _ => Err(ClientError::unexpected_reply()),
    }
}
