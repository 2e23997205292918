//! The keys of an account: what is known of each, and who may sign with it.

use serde::Serialize;

use super::{Custody, Rights};
use crate::crypto::{KeyId, KeyKind, LedgerId};
use crate::domain::AccountId;

/// Bytes of a label at most.
pub const LABEL_BYTES_MAX: usize = 32;

/// The label of the key that an account begins with.
pub const FIRST_LABEL: &str = "first";

/// A key of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Key {
    /// Names it.
    pub key_id: KeyId,
    /// DER `SubjectPublicKeyInfo`.
    pub spki: Vec<u8>,
    /// Where its private half is.
    pub custody: Custody,
    /// What it may sign.
    pub rights: Rights,
    /// Its public name among the keys of its account.
    pub label: String,
    /// Index of the block that introduced it.
    pub added_at: u64,
    /// Index of the block that ended it; none while it stands.
    pub ended_at: Option<u64>,
}

impl Key {
    /// Its kind.
    pub fn kind(&self) -> KeyKind {
        KeyKind::of_spki(&self.spki)
    }

    /// Whether nothing has ended it.
    pub fn stands(&self) -> bool {
        self.ended_at.is_none()
    }

    /// Whether it may sign what needs these rights, apart from whether it stands.
    pub fn has(&self, needed: Rights) -> bool {
        self.rights.suffice_for(needed)
    }
}

/// Whether a text may be a label: 1 to 32 ASCII letters, digits and `._-`.
pub fn is_label(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=LABEL_BYTES_MAX).contains(&text.len()) && text.bytes().all(fits)
}

/// The bytes that a new key signs to prove that whoever introduces it to an account has its private half:
/// `"ledgerd/key-proof/1\0" ‖ ledger_id ‖ account u64 ‖ key_id`, integers big-endian.
pub fn key_proof_bytes(ledger_id: LedgerId, account: AccountId, key_id: &KeyId) -> Vec<u8> {
    [b"ledgerd/key-proof/1\0", &ledger_id.0[..], &account.0.to_be_bytes(), &key_id.0].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_1_to_32_letters_digits_and_marks() {
        for good in ["a", "first", "k-7x2q", "My_Phone.2", &"x".repeat(32)] {
            assert!(is_label(good), "{good}");
        }
        for bad in ["", " ", "two words", "ключ", "a/b", "a\n", &"x".repeat(33)] {
            assert!(!is_label(bad), "{bad:?}");
        }
    }

    #[test]
    fn the_proof_of_a_key_names_the_ledger_the_account_and_the_key() {
        let bytes = key_proof_bytes(LedgerId([1; 32]), AccountId(2), &KeyId([3; 32]));
        assert_eq!(bytes[..20], *b"ledgerd/key-proof/1\0");
        assert_eq!(bytes[20..52], [1; 32]);
        assert_eq!(bytes[52..60], 2u64.to_be_bytes());
        assert_eq!(bytes[60..], [3; 32]);
    }
}
