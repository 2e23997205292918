//! The rules of keys, one refusal a line, in a fixed order: who may sign, and which keys come and end. That a new key has
//! signed its proof is checked before.

use super::{
    AddKey, CredentialCommit, CredentialSet, Custody, EndKey, Key, KeyAdded, KeyEnded, KeyRotated, Rejection,
    Rights, RotateKey, SetCredential, State, is_label,
};
use crate::crypto::{KeyId, VerifyingKey};
use crate::domain::{AccountId, Context};
use crate::limits::{KEYS_EVER_MAX, KEYS_STANDING_MAX};

/// The one rule about signing, asked before all other rules, of the author of a command and of whoever endorses one: the
/// account was not erased, the key is one of the account's, it stands, and it has the rights that are needed.
///
/// # Errors
/// The [`Rejection`] of the first that does not hold.
pub fn may_sign(state: &State, account: AccountId, key_id: &KeyId, needed: Rights) -> Result<(), Rejection> {
    if let Some(block) = state.erased_at(account) {
        return Err(Rejection::Erased { account, block });
    }
    let key = state.key(account, key_id).ok_or(Rejection::NoSuchSigner)?;
    key_may_sign(key.ended_at, key.rights, needed)
}

/// The same rule of a key of which this is known: the block that ended it, if one did, and its rights. An audit asks it where
/// blocks are missing, so that there is no state to ask.
///
/// # Errors
/// The [`Rejection`] of the first that does not hold.
pub fn key_may_sign(ended_at: Option<u64>, rights: Rights, needed: Rights) -> Result<(), Rejection> {
    if let Some(index) = ended_at {
        return Err(Rejection::KeyEnded(index));
    }
    if rights.suffice_for(needed) { Ok(()) } else { Err(Rejection::NeedsFullKey) }
}

/// A key that is to be one of the author's.
struct NewKey<'a> {
    spki: &'a [u8],
    custody: Custody,
    rights: Rights,
    label: &'a str,
    credential: Option<&'a CredentialCommit>,
}

pub(super) fn decide_add_key(
    state: &State,
    add: &AddKey,
    context: &Context<'_>,
) -> Result<KeyAdded, Rejection> {
    let AddKey { spki, custody, rights, label, proof: _, credential } = add;
    let new = NewKey { spki, custody: *custody, rights: *rights, label, credential: credential.as_ref() };
    let standing = standing(state, context);
    check_new_key(state, &new, context, standing, None)?;
    Ok(KeyAdded { standing: (standing + 1) as u64 })
}

pub(super) fn decide_end_key(
    state: &State,
    end: EndKey,
    context: &Context<'_>,
) -> Result<KeyEnded, Rejection> {
    let key = state.key(context.author, &end.key_id).ok_or(Rejection::NoSuchKey)?;
    if let Some(index) = key.ended_at {
        return Err(Rejection::KeyEnded(index));
    }
    let is_full = |key: &&Key| key.stands() && key.has(Rights::Full);
    let full = state.keys(context.author).iter().filter(is_full).count();
    if key.has(Rights::Full) && full == 1 {
        return Err(Rejection::LastFullKey);
    }
    // The key that ends is one of those that stand.
    Ok(KeyEnded { standing: (standing(state, context) - 1) as u64 })
}

pub(super) fn decide_rotate_key(
    state: &State,
    rotate: &RotateKey,
    context: &Context<'_>,
) -> Result<KeyRotated, Rejection> {
    let RotateKey { spki, custody, label, proof: _, ends, credential } = rotate;
    if *ends != context.key_id {
        return Err(Rejection::EndsOtherKey);
    }
    let rights = Rights::Full;
    let new = NewKey { spki, custody: *custody, rights, label, credential: credential.as_ref() };
    let standing = standing(state, context);
    let others = standing.checked_sub(1).ok_or(Rejection::NoSuchKey)?;
    check_new_key(state, &new, context, others, Some(ends))?;
    Ok(KeyRotated { standing: standing as u64 })
}

/// How many keys of the author's stand.
fn standing(state: &State, context: &Context<'_>) -> usize {
    state.keys(context.author).iter().filter(|key| key.stands()).count()
}

/// Decides a new password: the roaming key itself brings it.
pub(super) fn decide_credential(
    state: &State,
    set: SetCredential,
    context: &Context<'_>,
) -> Result<CredentialSet, Rejection> {
    let SetCredential { key_id, epoch, commit: _, via: _ } = set;
    let key = state.key(context.author, &key_id).ok_or(Rejection::NoSuchKey)?;
    if let Some(index) = key.ended_at {
        return Err(Rejection::KeyEnded(index));
    }
    if key.custody != Custody::Roaming {
        return Err(Rejection::NotRoaming);
    }
    if key_id != context.key_id {
        return Err(Rejection::NotThisKey);
    }
    check_epoch(state, context.author, epoch)?;
    let before = state.credential(context.author).ok_or(Rejection::NotRoaming)?;
    Ok(CredentialSet { replaces: before.block })
}

/// Whether a credential has the number that is next for the account.
pub(super) fn check_epoch(state: &State, account: AccountId, epoch: u32) -> Result<(), Rejection> {
    let next = state.next_epoch(account);
    if epoch == next { Ok(()) } else { Err(Rejection::StaleEpoch(next)) }
}

/// Whether a key may come beside `beside` others that stand, in place of the one that ends if one does.
fn check_new_key(
    state: &State,
    new: &NewKey<'_>,
    context: &Context<'_>,
    beside: usize,
    ends: Option<&KeyId>,
) -> Result<(), Rejection> {
    if beside >= KEYS_STANDING_MAX {
        return Err(Rejection::TooManyKeys(KEYS_STANDING_MAX));
    }
    if state.keys(context.author).len() >= KEYS_EVER_MAX {
        return Err(Rejection::TooManyKeys(KEYS_EVER_MAX));
    }
    if let Some(account) = state.by_key(&KeyId::of_spki(new.spki)) {
        return Err(Rejection::KeyKnown(account));
    }
    VerifyingKey::from_spki(new.spki).map_err(Rejection::InvalidKey)?;
    if !is_label(new.label) {
        return Err(Rejection::InvalidLabel);
    }
    let is_roaming = new.custody == Custody::Roaming;
    if is_roaming && new.rights != Rights::Full {
        return Err(Rejection::InvalidRights);
    }
    if is_roaming && state.roaming_key(context.author).is_some_and(|key| Some(&key.key_id) != ends) {
        return Err(Rejection::RoamingExists);
    }
    if is_roaming && state.get(context.author).is_none_or(|member| member.profile_at.is_none()) {
        return Err(Rejection::NoProfile);
    }
    match (is_roaming, new.credential) {
        (true, None) => Err(Rejection::CredentialNeeded),
        (false, Some(_)) => Err(Rejection::CredentialUnwanted),
        (true, Some(credential)) => check_epoch(state, context.author, credential.epoch),
        (false, None) => Ok(()),
    }
}
