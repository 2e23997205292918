//! The handshake's plaintext frames, each of a fixed length, and the two fixed messages of the client.

use super::error::Fault;
use super::frame::{self, FrameType, HEADER_BYTES};
use crate::crypto::rsa::MODULUS_BYTES;
use crate::crypto::{KeyId, Signature};

/// What every first frame begins with.
pub(super) const MAGIC: &[u8; 4] = b"LSC1";

/// The version of the channel.
pub(super) const VERSION: u16 = 1;

/// RSA-3072-OAEP and X25519, AES-256-SIV, SHA3-256.
pub(super) const SUITE: u16 = 1;

/// Bytes of a binder, which ends a resumption hello.
const BINDER_BYTES: usize = 32;

/// The start of a server's key as a hello names it.
pub(super) type KeyHint = [u8; 16];

/// The hint for a key.
pub(super) fn key_hint(key_id: &KeyId) -> KeyHint {
    let mut hint = [0; 16];
    hint.copy_from_slice(&key_id.0[..16]);
    hint
}

/// Starts a full handshake.
pub(super) struct ClientHello {
    pub(super) key_hint: KeyHint,
    pub(super) random: [u8; 32],
    pub(super) ephemeral: [u8; 32],
    pub(super) ciphertext: [u8; MODULUS_BYTES],
}

impl ClientHello {
    pub(super) fn encode(&self) -> Vec<u8> {
        let parts = [&self.key_hint[..], &self.random, &self.ephemeral, &self.ciphertext];
        opening(FrameType::ClientHello, &parts)
    }

    pub(super) fn decode(body: &[u8]) -> Result<ClientHello, Fault> {
        let mut rest = opened(body)?;
        let hello = ClientHello {
            key_hint: take(&mut rest)?,
            random: take(&mut rest)?,
            ephemeral: take(&mut rest)?,
            ciphertext: take(&mut rest)?,
        };
        finish(rest, hello)
    }
}

/// Starts a resumption.
pub(super) struct ResumeHello {
    pub(super) ticket_id: [u8; 16],
    pub(super) random: [u8; 32],
    pub(super) ephemeral: [u8; 32],
    pub(super) binder: [u8; BINDER_BYTES],
}

impl ResumeHello {
    pub(super) fn encode(&self) -> Vec<u8> {
        let parts = [&self.ticket_id[..], &self.random, &self.ephemeral, &self.binder];
        opening(FrameType::ResumeHello, &parts)
    }

    pub(super) fn decode(body: &[u8]) -> Result<ResumeHello, Fault> {
        let mut rest = opened(body)?;
        let hello = ResumeHello {
            ticket_id: take(&mut rest)?,
            random: take(&mut rest)?,
            ephemeral: take(&mut rest)?,
            binder: take(&mut rest)?,
        };
        finish(rest, hello)
    }

    /// The part of an encoded frame that the binder covers: header and body up to the binder.
    pub(super) fn bound(frame: &[u8]) -> &[u8] {
        frame.get(..frame.len().saturating_sub(BINDER_BYTES)).unwrap_or_default()
    }

    /// The same frame with its binder in place.
    pub(super) fn set_binder(frame: &mut [u8], binder: &[u8; BINDER_BYTES]) {
        if let Some(end) = frame.last_chunk_mut::<BINDER_BYTES>() {
            *end = *binder;
        }
    }
}

/// The server's half of either handshake.
pub(super) struct ServerHello {
    pub(super) random: [u8; 32],
    pub(super) ephemeral: [u8; 32],
}

impl ServerHello {
    pub(super) fn encode(&self) -> Vec<u8> {
        let [version, suite] = [VERSION.to_be_bytes(), SUITE.to_be_bytes()];
        let parts = [&version[..], &suite, &self.random, &self.ephemeral];
        assemble(FrameType::ServerHello, &parts)
    }

