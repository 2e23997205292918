//! What a refusal or a figure says beside its name: values that a program reads and that fill a sentence in any language.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// Facts of one refusal at most.
pub const FACTS_MAX: usize = 8;

/// What a value is about. Numbers on the wire: a further one is appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fact {
    /// Which element of the command is meant, counted from 1: an order of several, a payment of several.
    Element,
    /// How much there is left: of money in minor units, of goods in pieces.
    Left,
    /// How much was wanted, in the unit of what is left.
    Wanted,
    /// When something ended or ends.
    Until,
    /// Index of the block in which it happened.
    Block,
    /// The account that is meant.
    Account,
    /// The most that there may be.
    Most,
}

impl Fact {
    /// The name as programs read it in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Fact::Element => "element",
            Fact::Left => "left",
            Fact::Wanted => "wanted",
            Fact::Until => "until",
            Fact::Block => "block",
            Fact::Account => "account",
            Fact::Most => "most",
        }
    }
}

/// What a fact or a figure says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Value {
    /// Nothing at the moment.
    None,
    /// A count, an index, money in minor units, bytes or microseconds, as the name says.
    Number(u64),
    /// A word, a hash or a sentence.
    Text(String),
    /// A moment.
    Time(Timestamp),
}

impl From<u64> for Value {
    fn from(number: u64) -> Value {
        Value::Number(number)
    }
}

impl From<usize> for Value {
    fn from(number: usize) -> Value {
        Value::Number(number as u64)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Value {
        Value::Text(text)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Text(text.to_owned())
    }
}

impl From<Timestamp> for Value {
    fn from(time: Timestamp) -> Value {
        Value::Time(time)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Value {
        value.map_or(Value::None, Into::into)
    }
}
