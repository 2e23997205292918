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
use crate::domain::{Command, Rights, Tag};
use crate::password::{Credential, OpaqueKey, RecoveryCode, Registered};
use crate::refusal;
use crate::wire::Side;

/// Sets another password, after a log-in with the one before. The key, the recovery code and every receipt stay.
/// `again` is called when an earlier run has sent the same, so that the password counts that was given then.
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
    let key_id = logged_in.key.public().key_id();
    let via = code.map_or(CredentialVia::Password, |_| CredentialVia::Recovery);
    bring_next(logged_in, (e_mail, password), code, |member, (CredentialCommit { epoch, commit }, side)| {
        let command = accounts::Command::SetCredential(SetCredential { key_id, epoch, commit, via });
        let seal = |_| Ok((Command::Accounts(command), side));
        submit_sealed_once(member, SET_CREDENTIAL, &codec::encode(&(epoch, via)), seal, again)
    })
}

/// Says another e-mail address for the account, after a log-in with the one before: the same password is registered
/// for it, and fetches the key from then on. `name` is the name that stands beside it.
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
    bring_next(logged_in, (e_mail, password), None, |member, brought| {
        set_profile_with(member, (name, e_mail), Some(&brought), again)
    })
}

/// Registers another password for the key that was fetched, and has `submit` send the command that brings it. A new
/// recovery code takes the place of the one before.
fn bring_next(
    logged_in: &mut LoggedIn,
    (e_mail, password): (&str, &str),
    code: Option<&RecoveryCode>,
    submit: impl FnOnce(&mut Member, Brought) -> Result<Submitted, ClientError>,
) -> Result<Submitted, ClientError> {
    let LoggedIn { member, key, vault_key, blob, epoch, opaque } = logged_in;
    let (ledger_id, key_id) = (member.server().ledger_id, key.public().key_id());
    let Registered { record, export_key } =
        register(member.connection(), (ledger_id, opaque), (e_mail, password))?;
    let next = match code {
        None => blob.with_password((ledger_id, key_id), vault_key, &export_key),
        Some(code) => blob.with_password_and_code((ledger_id, key_id), vault_key, &export_key, code),
    };
    let credential = Credential::new(key_id, epoch.saturating_add(1), opaque, record, next.clone());
    let submitted = submit(member, brought_by(&credential, ledger_id, opaque))?;
    (*epoch, *blob) = (credential.epoch, next);
    note_epoch(member, credential.epoch, submitted.accepted.index);
    Ok(submitted)
}

/// Puts a new key in the place of the one that the password fetches, with another password and another recovery
/// code: whoever kept the key before can sign nothing with it.
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
    let (ends, proof) = (key.public().key_id(), proof_of(roaming, member));
    let command = |commit| {
        accounts::Command::RotateKey(RotateKey {
            spki: roaming.key.public().spki().to_vec(),
            custody: Custody::Roaming,
            label: machine_made_label(),
            proof,
            ends,
            credential: Some(commit),
        })
    };
    let numbered = (&*opaque, epoch.saturating_add(1));
    bring_first(member, numbered, (e_mail, password), roaming, (ROTATE_KEY, command), again)
}

/// What became of the replacement of the key that an earlier run has sent without telling, after a log-in with the
/// password that came with it; none if there is nothing left to tell.
///
/// # Errors
/// [`ClientError::Unknown`].
pub fn settle_replacement(logged_in: &mut LoggedIn) -> Result<Option<Submitted>, ClientError> {
    let epoch = logged_in.epoch;
    settle_sealed(&mut logged_in.member, ROTATE_KEY, &fetched_by(epoch))
}

/// What became of a change of the password that an earlier run has sent without telling, after a log-in with the
/// password that it set; none if there is nothing left to tell.
///
/// # Errors
/// [`ClientError::Unknown`].
pub fn settle_change(logged_in: &mut LoggedIn, via: CredentialVia) -> Result<Option<Submitted>, ClientError> {
    let epoch = logged_in.epoch;
    settle_sealed(&mut logged_in.member, SET_CREDENTIAL, &codec::encode(&(epoch, via)))
}

/// Gives an account that has a key file a first password: a further key, which roams. The e-mail address is the one
/// of its profile.
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
    let proof = proof_of(roaming, member);
    let command = |commit| {
        accounts::Command::AddKey(AddKey {
            spki: roaming.key.public().spki().to_vec(),
            custody: Custody::Roaming,
            rights: Rights::Full,
            label: machine_made_label(),
            proof,
            credential: Some(commit),
        })
    };
    bring_first(member, (&opaque, epoch), (e_mail, password), roaming, (ADD_KEY, command), again)
}

/// Registers the first password of a key that roams from now on, and sends the command that brings both. `epoch` is
/// the number of the password among those of the account.
fn bring_first(
    member: &mut Member,
    (opaque, epoch): (&OpaqueKey, u32),
    (e_mail, password): (&str, &str),
    roaming: &Roaming,
    (tag, command): (Tag, impl FnOnce(CredentialCommit) -> accounts::Command),
    again: &mut dyn FnMut(),
) -> Result<Submitted, ClientError> {
    let ledger_id = member.server().ledger_id;
    let registered = register(member.connection(), (ledger_id, opaque), (e_mail, password))?;
    let blob = first_blob(ledger_id, roaming, &registered)?;
    let key_id = roaming.key.public().key_id();
    let credential = Credential::new(key_id, epoch, opaque, registered.record, blob);
    let (commit, side) = brought_by(&credential, ledger_id, opaque);
    let seal = |_| Ok((Command::Accounts(command(commit)), side));
    let submitted = submit_sealed_once(member, tag, &fetched_by(epoch), seal, again)?;
    note_epoch(member, epoch, submitted.accepted.index);
    Ok(submitted)
}

/// Names a new key that a password fetches, by the number of the password.
fn fetched_by(epoch: u32) -> Vec<u8> {
    codec::encode(&("password", epoch))
}

/// What a command says of the credential that it brings, and what goes beside the command.
type Brought = (CredentialCommit, Side);

fn brought_by(credential: &Credential, ledger_id: LedgerId, opaque: &OpaqueKey) -> Brought {
    let commit = credential.commit(ledger_id, &opaque.server_key);
    (CredentialCommit { epoch: credential.epoch, commit }, side_of(credential))
}

/// What shows that whoever adds the key has it.
fn proof_of(roaming: &Roaming, member: &Member) -> Vec<u8> {
    let (ledger_id, account) = (member.server().ledger_id, member.account_id());
    let signed = key_proof_bytes(ledger_id, account, &roaming.key.public().key_id());
    roaming.key.sign(&mut random::os(), &[&signed]).into_vec()
}

/// Remembers that there is a newer password. What is not remembered is learnt at the next log-in.
fn note_epoch(member: &Member, epoch: u32, block: u64) {
    let (home, ledger_id, account) = (member.home(), member.server().ledger_id, member.account_id());
    drop(seen::remember(home, ledger_id, account, Seen { epoch, walked: block + 1 }));
}
