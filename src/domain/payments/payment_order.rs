//! The payment order: a payer's signed promise to one payee, like a cheque. It travels from person to person and
//! comes to the ledger inside the payee's settle command. Its bytes, all integers big-endian, are what the payer
//! signs (RSASSA-PSS as for commands):
//!
//! ```text
//! "ledgerd/payment-order/1\0" ‖ ledger_id 32 ‖ payer u64 ‖ payer key_id 32 ‖ order_id 16 ‖ payee u64 ‖ amount u64
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

/// Bytes of a payment order at most.
pub const PAYMENT_ORDER_BYTES_MAX: usize = 24 + 32 + 8 + 32 + 16 + 8 + 8 + 8 + 2 + MEMO_BYTES_MAX;

/// Names a payment order among those of its payer: random, chosen by the payer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OrderId(pub [u8; 16]);

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&const_hex::encode(self.0))
    }
}

impl std::str::FromStr for OrderId {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<OrderId, &'static str> {
        let bytes = const_hex::decode_to_array(text).map(OrderId);
        bytes.ok().filter(|id| id.to_string() == text).ok_or("expected 32 lower-case hexadecimal digits")
    }
}

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "ByteBuf", into = "ByteBuf")]
pub struct PaymentOrder {
    /// On which ledger.
    pub ledger_id: LedgerId,
    /// Who pays.
    pub payer: AccountId,
    /// The payer's key, which signs.
    pub key_id: KeyId,
    /// Which order.
    pub order_id: OrderId,
    /// Who alone may settle it.
    pub payee: AccountId,
    /// Minor units.
    pub amount: u64,
    /// From this moment on it cannot be settled: milliseconds since the Unix epoch.
    pub expires_ms: u64,
    /// What it is for: at most [`MEMO_BYTES_MAX`] bytes.
    pub memo: String,
}

/// Bytes that are no payment order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MalformedPaymentOrder;

impl PaymentOrder {
    /// The bytes that the payer signs.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(PAYMENT_ORDER_BYTES_MAX);
        bytes.extend_from_slice(PREFIX);
        bytes.extend_from_slice(&self.ledger_id.0);
        bytes.extend_from_slice(&self.payer.0.to_be_bytes());
        bytes.extend_from_slice(&self.key_id.0);
        bytes.extend_from_slice(&self.order_id.0);
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
    /// [`MalformedPaymentOrder`] when it is anything else, or more.
    pub fn parse(bytes: &[u8]) -> Result<PaymentOrder, MalformedPaymentOrder> {
        let mut rest = bytes.strip_prefix(PREFIX).ok_or(MalformedPaymentOrder)?;
        let order = PaymentOrder {
            ledger_id: LedgerId(take(&mut rest)?),
            payer: AccountId(u64::from_be_bytes(take(&mut rest)?)),
            key_id: KeyId(take(&mut rest)?),
            order_id: OrderId(take(&mut rest)?),
            payee: AccountId(u64::from_be_bytes(take(&mut rest)?)),
            amount: u64::from_be_bytes(take(&mut rest)?),
            expires_ms: u64::from_be_bytes(take(&mut rest)?),
            memo: {
                let length = usize::from(u16::from_be_bytes(take(&mut rest)?));
                let fits = rest.len() == length && length <= MEMO_BYTES_MAX;
                let memo = std::str::from_utf8(rest).ok().filter(|_| fits);
                memo.ok_or(MalformedPaymentOrder)?.to_owned()
            },
        };
        Ok(order)
    }

    /// When it expires, as blocks count time.
    pub fn expires(&self) -> Timestamp {
        Timestamp::from_millis(self.expires_ms)
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], MalformedPaymentOrder> {
    let (head, tail) = rest.split_first_chunk().ok_or(MalformedPaymentOrder)?;
    *rest = tail;
    Ok(*head)
}

impl TryFrom<ByteBuf> for PaymentOrder {
    type Error = MalformedPaymentOrder;

    fn try_from(bytes: ByteBuf) -> Result<PaymentOrder, MalformedPaymentOrder> {
        PaymentOrder::parse(&bytes)
    }
}

impl From<PaymentOrder> for ByteBuf {
    fn from(order: PaymentOrder) -> ByteBuf {
        ByteBuf::from(order.encode())
    }
}

impl fmt::Display for MalformedPaymentOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a payment order")
    }
}

impl std::error::Error for MalformedPaymentOrder {}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(memo: &str) -> PaymentOrder {
        PaymentOrder {
            ledger_id: LedgerId([1; 32]),
            payer: AccountId(2),
            key_id: KeyId([3; 32]),
            order_id: OrderId([4; 16]),
            payee: AccountId(5),
            amount: 600,
            expires_ms: 7_000,
            memo: memo.to_owned(),
        }
    }

    #[test]
    fn the_bytes_are_those_of_the_specification_and_read_back() {
        let bytes = order("tea").encode();
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
        assert_eq!(PaymentOrder::parse(&bytes), Ok(order("tea")));
        let longest = order(&"m".repeat(MEMO_BYTES_MAX));
        assert_eq!(longest.encode().len(), PAYMENT_ORDER_BYTES_MAX);
        assert_eq!(PaymentOrder::parse(&longest.encode()), Ok(longest));
    }

    #[test]
    fn every_truncation_one_byte_more_and_a_memo_too_long_are_refused() {
        let bytes = order("tea").encode();
        for length in 0..bytes.len() {
            assert_eq!(PaymentOrder::parse(&bytes[..length]), Err(MalformedPaymentOrder));
        }
        assert!(PaymentOrder::parse(&[&bytes[..], b"!"].concat()).is_err());
        assert!(PaymentOrder::parse(&order(&"m".repeat(MEMO_BYTES_MAX + 1)).encode()).is_err());
        let mut other = bytes.clone();
        other[0] ^= 1;
        assert!(PaymentOrder::parse(&other).is_err());
        let text = [&bytes[..bytes.len() - 3], &[0xff, 0xfe, 0xfd]].concat();
        assert!(PaymentOrder::parse(&text).is_err(), "a memo is text");
    }

    #[test]
    fn an_order_id_has_one_spelling() {
        let id = OrderId([0xab; 16]);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!("AB".repeat(16).parse::<OrderId>().is_err() && "ab".parse::<OrderId>().is_err());
    }
}
