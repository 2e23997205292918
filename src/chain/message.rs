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

use crate::crypto::sealed::{Place, ScopeId};
use crate::crypto::{self, Digest, KeyId, LedgerId};
use crate::cutter::Cutter;
use crate::domain::{AccountId, CommandId, ScopeUse, Tag};
use crate::limits::COMMAND_BODY_BYTES_MAX;

/// What every M starts with: the domain separation of the signature.
pub const CONTEXT: &[u8; 19] = b"ledgerd/command/1\0\0";

/// Bytes before the command.
pub const HEADER_BYTES: usize = 123;

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

impl Header {
    /// The scope of the command's sealed fields: the one that it names, or the one that it opens.
    pub fn scope(&self, used: &ScopeUse) -> ScopeId {
        match used {
            ScopeUse::Open(_) => self.opened_scope(),
            ScopeUse::In(scope) => *scope,
        }
    }

    /// The scope that the command opens, if it opens one.
    pub fn opened_scope(&self) -> ScopeId {
        ScopeId::opened_by(self.ledger_id, self.account.0, self.key_id, &self.command_id.0)
    }

    /// The place of a sealed field of the command, which the key of the field is bound to.
    pub fn place(&self, scope: ScopeId, field: u16) -> Place {
        let Header { ledger_id, account, command_id, .. } = *self;
        Place { ledger_id, author: account.0, scope, command_id: command_id.0, field }
    }
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LENGTH_AT: usize = 119;

    fn header() -> Header {
        Header {
            ledger_id: LedgerId([1; 32]),
            account: AccountId(2),
            key_id: KeyId([3; 32]),
            command_id: CommandId([4; 16]),
            issued_at: 5,
            tag: Tag { schema: 6, kind: 7 },
        }
    }

    #[test]
    fn the_bytes_stand_where_the_format_says() {
        let bytes = header().message(b"body");
        assert_eq!(bytes.len(), HEADER_BYTES + 4);
        assert_eq!(bytes[..19], *b"ledgerd/command/1\0\0");
        assert_eq!(bytes[19..51], [1; 32]);
        assert_eq!(bytes[51..59], 2u64.to_be_bytes());
        assert_eq!(bytes[59..91], [3; 32]);
        assert_eq!(bytes[91..107], [4; 16]);
        assert_eq!(bytes[107..115], 5u64.to_be_bytes());
        assert_eq!(bytes[115..119], [0, 6, 0, 7]);
        assert_eq!(bytes[119..], *b"\0\0\0\x04body");
    }

    #[test]
    fn every_truncation_and_every_trailing_byte_is_refused() {
        for body in [&b""[..], b"b", b"body"] {
            let bytes = header().message(body);
            let message = Message::parse(&bytes).unwrap();
            assert_eq!((message.header, message.body, message.bytes), (header(), body, &bytes[..]));
            for length in 0..bytes.len() {
                assert!(Message::parse(&bytes[..length]).is_err(), "{length} bytes");
            }
            for byte in 0..=u8::MAX {
                assert!(Message::parse(&[&bytes[..], &[byte]].concat()).is_err(), "{byte} follows");
            }
        }
    }

    #[test]
    fn another_context_is_no_command() {
        let good = header().message(b"body");
        for at in 0..CONTEXT.len() {
            for bit in 0..8 {
                let mut bytes = good.clone();
                bytes[at] ^= 1 << bit;
                assert!(Message::parse(&bytes).is_err(), "bit {bit} of byte {at}");
            }
        }
    }

    #[test]
    fn every_flipped_bit_changes_the_digest_and_what_still_parses_has_just_these_bytes() {
        let good = header().message(b"body");
        let digest = Message::parse(&good).unwrap().digest();
        for at in 0..good.len() {
            for bit in 0..8 {
                let mut bytes = good.clone();
                bytes[at] ^= 1 << bit;
                if let Ok(message) = Message::parse(&bytes) {
                    assert_ne!(message.digest(), digest, "bit {bit} of byte {at}");
                    assert_eq!(message.header.message(message.body), bytes, "bit {bit} of byte {at}");
                }
            }
        }
    }

    #[test]
    fn a_length_that_lies_is_refused() {
        let good = header().message(b"body");
        for length in [0u32, 3, 5, 1 << 20, 1 << 31, u32::MAX] {
            let mut bytes = good.clone();
            bytes[LENGTH_AT..HEADER_BYTES].copy_from_slice(&length.to_be_bytes());
            assert!(Message::parse(&bytes).is_err(), "{length}");
        }
    }

    #[test]
    fn the_largest_command_fits_and_one_byte_more_does_not() {
        let body = vec![0; COMMAND_BODY_BYTES_MAX + 1];
        assert!(Message::parse(&header().message(&body[1..])).is_ok());
        assert!(Message::parse(&header().message(&body)).is_err());
    }

    #[test]
    fn the_same_request_may_only_differ_in_when_it_was_issued() {
        let first = header().message(b"body");
        let first = Message::parse(&first).unwrap();
        let later = Header { issued_at: 6, ..header() }.message(b"body");
        let later = Message::parse(&later).unwrap();
        assert!(first.is_same_request(&first) && first.is_same_request(&later));
        assert!(later.is_same_request(&first));
        assert_ne!(first.digest(), later.digest(), "the digest names these very bytes");
        let others = [
            Header { ledger_id: LedgerId([9; 32]), ..header() },
            Header { account: AccountId(9), ..header() },
            Header { key_id: KeyId([9; 32]), ..header() },
            Header { command_id: CommandId([9; 16]), ..header() },
            Header { tag: Tag { schema: 9, kind: 7 }, ..header() },
            Header { tag: Tag { schema: 6, kind: 9 }, ..header() },
        ];
        for other in others {
            let other = other.message(b"body");
            assert!(!first.is_same_request(&Message::parse(&other).unwrap()));
        }
        for body in [&b""[..], b"bodz", b"bod", b"body2"] {
            let other = header().message(body);
            assert!(!first.is_same_request(&Message::parse(&other).unwrap()), "{body:?}");
        }
    }

    #[test]
    fn a_command_id_is_shown_as_32_hexadecimal_digits() {
        assert_eq!(CommandId([0xa5; 16]).to_string(), "a5".repeat(16));
        assert_eq!(format!("{:?}", CommandId([0; 16])), "0".repeat(32));
    }

    proptest! {
        #[test]
        fn whatever_is_made_parses_to_the_same_parts(
            ids: ([u8; 32], [u8; 32], [u8; 16]),
            numbers: (u64, u64, u16, u16),
            body in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            let header = Header {
                ledger_id: LedgerId(ids.0),
                account: AccountId(numbers.0),
                key_id: KeyId(ids.1),
                command_id: CommandId(ids.2),
                issued_at: numbers.1,
                tag: Tag { schema: numbers.2, kind: numbers.3 },
            };
            let bytes = header.message(&body);
            let message = Message::parse(&bytes).unwrap();
            prop_assert_eq!((message.header, message.body), (header, &body[..]));
        }

        #[test]
        fn bytes_of_a_stranger_never_panic(tail in prop::collection::vec(any::<u8>(), 0..300)) {
            for bytes in [[&CONTEXT[..], &tail].concat(), tail] {
                if let Ok(message) = Message::parse(&bytes) {
                    prop_assert_eq!(message.header.message(message.body), bytes);
                }
            }
        }
    }
}
