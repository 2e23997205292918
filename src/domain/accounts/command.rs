//! The commands of accounts: a stranger becomes a member, a member changes its keys or says who it is, an operator gives and takes roles and
//! vouches for the clock.

use serde::{Deserialize, Serialize};

use super::{CredentialCommit, CredentialVia, Custody, EraseReason, ResetReason, Rights, Role};
use crate::codec;
use crate::crypto::KeyId;
use crate::crypto::sealed::Sealed;
use crate::domain::{AccountId, ScopeUse, Tag, Undecodable};

/// The tag of [`Register`].
pub const REGISTER: Tag = Tag { schema: 1, kind: 1 };

/// The tag of [`Join`]: a registration with a profile, and with a password if the member wants one.
pub const JOIN: Tag = Tag { schema: 2, kind: 1 };

/// The tag of [`GrantRole`].
pub const GRANT_ROLE: Tag = Tag { schema: 1, kind: 2 };

/// The tag of [`RevokeRole`].
pub const REVOKE_ROLE: Tag = Tag { schema: 1, kind: 3 };

/// The tag of [`AddKey`].
pub const ADD_KEY: Tag = Tag { schema: 1, kind: 4 };

/// The tag of [`EndKey`].
pub const END_KEY: Tag = Tag { schema: 1, kind: 5 };

/// The tag of [`RotateKey`].
pub const ROTATE_KEY: Tag = Tag { schema: 1, kind: 6 };

/// The tag of [`SetCredential`].
pub const SET_CREDENTIAL: Tag = Tag { schema: 1, kind: 7 };

/// The tag of [`SetProfile`].
pub const SET_PROFILE: Tag = Tag { schema: 1, kind: 8 };

/// The tag of [`SetSecondFactor`].
pub const SET_SECOND_FACTOR: Tag = Tag { schema: 1, kind: 9 };

/// The tag of [`ResetSecondFactor`].
pub const RESET_SECOND_FACTOR: Tag = Tag { schema: 1, kind: 10 };

/// The tag of [`Erase`].
pub const ERASE: Tag = Tag { schema: 1, kind: 11 };

/// The tag of [`VouchClock`].
pub const VOUCH_CLOCK: Tag = Tag { schema: 1, kind: 13 };

/// The commands of this domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Joins the ledger.
    Register(Register),
    /// Joins the ledger and says who the new member is.
    Join(Join),
    /// Gives a member a role.
    GrantRole(GrantRole),
    /// Takes a role away from a member.
    RevokeRole(RevokeRole),
    /// Introduces a further key.
    AddKey(AddKey),
    /// Ends a key.
    EndKey(EndKey),
    /// Ends a key and introduces another one in its place.
    RotateKey(RotateKey),
    /// Brings a new password.
    SetCredential(SetCredential),
    /// Says who the member is.
    SetProfile(SetProfile),
    /// Brings a second factor, or ends it.
    SetSecondFactor(SetSecondFactor),
    /// Ends the second factor of a member who has lost it.
    ResetSecondFactor(ResetSecondFactor),
    /// Erases an account.
    Erase(Erase),
    /// Says that block times are ahead of the true time.
    VouchClock(VouchClock),
}

/// Gives a member a role. Only an operator may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantRole {
    /// The member who receives the role.
    pub account: AccountId,
    /// The role.
    pub role: Role,
}

/// Takes a role away from a member. Only an operator may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevokeRole {
    /// The member who loses the role.
    pub account: AccountId,
    /// The role.
    pub role: Role,
}

/// Introduces a further key of the author's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddKey {
    /// DER `SubjectPublicKeyInfo` of the new key.
    #[serde(with = "serde_bytes")]
    pub spki: Vec<u8>,
    /// The place of its private half.
    pub custody: Custody,
    /// The rights of the new key, which say what it may sign.
    pub rights: Rights,
    /// The public name of the new key among the author's keys.
    pub label: String,
    /// The new key's signature over [`super::key_proof_bytes`].
    #[serde(with = "serde_bytes")]
    pub proof: Vec<u8>,
    /// The credential with which a roaming key is fetched. No other key has one.
    pub credential: Option<CredentialCommit>,
}

/// Ends a key of the author's, for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndKey {
    /// The id of the key that ends.
    pub key_id: KeyId,
}

/// Ends the key that signs this command, and introduces one in its place, with full rights.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RotateKey {
    /// DER `SubjectPublicKeyInfo` of the new key.
    #[serde(with = "serde_bytes")]
    pub spki: Vec<u8>,
    /// The place of its private half.
    pub custody: Custody,
    /// The public name of the new key among the author's keys.
    pub label: String,
    /// The new key's signature over [`super::key_proof_bytes`].
    #[serde(with = "serde_bytes")]
    pub proof: Vec<u8>,
    /// The key that ends: the one that signs this command.
    pub ends: KeyId,
    /// The credential with which a roaming key is fetched. No other key has one.
    pub credential: Option<CredentialCommit>,
}

/// Brings a new credential for the author's roaming key, which signs the command: the password has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetCredential {
    /// The roaming key.
    pub key_id: KeyId,
    /// The number of the credential among those of the account.
    pub epoch: u32,
    /// The digest of the whole credential.
    pub commit: [u8; 32],
    /// What the author came with.
    pub via: CredentialVia,
}

/// Says the name and the e-mail of the author, in place of those before. Both are sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetProfile {
    /// The scope of both texts: the author's own.
    pub scope: ScopeUse,
    /// The name by which people know the author.
    pub name: Sealed,
    /// The author's e-mail address.
    pub e_mail: Sealed,
    /// The credential of a new password registration, which another e-mail address needs.
    pub credential: Option<CredentialCommit>,
}

