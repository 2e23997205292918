//! The parts of an order, as types that hold nothing invalid, and its encoding.

use std::fmt;

use serde::de::{self, SeqAccess, Visitor};
use serde::ser::SerializeTuple;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Decimal;

/// Bytes of the longest stock name.
const STOCK_NAME_BYTES_MAX: usize = 32;
/// Letters of the shortest name of a currency.
const CURRENCY_BYTES_MIN: usize = 2;
/// Letters of the longest name of a currency.
const CURRENCY_BYTES_MAX: usize = 8;

/// One order.
///
/// Encoded as a byte that says what follows, so that what is not there takes no room: the stock's name, the
/// quantity's digits, the scales of quantity and price (unless both are 0), the price's digits, the currency's
/// letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// Which way.
    pub operation: Operation,
    /// What.
    pub stock_name: StockName,
    /// How many, more than nothing.
    pub quantity: Decimal,
    /// For how much each; none is "at any price".
    pub price: Option<Price>,
}

/// Which way an order goes. The order of the variants is the encoding and never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Operation {
    /// The author wants to have.
    Buy,
    /// The author wants to give.
    Sell,
}

impl Operation {
    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Operation::Buy => "buy",
            Operation::Sell => "sell",
        }
    }
}

/// A price for one unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    /// How much, in units of the currency.
    pub amount: Decimal,
    /// None is the ledger's customary currency.
    pub currency: Option<Currency>,
}

/// The bits of the byte with which an order begins.
mod shape {
    /// An order to sell.
    pub(super) const SELL: u8 = 1;
    /// A price follows.
    pub(super) const PRICE: u8 = 2;
    /// A byte with the scales of quantity and price follows; else both are 0.
    pub(super) const SCALES: u8 = 4;
    /// How far to the left the number of the currency's letters stands. The bit left of it is 0.
    pub(super) const CURRENCY_SHIFT: u8 = 3;
    /// The most that the number of letters may be.
    pub(super) const CURRENCY_MASK: u8 = 15;
}

impl Order {
    /// The scales of quantity and price in one byte.
    fn scales(&self) -> u8 {
        let price = self.price.map_or(0, |price| price.amount.scale());
        (self.quantity.scale() << 4) | price
    }

    fn shape(&self) -> u8 {
        let sell = if self.operation == Operation::Sell { shape::SELL } else { 0 };
        let price = if self.price.is_some() { shape::PRICE } else { 0 };
        let scales = if self.scales() == 0 { 0 } else { shape::SCALES };
        let letters = self.price.and_then(|price| price.currency).map_or(0, |currency| currency.length);
        sell | price | scales | (letters << shape::CURRENCY_SHIFT)
    }
}

impl Serialize for Order {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Order { stock_name, quantity, price, .. } = self;
        // A tuple has no length of its own in the encoding, so that it may have as many parts as there are.
        let mut parts = serializer.serialize_tuple(PARTS_MAX)?;
        parts.serialize_element(&self.shape())?;
        parts.serialize_element(stock_name)?;
        parts.serialize_element(&quantity.mantissa())?;
        if self.scales() != 0 {
            parts.serialize_element(&self.scales())?;
        }
        if let Some(Price { amount, currency }) = price {
            parts.serialize_element(&amount.mantissa())?;
            for letter in currency.iter().flat_map(|currency| currency.as_str().bytes()) {
                parts.serialize_element(&letter)?;
            }
        }
        parts.end()
    }
}

/// Shape, name, quantity, scales, price, letters.
const PARTS_MAX: usize = 5 + CURRENCY_BYTES_MAX;

impl<'de> Deserialize<'de> for Order {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Order, D::Error> {
        deserializer.deserialize_tuple(PARTS_MAX, Parts)
    }
}

struct Parts;

