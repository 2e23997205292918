//! Refusals as they travel.

use serde::{Deserialize, Serialize};

use crate::domain::{Declined, Fact, Value};

/// Why not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// 210 when a rule refused it, 220 when the session may not ask for it.
    pub code: u16,
    /// Stable machine name, such as `handle_taken`.
    pub name: String,
    /// The English sentence, for people and for logs. The name chooses the sentence of another language, and the facts
    /// fill it.
    pub message: String,
    /// What the sentence is filled with: at most [`crate::domain::FACTS_MAX`] facts.
    pub facts: Vec<(Fact, Value)>,
}

impl Refusal {
    /// Code of what a rule refused.
    pub const FAIL: u16 = 210;
    /// Code of what needs an authenticated session.
    pub const AUTH_FAIL: u16 = 220;

    /// A refusal by a rule.
    pub fn fail(name: &str, message: impl ToString) -> Refusal {
        Refusal {
            code: Refusal::FAIL,
            name: name.to_owned(),
            message: message.to_string(),
            facts: Vec::new(),
        }
    }

    /// The same refusal where so many elements stand before those of the command.
    pub fn of_later_elements(mut self, before: u64) -> Refusal {
        for (fact, value) in &mut self.facts {
            if let (Fact::Element, Value::Number(number)) = (fact, value) {
                *number = number.saturating_add(before);
            }
        }
        self
    }

    /// The number that a fact says; none if the refusal has no such fact.
    pub fn number(&self, fact: Fact) -> Option<u64> {
        self.facts.iter().find_map(|(known, value)| match value {
            Value::Number(number) if *known == fact => Some(*number),
            _ => None,
        })
    }
}

impl From<Declined> for Refusal {
    fn from(declined: Declined) -> Refusal {
        let Declined { name, sentence, facts } = declined;
        Refusal { facts, ..Refusal::fail(name, sentence) }
    }
}
