//! Fetching a receipt. The client believes it no more than a stranger would: it checks all of it, with the pinned
//! key, before it hands it on.

use std::fmt;

use crate::chain::receipt::{Proven, Receipt, Registration};
use crate::chain::{Block, CommandId, Message};
use crate::client::ClientError;
use crate::client::link::{Reopen, audit, question};
use crate::client::show::transaction;
use crate::crypto::{KeyId, VerifyingKey};
use crate::domain::payments;
use crate::domain::{AccountId, Command};
use crate::refusal;
use crate::text::escape;
use crate::wire::{Proofs, ReceiptOf, Refusal};

/// Fetches the receipt of a block of whoever's channel it is; its checkpoint is audited and kept like any other.
///
/// # Errors
/// [`ClientError::Refused`] when there is no such block of theirs, [`ClientError::Integrity`] when the
/// receipt does not hold or is one of another block.
pub fn fetch_receipt(link: &mut dyn Reopen, of: ReceiptOf) -> Result<(Receipt, Proven), ClientError> {
    let proofs = link.connection().ask(&question::Receipt(of))?;
    let (receipt, proven) = checked(link, proofs)?;
    let me = link.account_id();
    let of_this = match of {
        ReceiptOf::Block(wanted) => proven.index == wanted,
        ReceiptOf::Command(wanted) => author_of(&proven) == Some((me, wanted)),
        ReceiptOf::Registration(wanted) => {
            proven.author.as_ref().is_some_and(|author| author.account == wanted)
        }
        ReceiptOf::RegistrationOfKey(wanted) => {
            proven.author.as_ref().is_some_and(|author| author.key_id == wanted)
        }
    };
    if !of_this {
        return Err(bad(&format!("it is for block {}, which is not the one asked for", proven.index)));
    }
    Ok((receipt, proven))
}

/// Makes a receipt of what the server sent; what it proves is of this ledger, and its checkpoint is audited.
fn checked(link: &mut dyn Reopen, proofs: Proofs) -> Result<(Receipt, Proven), ClientError> {
    let Proofs { block, inclusion, keys, note } = proofs;
    let index = Block::parse(&block).map_err(|error| bad(&error.to_string()))?.index;
    let mut keys =
        keys.into_iter().map(|(block, inclusion)| Registration { block: block.into_vec(), inclusion });
    let (registration, None) = (keys.next(), keys.next()) else {
        return Err(bad("it holds more blocks of keys than there are"));
    };
    let receipt = Receipt { index, block: block.into_vec(), inclusion, registration, note };
    let (home, server, connection) = link.parts();
    let proven = receipt.check(&server.log_key).map_err(|error| bad(&error.to_string()))?;
    if proven.ledger_id != server.ledger_id {
        return Err(bad("it is of another ledger"));
    }
    audit(home, server, connection, &receipt.note)?;
    Ok((receipt, proven))
}

fn bad(text: &str) -> ClientError {
    ClientError::Integrity(format!("the server's receipt is refused: {text}"))
}

/// A member as its registration proves it.
#[derive(Clone, Debug)]
pub struct Registrant {
    /// Number.
    pub account: AccountId,
    /// Public name.
    pub handle: String,
    /// The key, which signed the registration.
    pub key: VerifyingKey,
    /// Names the key.
    pub key_id: KeyId,
}

impl fmt::Display for Registrant {
    /// Handle and number, for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (#{})", escape(&self.handle), self.account)
    }
}

/// Has the ledger prove who a member is.
///
/// # Errors
/// [`ClientError::Refused`] when there is no such member, [`ClientError::Integrity`] when the proof does not hold.
pub fn fetch_registrant(link: &mut dyn Reopen, account: AccountId) -> Result<Registrant, ClientError> {
    let proofs = match link.connection().ask(&question::Receipt(ReceiptOf::Registration(account))) {
        Err(ClientError::Refused(refusal)) if refusal.name == refusal::NO_SUCH_BLOCK => {
            let text = format!("there is no account {account}");
            return Err(ClientError::Refused(Refusal::fail(refusal::INVALID_USER, text)));
        }
        other => other?,
    };
    let (receipt, proven) = checked(link, proofs)?;
    let registrant = registrant(&receipt, proven)?;
    if registrant.account == account { Ok(registrant) } else { Err(bad("it is of another member")) }
}

/// Has the ledger prove whose key this is; none if it is nobody's.
///
/// # Errors
/// [`ClientError::Integrity`] when the proof does not hold.
pub(in crate::client) fn fetch_registrant_of_key(
    link: &mut dyn Reopen,
    key: &VerifyingKey,
) -> Result<Option<Registrant>, ClientError> {
    let proofs = match link.connection().ask(&question::Receipt(ReceiptOf::RegistrationOfKey(key.key_id()))) {
        Err(ClientError::Refused(refusal)) if refusal.name == refusal::NO_SUCH_BLOCK => return Ok(None),
        other => other?,
    };
    let (receipt, proven) = checked(link, proofs)?;
    let registrant = registrant(&receipt, proven)?;
    if registrant.key == *key { Ok(Some(registrant)) } else { Err(bad("it is of another key")) }
}

/// The member whose registration a receipt is of.
fn registrant(receipt: &Receipt, proven: Proven) -> Result<Registrant, ClientError> {
    let author = proven.author.ok_or_else(|| bad("it is of no member"))?;
    let key = registered_key(&receipt.block).ok_or_else(|| bad("it is not of a registration"))?;
    Ok(Registrant { account: author.account, handle: author.handle, key_id: author.key_id, key })
}

/// The key of the account that a block opened; none if it opened no account.
pub fn registered_key(block: &[u8]) -> Option<VerifyingKey> {
    let block = Block::parse(block).ok()?;
    let happened = transaction(&block).ok()?.happened;
    VerifyingKey::from_spki(happened.opens()?.public_key).ok()
}

/// The command about money in a receipt's block, and who gave it.
pub(in crate::client) fn command_of(receipt: &Receipt) -> Option<(AccountId, payments::Command)> {
    let block = Block::parse(&receipt.block).ok()?;
    let message = Message::parse(block.message).ok()?;
    match Command::decode(message.header.tag, message.body) {
        Ok(Command::Payments(command)) => Some((block.author, command)),
        _ => None,
    }
}

fn author_of(proven: &Proven) -> Option<(AccountId, CommandId)> {
    proven.author.as_ref().map(|author| (author.account, author.command_id))
}
