//! The newest block of one's own that a server ever gave a receipt of: what it cannot withhold unnoticed.

use super::{ClientError, Home};
use crate::crypto::{Digest, LedgerId};

fn file(ledger_id: LedgerId) -> String {
    format!("accounts/{ledger_id}.newest")
}

/// Index and hash of that block, if there was one.
///
/// # Errors
/// [`ClientError::Config`] when the file holds something else.
pub(super) fn recall(home: &Home, ledger_id: LedgerId) -> Result<Option<(u64, Digest)>, ClientError> {
    let name = file(ledger_id);
    let Some(text) = home.read(&name)? else { return Ok(None) };
    let parsed = text.trim_end().split_once(' ').and_then(|(index, hash)| {
        Some((index.parse().ok()?, Digest(const_hex::decode_to_array(hash).ok()?)))
    });
    let path = home.path(&name);
    parsed
        .map(Some)
        .ok_or_else(|| ClientError::Config(format!("{}: not a block's index and hash", path.display())))
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
        home.write(&file(ledger_id), format!("{index} {hash}\n").as_bytes())?;
    }
    drop(lock);
    Ok(())
}