impl<'de> Visitor<'de> for Parts {
    type Value = Order;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an order")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Order, A::Error> {
        let shape: u8 = part(&mut parts)?;
        let stock_name = part(&mut parts)?;
        let quantity: u64 = part(&mut parts)?;
        let scales: u8 = if shape & shape::SCALES == 0 { 0 } else { part(&mut parts)? };
        let price = if shape & shape::PRICE == 0 { None } else { Some(part::<u64, _>(&mut parts)?) };
        let mut letters = [0; CURRENCY_BYTES_MAX];
        let length = usize::from((shape >> shape::CURRENCY_SHIFT) & shape::CURRENCY_MASK);
        let named = letters.get_mut(..length).ok_or_else(invalid)?;
        for letter in &mut *named {
            *letter = part(&mut parts)?;
        }
        let currency = match &*named {
            [] => None,
            letters => {
                let name = std::str::from_utf8(letters).ok().and_then(|name| Currency::new(name).ok());
                Some(name.ok_or_else(invalid)?)
            }
        };
        let decimal = |mantissa, scale| Decimal::new(mantissa, scale).ok_or_else(invalid);
        let price = match price {
            Some(mantissa) => Some(Price { amount: decimal(mantissa, scales & 15)?, currency }),
            None => None,
        };
        let operation = if shape & shape::SELL == 0 { Operation::Buy } else { Operation::Sell };
        let order = Order { operation, stock_name, quantity: decimal(quantity, scales >> 4)?, price };
        // Whatever has another form than the one it is given here does not decode.
        if (order.shape(), order.scales()) == (shape, scales) { Ok(order) } else { Err(invalid()) }
    }
}

fn part<'de, T: Deserialize<'de>, A: SeqAccess<'de>>(parts: &mut A) -> Result<T, A::Error> {
    parts.next_element()?.ok_or_else(invalid)
}

fn invalid<E: de::Error>() -> E {
    E::custom("no order")
}

/// 2 to 8 upper-case letters. Whether there is such a currency is for nobody to ask: exchanges name new ones every
/// day.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Currency {
    letters: [u8; CURRENCY_BYTES_MAX],
    length: u8,
}

/// Why a text names no currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidCurrencyName;

impl fmt::Display for InvalidCurrencyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a currency has {CURRENCY_BYTES_MIN} to {CURRENCY_BYTES_MAX} of A-Z")
    }
}

impl std::error::Error for InvalidCurrencyName {}

impl Currency {
    /// Takes a text if it may name a currency.
    ///
    /// # Errors
    /// [`InvalidCurrencyName`].
    pub fn new(text: &str) -> Result<Currency, InvalidCurrencyName> {
        let fits = (CURRENCY_BYTES_MIN..=CURRENCY_BYTES_MAX).contains(&text.len());
        if !fits || !text.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Err(InvalidCurrencyName);
        }
        Ok(Currency { letters: in_place(text), length: text.len() as u8 })
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        text_of(&self.letters, self.length)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// 1 to 32 of `A–Z a–z 0–9 . - ^ / = & : _ +`, held in place so that a command with thousands of orders decodes
/// without an allocation for each. Encoded as a string.
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
        write!(f, "a stock name has 1 to {STOCK_NAME_BYTES_MAX} of A-Z a-z 0-9 . - ^ / = & : _ +")
    }
}

impl std::error::Error for InvalidStockName {}

impl StockName {
    /// Takes a text if it is a stock name.
    ///
    /// # Errors
    /// [`InvalidStockName`].
    pub fn new(text: &str) -> Result<StockName, InvalidStockName> {
        let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b".-^/=&:_+".contains(byte);
        if text.is_empty() || text.len() > STOCK_NAME_BYTES_MAX || !text.as_bytes().iter().all(allowed) {
            return Err(InvalidStockName);
        }
        Ok(StockName { bytes: in_place(text), length: text.len() as u8 })
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        text_of(&self.bytes, self.length)
    }
}

/// A text that is short enough, with zeros behind it.
fn in_place<const N: usize>(text: &str) -> [u8; N] {
    let mut bytes = [0; N];
    for (to, from) in bytes.iter_mut().zip(text.bytes()) {
        *to = from;
    }
    bytes
}

