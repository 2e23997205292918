//! Amounts in what is printed as JSON: as people see them, and beside it in minor units, both as strings. Beside
//! `amount` stands `minor`, beside any other `balance_minor` and the like.

use serde_json::Value;

use crate::domain::payments::Currency;

/// A field of an object.
pub(super) type Field = (&'static str, Value);

/// What moved; negative where it went.
pub(super) fn amount(minor: i64, currency: &Currency) -> [Field; 2] {
    [("amount", currency.show_signed(minor).into()), ("minor", minor.to_string().into())]
}

/// What somebody has.
pub(super) fn balance(minor: u64, currency: &Currency) -> [Field; 2] {
    [("balance", currency.show(minor).into()), ("balance_minor", minor.to_string().into())]
}

/// What money is called, and how many decimals it has.
pub(super) fn currency(currency: &Currency) -> [Field; 2] {
    [("currency", currency.name.clone().into()), ("scale", currency.scale.into())]
}

/// An object of these fields.
pub(super) fn object(fields: impl IntoIterator<Item = Field>) -> Value {
    Value::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}
