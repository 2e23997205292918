//! Registering: a command signed by the key that it contains, sent over an anonymous channel. One that was sent
//! and not answered before is settled first, under its own id.

use super::identity::write_account;
use super::journal::unsettled;
use super::known_servers::KnownServer;
use super::submit::{Outcome, Signer, submit_one};
use super::{Account, ClientError, Connection, Home, Journal};
use crate::chain::{CommandId, Message};
use crate::crypto::random;
use crate::crypto::rsa::PrivateKey;
use crate::domain::accounts::{self, Handle, Registered};
use crate::domain::{AccountId, Command, Event};
use crate::wire::Accepted;

/// Registers under a handle and keeps the account.
///
/// # Errors
/// [`ClientError`]; after [`ClientError::Unknown`] the same call settles it.
pub fn register(
    home: &Home,
    server: &KnownServer,
    connection: &mut Connection,
    key: &PrivateKey,
    handle: &Handle,
) -> Result<Account, ClientError> {
    let mut journal = Journal::create(home)?;
    for (name, commands) in unsettled(home, server.ledger_id)? {
        let of_this_key = |message: &Message<'_>| {
            message.header.account == AccountId::NONE && message.header.key_id == key.public().key_id()
        };
        for command in &commands {
            let Ok(message) = Message::parse(&command.message) else { continue };
            if !of_this_key(&message) {
                continue;
            }
            journal.sending(&command.message, &command.signature, true)?;
            let outcome = submit_one(connection, &mut journal, &command.message, &command.signature, None)?;
            if let (Outcome::Done(accepted), Ok(Command::Accounts(accounts::Command::Register(earlier)))) =
                (&outcome, Command::decode(message.header.tag, message.body))
            {
                home.remove(&name)?;
                journal.finish()?;
                return keep(home, server, key, &earlier.handle, accepted);
            }
            if matches!(outcome, Outcome::Refused(_)) {
                home.remove(&name)?;
            }
        }
    }
    let signer = Signer { ledger_id: server.ledger_id, account: AccountId::NONE, key: key.clone() };
    let command = Command::Accounts(accounts::Command::Register(accounts::Register {
        handle: handle.as_str().to_owned(),
        public_key: key.public().spki().to_vec(),
    }));
    let (message, signature) = signer.sign(CommandId(random::bytes(&mut random::os())), &command);
    journal.sending(&message, &signature, true)?;
    let outcome = submit_one(connection, &mut journal, &message, &signature, None)?;
    journal.finish()?;
    match outcome {
        Outcome::Done(accepted) => keep(home, server, key, handle.as_str(), &accepted),
        Outcome::Refused(refusal) => Err(ClientError::Refused(refusal)),
        Outcome::Unknown => Err(ClientError::Unknown(
            "the connection was lost before the server answered: run the same command again".to_owned(),
        )),
    }
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
