//! Ed25519 (RFC 8032) as members sign with it, strictly: each key and each signature has one encoding, and no signature
//! holds for two messages or under two keys. What is refused beside what the RFC refuses is what "Taming the many EdDSAs"
//! (Chalkias, Garillot, Nikolaenko 2020) shows to be accepted by some programs and not by others.

use std::fmt;
use std::sync::Arc;

use ed25519_dalek::{Signature, Signer as _};
use pkcs8::{Document, EncodePrivateKey, LineEnding, ObjectIdentifier, SecretDocument};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::key_files::KeyFile;
use super::{BadSignature, KeyId, KeyPolicyError, PrivateKeyError};

/// Bytes of every signature.
pub const SIGNATURE_BYTES: usize = 64;

/// The algorithm's name in key files (RFC 8410).
pub(super) const ALGORITHM: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// What stands before the 32 bytes of a key in its DER `SubjectPublicKeyInfo` (RFC 8410, section 4).
const SPKI_HEAD: [u8; 12] = *b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00";

/// What stands before the 32 bytes of a seed in PKCS#8 (RFC 8410, section 7).
const PKCS8_HEAD: [u8; 16] = *b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20";

/// Whether a `SubjectPublicKeyInfo` says that it is of an Ed25519 key, in whichever encoding.
pub(super) fn is_ed25519(spki: &[u8]) -> bool {
    pkcs8::SubjectPublicKeyInfoRef::try_from(spki).is_ok_and(|info| info.algorithm.oid == ALGORITHM)
}

/// A public key that satisfies the key policy. Clones share one copy.
#[derive(Clone)]
pub struct PublicKey(Arc<PublicParts>);

struct PublicParts {
    spki: [u8; SPKI_HEAD.len() + 32],
    key_id: KeyId,
    key: ed25519_dalek::VerifyingKey,
}

impl PublicKey {
    /// Accepts a DER `SubjectPublicKeyInfo` from a stranger if it is the one encoding of a point of the curve that has no
    /// small order.
    ///
    /// # Errors
    /// [`KeyPolicyError`] names the first rule that the key breaks.
    pub fn from_spki(spki: &[u8]) -> Result<PublicKey, KeyPolicyError> {
        let point = spki.strip_prefix(&SPKI_HEAD).and_then(|rest| <&[u8; 32]>::try_from(rest).ok());
        let point = point.ok_or(KeyPolicyError::Encoding)?;
        let key = ed25519_dalek::VerifyingKey::from_bytes(point).map_err(|_| KeyPolicyError::Point)?;
        // A number above the field's prime is read as its remainder: one point would have two names.
        if key.to_edwards().compress().as_bytes() != point {
            return Err(KeyPolicyError::Point);
        }
        if key.is_weak() {
            return Err(KeyPolicyError::SmallOrder);
        }
        Ok(PublicKey::of(key))
    }

    fn of(key: ed25519_dalek::VerifyingKey) -> PublicKey {
        let mut spki = [0; SPKI_HEAD.len() + 32];
        let bytes = SPKI_HEAD.iter().chain(key.as_bytes());
        spki.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        let key_id = KeyId::of_spki(&spki);
        PublicKey(Arc::new(PublicParts { spki, key_id, key }))
    }

    /// The public half of a log key, which is of the same algorithm.
    pub fn of_bytes(bytes: &[u8; 32]) -> Result<PublicKey, KeyPolicyError> {
        PublicKey::from_spki(&[&SPKI_HEAD[..], bytes].concat())
    }

    /// The exact DER `SubjectPublicKeyInfo`.
    pub fn spki(&self) -> &[u8] {
        &self.0.spki
    }

    /// The identifier of this key.
    pub fn key_id(&self) -> KeyId {
        self.0.key_id
    }

    /// The key as PEM (`BEGIN PUBLIC KEY`), for stock tools.
    #[expect(clippy::expect_used, reason = "44 bytes of DER are a document, and fit a PEM text")]
    pub fn to_pem(&self) -> String {
        let document = Document::try_from(self.spki()).expect("the bytes are DER");
        document.to_pem("PUBLIC KEY", LineEnding::LF).expect("the label is one")
    }