    pub(super) fn decode(body: &[u8]) -> Result<ServerHello, Fault> {
        let mut rest = body;
        supported(&mut rest)?;
        let hello = ServerHello { random: take(&mut rest)?, ephemeral: take(&mut rest)? };
        finish(rest, hello)
    }
}

/// Starts a handshake between peers, and, under another type, answers it.
pub(super) struct PeerGreeting {
    pub(super) random: [u8; 32],
    pub(super) ephemeral: [u8; 32],
}

impl PeerGreeting {
    pub(super) fn encode_hello(&self) -> Vec<u8> {
        opening(FrameType::PeerHello, &[&self.random, &self.ephemeral])
    }

    pub(super) fn decode_hello(body: &[u8]) -> Result<PeerGreeting, Fault> {
        PeerGreeting::decode(opened(body)?)
    }

    pub(super) fn encode_reply(&self) -> Vec<u8> {
        let [version, suite] = [VERSION.to_be_bytes(), SUITE.to_be_bytes()];
        assemble(FrameType::PeerReply, &[&version, &suite, &self.random, &self.ephemeral])
    }

    pub(super) fn decode_reply(body: &[u8]) -> Result<PeerGreeting, Fault> {
        let mut rest = body;
        supported(&mut rest)?;
        PeerGreeting::decode(rest)
    }

    fn decode(mut rest: &[u8]) -> Result<PeerGreeting, Fault> {
        let greeting = PeerGreeting { random: take(&mut rest)?, ephemeral: take(&mut rest)? };
        finish(rest, greeting)
    }
}

/// The payload of a client's or a peer's authentication.
pub(super) struct ClientAuthBody {
    pub(super) account: u64,
    pub(super) key_id: KeyId,
    pub(super) signature: Signature,
}

impl ClientAuthBody {
    pub(super) fn encode(&self) -> Vec<u8> {
        [&self.account.to_be_bytes()[..], &self.key_id.0, &self.signature].concat()
    }

    pub(super) fn decode(payload: &[u8]) -> Result<ClientAuthBody, Fault> {
        let mut rest = payload;
        Ok(ClientAuthBody {
            account: u64::from_be_bytes(take(&mut rest)?),
            key_id: KeyId(take(&mut rest)?),
            // The length says which kind of key signed; whether it is the kind of this key, the check says.
            signature: Signature::from_bytes(rest).ok_or(Fault::Protocol)?,
        })
    }
}

/// What the server tells every client in its finished message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Params {
    /// The server's wall clock, milliseconds since the Unix epoch.
    pub time_ms: u64,
    /// Bytes of a message that the server takes from an authenticated client at most.
    pub message_bytes_max: u32,
    /// Seconds that a fresh ticket lives.
    pub ticket_lifetime_s: u32,
    /// The server's newest own checkpoint, a signed note. Not verified here.
    pub checkpoint_note: Vec<u8>,
}

impl Params {
    pub(super) fn encode(&self) -> Vec<u8> {
        // A note longer than the field can say does not fit the record either, which is where it is refused.
        let length = (self.checkpoint_note.len() as u16).to_be_bytes();
        let (message_max, lifetime) =
            (self.message_bytes_max.to_be_bytes(), self.ticket_lifetime_s.to_be_bytes());
        [&self.time_ms.to_be_bytes()[..], &message_max, &lifetime, &length, &self.checkpoint_note].concat()
    }

    pub(super) fn decode(payload: &[u8]) -> Result<Params, Fault> {
        let mut rest = payload;
        let time_ms = u64::from_be_bytes(take(&mut rest)?);
        let message_bytes_max = u32::from_be_bytes(take(&mut rest)?);
        let ticket_lifetime_s = u32::from_be_bytes(take(&mut rest)?);
        let length = usize::from(u16::from_be_bytes(take(&mut rest)?));
        let checkpoint_note = rest.to_vec();
        if checkpoint_note.len() != length {
            return Err(Fault::Protocol);
        }
        Ok(Params { time_ms, message_bytes_max, ticket_lifetime_s, checkpoint_note })
    }
}

