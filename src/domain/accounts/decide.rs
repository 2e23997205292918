//! The rules of joining, of roles and of vouching for the clock, one refusal a line, in a fixed order. The rules of keys
//! stand in `key_rules`.

use super::key_rules::{check_epoch, decide_add_key, decide_credential, decide_end_key, decide_rotate_key};
use super::{
    ClockVouched, Command, Custody, Erase, EraseReason, Erased, Event, GrantRole, Handle, Join, ProfileSet,
    Register, Registered, Rejection, ResetSecondFactor, RevokeRole, Role, RoleGranted, RoleRevoked,
    SecondFactorReset, SecondFactorSet, SetProfile, SetSecondFactor, State, VouchClock,
};
use crate::crypto::{KeyId, KeyKind, KeyPolicyError, VerifyingKey};
use crate::domain::{AccountId, Context, ScopeKind, ScopeUse, Scopes};
use crate::limits::VOUCH_AHEAD_MS;

/// Decides a registration, or a change of keys, of roles or of a profile. That the author may sign it is asked before.
///
/// # Errors
/// The [`Rejection`] of the first rule that refuses it.
pub fn decide(
    state: &State,
    scopes: &Scopes,
    command: &Command,
    context: &Context<'_>,
) -> Result<Event, Rejection> {
    match command {
        Command::Register(register) => decide_register(state, register, context).map(Event::Registered),
        Command::Join(join) => decide_join(state, join, context).map(Event::Registered),
        Command::GrantRole(grant) => decide_grant(state, grant, context).map(Event::RoleGranted),
        Command::RevokeRole(revoke) => decide_revoke(state, revoke, context).map(Event::RoleRevoked),
        Command::AddKey(add) => decide_add_key(state, add, context).map(Event::KeyAdded),
        Command::EndKey(end) => decide_end_key(state, *end, context).map(Event::KeyEnded),
        Command::RotateKey(rotate) => decide_rotate_key(state, rotate, context).map(Event::KeyRotated),
        Command::SetCredential(set) => decide_credential(state, *set, context).map(Event::CredentialSet),
        Command::SetProfile(profile) => {
            decide_profile(state, scopes, profile, context).map(Event::ProfileSet)
        }
        Command::SetSecondFactor(set) => {
            decide_second_factor(state, *set, context).map(Event::SecondFactorSet)
        }
        Command::ResetSecondFactor(reset) => {
            decide_reset(state, *reset, context).map(Event::SecondFactorReset)
        }
        Command::Erase(erase) => decide_erase(state, scopes, *erase, context).map(Event::Erased),
        Command::VouchClock(vouch) => decide_vouch(state, *vouch, context).map(Event::ClockVouched),
    }
}

fn decide_profile(
    state: &State,
    scopes: &Scopes,
    profile: &SetProfile,
    context: &Context<'_>,
) -> Result<ProfileSet, Rejection> {
    let SetProfile { scope, name, e_mail, credential } = profile;
    if let Some(credential) = credential {
        if state.roaming_key(context.author).is_none() {
            return Err(Rejection::CredentialUnwanted);
        }
        check_epoch(state, context.author, credential.epoch)?;
    }
    scopes.check_use(scope, ScopeKind::Subject, context.author.0).map_err(Rejection::WrongScope)?;
    if !name.has_a_length() || !e_mail.has_a_length() {
        return Err(Rejection::InvalidSealed);
    }
    let opened = u64::from(matches!(scope, ScopeUse::Open(_)));
    Ok(ProfileSet { scopes: scopes.count() + opened })
}

/// That the author has shown a code is asked before, by a guard: codes stand in no block.
fn decide_second_factor(
    state: &State,
    set: SetSecondFactor,
    context: &Context<'_>,
) -> Result<SecondFactorSet, Rejection> {
    let next = state.next_generation(context.author);
    if set.generation != next {
        return Err(Rejection::StaleGeneration(next));
    }
    let before = state.second_factor(context.author);
    if set.off && before.is_none() {
        return Err(Rejection::NotEnrolled(context.author));
    }
    Ok(SecondFactorSet { replaces: before.map(|before| before.block) })
}

