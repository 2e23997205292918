//! The newest block of one's own that a server ever acknowledged or proved: it cannot withhold that block unnoticed.

use crate::client::home::damaged;
use crate::client::{ClientError, Home};
use crate::crypto::{Digest, LedgerId};

fn file(ledger_id: LedgerId) -> String {
    format!("newest/{ledger_id}")
}

/// Index and hash of that block, if there was one.
///
/// # Errors
/// [`ClientError::Config`] when the file holds something else.
pub(in crate::client) fn recall(
    home: &Home,
    ledger_id: LedgerId,
) -> Result<Option<(u64, Digest)>, ClientError> {
    let name = file(ledger_id);
    let Some(text) = home.read_checked(&name)? else { return Ok(None) };
    let parsed = text.trim_end().split_once(' ').and_then(|(index, hash)| {
        Some((index.parse().ok()?, Digest(const_hex::decode_to_array(hash).ok()?)))
    });
    parsed.map(Some).ok_or_else(|| damaged(home, &name))
}

/// Remembers a block, unless a newer one is.
///
/// # Errors
/// [`ClientError`].
pub(super) fn remember(
    home: &Home,
    ledger_id: LedgerId,
    index: u64,
    hash: Digest,
) -> Result<(), ClientError> {
    let lock = home.lock_at_the_end()?;
    if recall(home, ledger_id)?.is_none_or(|(newest, _)| newest < index) {
        home.write_checked(&file(ledger_id), &format!("{index} {hash}\n"))?;
    }
    drop(lock);
    Ok(())
}

/// Forgets it: the history in which it stood was given up.
pub(super) fn forget(home: &Home, ledger_id: LedgerId) -> Result<(), ClientError> {
    home.remove(&file(ledger_id))
}
