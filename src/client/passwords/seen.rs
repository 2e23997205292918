//! What a home remembers of passwords: never a password, but how new the newest one was that it has seen of an account. A
//! server that goes back to an older one is caught by that.

use crate::client::home::damaged;
use crate::client::{ClientError, Home};
use crate::crypto::LedgerId;
use crate::domain::AccountId;

/// The newest password that was seen of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    /// Its number.
    pub(super) epoch: u32,
    /// The own blocks up to here, this one not included, were looked through for a newer one.
    pub(super) walked: u64,
}

fn file(ledger_id: LedgerId, account: AccountId) -> String {
    format!("passwords/{ledger_id}-{account}")
}

/// What was seen, if anything was.
///
/// # Errors
/// [`ClientError::Config`] when the file is damaged.
pub(super) fn recall(
    home: &Home,
    ledger_id: LedgerId,
    account: AccountId,
) -> Result<Option<Seen>, ClientError> {
    let name = file(ledger_id, account);
    let Some(text) = home.read_checked(&name)? else { return Ok(None) };
    let parsed = text.trim_end().split_once(' ');
    let seen = parsed
        .and_then(|(epoch, walked)| Some(Seen { epoch: epoch.parse().ok()?, walked: walked.parse().ok()? }));
    seen.map(Some).ok_or_else(|| damaged(home, &name))
}

/// Remembers what was seen, unless something newer is.
///
/// # Errors
/// [`ClientError`].
pub(super) fn remember(
    home: &Home,
    ledger_id: LedgerId,
    account: AccountId,
    seen: Seen,
) -> Result<(), ClientError> {
    let _lock = home.lock()?;
    let newest = |known: Seen| (known.epoch, known.walked) >= (seen.epoch, seen.walked);
    if recall(home, ledger_id, account)?.is_some_and(newest) {
        return Ok(());
    }
    home.write_checked(&file(ledger_id, account), &format!("{} {}\n", seen.epoch, seen.walked))
}
