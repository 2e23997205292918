//! The rules of joining and of roles, one refusal a line, in a fixed order.

use std::fmt;

use super::{
    ClockVouched, Command, Event, GrantRole, Handle, InvalidHandle, Register, Registered, RevokeRole, Role,
    RoleGranted, RoleRevoked, State, VouchClock,
};
use crate::crypto::{KeyId, KeyPolicyError, VerifyingKey};
use crate::domain::{AccountId, Context, Fact, Value};
use crate::limits::VOUCH_AHEAD_MS;
use crate::refusal;

/// Why a registration or a change of roles was refused.
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
    /// Only an operator gives and takes roles, and says what time it is.
    NotOperator,
    /// There is no such member.
    InvalidUser(AccountId),
    /// The member has the role already.
    RoleHeld,
    /// The member does not have the role.
    RoleNotHeld,
    /// Without this operator there would be none.
    LastOperator,
    /// Block times are not ahead of the time that was vouched for.
    ClockInLine,
}

/// Decides a registration, or a change of roles.
///
/// # Errors
/// The [`Rejection`] of the first rule that refuses it.
pub fn decide(state: &State, command: &Command, context: &Context<'_>) -> Result<Event, Rejection> {
    match command {
        Command::Register(register) => decide_register(state, register, context).map(Event::Registered),
        Command::GrantRole(grant) => decide_grant(state, grant, context).map(Event::RoleGranted),
        Command::RevokeRole(revoke) => decide_revoke(state, revoke, context).map(Event::RoleRevoked),
        Command::VouchClock(vouch) => decide_vouch(state, *vouch, context).map(Event::ClockVouched),
    }
}

fn decide_vouch(state: &State, vouch: VouchClock, context: &Context<'_>) -> Result<ClockVouched, Rejection> {
    if !state.is_operator(context.author) {
        return Err(Rejection::NotOperator);
    }
    let ahead_ms = context.timestamp.millis().saturating_sub(vouch.time_ms);
    if ahead_ms <= VOUCH_AHEAD_MS {
        return Err(Rejection::ClockInLine);
    }
    Ok(ClockVouched { ahead_ms })
}

fn decide_grant(state: &State, grant: &GrantRole, context: &Context<'_>) -> Result<RoleGranted, Rejection> {
    let GrantRole { account, role } = *grant;
    check_role_change(state, account, context)?;
    if state.has_role(account, role) {
        return Err(Rejection::RoleHeld);
    }
    Ok(RoleGranted { holders: state.holders(role).saturating_add(1) })
}

fn decide_revoke(
    state: &State,
    revoke: &RevokeRole,
    context: &Context<'_>,
) -> Result<RoleRevoked, Rejection> {
    let RevokeRole { account, role } = *revoke;
    check_role_change(state, account, context)?;
    if !state.has_role(account, role) {
        return Err(Rejection::RoleNotHeld);
    }
    if role == Role::Operator && state.holders(role) == 1 {
        return Err(Rejection::LastOperator);
    }
    Ok(RoleRevoked { holders: state.holders(role).saturating_sub(1) })
}

fn check_role_change(state: &State, account: AccountId, context: &Context<'_>) -> Result<(), Rejection> {
    if !state.is_operator(context.author) {
        return Err(Rejection::NotOperator);
    }
    if state.get(account).is_none() {
        return Err(Rejection::InvalidUser(account));
    }
    Ok(())
}

fn decide_register(
    state: &State,
    register: &Register,
    context: &Context<'_>,
) -> Result<Registered, Rejection> {
    let Register { handle, public_key } = register;
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
    VerifyingKey::from_spki(public_key).map_err(Rejection::InvalidKey)?;
    Ok(Registered { account: state.next_id() })
}

impl Rejection {
    /// The stable machine name.
    pub fn name(&self) -> &'static str {
        match self {
            Rejection::NotAnonymous => refusal::NO_PERMISSION,
            Rejection::InvalidHandle(_) => refusal::INVALID_HANDLE,
            Rejection::InvalidKey(_) => refusal::INVALID_KEY,
            Rejection::NotItsKey => refusal::KEY_MISMATCH,
            Rejection::AlreadyRegistered(_) => refusal::ALREADY_REGISTERED,
            Rejection::HandleTaken => refusal::HANDLE_TAKEN,
            Rejection::NotOperator => refusal::NO_PERMISSION,
            Rejection::InvalidUser(_) => refusal::INVALID_USER,
            Rejection::RoleHeld => refusal::ROLE_HELD,
            Rejection::RoleNotHeld => refusal::ROLE_NOT_HELD,
            Rejection::LastOperator => refusal::LAST_OPERATOR,
            Rejection::ClockInLine => refusal::CLOCK_IN_LINE,
        }
    }
}

impl Rejection {
    /// What the sentence is filled with.
    pub fn facts(&self) -> Vec<(Fact, Value)> {
        match self {
            Rejection::AlreadyRegistered(account) | Rejection::InvalidUser(account) => {
                vec![(Fact::Account, account.0.into())]
            }
            Rejection::NotAnonymous
            | Rejection::InvalidHandle(_)
            | Rejection::InvalidKey(_)
            | Rejection::NotItsKey
            | Rejection::HandleTaken
            | Rejection::NotOperator
            | Rejection::RoleHeld
            | Rejection::RoleNotHeld
            | Rejection::LastOperator
            | Rejection::ClockInLine => Vec::new(),
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
            Rejection::NotOperator => {
                f.write_str("only an operator gives and takes roles, and vouches for the clock")
            }
            Rejection::InvalidUser(account) => write!(f, "there is no account {account}"),
            Rejection::RoleHeld => f.write_str("the account has this role already"),
            Rejection::RoleNotHeld => f.write_str("the account does not have this role"),
            Rejection::LastOperator => f.write_str("a ledger keeps at least one operator"),
            Rejection::ClockInLine => f.write_str(
                "block times are not ahead of that time by more than 5 minutes: nothing to vouch for",
            ),
        }
    }
}
