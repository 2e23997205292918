//! The rules of joining, one refusal a line, in a fixed order.

use std::fmt;

use super::{Command, Event, Handle, InvalidHandle, Register, Registered, State};
use crate::crypto::KeyId;
use crate::crypto::rsa::{KeyPolicyError, PublicKey};
use crate::domain::{AccountId, Context};

/// Why a registration was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// A member cannot register once more over its own session.
    NotAnonymous,
    /// The handle breaks a rule of form.
    InvalidHandle(InvalidHandle),
    /// The key breaks the key policy.
    InvalidKey(KeyPolicyError),
    /// The command was signed by another key than the one it contains.
    NotItsKey,
    /// The key belongs to this account already.
    AlreadyRegistered(AccountId),
    /// Somebody has the handle, or one that differs in case only.
    HandleTaken,
}

/// Decides a registration.
///
/// # Errors
/// The [`Rejection`] of the first rule that refuses it.
pub fn decide(state: &State, command: &Command, context: &Context) -> Result<Event, Rejection> {
    let Command::Register(Register { handle, public_key }) = command;
    if context.author != AccountId::NONE {
        return Err(Rejection::NotAnonymous);
    }
    let handle = Handle::new(handle).map_err(Rejection::InvalidHandle)?;
    if KeyId::of_spki(public_key) != context.key_id {
        return Err(Rejection::NotItsKey);
    }
    if let Some(account) = state.by_key(&context.key_id) {
        return Err(Rejection::AlreadyRegistered(account));
    }
    if state.by_handle(&handle).is_some() {
        return Err(Rejection::HandleTaken);
    }
    PublicKey::from_spki(public_key).map_err(Rejection::InvalidKey)?;
    Ok(Event::Registered(Registered { account: state.next_id() }))
}

impl Rejection {
    /// The stable machine name.
    pub fn name(&self) -> &'static str {
        match self {
            Rejection::NotAnonymous => "no_permission",
            Rejection::InvalidHandle(_) => "invalid_handle",
            Rejection::InvalidKey(_) => "invalid_key",
            Rejection::NotItsKey => "key_mismatch",
            Rejection::AlreadyRegistered(_) => "already_registered",
            Rejection::HandleTaken => "handle_taken",
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rejection::NotAnonymous => {
                f.write_str("a registration comes from somebody who has no account yet")
            }
            Rejection::InvalidHandle(reason) => reason.fmt(f),
            Rejection::InvalidKey(reason) => reason.fmt(f),
            Rejection::NotItsKey => f.write_str("a registration is signed by the key that it contains"),
            Rejection::AlreadyRegistered(account) => {
                write!(f, "this key belongs to account {account} already")
            }
            Rejection::HandleTaken => f.write_str("this handle is taken"),
        }
    }
}
