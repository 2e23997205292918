//! Keys that sign, of whatever kind: what a member signs with, and what everybody checks a member's signature with.
//! The rest of the program knows a key's identifier and the length of its signatures, and never the algorithm; a further
//! kind is a further variant here, and the compiler shows where it has to be decided.
//!
//! A key that decrypts is another thing and has other types (`rsa::PrivateKey`): no key does both.

use std::fmt;
use std::ops::Deref;

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::rsa::{self, KeyPolicyError, PrivateKeyError};
use super::{BadSignature, KeyId};

/// The kinds of keys that sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// RSASSA-PSS with 3,072 bits, SHA3-256 and a salt of 32 bytes.
    Rsa3072,
}

/// Bytes of the longest signature.
pub const SIGNATURE_BYTES_MAX: usize = KeyKind::Rsa3072.signature_bytes();

impl KeyKind {
    const ALL: [KeyKind; 1] = [KeyKind::Rsa3072];

    /// Bytes of every signature by a key of this kind.
    pub const fn signature_bytes(self) -> usize {
        match self {
            KeyKind::Rsa3072 => rsa::MODULUS_BYTES,
        }
    }
}

/// Whether signatures of some kind of key have this length. That is all that can be said of a signature's form before
/// its key is known.
pub fn is_signature_length(bytes: usize) -> bool {
    KeyKind::ALL.iter().any(|kind| kind.signature_bytes() == bytes)
}

/// Bytes as long as a signature. Whether they are one, a [`VerifyingKey`] says.
#[derive(Clone, PartialEq, Eq)]
pub struct Signature(Box<[u8]>);

impl Signature {
    /// Takes bytes for a signature; none if signatures of no kind of key have their length.
    pub fn from_bytes(bytes: &[u8]) -> Option<Signature> {
        is_signature_length(bytes.len()).then(|| Signature(bytes.into()))
    }

    /// The bytes.
    pub fn into_vec(self) -> Vec<u8> {
        self.0.into_vec()
    }
}

impl Deref for Signature {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({})", const_hex::encode(&self.0))
    }
}

/// A public key that checks signatures and satisfies the key policy of its kind. It is ready for use: what its
/// arithmetic needs was computed when it was read. Clones share one copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VerifyingKey {
    /// See [`KeyKind::Rsa3072`].
    Rsa(rsa::PublicKey),
}

impl VerifyingKey {
    /// Accepts a DER `SubjectPublicKeyInfo` from a stranger if it is the one encoding of a key that satisfies the policy
    /// of its kind. Takes about a millisecond.
    ///
    /// # Errors
    /// [`KeyPolicyError`] names the first rule that the key breaks.
    pub fn from_spki(spki: &[u8]) -> Result<VerifyingKey, KeyPolicyError> {
        rsa::PublicKey::from_spki(spki).map(VerifyingKey::Rsa)
    }

    /// Reads a key as PEM (`BEGIN PUBLIC KEY`).
    ///
    /// # Errors
    /// [`KeyPolicyError`]; what is not PEM is malformed.
    pub fn from_pem(pem: &str) -> Result<VerifyingKey, KeyPolicyError> {
        rsa::PublicKey::from_pem(pem).map(VerifyingKey::Rsa)
    }

    /// The kind of key.
    pub fn kind(&self) -> KeyKind {
        match self {
            VerifyingKey::Rsa(_) => KeyKind::Rsa3072,
        }
    }

    /// The exact DER `SubjectPublicKeyInfo`.
    pub fn spki(&self) -> &[u8] {
        match self {
            VerifyingKey::Rsa(key) => key.spki(),
        }
    }

    /// The key as PEM (`BEGIN PUBLIC KEY`), for stock tools.
    pub fn to_pem(&self) -> String {
        match self {
            VerifyingKey::Rsa(key) => key.to_pem(),
        }
    }

    /// The identifier of this key.
    pub fn key_id(&self) -> KeyId {
        match self {
            VerifyingKey::Rsa(key) => key.key_id(),
        }
    }

