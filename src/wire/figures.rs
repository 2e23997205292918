//! The server's figures: a list, so that a further one is no other message.

use serde::{Deserialize, Serialize};

/// One figure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figure {
    /// Its stable name, such as `log_bytes`.
    pub name: String,
    /// What it is now.
    pub value: FigureValue,
}

/// What a figure says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FigureValue {
    /// Nothing at the moment.
    None,
    /// A count, bytes or microseconds, as the name says.
    Number(u64),
    /// A word, a hash or a sentence.
    Text(String),
}

/// All figures, in the order in which they are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures(pub Vec<Figure>);

impl Figures {
    /// A number by its name; none if the server has no such figure.
    pub fn number(&self, name: &str) -> Option<u64> {
        match self.value(name)? {
            FigureValue::Number(number) => Some(*number),
            FigureValue::None | FigureValue::Text(_) => None,
        }
    }

    /// A text by its name; none if the server has no such figure, or nothing to say.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.value(name)? {
            FigureValue::Text(text) => Some(text),
            FigureValue::None | FigureValue::Number(_) => None,
        }
    }

    fn value(&self, name: &str) -> Option<&FigureValue> {
        self.0.iter().find(|figure| figure.name == name).map(|figure| &figure.value)
    }
}

impl From<u64> for FigureValue {
    fn from(number: u64) -> FigureValue {
        FigureValue::Number(number)
    }
}

impl From<String> for FigureValue {
    fn from(text: String) -> FigureValue {
        FigureValue::Text(text)
    }
}
