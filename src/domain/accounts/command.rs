//! What a stranger asks for to become a member.

use serde::{Deserialize, Serialize};

use crate::codec;
use crate::domain::{Tag, Undecodable};

/// The tag of [`Register`].
pub const REGISTER: Tag = Tag { schema: 1, kind: 1 };

/// The commands of this domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Join the ledger.
    Register(Register),
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
            _ => Err(Undecodable::UnknownKind(tag)),
        }
    }

    pub(in crate::domain) fn encode(&self) -> (Tag, Vec<u8>) {
        match self {
            Command::Register(register) => (REGISTER, codec::encode(register)),
        }
    }
}
