//! The first schema of orders, as blocks of before hold it. It is frozen: what it allowed stays allowed, and nobody has
//! to write it any more.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::Operation;

/// Decimals of a price: amounts are counted in ten-thousandths.
pub const PRICE_SCALE: u8 = 4;

/// Bytes of the longest stock name.
const STOCK_NAME_BYTES_MAX: usize = 16;

/// Place orders, all or none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceOrders {
    /// 1 to [`crate::limits::ORDERS_MAX`] orders.
    pub orders: Vec<Order>,
}

/// One order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Which way.
    pub operation: Operation,
    /// What.
    pub stock_name: StockName,
    /// How many, at least 1.
    pub quantity: u64,
    /// For how much each; none is "at any price".
    pub price: Option<Price>,
}

/// A price for one unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// The amount, in 1/10,000 of the currency's unit.
    pub ten_thousandths: u64,
    /// ISO 4217 code; none is the ledger's customary currency.
    pub currency: Option<Currency>,
}

/// Three upper-case letters. Whether ISO 4217 lists them is for the client to ask: the list changes, and a
/// rule that changes would make old blocks invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Currency(pub [u8; 3]);

impl Currency {
    /// Whether these are three upper-case ASCII letters.
    pub fn is_well_formed(self) -> bool {
        self.0.iter().all(u8::is_ascii_uppercase)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}

/// 1 to 16 of `A–Z 0–9 . -`, held in place so that a command with thousands of orders decodes without an
/// allocation for each. Encoded as a string.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct StockName {
    bytes: [u8; STOCK_NAME_BYTES_MAX],
    length: u8,
}

/// Why a text is no stock name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidStockName;

impl fmt::Display for InvalidStockName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a stock name has 1 to {STOCK_NAME_BYTES_MAX} of A-Z 0-9 . -")
    }
}

impl std::error::Error for InvalidStockName {}

impl StockName {
    /// Takes a text if it is a stock name.
    ///
    /// # Errors
    /// [`InvalidStockName`].
    pub fn new(text: &str) -> Result<StockName, InvalidStockName> {
        let allowed = |b: &u8| b.is_ascii_uppercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-');
        if text.is_empty() || text.len() > STOCK_NAME_BYTES_MAX || !text.as_bytes().iter().all(allowed) {
            return Err(InvalidStockName);
        }
        let mut bytes = [0; STOCK_NAME_BYTES_MAX];
        for (to, from) in bytes.iter_mut().zip(text.bytes()) {
            *to = from;
        }
        Ok(StockName { bytes, length: text.len() as u8 })
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        let bytes = self.bytes.get(..usize::from(self.length)).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }
}

impl fmt::Display for StockName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for StockName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for StockName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for StockName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<StockName, D::Error> {
        let text = <&str>::deserialize(deserializer)?;
        StockName::new(text).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec;

    #[test]
    fn a_stock_name_has_1_to_16_capitals_digits_dots_and_dashes() {
        for good in ["A", "BRK.B", "2330-TW", "ABCDEFGHIJKLMNOP"] {
            assert_eq!(StockName::new(good).map(|name| name.to_string()), Ok(good.to_owned()));
        }
        for bad in ["", "aapl", "A B", "ABCDEFGHIJKLMNOPQ", "É", "A\0"] {
            assert_eq!(StockName::new(bad), Err(InvalidStockName), "{bad:?}");
        }
    }

    #[test]
    fn a_short_order_takes_eight_bytes_and_an_invalid_name_does_not_decode() {
        let order = Order {
            operation: Operation::Sell,
            stock_name: StockName::new("AAPL").unwrap(),
            quantity: 7,
            price: None,
        };
        let bytes = codec::encode(&order);
        assert_eq!(bytes, [1, 4, b'A', b'A', b'P', b'L', 7, 0]);
        assert_eq!(codec::strict::<Order>(&bytes), Ok(order));
        assert!(codec::strict::<Order>(&[1, 4, b'a', b'A', b'P', b'L', 7, 0]).is_err());
        assert!(codec::strict::<Order>(&[2, 4, b'A', b'A', b'P', b'L', 7, 0]).is_err());
    }
}
