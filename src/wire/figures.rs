//! Figures: lists of names and values, so that a further line is no other message.

use serde::{Deserialize, Serialize};

use crate::domain::Value;

/// One figure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figure {
    /// Its stable name, such as `log_bytes`.
    pub name: String,
    /// What it is now.
    pub value: Value,
}

/// All figures, in the order in which they are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures(pub Vec<Figure>);

impl Figures {
    /// A number by its name; none if the server has no such figure.
    pub fn number(&self, name: &str) -> Option<u64> {
        match self.value(name)? {
            Value::Number(number) => Some(*number),
            Value::None | Value::Text(_) | Value::Time(_) => None,
        }
    }

    /// A text by its name; none if the server has no such figure, or nothing to say.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.value(name)? {
            Value::Text(text) => Some(text),
            Value::None | Value::Number(_) | Value::Time(_) => None,
        }
    }

    /// What a figure says, by its name; none if the server has no such figure.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|figure| figure.name == name).map(|figure| &figure.value)
    }
}
