//! Submitting signed commands. There are three outcomes, and the third is said as such: done, refused, unknown.

use super::journal::{self, Unsettled};
use super::{ClientError, Connection, Home, Journal, Waited, clock};
use crate::chain::{Block, CommandId, Header, Message};
use crate::crypto::rsa::PrivateKey;
use crate::crypto::{LedgerId, random};
use crate::domain::{AccountId, Command};
use crate::time::Monotonic;
use crate::wire::{Accepted, Refusal, Reply, Request, Submission};

/// What became of a command.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It stands in a block.
    Done(Accepted),
    /// It was refused and changed nothing.
    Refused(Refusal),
    /// Not known: no answer came. The next invocation settles it.
    Unknown,
}

/// Signs commands of one account on one ledger.
#[derive(Clone, Debug)]
pub struct Signer {
    /// The ledger.
    pub ledger_id: LedgerId,
    /// The account; none for a registration.
    pub account: AccountId,
    /// The account's key.
    pub key: PrivateKey,
}

impl Signer {
    /// The signed bytes of a command, and the signature.
    pub fn sign(&self, id: CommandId, command: &Command) -> (Vec<u8>, Vec<u8>) {
        let (tag, body) = command.encode();
        let header = Header {
            ledger_id: self.ledger_id,
            account: self.account,
            key_id: self.key.public().key_id(),
            command_id: id,
            issued_at: clock::now().wall.millis(),
            tag,
        };
        let message = header.message(&body);
        let signature = self.key.sign_pss(&mut random::os(), &[&message]);
        (message, signature.to_vec())
    }
}

/// Submits one command that is in the journal, and waits for its outcome.
///
/// # Errors
/// [`ClientError::File`] when the journal cannot be written.
pub fn submit_one(
    connection: &mut Connection,
    journal: &mut Journal,
    message: &[u8],
    signature: &[u8],
    deadline: Option<Monotonic>,
) -> Result<Outcome, ClientError> {
    let outcome = exchange(connection, message, signature, deadline);
    if !matches!(outcome, Outcome::Unknown)
        && let Ok(message) = Message::parse(message)
    {
        journal.settled(message.header.command_id)?;
    }
    Ok(outcome)
}

fn exchange(
    connection: &mut Connection,
    message: &[u8],
    signature: &[u8],
    deadline: Option<Monotonic>,
) -> Outcome {
    let Ok(asked) = connection.send(&Request::Submit(Submission { message, signature })) else {
        return Outcome::Unknown;
    };
    loop {
        match connection.wait(deadline) {
            Ok(Waited::Reply(id, Reply::Accepted(accepted))) if id == asked => {
                return Outcome::Done(accepted);
            }
            Ok(Waited::Reply(id, Reply::Refused(refusal))) if id == asked => {
                return Outcome::Refused(refusal);
            }
            Ok(Waited::Reply(..) | Waited::Woken) => {}
            Ok(Waited::TimedOut) | Err(_) => return Outcome::Unknown,
        }
    }
}

/// Settles what earlier runs have left open: every command is sent once more under its own id, and the answer,
/// whichever it is, is its outcome. `say` is told about each.
///
/// # Errors
/// [`ClientError::Unknown`] when the outcome of one still cannot be found out.
pub fn settle(
    home: &Home,
    ledger_id: LedgerId,
    connection: &mut Connection,
    account: AccountId,
    say: &mut dyn FnMut(&Message<'_>, &Outcome),
) -> Result<(), ClientError> {
    for (name, commands) in journal::unsettled(home, ledger_id)? {
        let mine = |command: &Unsettled| {
            Message::parse(&command.message).is_ok_and(|message| message.header.account == account)
        };
        if !commands.iter().all(mine) {
            continue;
        }
        for command in &commands {
            let outcome = exchange(connection, &command.message, &command.signature, None);
            if matches!(outcome, Outcome::Unknown) {
                return Err(ClientError::Unknown(
                    "the outcome of an earlier command is still not known; run the command again".to_owned(),
                ));
            }
            if let Ok(message) = Message::parse(&command.message) {
                say(&message, &outcome);
            }
        }
        home.remove(&name)?;
    }
    Ok(())
}

/// Checks an own block as it came from the server: its hash, its author, and the author's signature.
///
/// # Errors
/// [`ClientError::Integrity`] names what is wrong.
pub fn check_own_block<'a>(bytes: &'a [u8], signer: &Signer) -> Result<Block<'a>, ClientError> {
    let bad = |index: Option<u64>, text: &str| {
        let which = index.map_or_else(|| "a block".to_owned(), |index| format!("block {index}"));
        ClientError::Integrity(format!("{which} from the server is refused: {text}"))
    };
    let block = Block::parse(bytes).map_err(|_| bad(None, "its bytes are not a block"))?;
    let index = Some(block.index);
    if block.author != signer.account {
        return Err(bad(index, "it is of another author"));
    }
    let message = Message::parse(block.message).map_err(|_| bad(index, "it holds no signed command"))?;
    if message.header.ledger_id != signer.ledger_id || message.header.account != signer.account {
        return Err(bad(index, "its command was signed for another ledger or account"));
    }
    let key = signer.key.public();
    key.verify_pss(&[block.message], block.signature)
        .map_err(|_| bad(index, "the signature is not one of this account's key"))?;
    Ok(block)
}