    /// Checks a signature over the parts, one after the other.
    ///
    /// # Errors
    /// [`BadSignature`] when the signature is not exactly 64 bytes, its number S is not below the order of the group, its
    /// point R has a small order or another encoding than the one, or it is not this key's over these bytes.
    pub(super) fn verify(&self, parts: &[&[u8]], signature: &[u8]) -> Result<(), BadSignature> {
        let signature = Signature::from_slice(signature).map_err(|_| BadSignature)?;
        let verified = match parts {
            [message] => self.0.key.verify_strict(message, &signature),
            _ => self.0.key.verify_strict(&parts.concat(), &signature),
        };
        verified.map_err(|_| BadSignature)
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &PublicKey) -> bool {
        self.0.spki == other.0.spki
    }
}

impl Eq for PublicKey {}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.0.key_id)
    }
}

/// A private key. Clones share one copy, which wipes itself when the last one goes.
#[derive(Clone)]
pub struct PrivateKey(Arc<PrivateParts>);

struct PrivateParts {
    key: ed25519_dalek::SigningKey,
    public: PublicKey,
}

impl PrivateKey {
    /// Makes a new key.
    pub fn generate(rng: &mut dyn CryptoRng) -> PrivateKey {
        let mut seed = Zeroizing::new([0; 32]);
        rng.fill_bytes(&mut seed[..]);
        PrivateKey::of_seed(&seed)
    }

    fn of_seed(seed: &[u8; 32]) -> PrivateKey {
        let key = ed25519_dalek::SigningKey::from_bytes(seed);
        let public = PublicKey::of(key.verifying_key());
        PrivateKey(Arc::new(PrivateParts { key, public }))
    }

    /// Reads the content of a key file. Its 32 bytes are a key whatever they are: whoever knows which key it has to be
    /// compares.
    pub(super) fn read(file: &KeyFile) -> Result<PrivateKey, PrivateKeyError> {
        let seed = file.der().strip_prefix(&PKCS8_HEAD).and_then(|rest| <&[u8; 32]>::try_from(rest).ok());
        Ok(PrivateKey::of_seed(seed.ok_or(file.malformed())?))
    }

    /// Writes the key as PKCS#8 PEM text, encrypted (scrypt, AES-256-CBC) when a passphrase is given.
    #[expect(clippy::expect_used, reason = "48 bytes of DER fit a PEM text")]
    pub fn to_pkcs8_pem(&self, passphrase: Option<&[u8]>) -> Zeroizing<String> {
        match passphrase {
            None => EncodePrivateKey::to_pkcs8_pem(self, LineEnding::LF),
            Some(passphrase) => self.to_pkcs8_encrypted_pem(passphrase, LineEnding::LF),
        }
        .expect("a key has an encoding")
    }

    /// The public half.
    pub fn public(&self) -> &PublicKey {
        &self.0.public
    }

    /// Signs the parts, one after the other. Takes some 20 µs.
    pub(super) fn sign(&self, parts: &[&[u8]]) -> [u8; SIGNATURE_BYTES] {
        match parts {
            [message] => self.0.key.sign(message),
            _ => self.0.key.sign(&parts.concat()),
        }
        .to_bytes()
    }
}

