//! A key that a log-in puts into the home, and the log-out that takes it away again.

use super::question::LogOut;
use super::unlocking::LoggedIn;
use crate::client::identity::{further_key_file, write_account};
use crate::client::link::{Member, Reopen as _};
use crate::client::sending::leftovers;
use crate::client::{Account, ClientError, Home, read_account};
use crate::crypto::LedgerId;
use crate::domain::AccountId;
use crate::refusal;
use crate::wire::Refusal;

/// Puts the fetched key into the home, under a passphrase. False if the home has a key of the account already.
///
/// # Errors
/// [`ClientError::Usage`] when the home has another account on this ledger; [`ClientError::File`].
pub fn keep_key(logged_in: &mut LoggedIn, passphrase: &str) -> Result<bool, ClientError> {
    let LoggedIn { member, key, .. } = logged_in;
    let (home, ledger_id) = (member.home().clone(), member.server().ledger_id);
    let _lock = home.lock()?;
    if let Some(kept) = read_account(&home, ledger_id)? {
        if kept.account != member.account().account {
            return Err(ClientError::Usage(format!(
                "this home has account {} ({}) on this ledger: log in with a --home of your own",
                kept.account, kept.handle
            )));
        }
        if home.read_bytes(&kept.file)?.is_some() {
            return Ok(false);
        }
    }
    let Account { account, handle, key_id, .. } = member.account();
    let file = further_key_file(key_id);
    home.write(&file, key.to_pkcs8_pem(Some(passphrase.as_bytes())).as_bytes())?;
    let kept = Account { by_login: true, ..Account::new(*account, handle, key.public().key_id(), &file) };
    write_account(&home, ledger_id, &kept)?;
    // With the key the tickets of the session stay, and with them the code that was given for it.
    member.stay();
    Ok(true)
}

/// What a log-out has done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedOut {
    /// The file with the key that a log-in had put into the home, which is gone; none if the home has a key file of its own.
    pub removed: Option<String>,
    /// The key file of its own that the home still has.
    pub stays: Option<String>,
}

/// Logs out: the server forgets the tickets of this key, or with `all` ends all sessions of the account; a key that a log-in put
/// into the home is overwritten and removed.
///
/// # Errors
/// [`ClientError::Refused`] with `unfinished` while commands of the account have no outcome.
pub fn log_out(mut member: Member, all: bool) -> Result<LoggedOut, ClientError> {
    let (home, ledger_id) = (member.home().clone(), member.server().ledger_id);
    let account = member.account_id();
    let unfinished = unfinished_of(&home, ledger_id, account)?;
    if unfinished > 0 {
        return Err(ClientError::Refused(Refusal::fail(
            refusal::UNFINISHED,
            format!(
                "{unfinished} commands of this account have no outcome yet, and only the key in this home can find it out: \
                 give them again first"
            ),
        )));
    }
    member.connection().ask(&LogOut { all })?;
    member.pass_by();
    drop(member);
    let tickets = home.list("tickets")?.into_iter();
    for name in tickets.filter(|name| name.starts_with(&format!("{ledger_id}-{account}-"))) {
        home.wipe(&format!("tickets/{name}"))?;
    }
    let _lock = home.lock()?;
    let kept = read_account(&home, ledger_id)?;
    match kept {
        Some(kept) if kept.by_login => {
            home.wipe(&kept.file)?;
            home.remove(&format!("accounts/{ledger_id}"))?;
            home.remove(&format!("newest/{ledger_id}"))?;
            Ok(LoggedOut { removed: Some(kept.file), stays: None })
        }
        kept => Ok(LoggedOut { removed: None, stays: kept.map(|kept| kept.file) }),
    }
}

/// How many runs of the account wait for an outcome.
fn unfinished_of(home: &Home, ledger_id: LedgerId, account: AccountId) -> Result<usize, ClientError> {
    let mut damaged = 0;
    let left = leftovers(home, ledger_id, account, &mut |_| damaged += 1)?;
    Ok(left.iter().filter(|left| !left.open().is_empty()).count() + damaged)
}
