//! The facts of a refusal and the values of figures: values that a program reads and that fill a sentence in any language.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// The most facts that one refusal has.
pub const FACTS_MAX: usize = 8;

/// The meaning of a value in a refusal. The order of the variants is their number on the wire: a further one is appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fact {
    /// The element of the command that is meant, counted from 1: one order of several, or one payment of several.
    Element,
    /// The amount that is left: of money in minor units, of goods in pieces.
    Left,
    /// The amount that was wanted, in the same unit.
    Wanted,
    /// The time at which something ended or ends, or what the time is.
    Until,
    /// The index of the block in which something happened.
    Block,
    /// The account that is meant.
    Account,
    /// The most that there may be.
    Most,
    /// The scope that texts have to be sealed in.
    Scope,
    /// Seconds until the same may be tried again.
    Seconds,
    /// The setting that is meant.
    Setting,
    /// The number of the item of the shop that is meant.
    Item,
    /// The price of one of something, in minor units.
    Price,
    /// How far something has come, by the name of the state.
    State,
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
            Fact::Scope => "scope",
            Fact::Seconds => "seconds",
            Fact::Setting => "setting",
            Fact::Item => "item",
            Fact::Price => "price",
            Fact::State => "state",
        }
    }
}

/// The value of a fact or of a figure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Value {
    /// No value at the moment.
    None,
    /// A count, an index, money in minor units, bytes or microseconds, as the name says.
    Number(u64),
    /// A word, a hash or a sentence.
    Text(String),
    /// A point in time.
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
