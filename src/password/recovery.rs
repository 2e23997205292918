//! The recovery code: 160 random bits that stand in for a forgotten password.

use std::fmt;

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::crypto::{expand, extract, sha3};
use crate::typed_code::TypedCode;

/// Bytes of a code.
const CODE_BYTES: usize = 20;

/// A recovery code. It wipes itself.
#[derive(Clone, PartialEq, Eq)]
pub struct RecoveryCode(TypedCode<CODE_BYTES>);

/// What a recovery code stands for.
pub struct RecoverySecrets {
    /// R: what wraps VK. The server never sees it.
    pub wraps: Zeroizing<[u8; 32]>,
    /// A: what the server is shown before it hands out the blob. It opens nothing.
    pub shown: Zeroizing<[u8; 32]>,
}

/// A text is not a recovery code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecoveryCodeError;

impl fmt::Display for RecoveryCodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a recovery code has eight groups of four letters and digits")
    }
}

impl std::error::Error for RecoveryCodeError {}

impl RecoveryCode {
    /// Makes a code.
    pub fn generate(rng: &mut dyn CryptoRng) -> RecoveryCode {
        RecoveryCode(TypedCode::generate(rng))
    }

    /// Reads a code as people type it.
    ///
    /// # Errors
    /// [`RecoveryCodeError`].
    pub fn parse(text: &str) -> Result<RecoveryCode, RecoveryCodeError> {
        TypedCode::parse(text).map(RecoveryCode).ok_or(RecoveryCodeError)
    }

    /// The code for people, as it is shown once.
    pub fn to_text(&self) -> Zeroizing<String> {
        self.0.to_text()
    }

    /// What the code stands for.
    pub fn secrets(&self) -> RecoverySecrets {
        let both: Zeroizing<[u8; 64]> =
            expand(&extract(&[0; 32], self.0.bytes()), &[b"ledgerd/recovery/1\0"]);
        let (mut wraps, mut shown) = (Zeroizing::new([0; 32]), Zeroizing::new([0; 32]));
        let (first, second) = both.split_at(32);
        wraps.copy_from_slice(first);
        shown.copy_from_slice(second);
        RecoverySecrets { wraps, shown }
    }
}

impl RecoverySecrets {
    /// What the blob keeps of A, so that the server can tell the right one.
    pub fn authenticator(shown: &[u8; 32]) -> [u8; 32] {
        sha3(&[b"ledgerd/rec-auth/1\0", shown]).0
    }
}

impl fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryCode([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::random::Seeded;

    #[test]
    fn what_the_server_is_shown_is_not_what_wraps() {
        let secrets = RecoveryCode::generate(&mut Seeded::new("code")).secrets();
        assert_ne!(secrets.wraps, secrets.shown);
    }
}
