//! The rules of keys, one refusal a line, in a fixed order: who may sign, and which keys come and end. That a new key has
//! signed its proof is checked before.

use super::{
    AddKey, Credential, Custody, EndKey, Key, KeyAdded, KeyEnded, KeyRotated, Rejection, Rights, RotateKey,
    State, is_label,
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
    credential: Option<&'a Credential>,
}

pub(super) fn decide_add_key(
    state: &State,
    add: &AddKey,
    context: &Context<'_>,
) -> Result<KeyAdded, Rejection> {
    let AddKey { spki, custody, rights, label, proof: _, credential } = add;
    let new = NewKey { spki, custody: *custody, rights: *rights, label, credential: credential.as_ref() };
    let standing = standing(state, context);
    check_new_key(state, &new, context, standing)?;
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
    check_new_key(state, &new, context, others)?;
    Ok(KeyRotated { standing: standing as u64 })
}

/// How many keys of the author's stand.
fn standing(state: &State, context: &Context<'_>) -> usize {
    state.keys(context.author).iter().filter(|key| key.stands()).count()
}

/// Whether a key may come beside `beside` others that stand.
fn check_new_key(
    state: &State,
    new: &NewKey<'_>,
    context: &Context<'_>,
    beside: usize,
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
    if new.custody == Custody::Roaming {
        // No rule gives anybody a password yet, so that nobody can have a key that a password fetches.
        return Err(match new.rights {
            Rights::Act => Rejection::InvalidRights,
            Rights::Full => Rejection::NoProfile,
        });
    }
    if new.credential.is_some() { Err(Rejection::CredentialUnwanted) } else { Ok(()) }
}
