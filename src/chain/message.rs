//! The bytes that an author signs, called M in `docs/log-format.md`: a fixed header outside postcard, so that
//! an auditor can route on `(schema, kind)` without any schema, then the command.
//!
//! ```text
//! off len                                off len
//!   0  19  "ledgerd/command/1\0\0"        91  16  command_id
//!  19  32  ledger_id                     107   8  issued_at, ms since the Unix epoch
//!  51   8  account                       115   2  schema
//!  59  32  key_id of the signing key     117   2  kind
//!                                        119   4  n       123  n  command, canonical postcard
//! ```

use std::fmt;

use super::Cutter;
use crate::crypto::{self, Digest, KeyId, LedgerId};
use crate::domain::{AccountId, Tag};
use crate::limits::COMMAND_BODY_BYTES_MAX;

/// What every M starts with: the domain separation of the signature.
pub const CONTEXT: &[u8; 19] = b"ledgerd/command/1\0\0";

/// Bytes before the command.
pub const HEADER_BYTES: usize = 123;

/// Bytes of a signature: RSASSA-PSS with 3,072 bits.
pub const SIGNATURE_BYTES: usize = 384;

/// Names a command: 128 random bits chosen by the client. Shown as 32 hexadecimal digits.
#[derive(
    Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct CommandId(pub [u8; 16]);

impl fmt::Display for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(const_hex::Buffer::<16>::new().format(&self.0))
    }
}

impl fmt::Debug for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The fixed part of M.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Which ledger the command is meant for.
    pub ledger_id: LedgerId,
    /// Whose it is; [`AccountId::NONE`] in a registration.
    pub account: AccountId,
    /// Which key signs it.
    pub key_id: KeyId,
    /// Which command it is.
    pub command_id: CommandId,
    /// When the author made it, in milliseconds since the Unix epoch.
    pub issued_at: u64,
    /// What the body is.
    pub tag: Tag,
}

/// M, taken apart and still holding every byte of it.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// The fixed part.
    pub header: Header,
    /// The command in canonical postcard.
    pub body: &'a [u8],
    /// All of M.
    pub bytes: &'a [u8],
}

/// Bytes that are no M.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MalformedMessage;

impl fmt::Display for MalformedMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a command message")
    }
}

impl std::error::Error for MalformedMessage {}

impl Header {
    /// The bytes to sign for this header and body.
    pub fn message(&self, body: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_BYTES + body.len());
        bytes.extend_from_slice(CONTEXT);
        bytes.extend_from_slice(&self.ledger_id.0);
        bytes.extend_from_slice(&self.account.0.to_be_bytes());
        bytes.extend_from_slice(&self.key_id.0);
        bytes.extend_from_slice(&self.command_id.0);
        bytes.extend_from_slice(&self.issued_at.to_be_bytes());
        bytes.extend_from_slice(&self.tag.schema.to_be_bytes());
        bytes.extend_from_slice(&self.tag.kind.to_be_bytes());
        bytes.extend_from_slice(&(body.len() as u32).to_be_bytes());
        bytes.extend_from_slice(body);
        bytes
    }
}

impl<'a> Message<'a> {
    /// Takes M apart.
    ///
    /// # Errors
    /// [`MalformedMessage`] unless every byte has its place.
    pub fn parse(bytes: &'a [u8]) -> Result<Message<'a>, MalformedMessage> {
        let mut cutter = Cutter(bytes);
        let mut parse = || {
            if cutter.array::<19>()? != *CONTEXT {
                return None;
            }
            let header = Header {
                ledger_id: LedgerId(cutter.array()?),
                account: AccountId(cutter.u64()?),
                key_id: KeyId(cutter.array()?),
                command_id: CommandId(cutter.array()?),
                issued_at: cutter.u64()?,
                tag: Tag { schema: cutter.u16()?, kind: cutter.u16()? },
            };
            let length = cutter.u32()? as usize;
            let body = cutter.0;
            (body.len() == length && length <= COMMAND_BODY_BYTES_MAX).then_some(Message {
                header,
                body,
                bytes,
            })
        };
        parse().ok_or(MalformedMessage)
    }

    /// The command's identity: a signature is randomised and identifies nothing.
    pub fn digest(&self) -> Digest {
        crypto::sha3(&[self.bytes])
    }

    /// Whether both ask for the same: all of M apart from `issued_at`.
    pub fn is_same_request(&self, other: &Message<'_>) -> bool {
        let this = Header { issued_at: 0, ..self.header };
        this == Header { issued_at: 0, ..other.header } && self.body == other.body
    }
}
