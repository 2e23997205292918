//! What some members may do beyond what all may.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A role. Variants are only ever appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Role {
    /// Issues money, grants and revokes roles.
    Operator,
}

/// Every role with its name.
const NAMES: [(Role, &str); 1] = [(Role::Operator, "operator")];

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NAMES.iter().find(|(role, _)| role == self).map_or("", |(_, name)| name))
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Role, String> {
        let known = NAMES.iter().find(|(_, name)| *name == text);
        known.map(|(role, _)| *role).ok_or_else(|| format!("there is no role {text:?}; there is operator"))
    }
}
