//! What a stranger asks for to become a member, a member to change its keys, and an operator to give members roles.

use serde::{Deserialize, Serialize};

use super::{Custody, Rights, Role};
use crate::codec;
use crate::crypto::KeyId;
use crate::domain::{AccountId, Tag, Undecodable};

/// The tag of [`Register`].
pub const REGISTER: Tag = Tag { schema: 1, kind: 1 };

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

/// The tag of [`VouchClock`].
pub const VOUCH_CLOCK: Tag = Tag { schema: 1, kind: 13 };

/// The commands of this domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Join the ledger.
    Register(Register),
    /// Give a member a role.
    GrantRole(GrantRole),
    /// Take a role away.
    RevokeRole(RevokeRole),
    /// Introduce a further key.
    AddKey(AddKey),
    /// End a key.
    EndKey(EndKey),
    /// Replace a key.
    RotateKey(RotateKey),
    /// Say that block times are ahead of the true time.
    VouchClock(VouchClock),
}

/// Give a member a role: an operator's command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantRole {
    /// Who receives it.
    pub account: AccountId,
    /// Which role.
    pub role: Role,
}

/// Take a role away: an operator's command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevokeRole {
    /// Who loses it.
    pub account: AccountId,
    /// Which role.
    pub role: Role,
}

/// Introduce a further key of the author's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddKey {
    /// DER `SubjectPublicKeyInfo` of the new key.
    #[serde(with = "serde_bytes")]
    pub spki: Vec<u8>,
    /// Where its private half is.
    pub custody: Custody,
    /// What it may sign.
    pub rights: Rights,
    /// Its public name among the author's keys.
    pub label: String,
    /// Its signature over [`super::key_proof_bytes`].
    #[serde(with = "serde_bytes")]
    pub proof: Vec<u8>,
    /// What a roaming key is fetched with. No other key has any.
    pub credential: Option<Credential>,
}

/// End a key of the author's, for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndKey {
    /// Which one.
    pub key_id: KeyId,
}

/// End the key that signs this command, and introduce one in its place, with full rights.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RotateKey {
    /// DER `SubjectPublicKeyInfo` of the new key.
    #[serde(with = "serde_bytes")]
    pub spki: Vec<u8>,
    /// Where its private half is.
    pub custody: Custody,
    /// Its public name among the author's keys.
    pub label: String,
    /// Its signature over [`super::key_proof_bytes`].
    #[serde(with = "serde_bytes")]
    pub proof: Vec<u8>,
    /// The key that ends: the one that signs this command.
    pub ends: KeyId,
    /// What a roaming key is fetched with. No other key has any.
    pub credential: Option<Credential>,
}

/// What a block says of a password registration that is kept beside the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    /// Which of the account's: counted from 1.
    pub epoch: u32,
    /// The digest of all of it.
    pub commit: [u8; 32],
}

/// Say what time it is, because block times are ahead of it: an operator's command. Until block times are caught up,
/// the ledger takes this time for the least that it can be, and not its newest block's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VouchClock {
    /// The time, in milliseconds since the Unix epoch.
    pub time_ms: u64,
}

/// Join the ledger. The command is signed by the key inside it: proof of possession.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Register {
    /// The wanted public name.
    pub handle: String,
    /// The member's public key: DER `SubjectPublicKeyInfo` (RFC 5280).
    #[serde(with = "serde_bytes")]
    pub public_key: Vec<u8>,
}

impl Command {
    pub(in crate::domain) fn decode(tag: Tag, bytes: &[u8]) -> Result<Command, Undecodable> {
        match tag {
            REGISTER => Ok(Command::Register(codec::strict(bytes)?)),
            GRANT_ROLE => Ok(Command::GrantRole(codec::strict(bytes)?)),
            REVOKE_ROLE => Ok(Command::RevokeRole(codec::strict(bytes)?)),
            ADD_KEY => Ok(Command::AddKey(codec::strict(bytes)?)),
            END_KEY => Ok(Command::EndKey(codec::strict(bytes)?)),
            ROTATE_KEY => Ok(Command::RotateKey(codec::strict(bytes)?)),
            VOUCH_CLOCK => Ok(Command::VouchClock(codec::strict(bytes)?)),
            _ => Err(Undecodable::UnknownKind(tag)),
        }
    }

    pub(in crate::domain) fn encode(&self) -> (Tag, Vec<u8>) {
        match self {
            Command::Register(register) => (REGISTER, codec::encode(register)),
            Command::GrantRole(grant) => (GRANT_ROLE, codec::encode(grant)),
            Command::RevokeRole(revoke) => (REVOKE_ROLE, codec::encode(revoke)),
            Command::AddKey(add) => (ADD_KEY, codec::encode(add)),
            Command::EndKey(end) => (END_KEY, codec::encode(end)),
            Command::RotateKey(rotate) => (ROTATE_KEY, codec::encode(rotate)),
            Command::VouchClock(vouch) => (VOUCH_CLOCK, codec::encode(vouch)),
        }
    }
}
