//! Codes that change with time: RFC 6238 with HMAC-SHA-1, six digits and steps of 30 seconds, which is what the programs on
//! telephones understand.

use std::fmt;

use rand_core::CryptoRng;
use totp_rs::{Builder, Totp};
use zeroize::Zeroizing;

use crate::crypto::random;
use crate::time::Timestamp;

/// Bytes of a secret.
pub const SECRET_BYTES: usize = 20;

/// Seconds of a step.
pub const STEP_SECONDS: u64 = 30;

/// Steps before and after the present one whose codes are taken: clocks differ, and people type slowly.
const SKEW: u16 = 1;

/// The secret that a telephone and the server share. It wipes itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<[u8; SECRET_BYTES]>);

impl Secret {
    /// Makes a secret.
    pub fn generate(rng: &mut dyn CryptoRng) -> Secret {
        Secret(Zeroizing::new(random::bytes(rng)))
    }

    /// The secret with these bytes.
    pub fn of_bytes(bytes: [u8; SECRET_BYTES]) -> Secret {
        Secret(Zeroizing::new(bytes))
    }

    /// The bytes of the secret.
    pub fn bytes(&self) -> &[u8; SECRET_BYTES] {
        &self.0
    }

    /// The number of the step that a code is of: the present one, or one beside it. None of a code that is of none of them.
    pub fn step_of(&self, code: &str, now: Timestamp) -> Option<u64> {
        self.totp("", "").check(code, seconds(now))
    }

    /// The code of this moment, as the telephone shows it.
    pub fn code_at(&self, now: Timestamp) -> Zeroizing<String> {
        Zeroizing::new(self.totp("", "").generate(seconds(now)).to_string())
    }

    /// The secret as a telephone reads it from a QR code: an `otpauth` URI. None if the two names do not fit into one.
    pub fn uri(&self, issuer: &str, account: &str) -> Option<Zeroizing<String>> {
        // A colon ends the name of the issuer in such a URI.
        let [issuer, account] = [issuer, account].map(|name| name.replace(':', "-"));
        self.totp(&issuer, &account).to_url().ok().map(Zeroizing::new)
    }

    /// The secret for who types it into the telephone: RFC 4648 base32.
    pub fn to_text(&self) -> Zeroizing<String> {
        Zeroizing::new(data_encoding::BASE32_NOPAD.encode(&self.0[..]))
    }

    fn totp(&self, issuer: &str, account: &str) -> Totp {
        Builder::new()
            .with_digits(6)
            .with_skew(SKEW)
            .with_step_duration(STEP_SECONDS)
            .with_secret(self.0.to_vec())
            .with_issuer(Some(issuer))
            .with_account_name(account)
            .build_noncompliant()
    }
}

fn seconds(now: Timestamp) -> u64 {
    now.millis() / 1_000
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    /// RFC 6238, appendix B: the last six of its eight digits.
    #[test]
    fn the_codes_are_those_of_the_rfc() {
        let secret = Secret::of_bytes(*b"12345678901234567890");
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(*secret.code_at(at(seconds)), code);
            assert_eq!(secret.step_of(code, at(seconds)), Some(seconds / STEP_SECONDS));
        }
    }

    #[test]
    fn a_code_is_taken_one_step_early_or_late_and_is_of_its_own_step() {
        let secret = Secret::of_bytes([7; SECRET_BYTES]);
        let code = secret.code_at(at(3_000));
        for (seconds, taken) in
            [(2_940, false), (2_970, true), (2_999, true), (3_029, true), (3_059, true), (3_060, false)]
        {
            assert_eq!(secret.step_of(&code, at(seconds)).is_some(), taken, "{seconds}");
        }
        assert_eq!(secret.step_of(&code, at(3_059)), Some(100));
        for other in ["", "1", "abcdef", "12345678"] {
            assert_eq!(secret.step_of(other, at(3_000)), None, "{other}");
        }
    }

    #[test]
    fn a_uri_has_the_secret_and_names_the_ledger_and_the_member() {
        let uri = Secret::of_bytes([1; SECRET_BYTES]).uri("ledger.example:1/prod", "ada").unwrap();
        assert!(uri.starts_with("otpauth://totp/ledger.example-1%2Fprod:ada?"), "{}", *uri);
        assert!(uri.contains("secret=AEAQCAIBAEAQCAIBAEAQCAIBAEAQCAIB"), "{}", *uri);
    }
}
