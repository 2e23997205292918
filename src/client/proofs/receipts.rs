//! Fetching a receipt. The client believes it no more than a stranger would: it checks all of it, with the pinned
//! key, before it hands it on.

use std::fmt;

use crate::chain::receipt::{KeyBlock, Proven, Receipt};
use crate::chain::{Block, CommandId, Message};
use crate::client::ClientError;
use crate::client::link::{Reopen, audit, question};
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
        ReceiptOf::Key(wanted) => proven.introduces.as_ref().is_some_and(|key| key.key_id() == wanted),
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
    let keys = keys.into_iter().map(|(block, inclusion)| KeyBlock { block: block.into_vec(), inclusion });
    let receipt = Receipt { index, block: block.into_vec(), inclusion, keys: keys.collect(), note };
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

/// A member with one of its keys, as the ledger proves it.
#[derive(Clone, Debug)]
pub struct Registrant {
    /// Number.
    pub account: AccountId,
    /// Public name.
    pub handle: String,
    /// The key that was asked for; where the member was, the one that it registered with.
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
    let (_, proven) = checked(link, proofs)?;
    let registrant = registrant(proven)?;
    if registrant.account == account { Ok(registrant) } else { Err(bad("it is of another member")) }
}

/// Has the ledger prove whose key this is, or was before it ended; none if it is nobody's.
///
/// # Errors
/// [`ClientError::Integrity`] when the proof does not hold.
pub fn fetch_owner_of_key(link: &mut dyn Reopen, key_id: KeyId) -> Result<Option<Registrant>, ClientError> {
    let proofs = match link.connection().ask(&question::Receipt(ReceiptOf::Key(key_id))) {
        Err(ClientError::Refused(refusal)) if refusal.name == refusal::NO_SUCH_BLOCK => return Ok(None),
        other => other?,
    };
    let (_, proven) = checked(link, proofs)?;
    let registrant = registrant(proven)?;
    if registrant.key_id == key_id { Ok(Some(registrant)) } else { Err(bad("it is of another key")) }
}

/// Has the ledger prove that a key is one of a member's, or was before it ended.
///
/// # Errors
/// [`ClientError::Refused`] when it is not, [`ClientError::Integrity`] when the proof does not hold.
pub fn fetch_key(
    link: &mut dyn Reopen,
    account: AccountId,
    key_id: KeyId,
) -> Result<Registrant, ClientError> {
    let owner = fetch_owner_of_key(link, key_id)?.filter(|owner| owner.account == account);
    owner.ok_or_else(|| {
        let text = format!("account {account} has no key {key_id}");
        ClientError::Refused(Refusal::fail(refusal::INVALID_USER, text))
    })
}

/// The member whose key a block has introduced.
fn registrant(proven: Proven) -> Result<Registrant, ClientError> {
    let author = proven.author.ok_or_else(|| bad("it is of no member"))?;
    let key = proven.introduces.ok_or_else(|| bad("it is not of a block that introduces a key"))?;
    Ok(Registrant { account: author.account, handle: author.handle, key_id: key.key_id(), key })
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
