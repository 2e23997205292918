//! What the server says, as JSON.

use serde_json::{Map, Value};

use crate::domain;
use crate::wire::Refusal;

/// A fact or a figure.
pub(super) fn of_value(value: domain::Value) -> Value {
    match value {
        domain::Value::None => Value::Null,
        domain::Value::Number(number) => number.into(),
        domain::Value::Text(text) => text.into(),
        domain::Value::Time(time) => time.to_string().into(),
    }
}

/// The facts of a refusal, by name; an object without fields where there are none.
pub(super) fn of_facts(refusal: &Refusal) -> Value {
    let facts = refusal.facts.iter().map(|(fact, value)| (fact.name().to_owned(), of_value(value.clone())));
    Value::Object(facts.collect::<Map<String, Value>>())
}
