//! The key of a backup of the vault: 32 random bytes, which a person writes down.
//!
//! As text they are base32 of RFC 4648 without padding, in 13 groups of four characters with a `-` between them. A key is
//! read without regard to case, blanks and hyphens; 0 is read as O, 1 as I and 8 as B.

use std::fmt;

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::crypto::random;

/// Bytes of a key.
const KEY_BYTES: usize = 32;

/// Characters of a key, without the hyphens. The last one stands for one bit and four zeros.
const CHARACTERS: usize = 52;

/// Characters of a group.
const GROUP: usize = 4;

const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The key of a backup. It wipes itself.
#[derive(Clone)]
pub struct BackupKey(Zeroizing<[u8; KEY_BYTES]>);

impl fmt::Debug for BackupKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BackupKey([redacted])")
    }
}

/// A text is no key of a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotABackupKey;

impl fmt::Display for NotABackupKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the key of a backup has {CHARACTERS} characters, letters and the digits 2 to 7, in groups of {GROUP}"
        )
    }
}

impl std::error::Error for NotABackupKey {}

impl BackupKey {
    /// Makes a key.
    pub fn generate(rng: &mut dyn CryptoRng) -> BackupKey {
        BackupKey(Zeroizing::new(random::bytes(rng)))
    }

    /// The key with these bytes.
    pub fn from_bytes(bytes: [u8; KEY_BYTES]) -> BackupKey {
        BackupKey(Zeroizing::new(bytes))
    }

    /// Its bytes.
    pub(super) fn as_bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    /// The key as a person writes it down.
    pub fn to_text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(CHARACTERS + CHARACTERS / GROUP));
        for character in 0..CHARACTERS {
            if character > 0 && character.is_multiple_of(GROUP) {
                text.push('-');
            }
            let five = (0..5).fold(0, |bits, bit| bits << 1 | self.bit(5 * character + bit));
            text.push(char::from(ALPHABET.get(usize::from(five)).copied().unwrap_or_default()));
        }
        text
    }

    /// A bit of the key, from the first byte's highest on; 0 behind its end.
    fn bit(&self, number: usize) -> u8 {
        self.0.get(number / 8).map_or(0, |byte| byte >> (7 - number % 8) & 1)
    }

    /// Reads a key that a person has written down.
    ///
    /// # Errors
    /// [`NotABackupKey`].
    pub fn parse(text: &str) -> Result<BackupKey, NotABackupKey> {
        let mut bytes = Zeroizing::new([0_u8; KEY_BYTES]);
        let mut count = 0;
        for character in text.chars().filter(|c| !c.is_whitespace() && *c != '-') {
            let five = value_of(character).ok_or(NotABackupKey)?;
            for bit in 0..5 {
                let (number, is_set) = (5 * count + bit, five >> (4 - bit) & 1 == 1);
                match bytes.get_mut(number / 8) {
                    Some(byte) => *byte |= u8::from(is_set) << (7 - number % 8),
                    None if is_set => return Err(NotABackupKey),
                    None => {}
                }
            }
            count += 1;
            if count > CHARACTERS {
                return Err(NotABackupKey);
            }
        }
        if count == CHARACTERS { Ok(BackupKey(bytes)) } else { Err(NotABackupKey) }
    }
}

/// The five bits that a character stands for.
fn value_of(character: char) -> Option<u8> {
    let meant = match character.to_ascii_uppercase() {
        '0' => 'O',
        '1' => 'I',
        '8' => 'B',
        other => other,
    };
    let place = ALPHABET.iter().position(|known| char::from(*known) == meant)?;
    u8::try_from(place).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_key_is_read_as_it_was_written_down_however_that_was(bytes: [u8; 32], seed: u64) {
            let text = BackupKey::from_bytes(bytes).to_text();
            prop_assert_eq!(text.len(), 64);
            let by_hand: String = text.chars().enumerate().flat_map(|(at, c)| {
                let c = if seed >> (at % 64) & 1 == 1 { c.to_ascii_lowercase() } else { c };
                let c = match c { 'O' if seed.is_multiple_of(3) => '0', 'I' => '1', 'b' => '8', other => other };
                [Some(c), (seed >> (at % 61) & 3 == 3).then_some(' ')].into_iter().flatten()
            }).collect();
            let read = BackupKey::parse(&by_hand).unwrap();
            prop_assert_eq!(read.as_bytes(), &bytes);
        }
    }

    #[test]
    fn a_key_has_one_length_one_alphabet_and_nothing_behind_its_last_bit() {
        let text = BackupKey::from_bytes([0xff; 32]).to_text();
        assert_eq!(&text[..9], "7777-7777");
        assert!(text.ends_with("777Q"), "{}", *text);
        // The example of RFC 4648: "foobar" is MZXW6YTBOI.
        let mut bytes = [0; 32];
        bytes[..6].copy_from_slice(b"foobar");
        assert!(BackupKey::from_bytes(bytes).to_text().starts_with("MZXW-6YTB-OI"));
        for wrong in ["", "7777", &text[..63], &format!("{}A", *text), &text.replace("777Q", "777R")] {
            assert_eq!(BackupKey::parse(wrong).unwrap_err(), NotABackupKey, "{wrong}");
        }
        for wrong in ['9', '!', 'é'] {
            assert!(BackupKey::parse(&text.replacen('7', &wrong.to_string(), 1)).is_err(), "{wrong}");
        }
    }
}
