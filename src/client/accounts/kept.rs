//! The keys that a home keeps: what is written down of them is changed in one place, one process after the other, and a file
//! goes only when nothing in the home needs it any more.

use crate::client::identity::{PendingKey, ledgers_of_accounts, write_account};
use crate::client::link::known_servers;
use crate::client::{Account, ClientError, Home, KEY_FILE, read_account};
use crate::crypto::LedgerId;

/// The account that this home has on a ledger.
///
/// # Errors
/// [`ClientError::Config`] when its file is gone or damaged.
pub(super) fn kept_account(home: &Home, ledger_id: LedgerId) -> Result<Account, ClientError> {
    read_account(home, ledger_id)?
        .ok_or_else(|| ClientError::Config("the account of this home is gone".to_owned()))
}

/// Changes what is written down of an account, as it is now: another process may have changed it since it was read.
///
/// # Errors
/// As for [`kept_account`]; [`ClientError::File`].
pub(super) fn change_account(
    home: &Home,
    ledger_id: LedgerId,
    change: impl FnOnce(&mut Account),
) -> Result<(), ClientError> {
    let _lock = home.lock()?;
    let mut account = kept_account(home, ledger_id)?;
    change(&mut account);
    write_account(home, ledger_id, &account)
}

/// Forgets a pending key whose outcome is known and told. One that was to take the place of the account's key stays written
/// down until it has done so: it is found by that.
///
/// # Errors
/// As for [`change_account`].
pub(super) fn forget_pending(home: &Home, ledger_id: LedgerId, key_id: &str) -> Result<(), ClientError> {
    change_account(home, ledger_id, |account| {
        let waits = |pending: &PendingKey| pending.ends.as_ref() == Some(&account.key_id);
        let is_it = |pending: &PendingKey| pending.key.key_id == key_id && !waits(pending);
        if account.pending.as_ref().is_some_and(is_it) {
            account.pending = None;
        }
    })
}

/// Removes the file of a key that has ended on a ledger, unless something else in the home needs it, which is said.
///
/// # Errors
/// [`ClientError::File`].
pub(super) fn remove_ended_key(home: &Home, ledger_id: LedgerId, file: &str) -> Result<(), ClientError> {
    match needed_by(home, ledger_id, file)? {
        None => home.remove(file),
        Some(why) => {
            home.tell(&format!(
                "{} stays, although the key has ended here: {why}",
                home.path(file).display()
            ));
            Ok(())
        }
    }
}

/// What in the home needs a key file that a ledger takes no more, in words; none if nothing does.
fn needed_by(home: &Home, ledger_id: LedgerId, file: &str) -> Result<Option<String>, ClientError> {
    let accounts = ledgers_of_accounts(home)?;
    for &ledger in &accounts {
        match read_account(home, ledger) {
            Ok(account) if account.as_ref().is_none_or(|account| !account.names(file)) => {}
            Ok(_) if ledger == ledger_id => return Ok(Some("the account of this home has it".to_owned())),
            Ok(_) => return Ok(Some(format!("the account on the ledger {ledger} has it"))),
            // Of a file that is damaged nobody knows which key its account has.
            Err(_) => {
                return Ok(Some(format!("what is kept of the account on the ledger {ledger} is damaged")));
            }
        }
    }
    // Every registration is made with this key, and its account is found again by it.
    let is_unknown = |ledger: &LedgerId| *ledger != ledger_id && !accounts.contains(ledger);
    let unknown = if file == KEY_FILE {
        known_servers::all(home)?.into_iter().map(|server| server.ledger_id).find(is_unknown)
    } else {
        None
    };
    Ok(unknown.map(|ledger| format!("it may have an account on the ledger {ledger}, which this home knows")))
}

impl Account {
    /// Whether one of its keys is in this file.
    fn names(&self, file: &str) -> bool {
        let pending = self.pending.as_ref().map(|pending| &pending.key.file);
        let device = self.device.as_ref().map(|device| &device.file);
        [Some(&self.file), device, pending].into_iter().flatten().any(|of_account| of_account == file)
    }
}
