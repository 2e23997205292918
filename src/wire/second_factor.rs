//! What travels when somebody enrols a second factor or gives a code of one: see `docs/second-factor.md`.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::second_factor::{SECRET_BYTES, SPARE_CODE_BYTES, SPARE_CODES};

/// What is given as a second factor.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FactorGiven<'a> {
    /// A code: six digits of the telephone, or a spare one.
    Code(&'a str),
    /// What a log-in with a code has brought ([`super::Unlocked::factor`]), so that the session with the fetched key needs no second one.
    Carry([u8; 32]),
}

impl fmt::Debug for FactorGiven<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FactorGiven([redacted])")
    }
}

/// The wrong codes of an account since the last good one: whoever has given them knows the password, or has the key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrongCodes {
    /// How many.
    pub count: u32,
    /// When the first of them came, in milliseconds since the Unix epoch; 0 where there is none.
    pub since_ms: u64,
}

/// A new second factor, as it is shown once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactorOffer {
    /// The number that the command with it has to carry.
    pub generation: u32,
    /// The secret for the telephone; none where the one before stays.
    pub secret: Option<[u8; SECRET_BYTES]>,
    /// The spare codes.
    pub codes: [[u8; SPARE_CODE_BYTES]; SPARE_CODES],
}

impl fmt::Debug for FactorOffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FactorOffer([redacted])")
    }
}
