//! The keys of the member's account: introducing a further one, ending one, replacing the home's own.
//!
//! Whoever calls this holds the lock of the home's keys ([`Home::lock_keys`]) until the outcome was told.

use crate::client::identity::{KeyFile, PendingKey, further_key_file};
use crate::client::link::{Member, Reopen as _};
use crate::client::sending::{Submitted, is_untold, submit_once};
use crate::client::{ClientError, Home};
use crate::crypto::{KeyId, KeyKind, LedgerId};
use crate::domain::accounts::{self, AddKey, Custody, EndKey};
use crate::domain::{Command, Rights};
use crate::wire::Accepted;

use super::kept::{change_account, forget_pending, kept_account, remove_ended_key};
use super::key_request::KeyRequest;
use super::pending::{
    WantedKey, check_label, only_what_is_untold, open_pending, prepare, see_through, use_as_device_key,
};
use super::standing::{fetch_keys, fetch_standing_key, key_id_of};

/// A key that the ledger took. Whoever tells it says so with [`Introduced::told`]; if nobody does, the same command given
/// again tells it.
#[derive(Debug)]
pub struct Introduced {
    submitted: Submitted,
    /// Names it.
    pub key_id: String,
    /// Its public name.
    pub label: String,
    /// Its file in this home, if it is here.
    pub file: Option<String>,
    /// Where it is written down as pending, if it is.
    noted: Option<(Home, LedgerId)>,
}

impl Introduced {
    /// Tells the outcome, and strikes the command out once it was told.
    ///
    /// # Errors
    /// As for [`Submitted::tell`].
    pub fn tell(self, telling: impl FnOnce(&Accepted) -> Result<(), ClientError>) -> Result<(), ClientError> {
        self.submitted.tell(telling)?;
        match self.noted {
            Some((home, ledger_id)) => forget_pending(&home, ledger_id, &self.key_id),
            None => Ok(()),
        }
    }
}

/// Introduces a further key of this home's, which is made now, or was made by an earlier run of the same command whose
/// outcome was not told.
///
/// # Errors
/// [`ClientError`]; after [`ClientError::Unknown`] the same call goes on with the same key.
pub fn add_own_key(
    member: &mut Member,
    wanted: &WantedKey,
    passphrase: Option<&str>,
    again: &mut dyn FnMut(),
) -> Result<Introduced, ClientError> {
    let (pending, command) = prepare(member, wanted, None, KeyKind::Ed25519, passphrase)?;
    let submitted = see_through(member, &command, &pending, again)?;
    let (home, ledger_id) = (member.home().clone(), member.server().ledger_id);
    use_as_device_key(&home, ledger_id, &pending)?;
    Ok(introduced(submitted, pending, (home, ledger_id)))
}

fn introduced(submitted: Submitted, pending: PendingKey, noted: (Home, LedgerId)) -> Introduced {
    let PendingKey { key: KeyFile { key_id, file }, label, .. } = pending;
    Introduced { submitted, key_id, label, file: Some(file), noted: Some(noted) }
}

/// Checks that the key of another machine may be asked for here: the request is of this ledger and this account.
///
/// # Errors
/// [`ClientError::Usage`] for a request of another ledger or account.
pub fn check_request(member: &Member, request: &KeyRequest) -> Result<(), ClientError> {
    if request.ledger_id != member.server().ledger_id {
        return Err(ClientError::Usage(format!(
            "other_ledger: the request is for the ledger {}, and this is {}",
            request.ledger_id,
            member.server().ledger_id
        )));
    }
    if request.account != member.account_id() {
        return Err(ClientError::Usage(format!(
            "the request is for account {}, and this home has account {}",
            request.account,
            member.account_id()
        )));
    }
    Ok(())
}

/// The label that the key of another machine gets. Where none is wanted, the same request given again has the same, and so is
/// the same command.
pub fn label_of_request(request: &KeyRequest, wanted: &WantedKey) -> String {
    wanted.label.clone().unwrap_or_else(|| {
        let key_id = request.key.key_id().to_string();
        format!("k-{}", key_id.get(..4).unwrap_or(&key_id))
    })
}

/// Introduces the key of another machine, which has asked for it.
///
/// # Errors
/// As for [`check_request`]; otherwise as for [`add_own_key`].
pub fn add_requested_key(
    member: &mut Member,
    request: &KeyRequest,
    wanted: &WantedKey,
    again: &mut dyn FnMut(),
) -> Result<Introduced, ClientError> {
    check_request(member, request)?;
    let key_id = request.key.key_id().to_string();
    let label = label_of_request(request, wanted);
    check_label(&label)?;
    let command = Command::Accounts(accounts::Command::AddKey(AddKey {
        spki: request.key.spki().to_vec(),
        custody: wanted.custody,
        rights: wanted.rights,
        label: label.clone(),
        proof: request.proof.clone(),
        credential: None,
    }));
    only_what_is_untold(member, &command)?;
    let submitted = submit_once(member, &command, None, again)?;
    Ok(Introduced { submitted, key_id, label, file: None, noted: None })
}

