//! The record layer: AES-256-SIV under a key of one direction, with a counter that is not sent.
//!
//! ```text
//! frame     = 0x20 ‖ len u16 ‖ V[16] ‖ C
//! plaintext = kind u8 ‖ plen u16 ‖ payload[plen] ‖ zero padding
//! S2V       = [3-byte header] , [seq u64] , plaintext
//! ```
//! Padding hides lengths only roughly: steps of 64 bytes up to 1 024, of 1 024 above.

use std::time::Duration;

use aes_siv::KeyInit as _;
use aes_siv::siv::Aes256Siv;

use super::error::Fault;
use super::frame::{self, FrameType, HEADER_BYTES};
use super::schedule::{self, Secret};
use crate::time::Monotonic;

/// Bytes of a record's payload at most.
pub const PAYLOAD_BYTES_MAX: usize = 16_384;

/// Bytes of the synthetic initialisation vector, which is the tag as well.
const TAG_BYTES: usize = 16;

/// Bytes of a plaintext's own header: kind and length.
const INNER_BYTES: usize = 3;

/// Records under one key before the sender must change it.
const UPDATE_AFTER_RECORDS: u64 = 1 << 20;

/// Bytes under one key before the sender must change it.
const UPDATE_AFTER_BYTES: u64 = 1 << 30;

/// Time under one key before the sender must change it.
const UPDATE_AFTER: Duration = Duration::from_secs(60 * 60);

/// A second key update is too early when neither so many records ...
const UPDATE_SPACING_RECORDS: u64 = 256;

/// ... nor so much time have passed since the one before.
const UPDATE_SPACING: Duration = Duration::from_secs(30 * 60);

/// Records under one key, hard: past it the direction is dead.
const RECORDS_MAX: u64 = 1 << 32;

/// What a record holds. The numbers stand on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// The server's (listener's) proof of the handshake, and its parameters.
    ServerFinished = 2,
    /// The client's (dialler's) account, key and signature.
    ClientAuth = 3,
    /// The client's (dialler's) proof of the handshake.
    ClientFinished = 4,
    /// The listening peer's account, key and signature.
    ServerAuth = 5,
    /// The last or only part of a message.
    MessageFinal = 0x10,
    /// A part of a message with more to come.
    MessagePart = 0x11,
    /// A ticket for a later connection.
    NewTicket = 0x20,
    /// The sender's next record is under its next key.
    KeyUpdate = 0x21,
    /// To be echoed.
    Ping = 0x30,
    /// The echo.
    Pong = 0x31,
    /// The receiver broke the protocol; the connection ends.
    Alert = 0x7e,
    /// The sender is done; the connection ends in good order.
    Close = 0x7f,
}

impl Kind {
    fn from_wire(number: u8) -> Option<Kind> {
        Some(match number {
            2 => Kind::ServerFinished,
            3 => Kind::ClientAuth,
            4 => Kind::ClientFinished,
            5 => Kind::ServerAuth,
            0x10 => Kind::MessageFinal,
            0x11 => Kind::MessagePart,
            0x20 => Kind::NewTicket,
            0x21 => Kind::KeyUpdate,
            0x30 => Kind::Ping,
            0x31 => Kind::Pong,
            0x7e => Kind::Alert,
            0x7f => Kind::Close,
            _ => return None,
        })
    }
}

/// One key with its counter.
struct Epoch {
    secret: Secret,
    siv: Box<Aes256Siv>,
    sequence: u64,
}

impl Epoch {
    fn new(secret: Secret) -> Epoch {
        let key = schedule::record_key(&secret);
        let siv = Box::new(Aes256Siv::new((&*key).into()));
        Epoch { secret, siv, sequence: 0 }
    }

    fn advance(&mut self) {
        *self = Epoch::new(schedule::next_secret(&self.secret));
    }
}

/// The plaintext length for a payload, padding included.
fn padded(payload: usize) -> usize {
    let plain = INNER_BYTES + payload;
    let step = if plain <= 1_024 { 64 } else { 1_024 };
    plain.next_multiple_of(step).min(INNER_BYTES + PAYLOAD_BYTES_MAX)
}

/// The sending half of a direction.
pub struct Sealer {
    epoch: Epoch,
    bytes: u64,
    since: Monotonic,
}

impl Sealer {
    /// Starts a direction under its first secret.
    pub fn new(secret: Secret, now: Monotonic) -> Sealer {
        Sealer { epoch: Epoch::new(secret), bytes: 0, since: now }
    }

