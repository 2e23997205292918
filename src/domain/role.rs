//! What some members may do beyond what all may.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A role. Its number is its encoding, one byte, and is never used twice; 1 and 2 belong to roles that come later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "u8", try_from = "u8")]
pub enum Role {
    /// Issues money, grants and revokes roles.
    Operator = 0,
    /// Has a place for its cosignatures of checkpoints.
    Witness = 3,
}

/// Every role with its name.
const NAMES: [(Role, &str); 2] = [(Role::Operator, "operator"), (Role::Witness, "witness")];

impl Role {
    /// The names of all roles.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(_, name)| *name)
    }
}

impl From<Role> for u8 {
    fn from(role: Role) -> u8 {
        role as u8
    }
}

impl TryFrom<u8> for Role {
    type Error = String;

    fn try_from(number: u8) -> Result<Role, String> {
        let known = NAMES.iter().find(|(role, _)| *role as u8 == number);
        known.map(|(role, _)| *role).ok_or_else(|| format!("there is no role {number}"))
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NAMES.iter().find(|(role, _)| role == self).map_or("", |(_, name)| name))
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Role, String> {
        let known = NAMES.iter().find(|(_, name)| *name == text);
        known.map(|(role, _)| *role).ok_or_else(|| {
            let names: Vec<&str> = Role::names().collect();
            format!("there is no role {text:?}; expected one of: {}", names.join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec;

    #[test]
    fn a_role_is_encoded_as_its_number_and_no_other_number_is_one() {
        assert_eq!(codec::encode(&Role::Operator), [0]);
        assert_eq!(codec::encode(&Role::Witness), [3]);
        for number in 0..=u8::MAX {
            let role = codec::strict::<Role>(&[number]);
            assert_eq!(role.is_ok(), [0, 3].contains(&number), "{number}");
        }
        assert!("king".parse::<Role>().unwrap_err().contains("operator, witness"));
    }
}
