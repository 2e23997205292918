//! Registering: a command signed by the key that it contains, sent over an anonymous channel. One that was sent
//! and not answered before is resolved first, under its own id; and a key that has an account gets no second one, but
//! its account back.

use super::restoring::find_account;
use crate::chain::Message;
use crate::client::identity::write_account;
use crate::client::link::{Anonymous, KnownServer};
use crate::client::sending::{DEADLINE, Outcome, RunBook, RunKind, Runner, submit_one};
use crate::client::{Account, ClientError, Home, KEY_FILE, Signer};
use crate::crypto::{LedgerId, SigningKey, sha3};
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

/// An account that stands in the ledger and is kept. Whoever tells it says so with [`Registration::told`]; if nobody
/// does, the same registration given again tells it.
#[derive(Debug)]
pub struct Registration {
    /// How the key came to its account.
    pub joined: Joined,
    /// In which block, where that is known.
    pub block: Option<u64>,
    book: RunBook,
}

impl Registration {
    /// The account was told.
    ///
    /// # Errors
    /// [`ClientError::Untold`] when that cannot be kept.
    pub fn told(self) -> Result<(), ClientError> {
        let account = self.joined.account().account;
        self.book.finish().map_err(|error| {
            ClientError::Untold(format!(
                "account {account} is registered and was told, but that could not be kept: {error}"
            ))
        })
    }
}

/// The registration of an account of this home that an earlier run made and did not tell.
///
/// # Errors
/// [`ClientError`] when the home cannot be read.
pub fn untold_registration(
    home: &Home,
    ledger_id: LedgerId,
    account: &Account,
) -> Result<Option<Registration>, ClientError> {
    let content = sha3(&[account.key_id.as_bytes()]);
    let runner = Runner { home, ledger_id, account: AccountId::NONE };
    let book = RunBook::left_behind(runner, RunKind::Registration, content)?;
    let joined = Joined::Earlier(account.clone());
    Ok(book.map(|book| Registration { joined, block: None, book }))
}

/// Registers under a handle and keeps the account. A key that has an account keeps that.
///
/// # Errors
/// [`ClientError`]; after [`ClientError::Unknown`] the same call resolves it.
pub fn register(
    home: &Home,
    link: &mut Anonymous,
    key: &SigningKey,
    handle: &Handle,
) -> Result<Registration, ClientError> {
    let server = link.server().clone();
    let runner = Runner { home, ledger_id: server.ledger_id, account: AccountId::NONE };
    let content = sha3(&[key.public().key_id().to_string().as_bytes()]);
    let mut book = RunBook::open(runner, RunKind::Registration, content, None)?;
    if let Some((account, block)) = resolve(home, link, &server, key, &mut book)? {
        return Ok(Registration { joined: Joined::Earlier(account), block: Some(block), book });
    }
    if let Some(account) = find_account(home, link, (key, KEY_FILE))? {
        return Ok(Registration { joined: Joined::Before(account), block: None, book });
    }
    let signer = Signer { ledger_id: server.ledger_id, account: AccountId::NONE, key: key.clone() };
    let command = Command::Accounts(accounts::Command::Register(accounts::Register {
        handle: handle.as_str().to_owned(),
        public_key: key.public().spki().to_vec(),
    }));
    let (tag, body) = command.encode();
    let signed = signer.sign(book.id(0, tag, &body), &command);
    book.sending(&signed, true)?;
    match submit_one(link, signed, DEADLINE)? {
        Outcome::Done(accepted) => {
            let account = keep(home, &server, key, handle.as_str(), &accepted)?;
            // The run book goes only when all is told: until then the same command finds the account again.
            Ok(Registration { joined: Joined::Now(account), block: Some(accepted.index), book })
        }
        Outcome::Refused(refusal) => {
            book.finish()?;
            Err(ClientError::Refused(refusal))
        }
        Outcome::Unknown => Err(unknown()),
    }
}

/// Resolves earlier registrations of this key; gives the account if one of them stands.
fn resolve(
    home: &Home,
    link: &mut Anonymous,
    server: &KnownServer,
    key: &SigningKey,
    book: &mut RunBook,
) -> Result<Option<(Account, u64)>, ClientError> {
    for command in book.begun().to_vec() {
        let Ok(message) = Message::parse(&command.signed.message) else { continue };
        let outcome = submit_one(link, command.signed.clone(), DEADLINE)?;
        match (outcome, Command::decode(message.header.tag, message.body)) {
            (
                Outcome::Done(accepted),
                Ok(Command::Accounts(accounts::Command::Register(accounts::Register { handle, .. }))),
            ) => {
                let account = keep(home, server, key, &handle, &accepted)?;
                return Ok(Some((account, accepted.index)));
            }
            (Outcome::Unknown, _) => return Err(unknown()),
            (Outcome::Done(_) | Outcome::Refused(_), _) => book.refused(command.id)?,
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
    key: &SigningKey,
    handle: &str,
    accepted: &Accepted,
) -> Result<Account, ClientError> {
    match Event::decode(&accepted.event) {
        Ok(Event::Accounts(accounts::Event::Registered(Registered { account }))) => {
            let account = Account::new(account.0, handle, key.public().key_id(), KEY_FILE);
            write_account(home, server.ledger_id, &account)?;
            Ok(account)
        }
        _ => Err(ClientError::other_answer()),
    }
}
