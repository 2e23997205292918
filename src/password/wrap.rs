//! A secret under a key, for one purpose and one signing key.
//!
//! ```text
//! place              = "ledgerd/roam/1\0" ‖ ledger_id ‖ key_id
//! k[64] ‖ commit[32] = HKDF-Expand(HKDF-Extract(32 zero bytes, K), place ‖ purpose)
//! wrap(K, purpose, X) = commit ‖ AES-256-SIV(k; AD = place ‖ purpose ‖ 0x00; X)
//! ```
//! HKDF is that of RFC 5869 with SHA3-256, AES-256-SIV that of RFC 5297. The commitment makes the key unique: a wrap that
//! opens under two keys cannot be made, so that a server cannot try two guesses at a password with one answer.

use aes_siv::KeyInit as _;
use aes_siv::siv::Aes256Siv;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::crypto::{KeyId, LedgerId, expand, extract};

/// Bytes by which a wrap is longer than what it holds: the commitment and the tag.
pub(super) const WRAP_BYTES: usize = 32 + 16;

/// What a wrap is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// VK under the export key of a password.
    Password,
    /// VK under the secret of a recovery code.
    Recovery,
    /// The signing key under VK.
    SigningKey,
}

impl Purpose {
    fn bytes(self) -> &'static [u8] {
        match self {
            Purpose::Password => b"pw",
            Purpose::Recovery => b"rec",
            Purpose::SigningKey => b"ck",
        }
    }
}

/// Whose wrap it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) ledger_id: LedgerId,
    /// The signing key for which it is made.
    pub(super) key_id: KeyId,
}

impl Place {
    fn to_bytes(self, purpose: Purpose) -> Vec<u8> {
        [b"ledgerd/roam/1\0", &self.ledger_id.0[..], &self.key_id.0, purpose.bytes()].concat()
    }

    fn keys(self, key: &[u8], purpose: Purpose) -> (Aes256Siv, [u8; 32]) {
        let expanded: Zeroizing<[u8; 96]> = expand(&extract(&[0; 32], key), &[&self.to_bytes(purpose)]);
        let (mut cipher, mut commit) = (Zeroizing::new([0; 64]), [0; 32]);
        let (first, rest) = expanded.split_at(64);
        cipher.copy_from_slice(first);
        commit.copy_from_slice(rest);
        (Aes256Siv::new((&*cipher).into()), commit)
    }

    fn associated(self, purpose: Purpose) -> Vec<u8> {
        let mut out = self.to_bytes(purpose);
        out.push(0);
        out
    }

    /// Wraps a secret.
    #[expect(clippy::expect_used, reason = "AES-SIV refuses more than 126 strings; here is one")]
    pub(super) fn wrap(self, key: &[u8], purpose: Purpose, secret: &[u8]) -> Vec<u8> {
        let (mut siv, commit) = self.keys(key, purpose);
        let sealed = siv.encrypt([self.associated(purpose)], secret).expect("one string is few enough");
        [&commit[..], &sealed].concat()
    }

    /// Unwraps a secret; none if the key, the place or the purpose is another one, or the bytes have changed.
    pub(super) fn unwrap(self, key: &[u8], purpose: Purpose, wrap: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (mut siv, commit) = self.keys(key, purpose);
        let (claimed, sealed) = wrap.split_at_checked(commit.len())?;
        if !bool::from(commit[..].ct_eq(claimed)) {
            return None;
        }
        siv.decrypt([self.associated(purpose)], sealed).ok().map(Zeroizing::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrap_opens_with_its_key_at_its_place_for_its_purpose_only() {
        let place = Place { ledger_id: LedgerId([1; 32]), key_id: KeyId([2; 32]) };
        let wrap = place.wrap(&[3; 64], Purpose::Password, b"secret");
        assert_eq!(wrap.len(), 6 + WRAP_BYTES);
        let open = |place: Place, key: &[u8], purpose, wrap: &[u8]| place.unwrap(key, purpose, wrap);
        assert_eq!(open(place, &[3; 64], Purpose::Password, &wrap).unwrap()[..], *b"secret");
        assert_eq!(open(place, &[4; 64], Purpose::Password, &wrap), None);
        assert_eq!(open(place, &[3; 64], Purpose::Recovery, &wrap), None);
        let others =
            [Place { ledger_id: LedgerId([9; 32]), ..place }, Place { key_id: KeyId([9; 32]), ..place }];
        for other in others {
            assert_eq!(open(other, &[3; 64], Purpose::Password, &wrap), None);
        }
        for at in 0..wrap.len() {
            let mut changed = wrap.clone();
            changed[at] ^= 1;
            assert_eq!(open(place, &[3; 64], Purpose::Password, &changed), None, "byte {at}");
            assert_eq!(open(place, &[3; 64], Purpose::Password, &wrap[..at]), None, "cut at {at}");
        }
    }
}