fn text_of(bytes: &[u8], length: u8) -> &str {
    let bytes = bytes.get(..usize::from(length)).unwrap_or_default();
    std::str::from_utf8(bytes).unwrap_or_default()
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

    fn order(quantity: &str, price: Option<(&str, &str)>) -> Order {
        Order {
            operation: Operation::Sell,
            stock_name: StockName::new("AAPL").unwrap(),
            quantity: Decimal::parse(quantity).unwrap(),
            price: price.map(|(amount, currency)| Price {
                amount: Decimal::parse(amount).unwrap(),
                currency: (!currency.is_empty()).then(|| Currency::new(currency).unwrap()),
            }),
        }
    }

    #[test]
    fn a_stock_name_has_1_to_32_of_what_exchanges_write() {
        for good in [
            "A",
            "BRK.B",
            "shib/usd",
            "^GSPC",
            "EURUSD=X",
            "M&M.NS",
            "O:AAPL240119C00190000",
            "TEVA_US",
            "A+",
        ] {
            assert_eq!(StockName::new(good).map(|name| name.to_string()), Ok(good.to_owned()));
        }
        assert!(StockName::new(&"x".repeat(32)).is_ok());
        for bad in ["", "A B", "É", "A\0", "$AAPL", "A\"", "A\\", &"x".repeat(33)] {
            assert_eq!(StockName::new(bad), Err(InvalidStockName), "{bad:?}");
        }
    }

    #[test]
    fn a_currency_has_2_to_8_capitals() {
        for good in ["USD", "GBX", "USDT", "BTC", "XY", "ABCDEFGH"] {
            assert_eq!(Currency::new(good).map(|name| name.to_string()), Ok(good.to_owned()));
        }
        for bad in ["", "U", "usd", "GBp", "ABCDEFGHI", "U D", "€€"] {
            assert_eq!(Currency::new(bad), Err(InvalidCurrencyName), "{bad:?}");
        }
    }

    /// These bytes stand in logs. A change of any of them is a new schema, not a new expectation.
    #[test]
    fn an_order_takes_no_room_for_what_is_not_there() {
        for (order, bytes) in [
            (order("7", None), &b"\x01\x04AAPL\x07"[..]),
            (order("300", Some(("12.50", "USD"))), b"\x1f\x04AAPL\xac\x02\x01\x7dUSD"),
            (order("0.004", Some(("36000.00", "USDT"))), b"\x27\x04AAPL\x04\x30\xa0\x99\x02USDT"),
            (order("3", Some(("598", ""))), b"\x03\x04AAPL\x03\xd6\x04"),
            (order("1", Some(("0", "GBX"))), b"\x1b\x04AAPL\x01\x00GBX"),
        ] {
            assert_eq!(codec::encode(&order), bytes, "{order:?}");
            assert_eq!(codec::strict::<Order>(bytes), Ok(order));
        }
    }

    #[test]
    fn whatever_has_another_form_does_not_decode() {
        for (bytes, what) in [
            (&b"\x01\x04AA L\x07"[..], "a name with a blank"),
            (b"\x81\x04AAPL\x07", "an unknown bit"),
            (b"\x05\x04AAPL\x07\x00", "scales that are 0"),
            (b"\x05\x04AAPL\x46\x10", "a quantity that ends in a zero"),
            (b"\x05\x04AAPL\x07\x90", "nine decimals"),
            (b"\x05\x04AAPL\x07\x01", "the scale of a price that is not there"),
            (b"\x05\x04AAPL\x00\x10", "a scale of nothing"),
            (b"\x19\x04AAPL\x07USD", "a currency without a price"),
            (b"\x1b\x04AAPL\x07\x01usd", "a currency in small letters"),
            (b"\x0b\x04AAPL\x07\x01U", "a currency of one letter"),
            (b"\x4b\x04AAPL\x07\x01ABCDEFGHI", "a currency of nine letters"),
            (b"\x01\x04AAPL\x87\x00", "a number longer than needed"),
            (b"\x01\x04AAPL\x07\x00", "a byte too many"),
        ] {
            assert!(codec::strict::<Order>(bytes).is_err(), "{what}");
        }
    }
}