/// Asks for the server's descriptor: a whole frame.
pub fn get_key_frame() -> Vec<u8> {
    assemble(FrameType::GetKey, &[MAGIC])
}

/// Whether a get-key frame's body is what it must be.
pub(super) fn check_get_key(body: &[u8]) -> Result<(), Fault> {
    if body == MAGIC { Ok(()) } else { Err(Fault::Protocol) }
}

/// The answer to [`get_key_frame`]: nothing in it is verified yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyInfo {
    /// Block 0 of the ledger.
    pub genesis: Vec<u8>,
    /// The text of the server's descriptor.
    pub descriptor: String,
}

impl KeyInfo {
    /// Reads the answer from what has arrived so far: none until all of it is there.
    ///
    /// # Errors
    /// [`Fault::Busy`] when the server says that it is; [`Fault::Protocol`] when it is something else, or more than
    /// that.
    pub fn read(received: &[u8]) -> Result<Option<KeyInfo>, Fault> {
        let Some((kind, len)) = frame::front(received)? else { return Ok(None) };
        if kind == FrameType::Alert && received.len() < len {
            return Ok(None);
        }
        if Fault::Busy.alert().is_some_and(|code| received == alert_frame(code)) {
            return Err(Fault::Busy);
        }
        if kind != FrameType::KeyInfo || received.len() > len {
            return Err(Fault::Protocol);
        }
        if received.len() < len {
            return Ok(None);
        }
        let mut rest = received.get(HEADER_BYTES..).unwrap_or_default();
        let genesis_len = usize::from(u16::from_be_bytes(take(&mut rest)?));
        let (genesis, descriptor) = rest.split_at_checked(genesis_len).ok_or(Fault::Protocol)?;
        let descriptor = std::str::from_utf8(descriptor).map_err(|_| Fault::Protocol)?;
        Ok(Some(KeyInfo { genesis: genesis.to_vec(), descriptor: descriptor.to_owned() }))
    }

    /// The whole frame, or none if it is longer than a frame may be.
    pub(super) fn frame(genesis: &[u8], descriptor: &str) -> Option<Vec<u8>> {
        let length = u16::try_from(genesis.len()).ok()?.to_be_bytes();
        let parts = [&length[..], genesis, descriptor.as_bytes()];
        let total: usize = parts.iter().map(|part| part.len()).sum();
        (total <= frame::BODY_BYTES_MAX).then(|| assemble(FrameType::KeyInfo, &parts))
    }
}

/// A plaintext alert: a whole frame.
pub(super) fn alert_frame(code: u8) -> Vec<u8> {
    assemble(FrameType::Alert, &[&[code]])
}

fn opening(kind: FrameType, parts: &[&[u8]]) -> Vec<u8> {
    let [version, suite] = [VERSION.to_be_bytes(), SUITE.to_be_bytes()];
    let start = [&MAGIC[..], &version, &suite];
    assemble(kind, &[&start, parts].concat())
}

fn assemble(kind: FrameType, parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    [&frame::header(kind, body.len())[..], &body].concat()
}

/// Magic, version and suite of a first frame; the rest of the body.
fn opened(body: &[u8]) -> Result<&[u8], Fault> {
    let mut rest = body;
    if take::<4>(&mut rest)? != *MAGIC {
        return Err(Fault::Protocol);
    }
    supported(&mut rest)?;
    Ok(rest)
}

fn supported(rest: &mut &[u8]) -> Result<(), Fault> {
    let (version, suite) = (u16::from_be_bytes(take(rest)?), u16::from_be_bytes(take(rest)?));
    if (version, suite) == (VERSION, SUITE) { Ok(()) } else { Err(Fault::Unsupported) }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], Fault> {
    let (head, tail) = rest.split_first_chunk().ok_or(Fault::Protocol)?;
    *rest = tail;
    Ok(*head)
}

fn finish<T>(rest: &[u8], value: T) -> Result<T, Fault> {
    if rest.is_empty() { Ok(value) } else { Err(Fault::Protocol) }
}
