//! A key that a log-in puts into the home, and the log-out that takes it away again.

use super::question::LogOut;
use super::unlocking::LoggedIn;
use crate::client::accounts::fetch_keys;
use crate::client::identity::{KEY_FILE, further_key_file, key_files, write_account};
use crate::client::link::{Member, Reopen as _};
use crate::client::sending::leftovers;
use crate::client::{Account, ClientError, Home, read_account};
use crate::crypto::LedgerId;
use crate::domain::accounts::{Custody, KeyFace};
use crate::domain::{AccountId, Rights};
use crate::refusal;
use crate::wire::Refusal;

/// Puts the fetched key into the home, under a passphrase. False if the home has a key of the account already that stands and
/// has full rights. A key that may only act goes on signing what is done every day.
///
/// # Errors
/// [`ClientError::Usage`] when the home has another account on this ledger; [`ClientError::File`].
pub fn keep_key(logged_in: &mut LoggedIn, passphrase: &str) -> Result<bool, ClientError> {
    let LoggedIn { member, key, .. } = logged_in;
    let faces = fetch_keys(member)?;
    let (home, ledger_id) = (member.home().clone(), member.server().ledger_id);
    let _lock = home.lock()?;
    let before = read_account(&home, ledger_id)?;
    if let Some(kept) = &before {
        if kept.account != member.account().account {
            return Err(ClientError::Usage(format!(
                "this home has account {} ({}) on this ledger: log in with a --home of your own",
                kept.account, kept.handle
            )));
        }
        let is_of_use = standing(&faces, &kept.key_id).is_some_and(|face| face.rights == Rights::Full);
        if is_of_use && home.read_bytes(&kept.file)?.is_some() {
            return Ok(false);
        }
    }
    let Account { account, handle, key_id, .. } = member.account();
    let file = further_key_file(key_id);
    home.write(&file, key.to_pkcs8_pem(Some(passphrase.as_bytes())).as_bytes())?;
    let kept = Account::new(*account, handle, key.public().key_id(), &file);
    let (device, pending) = before.map_or((None, None), |before| {
        let acting = standing(&faces, &before.key_id).map(|_| before.key());
        (before.device.or(acting), before.pending)
    });
    write_account(&home, ledger_id, &Account { by_login: true, device, pending, ..kept })?;
    // With the key the tickets of the session stay, and with them the code that was given for it.
    member.stay();
    Ok(true)
}

/// The key with this id, if it stands.
fn standing<'a>(faces: &'a [KeyFace], key_id: &str) -> Option<&'a KeyFace> {
    faces.iter().find(|face| face.ended_at.is_none() && face.key_id.to_string() == key_id)
}

/// What a log-out has done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedOut {
    /// The file with the key that a log-in had put into the home, which is gone; none if there was no such key.
    pub removed: Option<String>,
    /// The key files of its own that the home still has: whoever has them goes on signing.
    pub stays: Vec<String>,
}

/// Logs out: the server forgets the tickets of this key, or with `all` ends all sessions of the account; a key that a log-in put
/// into the home is overwritten and removed.
///
/// # Errors
/// [`ClientError::Refused`] with `unfinished` while commands of the account have no outcome.
pub fn log_out(mut member: Member, all: bool) -> Result<LoggedOut, ClientError> {
    let (home, ledger_id) = (member.home().clone(), member.server().ledger_id);
    let account = member.account_id();
    refuse_unfinished(&home, ledger_id, account)?;
    let faces = fetch_keys(&mut member)?;
    member.connection().ask(&LogOut { all })?;
    member.pass_by();
    drop(member);
    leave_home(&home, ledger_id, account, Some(&faces))
}

/// Logs out without the server, which goes on knowing its tickets until they are worth nothing: in this home there are none any
/// more. For a key that has ended, and for whoever has no passphrase for it. None if the home has no account on the ledger.
///
/// # Errors
/// As for [`log_out`].
pub fn log_out_here(home: &Home, ledger_id: LedgerId) -> Result<Option<LoggedOut>, ClientError> {
    let Some(kept) = read_account(home, ledger_id)? else { return Ok(None) };
    let account = AccountId(kept.account);
    refuse_unfinished(home, ledger_id, account)?;
    leave_home(home, ledger_id, account, None).map(Some)
}

/// Takes out of the home what a log-in has put there. `faces` are the keys of the account, as far as the server was asked: a key
/// that stands and does not roam is nowhere else, whatever put it there.
fn leave_home(
    home: &Home,
    ledger_id: LedgerId,
    account: AccountId,
    faces: Option<&[KeyFace]>,
) -> Result<LoggedOut, ClientError> {
    let tickets = home.list("tickets")?.into_iter();
    for name in tickets.filter(|name| name.starts_with(&format!("{ledger_id}-{account}-"))) {
        home.wipe(&format!("tickets/{name}"))?;
    }
    let _lock = home.lock()?;
    let face = |key_id: &str| faces.and_then(|faces| standing(faces, key_id));
    let kept = read_account(home, ledger_id)?;
    let roams = |kept: &Account| face(&kept.key_id).is_none_or(|face| face.custody == Custody::Roaming);
    let removed = match kept.filter(|kept| kept.by_login && roams(kept)) {
        Some(kept) => {
            home.wipe(&kept.file)?;
            home.remove(&format!("accounts/{ledger_id}"))?;
            home.remove(&format!("newest/{ledger_id}"))?;
            Some(kept.file)
        }
        None => None,
    };
    let stays = key_files(home)?.into_iter().filter(|file| is_of_account(file, faces)).collect();
    Ok(LoggedOut { removed, stays })
}

/// Whether a key file may be one of the account's: a file that was made later has the beginning of the key's id for a name.
fn is_of_account(file: &str, faces: Option<&[KeyFace]>) -> bool {
    let Some(faces) = faces.filter(|_| file != KEY_FILE) else { return true };
    faces.iter().any(|face| face.ended_at.is_none() && further_key_file(&face.key_id.to_string()) == file)
}

fn refuse_unfinished(home: &Home, ledger_id: LedgerId, account: AccountId) -> Result<(), ClientError> {
    let unfinished = unfinished_of(home, ledger_id, account)?;
    if unfinished == 0 {
        return Ok(());
    }
    Err(ClientError::Refused(Refusal::fail(
        refusal::UNFINISHED,
        format!(
            "{unfinished} commands of this account have no outcome yet, and only the key in this home can find it out: \
             give them again first"
        ),
    )))
}

/// How many runs of the account wait for an outcome.
fn unfinished_of(home: &Home, ledger_id: LedgerId, account: AccountId) -> Result<usize, ClientError> {
    let mut damaged = 0;
    let left = leftovers(home, ledger_id, account, &mut |_| damaged += 1)?;
    Ok(left.iter().filter(|left| !left.open().is_empty()).count() + damaged)
}