/// Replaces the key of this home by a new one of the same kind, which is in this home alone. The old one has ended when this returns. If the old
/// one is what a password fetches, the password ends with it, and that has to be said with `end_password`. A rotation of which
/// an earlier run did not tell the outcome is gone on with. The session goes over to the new key.
///
/// # Errors
/// [`ClientError`]; after [`ClientError::Unknown`] the next command of this home finds out which of the two stands.
pub fn rotate_key(
    member: &mut Member,
    label: Option<String>,
    end_password: bool,
    passphrase: Option<&str>,
    again: &mut dyn FnMut(),
) -> Result<Introduced, ClientError> {
    let old = member.key().public().clone();
    let pending = kept_account(member.home(), member.server().ledger_id)?.pending;
    let is_under_way = pending.is_some_and(|pending| pending.ends == Some(old.key_id().to_string()));
    if !end_password && !is_under_way && roams(member, old.key_id())? {
        return Err(ClientError::Usage(
            "the key of this home is the one that your password fetches: with a new key in its place, password and recovery code \
             open nothing any more. `ledgerctl password E-MAIL --new-key` replaces it together with both; --end-password goes on \
             all the same, and then the new key is in this home and nowhere else"
                .to_owned(),
        ));
    }
    let wanted = WantedKey { label, custody: Custody::File, rights: Rights::Full };
    let (pending, command) = prepare(member, &wanted, Some(old.key_id()), old.kind(), passphrase)?;
    let submitted = see_through(member, &command, &pending, again)?;
    let (home, ledger_id) = (member.home().clone(), member.server().ledger_id);
    // The rotation stands and can be told. What fails from here on is tried again by whichever command comes next.
    match go_over(member, &pending, passphrase) {
        Ok(()) => {}
        Err(error @ ClientError::Integrity(_)) => return Err(error),
        Err(error) => home.tell(&format!(
            "the new key could not be tried yet, and the file of the old one stays until then ({error})"
        )),
    }
    Ok(introduced(submitted, pending, (home, ledger_id)))
}

/// Whether a key of the account's is the one that its password fetches.
fn roams(member: &mut Member, key_id: KeyId) -> Result<bool, ClientError> {
    let faces = fetch_keys(member)?;
    let face = faces.iter().find(|face| face.key_id == key_id);
    Ok(face.is_some_and(|face| face.custody == Custody::Roaming))
}

/// Opens a session with the key that has taken the place of the account's, and puts it there.
fn go_over(member: &mut Member, pending: &PendingKey, passphrase: Option<&str>) -> Result<(), ClientError> {
    let (home, ledger_id) = (member.home().clone(), member.server().ledger_id);
    if member.account().key_id != pending.key.key_id {
        let key = open_pending(&home, pending, passphrase)?;
        *member = member.open_beside(key)?;
    }
    if kept_account(&home, ledger_id)?.key_id != pending.key.key_id {
        return succeed(member, pending);
    }
    // An earlier run may have ended before it removed the old key.
    pending.ends_file.as_ref().map_or(Ok(()), |file| remove_ended_key(&home, ledger_id, file))
}

/// Puts the key that has taken the place of the account's there, once the ledger has proven that it stands; the file of the
/// old one goes after that. It stays pending until that was told.
pub(super) fn succeed(member: &mut Member, pending: &PendingKey) -> Result<(), ClientError> {
    let (home, ledger_id) = (member.home().clone(), member.server().ledger_id);
    let account = member.account_id();
    if fetch_standing_key(member, account, key_id_of(&pending.key)?)?.is_none() {
        return Err(ClientError::Unknown("the ledger does not prove that the new key stands".to_owned()));
    }
    let mut old = None;
    change_account(&home, ledger_id, |account| {
        if pending.ends.as_ref() == Some(&account.key_id) {
            old = Some(account.key().file);
            let KeyFile { key_id, file } = pending.key.clone();
            (account.key_id, account.file) = (key_id, file);
            // No log-in has put the new one here, and none brings it back.
            account.by_login = false;
        }
    })?;
    old.map_or(Ok(()), |file| remove_ended_key(&home, ledger_id, &file))
}

/// Ends a key of the account's. One that is in this home goes with it.
///
/// # Errors
/// [`ClientError`].
pub fn end_key(
    member: &mut Member,
    key_id: KeyId,
    again: &mut dyn FnMut(),
) -> Result<Submitted, ClientError> {
    let command = ending(key_id);
    only_what_is_untold(member, &command)?;
    let submitted = submit_once(member, &command, None, again)?;
    let (home, ledger_id) = (member.home().clone(), member.server().ledger_id);
    let key_id = key_id.to_string();
    let mut file = further_key_file(&key_id);
    if kept_account(&home, ledger_id)?.device.is_some_and(|device| device.key_id == key_id) {
        change_account(&home, ledger_id, |account| {
            if let Some(device) = account.device.take_if(|device| device.key_id == key_id) {
                file = device.file;
            }
        })?;
    }
    if kept_account(&home, ledger_id)?.key_id != key_id {
        remove_ended_key(&home, ledger_id, &file)?;
    }
    Ok(submitted)
}

fn ending(key_id: KeyId) -> Command {
    Command::Accounts(accounts::Command::EndKey(EndKey { key_id }))
}

/// Whether an earlier run of this home has ended a key and did not tell it.
///
/// # Errors
/// [`ClientError`] when what earlier runs left cannot be read.
pub fn is_end_untold(member: &mut Member, key_id: KeyId) -> Result<bool, ClientError> {
    is_untold(member, &ending(key_id))
}
