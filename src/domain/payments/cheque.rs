//! The cheque: a payer's signed promise of money to one payee. It travels from person to person and
//! comes to the ledger inside the payee's settle command. Its bytes, all integers big-endian, are what the payer
//! signs, as with commands:
//!
//! ```text
//! "ledgerd/payment-order/1\0" ‖ ledger_id 32 ‖ payer u64 ‖ payer key_id 32 ‖ cheque_id 16 ‖ payee u64 ‖ amount u64
//! ‖ expires_ms u64 ‖ memo length u16 ‖ memo
//! ```

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::MEMO_BYTES_MAX;
use crate::crypto::{KeyId, LedgerId};
use crate::domain::AccountId;
use crate::time::Timestamp;

const PREFIX: &[u8; 24] = b"ledgerd/payment-order/1\0";

/// Bytes of a cheque at most.
pub const CHEQUE_BYTES_MAX: usize = 24 + 32 + 8 + 32 + 16 + 8 + 8 + 8 + 2 + MEMO_BYTES_MAX;

/// Names a cheque among those of its payer: random, chosen by the payer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChequeId(pub [u8; 16]);

impl fmt::Display for ChequeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&const_hex::encode(self.0))
    }
}

impl std::str::FromStr for ChequeId {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<ChequeId, &'static str> {
        let bytes = const_hex::decode_to_array(text).map(ChequeId);
        bytes.ok().filter(|id| id.to_string() == text).ok_or("expected 32 lower-case hexadecimal digits")
    }
}

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "ByteBuf", into = "ByteBuf")]
pub struct Cheque {
    /// On which ledger.
    pub ledger_id: LedgerId,
    /// Who pays.
    pub payer: AccountId,
    /// The payer's key, which signs.
    pub key_id: KeyId,
    /// Which cheque.
    pub cheque_id: ChequeId,
    /// Who alone may settle it.
    pub payee: AccountId,
    /// Minor units.
    pub amount: u64,
    /// From this moment on it cannot be settled: milliseconds since the Unix epoch.
    pub expires_ms: u64,
    /// What it is for: at most [`MEMO_BYTES_MAX`] bytes.
    pub memo: String,
}

/// Bytes that are no cheque.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MalformedCheque;

impl Cheque {
    /// The bytes that the payer signs.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(CHEQUE_BYTES_MAX);
        bytes.extend_from_slice(PREFIX);
        bytes.extend_from_slice(&self.ledger_id.0);
        bytes.extend_from_slice(&self.payer.0.to_be_bytes());
        bytes.extend_from_slice(&self.key_id.0);
        bytes.extend_from_slice(&self.cheque_id.0);
        for number in [self.payee.0, self.amount, self.expires_ms] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        // A memo too long for its field is refused before anybody signs it; see `parse`.
        bytes.extend_from_slice(&(self.memo.len() as u16).to_be_bytes());
        bytes.extend_from_slice(self.memo.as_bytes());
        bytes
    }

    /// Reads what a payer signed.
    ///
    /// # Errors
    /// [`MalformedCheque`] when it is anything else, or more.
    pub fn parse(bytes: &[u8]) -> Result<Cheque, MalformedCheque> {
        let (cheque, rest) = Cheque::parse_front(bytes)?;
        if rest.is_empty() { Ok(cheque) } else { Err(MalformedCheque) }
    }

    /// Reads what a payer signed, and gives the bytes that come after it.
    ///
    /// # Errors
    /// [`MalformedCheque`] when the bytes do not begin with a cheque.
    pub fn parse_front(bytes: &[u8]) -> Result<(Cheque, &[u8]), MalformedCheque> {
        let mut rest = bytes.strip_prefix(PREFIX).ok_or(MalformedCheque)?;
        let cheque = Cheque {
            ledger_id: LedgerId(take(&mut rest)?),
            payer: AccountId(u64::from_be_bytes(take(&mut rest)?)),
            key_id: KeyId(take(&mut rest)?),
            cheque_id: ChequeId(take(&mut rest)?),
            payee: AccountId(u64::from_be_bytes(take(&mut rest)?)),
            amount: u64::from_be_bytes(take(&mut rest)?),
            expires_ms: u64::from_be_bytes(take(&mut rest)?),
            memo: {
                let length = usize::from(u16::from_be_bytes(take(&mut rest)?));
                let memo = rest.split_at_checked(length).filter(|_| length <= MEMO_BYTES_MAX);
                let (memo, after) = memo.ok_or(MalformedCheque)?;
                rest = after;
                std::str::from_utf8(memo).map_err(|_| MalformedCheque)?.to_owned()
            },
        };
        Ok((cheque, rest))
    }

    /// When it expires, as blocks count time.
    pub fn expires(&self) -> Timestamp {
        Timestamp::from_millis(self.expires_ms)
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], MalformedCheque> {
    let (head, tail) = rest.split_first_chunk().ok_or(MalformedCheque)?;
    *rest = tail;
    Ok(*head)
}

