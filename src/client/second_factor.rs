//! A second factor, the client's side: enrolling one, new spare codes, and ending it.

use zeroize::Zeroizing;

use super::ClientError;
use super::accounts::fetch_me;
use super::link::{Member, question, server_time_of};
use super::sending::{Submitted, settle_sealed, submit_once, submit_sealed_once};
use crate::codec;
use crate::domain::accounts::{self, ResetReason, ResetSecondFactor, SET_SECOND_FACTOR, SetSecondFactor};
use crate::domain::{AccountId, Command, Fact};
use crate::refusal;
use crate::second_factor::{Secret, SpareCode};
use crate::wire::{Side, WrongCodes};

/// Codes that are asked for at most, one after the other.
const CODES_MAX: u32 = 5;

/// A second factor that the server offers, until a code of it is given over the same session.
pub struct FactorOffer {
    /// The secret for the telephone; none where the one before stays.
    pub secret: Option<Secret>,
    /// The secret as a telephone reads it from a QR code; none where there is no secret.
    pub uri: Option<Zeroizing<String>>,
    /// The spare codes, each of which stands in for the telephone once.
    pub spare_codes: Vec<SpareCode>,
    generation: u32,
}

/// Asks the server for a new second factor; with `keep_secret` for new spare codes alone.
///
/// # Errors
/// [`ClientError::Refused`] with `not_enrolled` when there is no secret to keep.
pub fn begin_factor(member: &mut Member, keep_secret: bool) -> Result<FactorOffer, ClientError> {
    let offer = member.ask(&question::FactorWanted { keep_secret })?;
    let handle = fetch_me(member)?.handle;
    let secret = offer.secret.map(Secret::of_bytes);
    let uri = secret.as_ref().and_then(|secret| secret.uri(member.server().log_key.origin(), &handle));
    let spare_codes = offer.codes.map(SpareCode::of_bytes).into();
    Ok(FactorOffer { secret, uri, spare_codes, generation: offer.generation })
}

/// What became of a second factor that an earlier run has sent without telling; none if there is nothing left to tell.
///
/// # Errors
/// [`ClientError::Unknown`].
pub fn settle_factor(member: &mut Member) -> Result<Option<Submitted>, ClientError> {
    match settle_sealed(member, SET_SECOND_FACTOR, &codec::encode(&false)) {
        // The session to which the secret was offered is gone.
        Err(ClientError::Refused(_)) => Ok(None),
        done => done,
    }
}

/// Makes what was offered the second factor of the account. `code` is asked for what the telephone shows: a person types a wrong
/// one now and then. `again` is called when an earlier run has enrolled one without telling: that one counts then.
///
/// # Errors
/// [`ClientError::Refused`] with `invalid_code`, or with `second_factor_needed` when the account has a second factor already and
/// nobody gives a code of that.
pub fn confirm_factor(
    member: &mut Member,
    offer: &FactorOffer,
    code: &mut dyn FnMut() -> Option<Zeroizing<String>>,
    again: &mut dyn FnMut(),
) -> Result<Submitted, ClientError> {
    let mut refused = None;
    for _ in 0..CODES_MAX {
        let Some(code) = code() else { break };
        let side = Side { code: Some(code.to_string()), ..Side::default() };
        match set(member, (offer.generation, false), &side, again) {
            Err(ClientError::Refused(needed)) if needed.name == refusal::SECOND_FACTOR_NEEDED => {
                // One of the factor that is there still; the code of the new one is asked for again, because time has passed.
                member.give_code(needed)?;
            }
            Err(ClientError::Refused(refusal)) if refusal.name == refusal::INVALID_CODE => {
                server_time_of(member.home(), &refusal);
                refused = Some(refusal);
            }
            done => return done,
        }
    }
    let none = || ClientError::Usage("no code was given: nothing has changed".to_owned());
    Err(refused.map_or_else(none, ClientError::Refused))
}

/// Gives a code now: it counts for this session, and for those that its tickets resume. Gives the wrong codes before it.
///
/// # Errors
/// [`ClientError::Refused`] with `invalid_code`, `not_enrolled` or `try_later`.
pub fn give_code(member: &mut Member, code: Zeroizing<String>) -> Result<WrongCodes, ClientError> {
    member.ask(&question::CodeGiven(code))
}

/// Ends the second factor of the account.
///
/// # Errors
/// [`ClientError::Refused`] with `not_enrolled`, or with `second_factor_needed` when nobody gives a code.
pub fn end_factor(member: &mut Member, again: &mut dyn FnMut()) -> Result<Submitted, ClientError> {
    let mut generation = 1;
    loop {
        let mut end = |member: &mut Member| set(member, (generation, true), &Side::default(), again);
        match member.with_second_factor(&mut end) {
            // The number is the account's next one, which the refusal says.
            Err(ClientError::Refused(refusal)) if refusal.name == refusal::STALE_GENERATION => {
                let next = refusal.number(Fact::Wanted).and_then(|next| u32::try_from(next).ok());
                match next.filter(|next| *next > generation) {
                    Some(next) => generation = next,
                    None => return Err(ClientError::Refused(refusal)),
                }
            }
            done => return done,
        }
    }
}

fn set(
    member: &mut Member,
    (generation, off): (u32, bool),
    side: &Side,
    again: &mut dyn FnMut(),
) -> Result<Submitted, ClientError> {
    let command = Command::Accounts(accounts::Command::SetSecondFactor(SetSecondFactor { generation, off }));
    // A run that does not know what became of it asks for the same under another number.
    let wanted = codec::encode(&off);
    let seal = |_| Ok((command, side.clone()));
    submit_sealed_once(member, SET_SECOND_FACTOR, &wanted, seal, again)
}

/// Ends the second factor of a member who can give no code any more; for operators.
///
/// # Errors
/// As for [`submit_once`].
pub fn reset_factor(
    member: &mut Member,
    (account, reason): (AccountId, ResetReason),
    again: &mut dyn FnMut(),
) -> Result<Submitted, ClientError> {
    let reset = accounts::Command::ResetSecondFactor(ResetSecondFactor { account, reason });
    submit_once(member, &Command::Accounts(reset), None, again)
}
