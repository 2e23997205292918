//! Keys that make a run repeatable for ever: whoever gives the same key again gets the outcome of the first run, on
//! any machine that holds the account's key, without anything being kept in a home directory.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::chain::CommandId;
use crate::crypto::{LedgerId, sha3};
use crate::domain::AccountId;

/// Bytes of a key at most.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 255;

/// Tells the keys of this program apart from those of another one that signs for the same account.
const NAMESPACE: &[u8] = b"cli";

/// A name that its giver never gives to anything else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// The id of the command number `part`, from 0, of the run with this key:
    /// `SHA3-256("ledgerctl/idempotency/1\0" ‖ ledger_id ‖ account u64 ‖ namespace ‖ 0 ‖ key ‖ 0 ‖ part u32)[..16]`,
    /// integers big-endian.
    pub fn command_id(&self, ledger_id: LedgerId, account: AccountId, part: u32) -> CommandId {
        let digest = sha3(&[
            b"ledgerctl/idempotency/1\0",
            &ledger_id.0,
            &account.0.to_be_bytes(),
            NAMESPACE,
            &[0],
            self.0.as_bytes(),
            &[0],
            &part.to_be_bytes(),
        ]);
        CommandId(digest.first_half())
    }
}

impl FromStr for IdempotencyKey {
    type Err = String;

    fn from_str(text: &str) -> Result<IdempotencyKey, String> {
        let fits = (1..=IDEMPOTENCY_KEY_BYTES_MAX).contains(&text.len());
        if fits && !text.contains(char::is_control) {
            return Ok(IdempotencyKey(text.to_owned()));
        }
        Err(format!("expected a key of 1 to {IDEMPOTENCY_KEY_BYTES_MAX} bytes without control characters"))
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_a_command_is_that_of_the_documented_vector() {
        let key: IdempotencyKey = "rent-2026-02".parse().unwrap();
        let id = |part| key.command_id(LedgerId([0x11; 32]), AccountId(2), part).to_string();
        let documented = include_str!("../../../docs/cli.md");
        for part in [0, 1] {
            let row = format!("| {part} | `{}` |", id(part));
            assert!(documented.lines().any(|line| line == row), "docs/cli.md lacks this row:\n{row}");
        }
    }

    #[test]
    fn ledger_account_key_and_part_each_make_another_id() {
        let key = |text: &str| text.parse::<IdempotencyKey>().unwrap();
        let id = |ledger, account, text: &str, part| {
            key(text).command_id(LedgerId([ledger; 32]), AccountId(account), part)
        };
        let first = id(1, 2, "a", 0);
        assert_eq!(first, id(1, 2, "a", 0));
        for other in [id(2, 2, "a", 0), id(1, 3, "a", 0), id(1, 2, "b", 0), id(1, 2, "a", 1)] {
            assert_ne!(first, other);
        }
    }

    #[test]
    fn a_key_is_short_and_has_no_control_characters() {
        for bad in ["", "a\0b", "a\nb", &"x".repeat(256)] {
            assert!(bad.parse::<IdempotencyKey>().is_err(), "{bad:?}");
        }
        assert!("Miete März 🏠".parse::<IdempotencyKey>().is_ok());
        assert!("x".repeat(255).parse::<IdempotencyKey>().is_ok());
    }
}