impl TryFrom<ByteBuf> for Cheque {
    type Error = MalformedCheque;

    fn try_from(bytes: ByteBuf) -> Result<Cheque, MalformedCheque> {
        Cheque::parse(&bytes)
    }
}

impl From<Cheque> for ByteBuf {
    fn from(cheque: Cheque) -> ByteBuf {
        ByteBuf::from(cheque.encode())
    }
}

impl fmt::Display for MalformedCheque {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a cheque")
    }
}

impl std::error::Error for MalformedCheque {}

#[cfg(test)]
mod tests {
    use super::*;

    fn cheque(memo: &str) -> Cheque {
        Cheque {
            ledger_id: LedgerId([1; 32]),
            payer: AccountId(2),
            key_id: KeyId([3; 32]),
            cheque_id: ChequeId([4; 16]),
            payee: AccountId(5),
            amount: 600,
            expires_ms: 7_000,
            memo: memo.to_owned(),
        }
    }

    #[test]
    fn the_bytes_are_those_of_the_specification_and_read_back() {
        let bytes = cheque("tea").encode();
        let expected = [
            &b"ledgerd/payment-order/1\0"[..],
            &[1; 32],
            &[0, 0, 0, 0, 0, 0, 0, 2],
            &[3; 32],
            &[4; 16],
            &[0, 0, 0, 0, 0, 0, 0, 5],
            &[0, 0, 0, 0, 0, 0, 2, 88],
            &[0, 0, 0, 0, 0, 0, 27, 88],
            b"\0\x03tea",
        ];
        assert_eq!(bytes, expected.concat());
        assert_eq!(Cheque::parse(&bytes), Ok(cheque("tea")));
        let longest = cheque(&"m".repeat(MEMO_BYTES_MAX));
        assert_eq!(longest.encode().len(), CHEQUE_BYTES_MAX);
        assert_eq!(Cheque::parse(&longest.encode()), Ok(longest));
        assert_eq!(Cheque::parse_front(&[&bytes[..], b"more"].concat()), Ok((cheque("tea"), &b"more"[..])));
    }

    #[test]
    fn every_truncation_one_byte_more_and_a_memo_too_long_are_refused() {
        let bytes = cheque("tea").encode();
        for length in 0..bytes.len() {
            assert_eq!(Cheque::parse(&bytes[..length]), Err(MalformedCheque));
        }
        assert!(Cheque::parse(&[&bytes[..], b"!"].concat()).is_err());
        assert!(Cheque::parse(&cheque(&"m".repeat(MEMO_BYTES_MAX + 1)).encode()).is_err());
        let mut other = bytes.clone();
        other[0] ^= 1;
        assert!(Cheque::parse(&other).is_err());
        let text = [&bytes[..bytes.len() - 3], &[0xff, 0xfe, 0xfd]].concat();
        assert!(Cheque::parse(&text).is_err(), "a memo is text");
    }

    #[test]
    fn a_cheque_id_has_one_spelling() {
        let id = ChequeId([0xab; 16]);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!("AB".repeat(16).parse::<ChequeId>().is_err() && "ab".parse::<ChequeId>().is_err());
    }
}
