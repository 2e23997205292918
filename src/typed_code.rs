//! Codes of random bytes that people keep on paper and type: RFC 4648 base32 in groups of four joined by `-`, read as people
//! write them.

use std::fmt;
use std::sync::LazyLock;

use data_encoding::{BASE32_NOPAD, Encoding};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::crypto::random;

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

/// A code of so many bytes. It wipes itself.
#[derive(Clone, PartialEq, Eq)]
pub struct TypedCode<const BYTES: usize>(Zeroizing<[u8; BYTES]>);

impl<const BYTES: usize> TypedCode<BYTES> {
    /// Makes a code.
    pub fn generate(rng: &mut dyn CryptoRng) -> TypedCode<BYTES> {
        TypedCode(Zeroizing::new(random::bytes(rng)))
    }

    /// The code with these bytes.
    pub fn of_bytes(bytes: [u8; BYTES]) -> TypedCode<BYTES> {
        TypedCode(Zeroizing::new(bytes))
    }

    /// The bytes of the code.
    pub fn bytes(&self) -> &[u8; BYTES] {
        &self.0
    }

    /// Reads a code without regard to case, blanks and hyphens; 0 is read as O, 1 as I and 8 as B, which are not in the
    /// alphabet. None of a text that is no code of so many bytes.
    pub fn parse(text: &str) -> Option<TypedCode<BYTES>> {
        let bytes = Zeroizing::new(TYPED.decode(text.trim().as_bytes()).ok()?);
        let mut code = Zeroizing::new([0; BYTES]);
        if bytes.len() != BYTES {
            return None;
        }
        code.copy_from_slice(&bytes);
        Some(TypedCode(code))
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
}

impl<const BYTES: usize> fmt::Debug for TypedCode<BYTES> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TypedCode([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::random::Seeded;

    #[test]
    fn a_code_is_read_as_people_write_it() {
        let code = TypedCode::of_bytes(*b"01234567890123456789");
        let text = code.to_text();
        assert_eq!(text.len(), 39);
        assert!(text.split('-').all(|group| group.len() == GROUP));
        assert_eq!(TypedCode::parse(&text).as_ref(), Some(&code));
        let loose = text.to_lowercase().replace('-', " ").replace('i', "1").replace('b', "8");
        assert_eq!(TypedCode::parse(&loose.replace('o', "0")), Some(code));
        for wrong in ["", "ABCD", &text[1..], &format!("{}A", *text), &text.replacen('G', "9", 1)] {
            assert_eq!(TypedCode::<20>::parse(wrong), None, "{wrong}");
        }
        let random = TypedCode::<10>::generate(&mut Seeded::new("code"));
        assert_eq!(random.to_text().len(), 19);
        assert_eq!(TypedCode::parse(&random.to_text()), Some(random));
    }
}
