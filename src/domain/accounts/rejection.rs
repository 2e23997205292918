//! Why the rules of membership refuse: the names for programs, the facts, and the sentences for people.

use std::fmt;

use super::{InvalidHandle, LABEL_BYTES_MAX};
use crate::crypto::KeyPolicyError;
use crate::crypto::sealed::ScopeId;
use crate::domain::{AccountId, Fact, Value};
use crate::limits::KEYS_EVER_MAX;
use crate::refusal;

/// Why a registration, or a change of keys or of roles was refused; or why somebody may not sign.
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
    /// The key that signed is none of the account's.
    NoSuchSigner,
    /// The key has ended, in this block.
    KeyEnded(u64),
    /// The key may not sign what needs full rights.
    NeedsFullKey,
    /// The account has as many keys as it may have, or has introduced as many as it may ever.
    TooManyKeys(usize),
    /// The key belongs to this account, or did before it ended.
    KeyKnown(AccountId),
    /// The label breaks the rule of its form.
    InvalidLabel,
    /// A roaming key has full rights.
    InvalidRights,
    /// Only whoever has a password has a roaming key.
    NoProfile,
    /// Only an account with a roaming key has a credential.
    CredentialUnwanted,
    /// A roaming key comes with a credential.
    CredentialNeeded,
    /// The account has a roaming key already.
    RoamingExists,
    /// A new member's key is in a file, or roams.
    InvalidCustody,
    /// The credential has to have this number.
    StaleEpoch(u32),
    /// The second factor has to have this number.
    StaleGeneration(u32),
    /// The account has no second factor.
    NotEnrolled(AccountId),
    /// The key is none that a password fetches.
    NotRoaming,
    /// A new password is signed by the key that it fetches.
    NotThisKey,
    /// The account has no such key.
    NoSuchKey,
    /// Without this key the account could change nothing about its keys any more.
    LastFullKey,
    /// A rotation ends another key than the one that signs it.
    EndsOtherKey,
    /// The sealed texts are not in the scope in which they have to be: this one, or one that the command opens.
    WrongScope(Option<ScopeId>),
    /// A sealed text has a length that no sealed text has.
    InvalidSealed,
    /// An account was erased, in a block.
    Erased {
        /// The account.
        account: AccountId,
        /// The block.
        block: u64,
    },
    /// An account is erased by itself, of its own wish and without force, or by an operator for another reason.
    MayNotErase,
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
            Rejection::NoSuchSigner
            | Rejection::NeedsFullKey
            | Rejection::EndsOtherKey
            | Rejection::NotThisKey => refusal::NO_PERMISSION,
            Rejection::KeyEnded(_) => refusal::KEY_ENDED,
            Rejection::TooManyKeys(_) => refusal::TOO_MANY_KEYS,
            Rejection::KeyKnown(_) => refusal::KEY_KNOWN,
            Rejection::InvalidLabel => refusal::INVALID_LABEL,
            Rejection::InvalidRights => refusal::INVALID_RIGHTS,
            Rejection::NoProfile => refusal::NO_PROFILE,
            Rejection::CredentialUnwanted => refusal::CREDENTIAL_UNWANTED,
            Rejection::CredentialNeeded => refusal::CREDENTIAL_NEEDED,
            Rejection::RoamingExists => refusal::ROAMING_EXISTS,
            Rejection::InvalidCustody => refusal::INVALID_CUSTODY,
            Rejection::StaleEpoch(_) => refusal::STALE_EPOCH,
            Rejection::StaleGeneration(_) => refusal::STALE_GENERATION,
            Rejection::NotEnrolled(_) => refusal::NOT_ENROLLED,
            Rejection::NotRoaming => refusal::NOT_ROAMING,
            Rejection::NoSuchKey => refusal::NO_SUCH_KEY,
            Rejection::LastFullKey => refusal::LAST_FULL_KEY,
            Rejection::WrongScope(_) => refusal::WRONG_SCOPE,
            Rejection::InvalidSealed => refusal::INVALID_SEALED,
            Rejection::Erased { .. } => refusal::ERASED,
            Rejection::MayNotErase => refusal::NO_PERMISSION,
        }
    }

    /// What the sentence is filled with.
    pub fn facts(&self) -> Vec<(Fact, Value)> {
        match self {
            Rejection::AlreadyRegistered(account)
            | Rejection::InvalidUser(account)
            | Rejection::KeyKnown(account)
            | Rejection::NotEnrolled(account) => vec![(Fact::Account, account.0.into())],
            Rejection::KeyEnded(index) => vec![(Fact::Block, (*index).into())],
            Rejection::TooManyKeys(most) => vec![(Fact::Most, (*most).into())],
            Rejection::Erased { account, block } => {
                vec![(Fact::Account, account.0.into()), (Fact::Block, (*block).into())]
            }
            Rejection::WrongScope(Some(scope)) => vec![(Fact::Scope, scope.to_string().into())],
            Rejection::StaleEpoch(next) | Rejection::StaleGeneration(next) => {
                vec![(Fact::Wanted, u64::from(*next).into())]
            }
            Rejection::WrongScope(None)
            | Rejection::CredentialNeeded
            | Rejection::RoamingExists
            | Rejection::InvalidCustody
            | Rejection::NotRoaming
            | Rejection::NotThisKey
            | Rejection::InvalidSealed
            | Rejection::MayNotErase
            | Rejection::NotAnonymous
            | Rejection::InvalidHandle(_)
            | Rejection::InvalidKey(_)
            | Rejection::NotItsKey
            | Rejection::HandleTaken
            | Rejection::NotOperator
            | Rejection::RoleHeld
            | Rejection::RoleNotHeld
            | Rejection::LastOperator
            | Rejection::ClockInLine
            | Rejection::NoSuchSigner
            | Rejection::NeedsFullKey
            | Rejection::InvalidLabel
            | Rejection::InvalidRights
            | Rejection::NoProfile
            | Rejection::CredentialUnwanted
            | Rejection::NoSuchKey
            | Rejection::LastFullKey
            | Rejection::EndsOtherKey => Vec::new(),
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
                f.write_str("only an operator gives and takes roles, ends second factors, and vouches for the clock")
            }
            Rejection::InvalidUser(account) => write!(f, "there is no account {account}"),
            Rejection::RoleHeld => f.write_str("the account has this role already"),
            Rejection::RoleNotHeld => f.write_str("the account does not have this role"),
            Rejection::LastOperator => f.write_str("a ledger keeps at least one operator"),
            Rejection::ClockInLine => f.write_str(
                "block times are not ahead of that time by more than 5 minutes: nothing to vouch for",
            ),
            Rejection::NoSuchSigner => f.write_str("the key that signed this is none of the account's keys"),
            Rejection::KeyEnded(index) => {
                write!(f, "the key was ended by block {index}, and signs nothing any more")
            }
            Rejection::NeedsFullKey => {
                f.write_str("this has to be signed by a key with full rights, and the key may only act")
            }
            Rejection::TooManyKeys(KEYS_EVER_MAX) => {
                write!(f, "an account introduces {KEYS_EVER_MAX} keys at most in all its life")
            }
            Rejection::TooManyKeys(most) => {
                write!(f, "an account has {most} keys at most: end one of them first")
            }
            Rejection::KeyKnown(account) => write!(f, "this key is, or was, a key of account {account}"),
            Rejection::InvalidLabel => {
                write!(f, "a label has 1 to {LABEL_BYTES_MAX} ASCII letters, digits and the characters . _ -")
            }
            Rejection::InvalidRights => f.write_str("a key that a password fetches has full rights"),
            Rejection::NoProfile => f.write_str(
                "an account has no key that a password fetches before it has said its e-mail address",
            ),
            Rejection::CredentialUnwanted => {
                f.write_str("only an account with a key that a password fetches has a credential")
            }
            Rejection::CredentialNeeded => {
                f.write_str("a key that a password fetches comes with a credential, which is missing")
            }
            Rejection::RoamingExists => {
                f.write_str("an account has one key that a password fetches, and this one has it already")
            }
            Rejection::InvalidCustody => {
                f.write_str("the first key of an account is in a file or is fetched by a password")
            }
            Rejection::StaleEpoch(next) => {
                write!(f, "the next credential of the account is number {next}: another one came before this")
            }
            Rejection::StaleGeneration(next) => {
                write!(f, "the next second factor of the account is number {next}: another one came before this")
            }
            Rejection::NotEnrolled(account) => write!(f, "account {account} has no second factor"),
            Rejection::NotRoaming => f.write_str("this is not a key that a password fetches"),
            Rejection::NotThisKey => {
                f.write_str("a new password is signed by the very key that the password fetches")
            }
            Rejection::NoSuchKey => f.write_str("the account has no such key"),
            Rejection::LastFullKey => {
                f.write_str("the last key with full rights stays: introduce another one first")
            }
            Rejection::EndsOtherKey => f.write_str("a key is replaced by a command that this very key signs"),
            Rejection::WrongScope(Some(scope)) => {
                write!(f, "the texts have to be sealed in the scope {scope}, which is open")
            }
            Rejection::WrongScope(None) => f.write_str(
                "the texts have to be sealed in a scope that the command opens: there is none yet",
            ),
            Rejection::Erased { account, block } => write!(f, "account {account} was erased by block {block}"),
            Rejection::MayNotErase => f.write_str(
                "an account is erased by itself, of its own wish and without force, or by an operator for another reason",
            ),
            Rejection::InvalidSealed => {
                f.write_str("a sealed text has 48, 80, 144, 272, 528, 1040 or 2064 bytes")
            }
        }
    }
}