    /// Appends one record to `out`. The payload is given in parts, to be set down one after the other.
    ///
    /// # Errors
    /// [`Fault::Protocol`] for a payload above [`PAYLOAD_BYTES_MAX`], or when the counter is used up; `out` is
    /// unchanged then.
    pub fn seal(&mut self, kind: Kind, payload: &[&[u8]], out: &mut Vec<u8>) -> Result<(), Fault> {
        let payload_len: usize = payload.iter().map(|part| part.len()).sum();
        if payload_len > PAYLOAD_BYTES_MAX || self.epoch.sequence >= RECORDS_MAX {
            return Err(Fault::Protocol);
        }
        let body_len = TAG_BYTES + padded(payload_len);
        let header = frame::header(FrameType::Data, body_len);
        let start = out.len();
        out.reserve(HEADER_BYTES + body_len);
        out.extend_from_slice(&header);
        out.extend_from_slice(&[0; TAG_BYTES]);
        out.push(kind as u8);
        out.extend_from_slice(&(payload_len as u16).to_be_bytes());
        payload.iter().for_each(|part| out.extend_from_slice(part));
        out.resize(start + HEADER_BYTES + body_len, 0);
        let (clear, plain) = out[start..].split_at_mut(HEADER_BYTES + TAG_BYTES);
        let sequence = self.epoch.sequence.to_be_bytes();
        let sealed = self.epoch.siv.encrypt_inout_detached([&header[..], &sequence[..]], plain.into());
        let tag = sealed.map_err(|_| Fault::Protocol)?;
        clear[HEADER_BYTES..].copy_from_slice(&tag);
        self.epoch.sequence += 1;
        self.bytes += (HEADER_BYTES + body_len) as u64;
        Ok(())
    }

    /// Appends a key update and changes the key, if the key has been used for long enough.
    ///
    /// # Errors
    /// As for [`Sealer::seal`].
    pub fn update_if_due(&mut self, now: Monotonic, out: &mut Vec<u8>) -> Result<(), Fault> {
        let age = now.0.saturating_sub(self.since.0);
        let due = self.epoch.sequence >= UPDATE_AFTER_RECORDS
            || self.bytes >= UPDATE_AFTER_BYTES
            || (age >= UPDATE_AFTER && self.epoch.sequence > 0);
        if due {
            self.seal(Kind::KeyUpdate, &[], out)?;
            self.epoch.advance();
            (self.bytes, self.since) = (0, now);
        }
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn set_sequence(&mut self, sequence: u64) {
        self.epoch.sequence = sequence;
    }
}

/// The receiving half of a direction. The first failure of any kind kills it for good.
pub struct Opener {
    epoch: Epoch,
    /// When the sender's last key update came, none before the first.
    updated: Option<Monotonic>,
    dead: bool,
}

impl Opener {
    /// Starts a direction under its first secret.
    pub fn new(secret: Secret) -> Opener {
        Opener { epoch: Epoch::new(secret), updated: None, dead: false }
    }

    /// Opens one frame in place and returns what the record holds.
    ///
    /// # Errors
    /// [`Fault::Crypto`] for whatever is not the next record of this direction.
    pub fn open<'a>(&mut self, frame: &'a mut [u8]) -> Result<(Kind, &'a [u8]), Fault> {
        if self.dead {
            return Err(Fault::Crypto);
        }
        // Dead until proven good: no path below can forget it.
        self.dead = true;
        if self.epoch.sequence >= RECORDS_MAX {
            return Err(Fault::Crypto);
        }
        let (header, rest) = frame.split_first_chunk_mut::<HEADER_BYTES>().ok_or(Fault::Crypto)?;
        let (tag, plain) = rest.split_first_chunk_mut::<TAG_BYTES>().ok_or(Fault::Crypto)?;
        let sequence = self.epoch.sequence.to_be_bytes();
        let opened = self.epoch.siv.decrypt_inout_detached(
            [&header[..], &sequence[..]],
            plain.into(),
            &aes_siv::Tag::from(*tag),
        );
        opened.map_err(|_| Fault::Crypto)?;
        let record = parse(plain).ok_or(Fault::Crypto)?;
        self.epoch.sequence += 1;
        self.dead = false;
        Ok(record)
    }

    /// Changes the key after a key update.
    ///
    /// # Errors
    /// [`Fault::Crypto`] when the sender changes keys so often that it can only want to cost us work.
    pub fn update(&mut self, now: Monotonic) -> Result<(), Fault> {
        let early = self.updated.is_some_and(|before| {
            now.0.saturating_sub(before.0) < UPDATE_SPACING && self.epoch.sequence < UPDATE_SPACING_RECORDS
        });
        if early {
            self.dead = true;
            return Err(Fault::Crypto);
        }
        self.epoch.advance();
        self.updated = Some(now);
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn set_sequence(&mut self, sequence: u64) {
        self.epoch.sequence = sequence;
    }
}

/// Takes a plaintext apart.
fn parse(plain: &[u8]) -> Option<(Kind, &[u8])> {
    let (&[kind, high, low], rest) = plain.split_first_chunk::<INNER_BYTES>()?;
    let (payload, padding) = rest.split_at_checked(usize::from(u16::from_be_bytes([high, low])))?;
    let zero = padding.iter().all(|byte| *byte == 0);
    if zero && payload.len() <= PAYLOAD_BYTES_MAX { Some((Kind::from_wire(kind)?, payload)) } else { None }
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sealer([redacted], sequence {})", self.epoch.sequence)
    }
}

impl std::fmt::Debug for Opener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Opener([redacted], sequence {})", self.epoch.sequence)
    }
}
