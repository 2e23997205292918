//! What may be asked of a command of membership, and what a new one has to meet beside the rules.

use super::{
    ClockVouched, Command, Erased, Handle, KeyAdded, KeyEnded, KeyRotated, ProfileSet, Registered, Rejection,
    Rights, RoleGranted, RoleRevoked, key_proof_bytes,
};
use crate::crypto::{KeyId, LedgerId};
use crate::domain::{
    AccountId, Declined, Endorsement, Endorser, EndsSessions, Fact, SealedField, SealedPart, Signer, TextForm,
};
use crate::limits::ISSUED_AT_FUTURE_MS_MAX;
use crate::refusal;
use crate::time::Timestamp;

impl Command {
    pub(in crate::domain) fn signer(&self) -> Signer<'_> {
        match self {
            Command::Register(register) => Signer::Itself(&register.public_key),
            Command::GrantRole(_)
            | Command::RevokeRole(_)
            | Command::AddKey(_)
            | Command::EndKey(_)
            | Command::RotateKey(_)
            | Command::SetProfile(_)
            | Command::Erase(_)
            | Command::VouchClock(_) => Signer::Author,
        }
    }

    /// What changes keys, roles or a profile, or erases an account, needs a key with full rights.
    pub(in crate::domain) fn needs(&self) -> Rights {
        match self {
            Command::Register(_)
            | Command::GrantRole(_)
            | Command::RevokeRole(_)
            | Command::AddKey(_)
            | Command::EndKey(_)
            | Command::RotateKey(_)
            | Command::SetProfile(_)
            | Command::Erase(_) => Rights::Full,
            Command::VouchClock(_) => Rights::Act,
        }
    }

    /// A new key proves that whoever introduces it has its private half.
    pub(in crate::domain) fn endorsements(
        &self,
        ledger_id: LedgerId,
        author: AccountId,
    ) -> Vec<Endorsement<'_>> {
        let (spki, proof) = match self {
            Command::AddKey(add) => (&add.spki, &add.proof),
            Command::RotateKey(rotate) => (&rotate.spki, &rotate.proof),
            Command::Register(_)
            | Command::GrantRole(_)
            | Command::RevokeRole(_)
            | Command::EndKey(_)
            | Command::SetProfile(_)
            | Command::Erase(_)
            | Command::VouchClock(_) => return Vec::new(),
        };
        vec![Endorsement {
            by: Endorser::Itself(spki),
            signed: key_proof_bytes(ledger_id, author, &KeyId::of_spki(spki)),
            signature: proof,
            refusal: (
                refusal::BAD_KEY_PROOF,
                "the new key has not signed that it is to be a key of this account on this ledger",
            ),
        }]
    }

    /// Whoever has lost a role authenticates again; a key that has ended, or whose account was erased, opens nothing any more.
    pub(in crate::domain) fn ends_sessions_of(&self) -> Option<EndsSessions> {
        match self {
            Command::RevokeRole(revoke) => Some(EndsSessions::OfAccount(revoke.account)),
            Command::Erase(erase) => Some(EndsSessions::OfAccount(erase.account)),
            Command::EndKey(end) => Some(EndsSessions::OfKey(end.key_id)),
            Command::RotateKey(rotate) => Some(EndsSessions::OfKey(rotate.ends)),
            Command::Register(_)
            | Command::GrantRole(_)
            | Command::AddKey(_)
            | Command::SetProfile(_)
            | Command::VouchClock(_) => None,
        }
    }

    pub(in crate::domain) fn event_bytes_max(&self) -> usize {
        match self {
            Command::Register(_) => Registered::BYTES_MAX,
            Command::GrantRole(_) => RoleGranted::BYTES_MAX,
            Command::RevokeRole(_) => RoleRevoked::BYTES_MAX,
            Command::AddKey(_) => KeyAdded::BYTES_MAX,
            Command::EndKey(_) => KeyEnded::BYTES_MAX,
            Command::RotateKey(_) => KeyRotated::BYTES_MAX,
            Command::SetProfile(_) => ProfileSet::BYTES_MAX,
            Command::Erase(_) => Erased::BYTES_MAX,
            Command::VouchClock(_) => ClockVouched::BYTES_MAX,
        }
    }

    /// The sealed fields; none of a command that has none.
    pub(in crate::domain) fn sealed(&self) -> Option<SealedPart<'_>> {
        match self {
            Command::SetProfile(profile) => Some(SealedPart {
                scope: profile.scope,
                fields: vec![
                    SealedField { number: 0, sealed: &profile.name, form: TextForm::Free },
                    SealedField { number: 1, sealed: &profile.e_mail, form: TextForm::EMail },
                ],
            }),
            Command::Register(_)
            | Command::GrantRole(_)
            | Command::RevokeRole(_)
            | Command::AddKey(_)
            | Command::EndKey(_)
            | Command::RotateKey(_)
            | Command::Erase(_)
            | Command::VouchClock(_) => None,
        }
    }

    pub(in crate::domain) fn guard(&self, clock: Timestamp) -> Result<(), Declined> {
        match self {
            Command::Register(register) => guard_handle(&register.handle),
            Command::VouchClock(vouch) => guard_vouched(vouch.time_ms, clock),
            Command::GrantRole(_)
            | Command::RevokeRole(_)
            | Command::AddKey(_)
            | Command::EndKey(_)
            | Command::RotateKey(_)
            | Command::SetProfile(_)
            | Command::Erase(_) => Ok(()),
        }
    }
}

/// A handle without a letter could be taken for the number of an account.
fn guard_handle(handle: &str) -> Result<(), Declined> {
    let guarded = |reason| {
        let rejection = Rejection::InvalidHandle(reason);
        Declined { name: rejection.name(), sentence: rejection.to_string(), facts: rejection.facts() }
    };
    Handle::of_newcomer(handle).map(drop).map_err(guarded)
}

/// What is vouched for is the clock of this server: it measures from then on.
fn guard_vouched(time_ms: u64, clock: Timestamp) -> Result<(), Declined> {
    if time_ms.abs_diff(clock.millis()) <= ISSUED_AT_FUTURE_MS_MAX {
        return Ok(());
    }
    let vouched = Timestamp::from_millis(time_ms);
    let sentence = format!("the time vouched for is {vouched}, and the server's clock says {clock}");
    Err(Declined {
        facts: vec![(Fact::Until, clock.into())],
        ..Declined::new(refusal::CLOCK_DIFFERS, sentence)
    })
}
