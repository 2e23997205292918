//! Erasing an account, and the proof of it.

use crate::chain::{Block, Erasure, LeafHash};
use crate::client::ClientError;
use crate::client::Home;
use crate::client::link::{Member, Reopen, audit, question};
use crate::client::sending::{Runner, Submitted, end_left_behind, submit_once};
use crate::crypto::{Digest, LedgerId};
use crate::domain::accounts::{self, Erase, EraseReason};
use crate::domain::{AccountId, Command};
use crate::time::Timestamp;

/// Erases an account: the member's own, of its own wish, or for an operator anybody's.
///
/// # Errors
/// As for [`submit_once`].
pub fn erase(
    member: &mut Member,
    (account, reason, force): (AccountId, EraseReason, bool),
    again: &mut dyn FnMut(),
) -> Result<Submitted, ClientError> {
    submit_once(member, &erasing(account, reason, force), None, again)
}

fn erasing(account: AccountId, reason: EraseReason, force: bool) -> Command {
    Command::Accounts(accounts::Command::Erase(Erase { account, reason, force }))
}

/// Forgets that the erasure of a member's own account is open: the ledger has told everybody what came of it.
///
/// # Errors
/// [`ClientError::File`].
pub fn own_erasure_was_told(home: &Home, ledger_id: LedgerId, account: AccountId) -> Result<(), ClientError> {
    let runner = Runner { home, ledger_id, account };
    end_left_behind(runner, &erasing(account, EraseReason::OwnWish, false))
}

/// An erasure, as the ledger proves it and as its log key says.
#[derive(Clone, Debug)]
pub struct Erased {
    /// The account.
    pub account: AccountId,
    /// The index of the block.
    pub block: u64,
    /// The hash of the block.
    pub hash: Digest,
    /// The time of the block.
    pub time: Timestamp,
    /// The number of secrets that the log key says are destroyed.
    pub destroyed: u64,
    /// The erasure note, as it was signed.
    pub note: String,
}

/// Fetches the proof that an account was erased, and checks all of it.
///
/// # Errors
/// [`ClientError::Refused`] with `not_erased` or `invalid_user`; [`ClientError::Integrity`] when the proof does not hold.
pub fn fetch_erasure(link: &mut dyn Reopen, account: AccountId) -> Result<Erased, ClientError> {
    let proof = link.connection().ask(&question::ErasureOf(account))?;
    let (home, server, connection) = link.parts();
    let checkpoint = audit(home, server, connection, &proof.note)?;
    let block = Block::parse(&proof.block).map_err(|error| bad(&error.to_string()))?;
    let leaf = LeafHash::of_block(&proof.block);
    let included = proof.inclusion.check(checkpoint.size, checkpoint.root, block.index, leaf);
    included.map_err(|_| bad("the block is not in the ledger"))?;
    let said = Erasure::of_note(&proof.erasure, &server.log_key).map_err(|error| bad(&error.to_string()))?;
    let expected = Erasure::of_block(&proof.block, server.log_key.origin(), server.ledger_id, said.vault);
    let Some(expected) = expected.filter(|expected| expected.subject == account) else {
        return Err(bad("the block erases nobody, or somebody else"));
    };
    if said != expected {
        return Err(bad("the erasure note says something else than the block"));
    }
    let (time, Erasure { block, hash, destroyed, .. }) = (block.timestamp, expected);
    Ok(Erased { account, block, hash, time, destroyed, note: proof.erasure })
}

fn bad(text: &str) -> ClientError {
    ClientError::Integrity(format!("the server's proof of an erasure is refused: {text}"))
}