fn decide_reset(
    state: &State,
    reset: ResetSecondFactor,
    context: &Context<'_>,
) -> Result<SecondFactorReset, Rejection> {
    let account = reset.account;
    if !state.is_operator(context.author) {
        return Err(Rejection::NotOperator);
    }
    if state.get(account).is_none() {
        return Err(Rejection::InvalidUser(account));
    }
    if let Some(block) = state.erased_at(account) {
        return Err(Rejection::Erased { account, block });
    }
    let factor = state.second_factor(account).ok_or(Rejection::NotEnrolled(account))?;
    Ok(SecondFactorReset { ends: factor.block })
}

/// What stands in the way of an erasure in any domain is asked afterwards.
fn decide_erase(
    state: &State,
    scopes: &Scopes,
    erase: Erase,
    context: &Context<'_>,
) -> Result<Erased, Rejection> {
    let Erase { account, reason, force } = erase;
    let is_own_wish = reason == EraseReason::OwnWish;
    let by_itself = account == context.author && is_own_wish && !force;
    let by_operator = state.is_operator(context.author) && !is_own_wish;
    if !by_itself && !by_operator {
        return Err(Rejection::MayNotErase);
    }
    let member = state.get(account).ok_or(Rejection::InvalidUser(account))?;
    if let Some(block) = state.erased_at(account) {
        return Err(Rejection::Erased { account, block });
    }
    let keys = member.keys.iter().filter(|key| key.stands()).count() as u64;
    let (roles, scopes) = (state.roles_of(account).count() as u64, scopes.live_of(account));
    // What ends with the account in other domains, these add.
    Ok(Erased { keys, roles, scopes, secrets: state.secrets_of(account), purchases: Vec::new() })
}

fn decide_vouch(state: &State, vouch: VouchClock, context: &Context<'_>) -> Result<ClockVouched, Rejection> {
    if !state.is_operator(context.author) {
        return Err(Rejection::NotOperator);
    }
    // A clock that is behind is not ahead.
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
    Ok(RoleGranted { holders: state.holders(role) + 1 })
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
    Ok(RoleRevoked { holders: state.holders(role) - 1 })
}

fn check_role_change(state: &State, account: AccountId, context: &Context<'_>) -> Result<(), Rejection> {
    if !state.is_operator(context.author) {
        return Err(Rejection::NotOperator);
    }
    if state.get(account).is_none() {
        return Err(Rejection::InvalidUser(account));
    }
    match state.erased_at(account) {
        Some(block) => Err(Rejection::Erased { account, block }),
        None => Ok(()),
    }
}

fn decide_register(
    state: &State,
    register: &Register,
    context: &Context<'_>,
) -> Result<Registered, Rejection> {
    let Register { handle, public_key } = register;
    check_newcomer(state, handle, public_key, context)
}

/// A registration with a profile has to meet what every registration has to, and more.
fn decide_join(state: &State, join: &Join, context: &Context<'_>) -> Result<Registered, Rejection> {
    let Join { handle, public_key, custody, scope_key: _, name, e_mail, commit } = join;
    let registered = check_newcomer(state, handle, public_key, context)?;
    match (custody, commit) {
        (Custody::Device, _) => return Err(Rejection::InvalidCustody),
        (Custody::Roaming, None) => return Err(Rejection::CredentialNeeded),
        (Custody::File, Some(_)) => return Err(Rejection::CredentialUnwanted),
        (Custody::Roaming, Some(_)) | (Custody::File, None) => {}
    }
    if !name.has_a_length() || !e_mail.has_a_length() {
        return Err(Rejection::InvalidSealed);
    }
    Ok(registered)
}

fn check_newcomer(
    state: &State,
    handle: &str,
    public_key: &[u8],
    context: &Context<'_>,
) -> Result<Registered, Rejection> {
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
    let key = VerifyingKey::from_spki(public_key).map_err(Rejection::InvalidKey)?;
    if key.kind() != KeyKind::Rsa3072 {
        return Err(Rejection::InvalidKey(KeyPolicyError::Algorithm));
    }
    Ok(Registered { account: state.next_id() })
}
