//! What a stranger asks for to become a member, and an operator to give members roles.

use serde::{Deserialize, Serialize};

use super::Role;
use crate::codec;
use crate::domain::{AccountId, Tag, Undecodable};

/// The tag of [`Register`].
pub const REGISTER: Tag = Tag { schema: 1, kind: 1 };

/// The tag of [`GrantRole`].
pub const GRANT_ROLE: Tag = Tag { schema: 1, kind: 2 };

/// The tag of [`RevokeRole`].
pub const REVOKE_ROLE: Tag = Tag { schema: 1, kind: 3 };

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
            VOUCH_CLOCK => Ok(Command::VouchClock(codec::strict(bytes)?)),
            _ => Err(Undecodable::UnknownKind(tag)),
        }
    }

    pub(in crate::domain) fn encode(&self) -> (Tag, Vec<u8>) {
        match self {
            Command::Register(register) => (REGISTER, codec::encode(register)),
            Command::GrantRole(grant) => (GRANT_ROLE, codec::encode(grant)),
            Command::RevokeRole(revoke) => (REVOKE_ROLE, codec::encode(revoke)),
            Command::VouchClock(vouch) => (VOUCH_CLOCK, codec::encode(vouch)),
        }
    }
}