/// Brings a new second factor of the author's in place of the one before, or ends it. The secret of the factor, and what its
/// recovery codes are checked with, stand in the server's vault and in no block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetSecondFactor {
    /// The number of the factor among those of the account. One that ends takes a number, too.
    pub generation: u32,
    /// Whether the account has no second factor from now on.
    pub off: bool,
}

/// Ends the second factor of a member who can give no code any more. Only an operator may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResetSecondFactor {
    /// The account.
    pub account: AccountId,
    /// The reason.
    pub reason: ResetReason,
}

/// Erases an account: its keys, roles and scopes end for ever, and what was sealed for it is destroyed. The account itself may
/// say so, or an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erase {
    /// The account.
    pub account: AccountId,
    /// The reason.
    pub reason: EraseReason,
    /// Whether open business does not stand in the way. Only an operator may say so.
    pub force: bool,
}

/// Says what time it is, because block times are ahead of the clock. Only an operator may. Until the clock has caught up with
/// block times, the ledger takes this time, and not that of its newest block, for the time that has surely come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VouchClock {
    /// The time, in milliseconds since the Unix epoch.
    pub time_ms: u64,
}

/// Joins the ledger. The command is signed by the key inside it, which proves that the author holds that key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Register {
    /// The public name that is wanted.
    pub handle: String,
    /// The member's public key: DER `SubjectPublicKeyInfo` (RFC 5280).
    #[serde(with = "serde_bytes")]
    pub public_key: Vec<u8>,
}

/// Joins the ledger and says who the new member is: a registration with a profile. Both texts are sealed in the scope that the
/// command opens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Join {
    /// The public name that is wanted.
    pub handle: String,
    /// The member's public key: DER `SubjectPublicKeyInfo` (RFC 5280).
    #[serde(with = "serde_bytes")]
    pub public_key: Vec<u8>,
    /// The place of its private half: a file, or the server, under a password.
    pub custody: Custody,
    /// The commitment to the key of the scope ([`crate::crypto::sealed::ScopeKey::commitment`]).
    pub scope_key: [u8; 32],
    /// The name by which people know the member.
    pub name: Sealed,
    /// The member's e-mail address.
    pub e_mail: Sealed,
    /// The digest of the credential, the first of the account, with which a roaming key is fetched.
    pub commit: Option<[u8; 32]>,
}

impl Join {
    /// The number of the credential that a registration brings.
    pub const EPOCH: u32 = 1;

    /// The trace of the credential.
    pub fn credential(&self) -> Option<CredentialCommit> {
        self.commit.map(|commit| CredentialCommit { epoch: Join::EPOCH, commit })
    }
}

impl Command {
    pub(in crate::domain) fn decode(tag: Tag, bytes: &[u8]) -> Result<Command, Undecodable> {
        match tag {
            REGISTER => Ok(Command::Register(codec::strict(bytes)?)),
            JOIN => Ok(Command::Join(codec::strict(bytes)?)),
            GRANT_ROLE => Ok(Command::GrantRole(codec::strict(bytes)?)),
            REVOKE_ROLE => Ok(Command::RevokeRole(codec::strict(bytes)?)),
            ADD_KEY => Ok(Command::AddKey(codec::strict(bytes)?)),
            END_KEY => Ok(Command::EndKey(codec::strict(bytes)?)),
            ROTATE_KEY => Ok(Command::RotateKey(codec::strict(bytes)?)),
            SET_CREDENTIAL => Ok(Command::SetCredential(codec::strict(bytes)?)),
            SET_PROFILE => Ok(Command::SetProfile(codec::strict(bytes)?)),
            SET_SECOND_FACTOR => Ok(Command::SetSecondFactor(codec::strict(bytes)?)),
            RESET_SECOND_FACTOR => Ok(Command::ResetSecondFactor(codec::strict(bytes)?)),
            ERASE => Ok(Command::Erase(codec::strict(bytes)?)),
            VOUCH_CLOCK => Ok(Command::VouchClock(codec::strict(bytes)?)),
            _ => Err(Undecodable::UnknownKind(tag)),
        }
    }

    pub(in crate::domain) fn encode(&self) -> (Tag, Vec<u8>) {
        match self {
            Command::Register(register) => (REGISTER, codec::encode(register)),
            Command::Join(join) => (JOIN, codec::encode(join)),
            Command::GrantRole(grant) => (GRANT_ROLE, codec::encode(grant)),
            Command::RevokeRole(revoke) => (REVOKE_ROLE, codec::encode(revoke)),
            Command::AddKey(add) => (ADD_KEY, codec::encode(add)),
            Command::EndKey(end) => (END_KEY, codec::encode(end)),
            Command::RotateKey(rotate) => (ROTATE_KEY, codec::encode(rotate)),
            Command::SetCredential(set) => (SET_CREDENTIAL, codec::encode(set)),
            Command::SetProfile(profile) => (SET_PROFILE, codec::encode(profile)),
            Command::SetSecondFactor(set) => (SET_SECOND_FACTOR, codec::encode(set)),
            Command::ResetSecondFactor(reset) => (RESET_SECOND_FACTOR, codec::encode(reset)),
            Command::Erase(erase) => (ERASE, codec::encode(erase)),
            Command::VouchClock(vouch) => (VOUCH_CLOCK, codec::encode(vouch)),
        }
    }
}
