//! The header: how far the log was durable when the vault was synced, so that a vault which is ahead of its log, or belongs
//! to another one, is noticed before anything in it is swept.
//!
//! Two slots of 4 KiB, written in turn, so that a torn write leaves the other one:
//!
//! ```text
//!   0  8  "LDGVALT1"       48 32  hash of the last of them        92  1  1 if the vault was closed cleanly
//!   8 32  ledger id        80  8  generation of the header        93  4  CRC-32C of bytes 0 to 92
//!  40  8  durable blocks   88  4  number of the newest KEK         97  8  since when it is the only one, ms since 1970
//!                                                                105  4  CRC-32C of bytes 97 to 104
//! ```
//! The last two are zeros, or not good, where it is not known since when; nothing else depends on them.

use crate::crypto::{Digest, LedgerId};
use crate::cutter::Cutter;
use crate::time::Timestamp;

/// Bytes of one of the two places.
pub(super) const HEADER_BYTES: usize = 4_096;

const MAGIC: &[u8; 8] = b"LDGVALT1";
const FIELD_BYTES: usize = 93;

/// Where it stands since when the newest KEK is the only one, with a checksum of its own behind it.
const SINCE: usize = FIELD_BYTES + 4;
const SINCE_BYTES: usize = 8;

/// What the header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Which ledger.
    pub ledger_id: LedgerId,
    /// Blocks that were durable.
    pub durable: u64,
    /// Hash of the last of them.
    pub head: Digest,
    /// Grows with every write; the greater one of the two places holds.
    pub generation: u64,
    /// Number of the newest KEK.
    pub kek: u32,
    /// Whether the vault was closed cleanly.
    pub clean: bool,
    /// Since when the newest KEK is the only one, in whole milliseconds; 1970 if that is not known.
    pub kek_since: Timestamp,
}

impl Header {
    /// The bytes of the header's next write, and which of the two places they go to.
    pub(super) fn encode(&self) -> (u64, Vec<u8>) {
        let mut bytes = Vec::with_capacity(HEADER_BYTES);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&self.ledger_id.0);
        bytes.extend_from_slice(&self.durable.to_be_bytes());
        bytes.extend_from_slice(&self.head.0);
        bytes.extend_from_slice(&self.generation.to_be_bytes());
        bytes.extend_from_slice(&self.kek.to_be_bytes());
        bytes.push(u8::from(self.clean));
        let checksum = crc32c::crc32c(&bytes);
        bytes.extend_from_slice(&checksum.to_be_bytes());
        if self.kek_since != Timestamp::default() {
            let since = self.kek_since.millis().to_be_bytes();
            bytes.extend_from_slice(&since);
            bytes.extend_from_slice(&crc32c::crc32c(&since).to_be_bytes());
        }
        bytes.resize(HEADER_BYTES, 0);
        (self.generation % 2 * HEADER_BYTES as u64, bytes)
    }

    /// The newer of the good ones among both places; none if neither is good.
    pub(super) fn newest(places: &[u8]) -> Option<Header> {
        let headers = places.chunks(HEADER_BYTES).take(2).filter_map(decode);
        headers.max_by_key(|header| header.generation)
    }
}

fn decode(place: &[u8]) -> Option<Header> {
    let covered = place.get(..FIELD_BYTES)?;
    if place.get(FIELD_BYTES..FIELD_BYTES + 4)? != crc32c::crc32c(covered).to_be_bytes() {
        return None;
    }
    let mut cutter = Cutter(covered);
    if cutter.array::<8>()? != *MAGIC {
        return None;
    }
    Some(Header {
        ledger_id: LedgerId(cutter.array()?),
        durable: cutter.u64()?,
        head: Digest(cutter.array()?),
        generation: cutter.u64()?,
        kek: cutter.u32()?,
        clean: cutter.array()? == [1],
        kek_since: since_in(place).unwrap_or_default(),
    })
}

fn since_in(place: &[u8]) -> Option<Timestamp> {
    let mut cutter = Cutter(place.get(SINCE..SINCE + SINCE_BYTES + 4)?);
    let since = cutter.array::<SINCE_BYTES>()?;
    let is_good = cutter.array()? == crc32c::crc32c(&since).to_be_bytes();
    is_good.then(|| Timestamp::from_millis(u64::from_be_bytes(since)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newer_good_place_holds_whichever_of_the_two_is_torn() {
        let header = |generation| Header {
            ledger_id: LedgerId([1; 32]),
            durable: 10 + generation,
            head: Digest([2; 32]),
            generation,
            kek: 1,
            clean: generation == 5,
            kek_since: Timestamp::from_millis(1_000 * (generation - 4)),
        };
        let mut places = vec![0; 2 * HEADER_BYTES];
        assert_eq!(Header::newest(&places), None);
        for generation in [4, 5] {
            let (at, bytes) = header(generation).encode();
            places[at as usize..][..HEADER_BYTES].copy_from_slice(&bytes);
        }
        assert_eq!(Header::newest(&places), Some(header(5)));
        // What is said of the key costs nothing else when it has rotted.
        let mut rotten = places.clone();
        rotten[HEADER_BYTES + SINCE] ^= 1;
        let unknown = Header { kek_since: Timestamp::default(), ..header(5) };
        assert_eq!(Header::newest(&rotten), Some(unknown));
        places[HEADER_BYTES + 50] ^= 1;
        assert_eq!(Header::newest(&places), Some(header(4)));
        assert_eq!(Header::newest(&places[..HEADER_BYTES - 1]), Some(header(4)));
        places[50] ^= 1;
        assert_eq!(Header::newest(&places), None);
    }
}
