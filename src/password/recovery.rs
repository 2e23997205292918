//! The recovery code: 160 random bits that stand in for a forgotten password. They are written as RFC 4648 base32, eight
//! groups of four joined by `-`, and read as people write them.

use std::fmt;
use std::sync::LazyLock;

use data_encoding::{BASE32_NOPAD, Encoding};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::crypto::{expand, extract, random, sha3};

/// Bytes of a code.
const CODE_BYTES: usize = 20;

/// Characters of a group.
const GROUP: usize = 4;

/// Base32 as people type it.
#[expect(clippy::expect_used, reason = "a constant, which every test of a code reads")]
static TYPED: LazyLock<Encoding> = LazyLock::new(|| {
    let mut typed = BASE32_NOPAD.specification();
    typed.ignore.push_str(" -");
    typed.translate.from.push_str("abcdefghijklmnopqrstuvwxyz018");
    typed.translate.to.push_str("ABCDEFGHIJKLMNOPQRSTUVWXYZOIB");
    typed.encoding().expect("a specification that was tried")
});

/// A recovery code. It wipes itself.
#[derive(Clone, PartialEq, Eq)]
pub struct RecoveryCode(Zeroizing<[u8; CODE_BYTES]>);

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
        RecoveryCode(Zeroizing::new(random::bytes(rng)))
    }

    /// Reads a code without regard to case, blanks and hyphens; 0 is read as O, 1 as I and 8 as B, which are not in the
    /// alphabet.
    ///
    /// # Errors
    /// [`RecoveryCodeError`].
    pub fn parse(text: &str) -> Result<RecoveryCode, RecoveryCodeError> {
        let bytes = Zeroizing::new(TYPED.decode(text.trim().as_bytes()).map_err(|_| RecoveryCodeError)?);
        let mut code = Zeroizing::new([0; CODE_BYTES]);
        if bytes.len() != CODE_BYTES {
            return Err(RecoveryCodeError);
        }
        code.copy_from_slice(&bytes);
        Ok(RecoveryCode(code))
    }

    /// The code for people, as it is shown once.
    pub fn to_text(&self) -> Zeroizing<String> {
        let plain = Zeroizing::new(BASE32_NOPAD.encode(&self.0[..]));
        let mut text = Zeroizing::new(String::with_capacity(2 * plain.len()));
        for (at, character) in plain.chars().enumerate() {
            if at > 0 && at % GROUP == 0 {
                text.push('-');
            }
            text.push(character);
        }
        text
    }

    /// What the code stands for.
    pub fn secrets(&self) -> RecoverySecrets {
        let both: Zeroizing<[u8; 64]> = expand(&extract(&[0; 32], &self.0[..]), &[b"ledgerd/recovery/1\0"]);
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
    fn a_code_is_read_as_people_write_it() {
        let code = RecoveryCode(Zeroizing::new(*b"01234567890123456789"));
        let text = code.to_text();
        assert_eq!(text.len(), 39);
        assert!(text.split('-').all(|group| group.len() == GROUP));
        assert_eq!(RecoveryCode::parse(&text).unwrap(), code);
        let loose = text.to_lowercase().replace('-', " ").replace('i', "1").replace('b', "8");
        assert_eq!(RecoveryCode::parse(&loose.replace('o', "0")).unwrap(), code);
        for wrong in ["", "ABCD", &text[1..], &format!("{}A", *text), &text.replacen('G', "9", 1)] {
            assert_eq!(RecoveryCode::parse(wrong), Err(RecoveryCodeError), "{wrong}");
        }
        let random = RecoveryCode::generate(&mut Seeded::new("code"));
        assert_eq!(RecoveryCode::parse(&random.to_text()).unwrap(), random);
    }

    #[test]
    fn what_the_server_is_shown_is_not_what_wraps() {
        let secrets = RecoveryCode::generate(&mut Seeded::new("code")).secrets();
        assert_ne!(secrets.wraps, secrets.shown);
    }
}