    /// Checks a signature over the parts, one after the other.
    ///
    /// # Errors
    /// [`BadSignature`] when it has not the length of this kind's signatures, or is not this key's over these bytes.
    pub fn verify(&self, parts: &[&[u8]], signature: &[u8]) -> Result<(), BadSignature> {
        match self {
            VerifyingKey::Rsa(key) => key.verify_pss(parts, signature),
        }
    }
}

/// A private key that signs. Clones share one copy, which wipes itself when the last one goes.
#[derive(Clone)]
pub struct SigningKey {
    secret: Secret,
    public: VerifyingKey,
}

#[derive(Clone)]
enum Secret {
    Rsa(rsa::PrivateKey),
}

impl SigningKey {
    /// Makes a new key of the kind that an account begins with, RSA-3072. Takes of the order of a second.
    pub fn generate(rng: &mut dyn CryptoRng) -> SigningKey {
        SigningKey::of_rsa(rsa::PrivateKey::generate(rng))
    }

    /// Reads a key from PKCS#8 PEM text; a passphrase given for a key that is not encrypted is ignored.
    ///
    /// # Errors
    /// [`PrivateKeyError`] says what a person can do about it.
    pub fn from_pkcs8_pem(pem: &str, passphrase: Option<&[u8]>) -> Result<SigningKey, PrivateKeyError> {
        rsa::PrivateKey::from_pkcs8_pem(pem, passphrase).map(SigningKey::of_rsa)
    }

    /// Writes the key as PKCS#8 PEM text, encrypted when a passphrase is given.
    pub fn to_pkcs8_pem(&self, passphrase: Option<&[u8]>) -> Zeroizing<String> {
        match &self.secret {
            Secret::Rsa(key) => key.to_pkcs8_pem(passphrase),
        }
    }

    /// The public half.
    pub fn public(&self) -> &VerifyingKey {
        &self.public
    }

    /// Signs the parts, one after the other. Takes about 6 ms with RSA.
    pub fn sign(&self, rng: &mut dyn CryptoRng, parts: &[&[u8]]) -> Signature {
        match &self.secret {
            Secret::Rsa(key) => Signature(key.sign_pss(rng, parts).into()),
        }
    }

    fn of_rsa(key: rsa::PrivateKey) -> SigningKey {
        let public = VerifyingKey::Rsa(key.public().clone());
        SigningKey { secret: Secret::Rsa(key), public }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({}, [redacted])", self.public.key_id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::random::Seeded;

    const CLIENT: &str = include_str!("../../fixtures/keys/client.pem");
    const OTHER: &str = include_str!("../../fixtures/keys/other.pem");

    fn key(pem: &str) -> SigningKey {
        SigningKey::from_pkcs8_pem(pem, None).unwrap()
    }

    #[test]
    fn what_a_key_signs_its_public_half_checks_and_no_other_one() {
        let (own, other) = (key(CLIENT), key(OTHER));
        let signature = own.sign(&mut Seeded::new("keys"), &[b"con", b"text"]);
        assert_eq!(signature.len(), own.public().kind().signature_bytes());
        assert_eq!(own.public().verify(&[b"cont", b"ext"], &signature), Ok(()));
        assert_eq!(own.public().verify(&[b"contexT"], &signature), Err(BadSignature));
        assert_eq!(other.public().verify(&[b"context"], &signature), Err(BadSignature));
    }

    #[test]
    fn a_key_reads_back_as_it_was_written() {
        let own = key(CLIENT);
        let public = own.public();
        assert_eq!(VerifyingKey::from_spki(public.spki()).as_ref(), Ok(public));
        assert_eq!(VerifyingKey::from_pem(&public.to_pem()).as_ref(), Ok(public));
        assert_eq!(KeyId::of_spki(public.spki()), public.key_id());
        assert_eq!(key(&own.to_pkcs8_pem(None)).public(), public);
        assert_ne!(key(OTHER).public(), public);
    }

    #[test]
    fn a_signature_has_the_length_of_some_kind_of_key() {
        for bytes in 0..=2 * SIGNATURE_BYTES_MAX {
            let taken = Signature::from_bytes(&vec![7; bytes]);
            assert_eq!(taken.is_some(), is_signature_length(bytes));
            assert_eq!(is_signature_length(bytes), bytes == 384, "{bytes}");
        }
    }
}
