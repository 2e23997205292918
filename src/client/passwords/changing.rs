//! Another password: a change, a first one for a member with a key file, or a new one after a recovery.

use super::joining::check_e_mail;
use super::registering::{Roaming, first_blob, opaque_key_of, register, side_of};
use super::seen::{self, Seen};
use super::unlocking::LoggedIn;
use crate::client::ClientError;
use crate::client::accounts::{machine_made_label, set_profile_with};
use crate::client::link::{Member, Reopen as _};
use crate::client::sending::{Submitted, settle_sealed, submit_sealed_once};
use crate::codec;
use crate::crypto::{LedgerId, random};
use crate::domain::accounts::{
    self, ADD_KEY, AddKey, CredentialCommit, CredentialVia, Custody, ROTATE_KEY, RotateKey, SET_CREDENTIAL,
    SetCredential, key_proof_bytes,
};
use crate::domain::{AccountId, Command, Rights};
use crate::password::{Blob, Credential, RecoveryCode, Registered};
use crate::refusal;

/// Sets another password, after a log-in with the one before. The key, the recovery code and every receipt stay. `again` is
/// called when an earlier run has sent the same, so that the password counts that was given then.
///
/// # Errors
/// [`ClientError::Refused`], [`ClientError::Unknown`].
pub fn change_password(
    logged_in: &mut LoggedIn,
    e_mail: &str,
    password: &str,
    again: &mut dyn FnMut(),
) -> Result<Submitted, ClientError> {
    set(logged_in, (e_mail, password), None, again)
}

/// Sets a new password and a new recovery code, after a recovery: the old code is spent.
///
/// # Errors
/// [`ClientError::Refused`], [`ClientError::Unknown`].
pub fn set_after_recovery(
    logged_in: &mut LoggedIn,
    e_mail: &str,
    password: &str,
    code: &RecoveryCode,
    again: &mut dyn FnMut(),
) -> Result<Submitted, ClientError> {
    set(logged_in, (e_mail, password), Some(code), again)
}

fn set(
    logged_in: &mut LoggedIn,
    (e_mail, password): (&str, &str),
    code: Option<&RecoveryCode>,
    again: &mut dyn FnMut(),
) -> Result<Submitted, ClientError> {
    let LoggedIn { member, key, vault_key, blob, epoch, opaque } = logged_in;
    let (ledger_id, key_id) = (member.server().ledger_id, key.public().key_id());
    let registered = register(member.connection(), (ledger_id, opaque), (e_mail, password))?;
    let Registered { record, export_key } = registered;
    let whose = (ledger_id, key_id);
    let (next, via): (Blob, _) = match code {
        None => (blob.with_password(whose, vault_key, &export_key), CredentialVia::Password),
        Some(code) => {
            let next = blob.with_password_and_code(whose, vault_key, &export_key, code);
            (next, CredentialVia::Recovery)
        }
    };
    let epoch = epoch.saturating_add(1);
    let credential = Credential::new(key_id, epoch, opaque, record, next.clone());
    let commit = credential.commit(ledger_id, &opaque.server_key);
    let command = accounts::Command::SetCredential(SetCredential { key_id, epoch, commit, via });
    let seal = |_| Ok((Command::Accounts(command), side_of(&credential)));
    let submitted = submit_sealed_once(member, SET_CREDENTIAL, &codec::encode(&(epoch, via)), seal, again)?;
    (logged_in.epoch, logged_in.blob) = (epoch, next);
    note_epoch(&logged_in.member, epoch, submitted.accepted.index);
    Ok(submitted)
}

/// Says another e-mail address for the account, after a log-in with the one before: the same password is registered for it, and
/// fetches the key from then on. `name` is the name that stands beside it.
///
/// # Errors
/// [`ClientError::Refused`], with `email_taken` where somebody has the address; [`ClientError::Unknown`].
pub fn change_e_mail(
    logged_in: &mut LoggedIn,
    (name, e_mail): (&str, &str),
    password: &str,
    again: &mut dyn FnMut(),
) -> Result<Submitted, ClientError> {
    check_e_mail(e_mail)?;
    let LoggedIn { member, key, vault_key, blob, epoch, opaque } = logged_in;
    let (ledger_id, key_id) = (member.server().ledger_id, key.public().key_id());
    let registered = register(member.connection(), (ledger_id, opaque), (e_mail, password))?;
    let next = blob.with_password((ledger_id, key_id), vault_key, &registered.export_key);
    let epoch = epoch.saturating_add(1);
    let credential = Credential::new(key_id, epoch, opaque, registered.record, next.clone());
    let commit = CredentialCommit { epoch, commit: credential.commit(ledger_id, &opaque.server_key) };
    let brought = (commit, side_of(&credential));
    let submitted = set_profile_with(member, (name, e_mail), Some(&brought), again)?;
    (logged_in.epoch, logged_in.blob) = (epoch, next);
    note_epoch(&logged_in.member, epoch, submitted.accepted.index);
    Ok(submitted)
}

