//! What may be asked of a command of membership, and what a new one has to meet beside the rules.

use super::{
    AddKey, ClockVouched, Command, CredentialCommit, CredentialSet, Erased, Handle, Join, KeyAdded, KeyEnded,
    KeyRotated, ProfileSet, Registered, Rejection, Rights, Role, RoleGranted, RoleRevoked, RotateKey,
    SecondFactorReset, SecondFactorSet, SetCredential, SetProfile, key_proof_bytes,
};
use crate::crypto::sealed::Sealed;
use crate::crypto::{KeyId, LedgerId};
use crate::domain::{
    AccountId, CredentialPart, Declined, Endorsement, Endorser, EndsSessions, Fact, RoleUse, ScopeUse,
    SealedField, SealedPart, Signer, TextForm,
};
use crate::limits::ISSUED_AT_FUTURE_MS_MAX;
use crate::refusal;
use crate::time::Timestamp;

impl Command {
    pub(in crate::domain) fn signer(&self) -> Signer<'_> {
        match self {
            Command::Register(register) => Signer::Itself(&register.public_key),
            Command::Join(join) => Signer::Itself(&join.public_key),
            Command::GrantRole(_)
            | Command::RevokeRole(_)
            | Command::AddKey(_)
            | Command::EndKey(_)
            | Command::RotateKey(_)
            | Command::SetCredential(_)
            | Command::SetProfile(_)
            | Command::SetSecondFactor(_)
            | Command::ResetSecondFactor(_)
            | Command::Erase(_)
            | Command::VouchClock(_) => Signer::Author,
        }
    }

    /// What changes keys, roles or a profile, or erases an account, needs a key with full rights.
    pub(in crate::domain) fn needs(&self) -> Rights {
        match self {
            Command::Register(_)
            | Command::Join(_)
            | Command::GrantRole(_)
            | Command::RevokeRole(_)
            | Command::AddKey(_)
            | Command::EndKey(_)
            | Command::RotateKey(_)
            | Command::SetCredential(_)
            | Command::SetProfile(_)
            | Command::SetSecondFactor(_)
            | Command::ResetSecondFactor(_)
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
            | Command::Join(_)
            | Command::GrantRole(_)
            | Command::RevokeRole(_)
            | Command::EndKey(_)
            | Command::SetCredential(_)
            | Command::SetProfile(_)
            | Command::SetSecondFactor(_)
            | Command::ResetSecondFactor(_)
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

    /// Whoever has lost a role or a second factor authenticates again; a key that has ended, or whose account was erased, opens nothing any more.
    pub(in crate::domain) fn ends_sessions_of(&self) -> Option<EndsSessions> {
        match self {
            Command::RevokeRole(revoke) => Some(EndsSessions::OfAccount(revoke.account)),
            Command::Erase(erase) => Some(EndsSessions::OfAccount(erase.account)),
            Command::ResetSecondFactor(reset) => Some(EndsSessions::OfAccount(reset.account)),
            Command::EndKey(end) => Some(EndsSessions::OfKey(end.key_id)),
            Command::RotateKey(rotate) => Some(EndsSessions::OfKey(rotate.ends)),
            Command::SetCredential(_) => Some(EndsSessions::OthersOfAuthor),
            Command::Register(_)
            | Command::Join(_)
            | Command::GrantRole(_)
            | Command::AddKey(_)
            | Command::SetProfile(_)
            | Command::SetSecondFactor(_)
            | Command::VouchClock(_) => None,
        }
    }

    /// What an operator may, and what of it nobody may without a second factor.
    pub(in crate::domain) fn role_use(&self, author: AccountId) -> Option<RoleUse> {
        let weighty = match self {
            Command::GrantRole(grant) => matches!(grant.role, Role::Agent | Role::Auditor),
            Command::ResetSecondFactor(_) => true,
            Command::RevokeRole(_) | Command::VouchClock(_) => false,
            Command::Erase(erase) if erase.account != author => false,
            Command::Erase(_)
            | Command::Register(_)
            | Command::Join(_)
            | Command::AddKey(_)
            | Command::EndKey(_)
            | Command::RotateKey(_)
            | Command::SetCredential(_)
            | Command::SetProfile(_)
            | Command::SetSecondFactor(_) => return None,
        };
        Some(RoleUse { role: Role::Operator, weighty })
    }

    pub(in crate::domain) fn event_bytes_max(&self) -> usize {
        match self {
            Command::Register(_) | Command::Join(_) => Registered::BYTES_MAX,
            Command::GrantRole(_) => RoleGranted::BYTES_MAX,
            Command::RevokeRole(_) => RoleRevoked::BYTES_MAX,
            Command::AddKey(_) => KeyAdded::BYTES_MAX,
            Command::EndKey(_) => KeyEnded::BYTES_MAX,
            Command::RotateKey(_) => KeyRotated::BYTES_MAX,
            Command::SetCredential(_) => CredentialSet::BYTES_MAX,
            Command::SetProfile(_) => ProfileSet::BYTES_MAX,
            Command::SetSecondFactor(_) => SecondFactorSet::BYTES_MAX,
            Command::ResetSecondFactor(_) => SecondFactorReset::BYTES_MAX,
            Command::Erase(_) => Erased::BYTES_MAX,
            Command::VouchClock(_) => ClockVouched::BYTES_MAX,
        }
    }

    /// The sealed fields; none of a command that has none.
    pub(in crate::domain) fn sealed(&self) -> Option<SealedPart<'_>> {
        match self {
            Command::SetProfile(SetProfile { scope, name, e_mail, .. }) => {
                Some(SealedPart { scope: *scope, fields: profile_fields(name, e_mail) })
            }
            Command::Join(Join { scope_key, name, e_mail, .. }) => {
                Some(SealedPart { scope: ScopeUse::Open(*scope_key), fields: profile_fields(name, e_mail) })
            }
            Command::Register(_)
            | Command::GrantRole(_)
            | Command::RevokeRole(_)
            | Command::AddKey(_)
            | Command::EndKey(_)
            | Command::RotateKey(_)
            | Command::SetCredential(_)
            | Command::SetSecondFactor(_)
            | Command::ResetSecondFactor(_)
            | Command::Erase(_)
            | Command::VouchClock(_) => None,
        }
    }

    /// The credential whose commit the command carries.
    pub(in crate::domain) fn credential(&self) -> Option<CredentialPart> {
        let part = |key_id, commit: CredentialCommit| CredentialPart { key_id, commit };
        match self {
            Command::Join(join) => {
                join.credential().map(|commit| part(Some(KeyId::of_spki(&join.public_key)), commit))
            }
            Command::AddKey(AddKey { spki, credential, .. })
            | Command::RotateKey(RotateKey { spki, credential, .. }) => {
                credential.map(|commit| part(Some(KeyId::of_spki(spki)), commit))
            }
            // The key is the roaming one that the author has, which only the state knows.
            Command::SetProfile(profile) => profile.credential.map(|commit| part(None, commit)),
            Command::SetCredential(SetCredential { key_id, epoch, commit, .. }) => {
                Some(part(Some(*key_id), CredentialCommit { epoch: *epoch, commit: *commit }))
            }
            Command::Register(_)
            | Command::GrantRole(_)
            | Command::RevokeRole(_)
            | Command::EndKey(_)
            | Command::SetSecondFactor(_)
            | Command::ResetSecondFactor(_)
            | Command::Erase(_)
            | Command::VouchClock(_) => None,
        }
    }

    pub(in crate::domain) fn guard(&self, clock: Timestamp) -> Result<(), Declined> {
        match self {
            Command::Register(register) => guard_handle(&register.handle),
            Command::Join(join) => guard_handle(&join.handle),
            Command::VouchClock(vouch) => guard_vouched(vouch.time_ms, clock),
            Command::GrantRole(_)
            | Command::RevokeRole(_)
            | Command::AddKey(_)
            | Command::EndKey(_)
            | Command::RotateKey(_)
            | Command::SetCredential(_)
            | Command::SetProfile(_)
            | Command::SetSecondFactor(_)
            | Command::ResetSecondFactor(_)
            | Command::Erase(_) => Ok(()),
        }
    }
}

/// The sealed fields of a profile.
fn profile_fields<'a>(name: &'a Sealed, e_mail: &'a Sealed) -> Vec<SealedField<'a>> {
    vec![
        SealedField { number: 0, sealed: name, form: TextForm::Name },
        SealedField { number: 1, sealed: e_mail, form: TextForm::EMail },
    ]
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
