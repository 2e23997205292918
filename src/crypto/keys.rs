//! Keys that sign, of whatever kind: what a member signs with, and what everybody checks a member's signature with.
//! The rest of the program knows a key's identifier and the length of its signatures, and never the algorithm; a further
//! kind is a further variant here, and the compiler shows where it has to be decided.
//!
//! A key that decrypts is another thing and has other types (`rsa::PrivateKey`): no key does both.

use std::fmt;
use std::ops::Deref;

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::key_files::KeyFile;
use super::{BadSignature, KeyId, KeyPolicyError, PrivateKeyError, ed25519, rsa};

/// The kinds of keys that sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// RSASSA-PSS with 3,072 bits, SHA3-256 and a salt of 32 bytes.
    Rsa3072,
    /// Ed25519, strictly: see [`ed25519`].
    Ed25519,
}

/// Bytes of the longest signature.
pub const SIGNATURE_BYTES_MAX: usize = KeyKind::Rsa3072.signature_bytes();

impl KeyKind {
    const ALL: [KeyKind; 2] = [KeyKind::Rsa3072, KeyKind::Ed25519];

    /// Bytes of every signature by a key of this kind.
    pub const fn signature_bytes(self) -> usize {
        match self {
            KeyKind::Rsa3072 => rsa::MODULUS_BYTES,
            KeyKind::Ed25519 => ed25519::SIGNATURE_BYTES,
        }
    }

    /// The kind of a key, as far as its DER `SubjectPublicKeyInfo` says it: what is not Ed25519 is taken for RSA.
    pub fn of_spki(spki: &[u8]) -> KeyKind {
        if ed25519::is_ed25519(spki) { KeyKind::Ed25519 } else { KeyKind::Rsa3072 }
    }

    /// The name by which people and programs know the kind.
    pub const fn name(self) -> &'static str {
        match self {
            KeyKind::Rsa3072 => "rsa3072",
            KeyKind::Ed25519 => "ed25519",
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
    /// See [`KeyKind::Ed25519`].
    Ed25519(ed25519::PublicKey),
}

impl VerifyingKey {
    /// Accepts a DER `SubjectPublicKeyInfo` from a stranger if it is the one encoding of a key that satisfies the policy
    /// of its kind. Takes about a millisecond for RSA.
    ///
    /// # Errors
    /// [`KeyPolicyError`] names the first rule that the key breaks.
    pub fn from_spki(spki: &[u8]) -> Result<VerifyingKey, KeyPolicyError> {
        match KeyKind::of_spki(spki) {
            KeyKind::Rsa3072 => rsa::PublicKey::from_spki(spki).map(VerifyingKey::Rsa),
            KeyKind::Ed25519 => ed25519::PublicKey::from_spki(spki).map(VerifyingKey::Ed25519),
        }
    }

    /// Reads a key as PEM (`BEGIN PUBLIC KEY`).
    ///
    /// # Errors
    /// [`KeyPolicyError`]; what is not PEM is malformed.
    pub fn from_pem(pem: &str) -> Result<VerifyingKey, KeyPolicyError> {
        match pkcs8::Document::from_pem(pem) {
            Ok(("PUBLIC KEY", document)) => VerifyingKey::from_spki(document.as_bytes()),
            _ => Err(KeyPolicyError::Encoding),
        }
    }

    /// The kind of key.
    pub fn kind(&self) -> KeyKind {
        match self {
            VerifyingKey::Rsa(_) => KeyKind::Rsa3072,
            VerifyingKey::Ed25519(_) => KeyKind::Ed25519,
        }
    }

    /// The exact DER `SubjectPublicKeyInfo`.
    pub fn spki(&self) -> &[u8] {
        match self {
            VerifyingKey::Rsa(key) => key.spki(),
            VerifyingKey::Ed25519(key) => key.spki(),
        }
    }

    /// The key as PEM (`BEGIN PUBLIC KEY`), for stock tools.
    pub fn to_pem(&self) -> String {
        match self {
            VerifyingKey::Rsa(key) => key.to_pem(),
            VerifyingKey::Ed25519(key) => key.to_pem(),
        }
    }

    /// The identifier of this key.
    pub fn key_id(&self) -> KeyId {
        match self {
            VerifyingKey::Rsa(key) => key.key_id(),
            VerifyingKey::Ed25519(key) => key.key_id(),
        }
    }