impl EncodePrivateKey for PrivateKey {
    fn to_pkcs8_der(&self) -> pkcs8::Result<SecretDocument> {
        let der = Zeroizing::new([&PKCS8_HEAD[..], self.0.key.as_bytes()].concat());
        Ok(SecretDocument::try_from(&der[..])?)
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::random::Seeded;

    /// The order of the group, 2^252 + 27742317777372353535851937790883648493, little-endian.
    const ORDER: [u8; 32] = *b"\xed\xd3\xf5\x5c\x1a\x63\x12\x58\xd6\x9c\xf7\xa2\xde\xf9\xde\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x10";

    /// The points of small order in every encoding that a lenient decoder takes, one a line.
    const SMALL_ORDER: &str = include_str!("../../fixtures/keys/ed25519_small_order.txt");

    fn small_order() -> Vec<[u8; 32]> {
        let lines = SMALL_ORDER.lines().filter(|line| !line.starts_with('#'));
        lines.map(|line| const_hex::decode_to_array(line).unwrap()).collect()
    }

    fn key() -> PrivateKey {
        PrivateKey::generate(&mut Seeded::new("ed25519"))
    }

    #[test]
    fn a_point_of_small_order_is_no_key_in_any_encoding() {
        let points = small_order();
        assert_eq!(points.len(), 14);
        for point in points {
            let error = PublicKey::of_bytes(&point).unwrap_err();
            assert!(
                matches!(error, KeyPolicyError::SmallOrder | KeyPolicyError::Point),
                "{point:x?}: {error}"
            );
        }
    }

    #[test]
    fn a_key_has_one_encoding_and_is_a_point_of_the_curve() {
        let spki = key().public().spki().to_vec();
        assert_eq!(PublicKey::from_spki(&spki).unwrap(), *key().public());
        for length in 0..spki.len() {
            assert_eq!(
                PublicKey::from_spki(&spki[..length]),
                Err(KeyPolicyError::Encoding),
                "{length} bytes"
            );
        }
        assert_eq!(PublicKey::from_spki(&[&spki[..], &[0]].concat()), Err(KeyPolicyError::Encoding));
        for at in 0..SPKI_HEAD.len() {
            let mut other = spki.clone();
            other[at] ^= 1;
            assert_eq!(PublicKey::from_spki(&other), Err(KeyPolicyError::Encoding), "byte {at}");
        }
        // y = 2 is on no point of the curve; y = p + 3 is 3 once more, and 3 is on one.
        let mut y = [0; 32];
        y[0] = 2;
        assert_eq!(PublicKey::of_bytes(&y), Err(KeyPolicyError::Point));
        y[0] = 3;
        assert!(PublicKey::of_bytes(&y).is_ok());
        let mut above = [0xff; 32];
        (above[0], above[31]) = (0xf0, 0x7f);
        assert_eq!(PublicKey::of_bytes(&above), Err(KeyPolicyError::Point));
    }

    #[test]
    fn a_signature_has_one_form() {
        let good = key().sign(&[b"message"]);
        let key = key().public().clone();
        assert_eq!(key.verify(&[b"message"], &good), Ok(()));
        for length in 0..good.len() {
            assert_eq!(key.verify(&[b"message"], &good[..length]), Err(BadSignature));
        }
        for at in 0..good.len() {
            let mut flipped = good;
            flipped[at] ^= 1 << (at % 8);
            assert_eq!(key.verify(&[b"message"], &flipped), Err(BadSignature), "byte {at}");
        }
        // S and S + L satisfy the same equation.
        let mut above = good;
        let mut carry = 0;
        for (byte, order) in above[32..].iter_mut().zip(ORDER) {
            let sum = u16::from(*byte) + u16::from(order) + carry;
            (*byte, carry) = (sum as u8, sum >> 8);
        }
        assert_eq!(key.verify(&[b"message"], &above), Err(BadSignature), "S + L");
        for point in small_order() {
            let mut other = good;
            other[..32].copy_from_slice(&point);
            assert_eq!(key.verify(&[b"message"], &other), Err(BadSignature), "R of small order");
        }
    }

    /// RFC 8032, section 7.1, test 2.
    #[test]
    fn the_vector_of_the_standard_holds() {
        let seed =
            const_hex::decode_to_array("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
        let public =
            const_hex::decode_to_array("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
        let key = PrivateKey::of_seed(&seed.unwrap());
        assert_eq!(*key.public(), PublicKey::of_bytes(&public.unwrap()).unwrap());
        let signature = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
                         085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";
        assert_eq!(const_hex::encode(key.sign(&[&[0x72]])), signature);
    }
}
