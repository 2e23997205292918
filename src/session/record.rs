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
use super::frame::{self, FrameType, HEADER_BYTES, PAYLOAD_BYTES_MAX};
use super::schedule::{self, Secret};
use crate::time::Monotonic;

/// Bytes of the synthetic initialisation vector, which is the tag as well.
const TAG_BYTES: usize = 16;

/// Bytes of a plaintext's own header: kind and length.
const INNER_BYTES: usize = 3;

/// Bytes of the plaintext of an authentication at least: how long the record is does not tell the kind of key.
const AUTH_BYTES_MIN: usize = 448;

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
fn padded(kind: Kind, payload: usize) -> usize {
    let least = match kind {
        Kind::ClientAuth | Kind::ServerAuth => AUTH_BYTES_MIN,
        _ => 0,
    };
    let plain = (INNER_BYTES + payload).max(least);
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
        let body_len = TAG_BYTES + padded(kind, payload_len);
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use zeroize::Zeroizing;

    use super::*;

    fn secret(fill: u8) -> Secret {
        Zeroizing::new([fill; 32])
    }

    fn pair() -> (Sealer, Opener) {
        (Sealer::new(secret(1), at(0)), Opener::new(secret(1)))
    }

    fn at(seconds: u64) -> Monotonic {
        Monotonic(Duration::from_secs(seconds))
    }

    fn seal(sealer: &mut Sealer, kind: Kind, payload: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        sealer.seal(kind, &[payload], &mut out).unwrap();
        out
    }

    /// Seals any plaintext, which no `Sealer` would.
    fn forge(plain: &[u8]) -> Vec<u8> {
        let header = frame::header(FrameType::Data, 16 + plain.len());
        let mut siv = Epoch::new(secret(1)).siv;
        let sealed = siv.encrypt([&header[..], &0u64.to_be_bytes()[..]], plain).unwrap();
        [&header[..], &sealed].concat()
    }

    #[test]
    fn every_flipped_bit_and_every_truncation_kills_the_direction() {
        let record = seal(&mut pair().0, Kind::MessageFinal, b"hello");
        for bit in 0..record.len() * 8 {
            let mut opener = pair().1;
            let mut bad = record.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(opener.open(&mut bad), Err(Fault::Crypto), "bit {bit}");
            assert_eq!(
                opener.open(&mut record.clone()),
                Err(Fault::Crypto),
                "the good record comes too late"
            );
        }
        for len in 0..record.len() {
            assert_eq!(pair().1.open(&mut record[..len].to_vec()), Err(Fault::Crypto), "{len} bytes");
        }
        assert_eq!(pair().1.open(&mut [&record[..], &[0]].concat()), Err(Fault::Crypto));
        assert_eq!(pair().1.open(&mut record.clone()), Ok((Kind::MessageFinal, &b"hello"[..])));
    }

    #[test]
    fn records_open_only_in_their_order_and_their_direction() {
        let mut sealer = pair().0;
        let records: Vec<Vec<u8>> = (0..4u8).map(|n| seal(&mut sealer, Kind::MessagePart, &[n])).collect();
        for order in [&[1][..], &[0, 0], &[0, 2], &[0, 1, 3], &[0, 1, 0], &[3, 2, 1, 0]] {
            let mut opener = pair().1;
            let results: Vec<bool> =
                order.iter().map(|n: &usize| opener.open(&mut records[*n].clone()).is_ok()).collect();
            assert!(!results.last().unwrap(), "{order:?}");
        }
        assert_eq!(Opener::new(secret(2)).open(&mut records[0].clone()), Err(Fault::Crypto));
        let mut opener = pair().1;
        assert!(records.iter().all(|record| opener.open(&mut record.clone()).is_ok()));
    }

    #[test]
    fn payloads_end_at_sixteen_kibibytes() {
        let (mut sealer, mut opener) = pair();
        let mut largest = seal(&mut sealer, Kind::MessageFinal, &[7; PAYLOAD_BYTES_MAX]);
        assert_eq!(largest.len(), HEADER_BYTES + frame::BODY_BYTES_MAX);
        assert_eq!(opener.open(&mut largest).unwrap().1.len(), PAYLOAD_BYTES_MAX);
        let mut out = vec![1, 2];
        let refused = sealer.seal(Kind::MessageFinal, &[&[0; PAYLOAD_BYTES_MAX], &[0]], &mut out);
        assert_eq!((refused, out), (Err(Fault::Protocol), vec![1, 2]));
        let plain = [&[0x10, 0x40, 0x01][..], &[0; PAYLOAD_BYTES_MAX + 1]].concat();
        assert_eq!(pair().1.open(&mut forge(&plain)), Err(Fault::Crypto));
    }

    #[test]
    fn padding_is_zero_of_any_amount_and_lengths_do_not_lie() {
        let open = |plain: &[u8]| pair().1.open(&mut forge(plain)).map(|(_, payload)| payload.to_vec());
        assert_eq!(open(&[0x10, 0, 2, 5, 6]), Ok(vec![5, 6]), "no padding");
        assert_eq!(open(&[&[0x10, 0, 2, 5, 6][..], &[0; 1000]].concat()), Ok(vec![5, 6]));
        assert_eq!(open(&[0x10, 0, 0]), Ok(vec![]));
        assert_eq!(open(&[0x10, 0, 2, 5, 6, 0, 1]), Err(Fault::Crypto), "padding that is not zero");
        assert_eq!(open(&[0x10, 0, 3, 5, 6]), Err(Fault::Crypto), "a length beyond the end");
        assert_eq!(open(&[0x10, 0xff, 0xff, 5, 6]), Err(Fault::Crypto));
        assert_eq!(open(&[0x10, 0]), Err(Fault::Crypto), "no room for the length");
        for kind in (0..=255).filter(|kind| Kind::from_wire(*kind).is_none()) {
            assert_eq!(open(&[kind, 0, 0]), Err(Fault::Crypto), "kind {kind:#x}");
        }
    }

    #[test]
    fn plaintexts_are_padded_in_steps() {
        let cases = [
            (0, 64),
            (61, 64),
            (62, 128),
            (1_021, 1_024),
            (1_022, 2_048),
            (15_000, 15_360),
            (16_384, 16_387),
        ];
        for (payload, plain) in cases {
            assert_eq!(padded(Kind::MessageFinal, payload), plain, "payload of {payload}");
        }
        for kind in [Kind::ClientAuth, Kind::ServerAuth] {
            for signature in [64, 384] {
                assert_eq!(padded(kind, 8 + 32 + signature), 448, "the kind of key does not show");
            }
        }
    }

    #[test]
    fn the_counter_stops_hard_on_both_sides() {
        let (mut sealer, mut opener) = pair();
        sealer.set_sequence(RECORDS_MAX - 1);
        opener.set_sequence(RECORDS_MAX - 1);
        let mut last = seal(&mut sealer, Kind::Ping, &[0; 8]);
        assert!(opener.open(&mut last).is_ok());
        assert_eq!(sealer.seal(Kind::Ping, &[&[0; 8]], &mut Vec::new()), Err(Fault::Protocol));
        assert_eq!(opener.open(&mut last), Err(Fault::Crypto));
    }

    #[test]
    fn keys_change_after_enough_records_bytes_or_time() {
        let updates = |prepare: fn(&mut Sealer), seconds| {
            let mut sealer = pair().0;
            prepare(&mut sealer);
            let mut out = Vec::new();
            sealer.update_if_due(at(seconds), &mut out).unwrap();
            !out.is_empty()
        };
        assert!(updates(|sealer| sealer.set_sequence(UPDATE_AFTER_RECORDS), 0));
        assert!(!updates(|sealer| sealer.set_sequence(UPDATE_AFTER_RECORDS - 1), 3_599));
        assert!(updates(|sealer| sealer.set_sequence(1), 3_600));
        assert!(updates(|sealer| sealer.bytes = UPDATE_AFTER_BYTES, 0));
        assert!(!updates(|_| (), 1_000_000), "an unused key needs no change");
    }

    #[test]
    fn after_a_key_update_only_the_next_key_opens() {
        let (mut sealer, mut opener) = pair();
        let mut before = seal(&mut sealer, Kind::Ping, &[0; 8]);
        let mut records = Vec::new();
        sealer.update_if_due(at(3_600), &mut records).unwrap();
        let mut after = seal(&mut sealer, Kind::Ping, &[0; 8]);
        assert!(opener.open(&mut before).is_ok());
        assert_eq!(opener.open(&mut records), Ok((Kind::KeyUpdate, &[][..])));
        opener.update(at(3_600)).unwrap();
        assert!(opener.open(&mut after).is_ok());
    }

    #[test]
    fn key_updates_come_no_faster_than_one_per_256_records_or_half_an_hour() {
        let mut opener = pair().1;
        assert_eq!(opener.update(at(0)), Ok(()), "the first may come at any time");
        opener.set_sequence(256);
        assert_eq!(opener.update(at(0)), Ok(()), "many records, no time");
        assert_eq!(opener.update(at(1_800)), Ok(()), "much time, no records");
        opener.set_sequence(255);
        assert_eq!(opener.update(at(3_599)), Err(Fault::Crypto));
        assert_eq!(opener.open(&mut seal(&mut pair().0, Kind::Close, &[])), Err(Fault::Crypto), "dead");
    }

    proptest! {
        #[test]
        fn what_is_sealed_opens(payload in prop::collection::vec(any::<u8>(), 0..3_000), cut: prop::sample::Index) {
            let (mut sealer, mut opener) = pair();
            let (left, right) = payload.split_at(cut.index(payload.len() + 1));
            for _ in 0..2 {
                let mut out = Vec::new();
                sealer.seal(Kind::MessageFinal, &[left, right], &mut out).unwrap();
                prop_assert_eq!(opener.open(&mut out), Ok((Kind::MessageFinal, &payload[..])));
            }
        }

        #[test]
        fn bytes_of_a_stranger_never_open(mut bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            prop_assert_eq!(pair().1.open(&mut bytes), Err(Fault::Crypto));
        }
    }
}