    /// Checks a signature over the parts, one after the other.
    ///
    /// # Errors
    /// [`BadSignature`] when it has not the length of this kind's signatures, or is not this key's over these bytes.
    pub fn verify(&self, parts: &[&[u8]], signature: &[u8]) -> Result<(), BadSignature> {
        match self {
            VerifyingKey::Rsa(key) => key.verify_pss(parts, signature),
            VerifyingKey::Ed25519(key) => key.verify(parts, signature),
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
    Ed25519(ed25519::PrivateKey),
}

impl SigningKey {
    /// Makes a new key. An account begins with one of RSA, which takes of the order of a second.
    pub fn generate(kind: KeyKind, rng: &mut dyn CryptoRng) -> SigningKey {
        match kind {
            KeyKind::Rsa3072 => SigningKey::of(Secret::Rsa(rsa::PrivateKey::generate(rng))),
            KeyKind::Ed25519 => SigningKey::of(Secret::Ed25519(ed25519::PrivateKey::generate(rng))),
        }
    }

    /// Reads a key from PKCS#8 PEM text; a passphrase given for a key that is not encrypted is ignored.
    ///
    /// # Errors
    /// [`PrivateKeyError`] says what a person can do about it.
    pub fn from_pkcs8_pem(pem: &str, passphrase: Option<&[u8]>) -> Result<SigningKey, PrivateKeyError> {
        SigningKey::read(&KeyFile::open(pem, passphrase)?)
    }

    /// Reads a key from the bytes of PKCS#8.
    ///
    /// # Errors
    /// [`PrivateKeyError`].
    pub fn from_pkcs8_der(der: &[u8]) -> Result<SigningKey, PrivateKeyError> {
        SigningKey::read(&KeyFile::of_der(der)?)
    }

    /// The bytes of PKCS#8, for a wrap and never for a file.
    ///
    /// # Errors
    /// [`PrivateKeyError`], which no key causes that is in use.
    pub fn to_pkcs8_der(&self) -> Result<Zeroizing<Vec<u8>>, PrivateKeyError> {
        let file = KeyFile::open(&self.to_pkcs8_pem(None), None)?;
        Ok(Zeroizing::new(file.der().to_vec()))
    }

    fn read(file: &KeyFile) -> Result<SigningKey, PrivateKeyError> {
        let secret = if file.algorithm()? == ed25519::ALGORITHM {
            Secret::Ed25519(ed25519::PrivateKey::read(file)?)
        } else {
            Secret::Rsa(rsa::PrivateKey::read(file)?)
        };
        Ok(SigningKey::of(secret))
    }

    /// Writes the key as PKCS#8 PEM text, encrypted when a passphrase is given.
    pub fn to_pkcs8_pem(&self, passphrase: Option<&[u8]>) -> Zeroizing<String> {
        match &self.secret {
            Secret::Rsa(key) => key.to_pkcs8_pem(passphrase),
            Secret::Ed25519(key) => key.to_pkcs8_pem(passphrase),
        }
    }

    /// The public half.
    pub fn public(&self) -> &VerifyingKey {
        &self.public
    }

    /// Signs the parts, one after the other. Takes about 6 ms with RSA, and some 20 µs with Ed25519.
    pub fn sign(&self, rng: &mut dyn CryptoRng, parts: &[&[u8]]) -> Signature {
        match &self.secret {
            Secret::Rsa(key) => Signature(key.sign_pss(rng, parts).into()),
            Secret::Ed25519(key) => Signature(key.sign(parts).into()),
        }
    }

    fn of(secret: Secret) -> SigningKey {
        let public = match &secret {
            Secret::Rsa(key) => VerifyingKey::Rsa(key.public().clone()),
            Secret::Ed25519(key) => VerifyingKey::Ed25519(key.public().clone()),
        };
        SigningKey { secret, public }
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

    fn keys() -> [SigningKey; 3] {
        [key(CLIENT), key(OTHER), SigningKey::generate(KeyKind::Ed25519, &mut Seeded::new("device"))]
    }

    #[test]
    fn what_a_key_signs_its_public_half_checks_and_no_other_one() {
        for own in keys() {
            let signature = own.sign(&mut Seeded::new("keys"), &[b"con", b"text"]);
            assert_eq!(signature.len(), own.public().kind().signature_bytes());
            assert_eq!(own.public().verify(&[b"cont", b"ext"], &signature), Ok(()));
            assert_eq!(own.public().verify(&[b"context"], &signature), Ok(()));
            assert_eq!(own.public().verify(&[b"contexT"], &signature), Err(BadSignature));
            for other in keys().iter().filter(|other| other.public() != own.public()) {
                assert_eq!(other.public().verify(&[b"context"], &signature), Err(BadSignature));
            }
        }
    }

    #[test]
    fn a_key_reads_back_as_it_was_written() {
        for own in keys() {
            let public = own.public();
            assert_eq!(VerifyingKey::from_spki(public.spki()).as_ref(), Ok(public));
            assert_eq!(VerifyingKey::from_pem(&public.to_pem()).as_ref(), Ok(public));
            assert_eq!(KeyKind::of_spki(public.spki()), public.kind());
            assert_eq!(KeyId::of_spki(public.spki()), public.key_id());
            assert_eq!(key(&own.to_pkcs8_pem(None)).public(), public);
            let sealed = own.to_pkcs8_pem(Some(b"horse"));
            let read =
                |passphrase| SigningKey::from_pkcs8_pem(&sealed, passphrase).map(|key| key.public().clone());
            assert_eq!(read(Some(b"horse")).as_ref(), Ok(public));
            assert_eq!(read(Some(b"donkey")), Err(PrivateKeyError::WrongPassphrase));
            assert_eq!(read(None), Err(PrivateKeyError::PassphraseNeeded));
        }
    }

    #[test]
    fn a_signature_has_the_length_of_some_kind_of_key() {
        for bytes in 0..=2 * SIGNATURE_BYTES_MAX {
            let taken = Signature::from_bytes(&vec![7; bytes]);
            assert_eq!(taken.is_some(), is_signature_length(bytes));
            assert_eq!(is_signature_length(bytes), [64, 384].contains(&bytes), "{bytes}");
        }
    }
}