/// Puts a new key in the place of the one that the password fetches, with another password and another recovery code: whoever kept the key
/// before can sign nothing with it.
///
/// # Errors
/// [`ClientError::Refused`], [`ClientError::Unknown`].
pub fn replace_roaming_key(
    logged_in: &mut LoggedIn,
    (e_mail, password): (&str, &str),
    roaming: &Roaming,
    again: &mut dyn FnMut(),
) -> Result<Submitted, ClientError> {
    let LoggedIn { member, key, epoch, opaque, .. } = logged_in;
    let (ledger_id, ends) = (member.server().ledger_id, key.public().key_id());
    let registered = register(member.connection(), (ledger_id, opaque), (e_mail, password))?;
    let blob = first_blob(ledger_id, roaming, &registered)?;
    let (public, epoch) = (roaming.key.public(), epoch.saturating_add(1));
    let credential = Credential::new(public.key_id(), epoch, opaque, registered.record, blob);
    let commit = CredentialCommit { epoch, commit: credential.commit(ledger_id, &opaque.server_key) };
    let command = accounts::Command::RotateKey(RotateKey {
        spki: public.spki().to_vec(),
        custody: Custody::Roaming,
        label: machine_made_label(),
        proof: proof_of(roaming, ledger_id, member.account_id()),
        ends,
        credential: Some(commit),
    });
    let seal = |_| Ok((Command::Accounts(command), side_of(&credential)));
    let submitted = submit_sealed_once(member, ROTATE_KEY, &replacing(epoch), seal, again)?;
    note_epoch(member, epoch, submitted.accepted.index);
    Ok(submitted)
}

/// Names the replacement of the key that a password fetches, by the number of the new password.
fn replacing(epoch: u32) -> Vec<u8> {
    codec::encode(&("password", epoch))
}

/// What became of such a replacement that an earlier run has sent without telling, after a log-in with the password that came with it;
/// none if there is nothing left to tell.
///
/// # Errors
/// [`ClientError::Unknown`].
pub fn settle_replacement(logged_in: &mut LoggedIn) -> Result<Option<Submitted>, ClientError> {
    let epoch = logged_in.epoch;
    settle_sealed(&mut logged_in.member, ROTATE_KEY, &replacing(epoch))
}

/// What became of a change of the password that an earlier run has sent without telling, after a log-in with the password that it
/// set; none if there is nothing left to tell.
///
/// # Errors
/// [`ClientError::Unknown`].
pub fn settle_change(logged_in: &mut LoggedIn, via: CredentialVia) -> Result<Option<Submitted>, ClientError> {
    let epoch = logged_in.epoch;
    settle_sealed(&mut logged_in.member, SET_CREDENTIAL, &codec::encode(&(epoch, via)))
}

/// Gives an account that has a key file a first password: a further key, which roams. The e-mail address is the one of its
/// profile.
///
/// # Errors
/// [`ClientError::Refused`], with `roaming_exists` when the account has a password; [`ClientError::Unknown`].
pub fn add_password(
    member: &mut Member,
    e_mail: &str,
    password: &str,
    roaming: &Roaming,
    again: &mut dyn FnMut(),
) -> Result<Submitted, ClientError> {
    check_e_mail(e_mail)?;
    // The number of the credential is the account's next one, which the refusal says.
    match add(member, (e_mail, password), roaming, 1, again) {
        Err(ClientError::Refused(refusal)) if refusal.name == refusal::STALE_EPOCH => {
            let next = refusal.number(crate::domain::Fact::Wanted).and_then(|next| u32::try_from(next).ok());
            let next = next.ok_or(ClientError::Refused(refusal))?;
            add(member, (e_mail, password), roaming, next, again)
        }
        done => done,
    }
}

fn add(
    member: &mut Member,
    (e_mail, password): (&str, &str),
    roaming: &Roaming,
    epoch: u32,
    again: &mut dyn FnMut(),
) -> Result<Submitted, ClientError> {
    let opaque = opaque_key_of(member.home(), member.server())?;
    let ledger_id = member.server().ledger_id;
    let registered = register(member.connection(), (ledger_id, &opaque), (e_mail, password))?;
    let blob = first_blob(ledger_id, roaming, &registered)?;
    let public = roaming.key.public();
    let credential = Credential::new(public.key_id(), epoch, &opaque, registered.record, blob);
    let commit = CredentialCommit { epoch, commit: credential.commit(ledger_id, &opaque.server_key) };
    let command = accounts::Command::AddKey(AddKey {
        spki: public.spki().to_vec(),
        custody: Custody::Roaming,
        rights: Rights::Full,
        label: machine_made_label(),
        proof: proof_of(roaming, ledger_id, member.account_id()),
        credential: Some(commit),
    });
    let seal = |_| Ok((Command::Accounts(command), side_of(&credential)));
    let submitted = submit_sealed_once(member, ADD_KEY, &codec::encode(&("password", epoch)), seal, again)?;
    note_epoch(member, epoch, submitted.accepted.index);
    Ok(submitted)
}

fn proof_of(roaming: &Roaming, ledger_id: LedgerId, account: AccountId) -> Vec<u8> {
    let signed = key_proof_bytes(ledger_id, account, &roaming.key.public().key_id());
    roaming.key.sign(&mut random::os(), &[&signed]).into_vec()
}

/// Remembers that there is a newer password. What is not remembered is learnt at the next log-in.
fn note_epoch(member: &Member, epoch: u32, block: u64) {
    let (home, ledger_id, account) = (member.home(), member.server().ledger_id, member.account_id());
    drop(seen::remember(home, ledger_id, account, Seen { epoch, walked: block + 1 }));
}
