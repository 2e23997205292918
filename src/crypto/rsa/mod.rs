//! RSA-3072 for one purpose each: OAEP to carry a channel secret, PSS to sign. The only module that knows the
//! RSA crate, because that crate is a pinned release candidate and because the measures against padding
//! oracles (`docs/channel.md`, errors and oracles) are kept where nobody can walk around them.

mod montgomery;
mod policy;
mod private;
mod pss;

use std::fmt;
use std::sync::Arc;

use rand_core::CryptoRng;
use rsa::pkcs8::{Document, EncodePrivateKey as _, EncodePublicKey as _, LineEnding};
use rsa::traits::PublicKeyParts as _;
use rsa::{Oaep, Pss, RsaPrivateKey, RsaPublicKey};
use sha3::{Digest as _, Sha3_256};
use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _};
use zeroize::Zeroizing;

use crate::crypto::key_files::KeyFile;
use crate::crypto::{BadSignature, KeyId, KeyPolicyError, PrivateKeyError, mac};
use montgomery::Modulus;
use pss::is_signature;

/// Bytes of a modulus, and so of every ciphertext and signature.
pub const MODULUS_BYTES: usize = 384;

/// Bits of a modulus.
pub const MODULUS_BITS: usize = MODULUS_BYTES * 8;

/// Bytes of the salt in a signature.
pub const SALT_BYTES: usize = 32;

/// Binds an OAEP ciphertext to this protocol.
const OAEP_LABEL: &[u8] = b"ledgerd/lsc1/oaep/1";

/// A public key that satisfies the key policy. Clones share one copy; the arithmetic's tables are made once.
#[derive(Clone)]
pub struct PublicKey(Arc<PublicParts>);

struct PublicParts {
    spki: Vec<u8>,
    key_id: KeyId,
    key: RsaPublicKey,
    modulus: Modulus,
}

impl PublicKey {
    /// Accepts a DER `SubjectPublicKeyInfo` from a stranger if it satisfies the key policy.
    ///
    /// # Errors
    /// [`KeyPolicyError`] names the first rule that the key breaks.
    pub fn from_spki(spki: &[u8]) -> Result<PublicKey, KeyPolicyError> {
        let key = policy::check(spki)?;
        let modulus = <[u8; MODULUS_BYTES]>::try_from(key.n_bytes().as_ref()).ok();
        let modulus = modulus.and_then(|bytes| Modulus::new(&bytes)).ok_or(KeyPolicyError::Even)?;
        let (spki, key_id) = (spki.to_vec(), KeyId::of_spki(spki));
        Ok(PublicKey(Arc::new(PublicParts { spki, key_id, key, modulus })))
    }

    /// The exact DER `SubjectPublicKeyInfo`.
    pub fn spki(&self) -> &[u8] {
        &self.0.spki
    }

    /// The identifier of this key.
    pub fn key_id(&self) -> KeyId {
        self.0.key_id
    }

    /// Reads a key as PEM (`BEGIN PUBLIC KEY`).
    ///
    /// # Errors
    /// [`KeyPolicyError`]; what is not PEM is malformed.
    pub fn from_pem(pem: &str) -> Result<PublicKey, KeyPolicyError> {
        match Document::from_pem(pem) {
            Ok(("PUBLIC KEY", document)) => PublicKey::from_spki(document.as_bytes()),
            _ => Err(KeyPolicyError::Encoding),
        }
    }

    /// The key as PEM (`BEGIN PUBLIC KEY`), for stock tools.
    #[expect(clippy::expect_used, reason = "the key was checked and re-encoded when it was made")]
    pub fn to_pem(&self) -> String {
        self.0.key.to_public_key_pem(LineEnding::LF).expect("a checked key has an encoding")
    }

    /// Encrypts a channel secret to the holder of the private key.
    #[expect(clippy::expect_used, reason = "32 bytes always fit, and the key was checked")]
    pub fn encrypt_oaep(&self, rng: &mut dyn CryptoRng, secret: &[u8; 32]) -> [u8; MODULUS_BYTES] {
        let ciphertext = self.0.key.encrypt(rng, oaep(), secret).expect("32 bytes fit a checked key");
        ciphertext.try_into().expect("a ciphertext is as long as the modulus")
    }

    /// Checks a PSS signature over the parts, one after the other.
    ///
    /// # Errors
    /// [`BadSignature`] when the signature is not exactly 384 bytes, its salt is not exactly 32 bytes, or it is
    /// not this key's over these bytes.
    pub(super) fn verify_pss(&self, parts: &[&[u8]], signature: &[u8]) -> Result<(), BadSignature> {
        let signature = <&[u8; MODULUS_BYTES]>::try_from(signature).map_err(|_| BadSignature)?;
        if is_signature(&self.0.modulus, &hash(parts), signature) { Ok(()) } else { Err(BadSignature) }
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
    key: RsaPrivateKey,
    public: PublicKey,
}

impl PrivateKey {
    /// Makes a new key. Takes of the order of a second.
    #[expect(clippy::expect_used, reason = "only a size below 1024 bits can fail")]
    pub fn generate(rng: &mut dyn CryptoRng) -> PrivateKey {
        loop {
            let key = RsaPrivateKey::new(rng, MODULUS_BITS).expect("3072 bits are enough");
            if let Ok(made) = PrivateKey::from_rsa(key) {
                return made;
            }
        }
    }

    /// Reads a key from PKCS#8 PEM text; a passphrase given for a key that is not encrypted is ignored.
    ///
    /// # Errors
    /// [`PrivateKeyError`] says what a person can do about it.
    pub fn from_pkcs8_pem(pem: &str, passphrase: Option<&[u8]>) -> Result<PrivateKey, PrivateKeyError> {
        PrivateKey::read(&KeyFile::open(pem, passphrase)?)
    }

    /// Reads the content of a key file.
    pub(in crate::crypto) fn read(file: &KeyFile) -> Result<PrivateKey, PrivateKeyError> {
        PrivateKey::from_rsa(private::read(file)?)
    }

    /// Writes the key as PKCS#8 PEM text, encrypted (scrypt, AES-256-CBC) when a passphrase is given.
    #[expect(clippy::expect_used, reason = "a checked key has an encoding")]
    pub fn to_pkcs8_pem(&self, passphrase: Option<&[u8]>) -> Zeroizing<String> {
        match passphrase {
            None => self.0.key.to_pkcs8_pem(LineEnding::LF),
            Some(passphrase) => self.0.key.to_pkcs8_encrypted_pem(passphrase, LineEnding::LF),
        }
        .expect("a checked key has an encoding")
    }

    /// The public half.
    pub fn public(&self) -> &PublicKey {
        &self.0.public
    }

    /// Signs the parts, one after the other, with PSS; blinded. Takes about 6 ms.
    #[expect(clippy::expect_used, reason = "fails only when the processor computed wrongly (CRT check)")]
    pub(super) fn sign_pss(&self, rng: &mut dyn CryptoRng, parts: &[&[u8]]) -> [u8; MODULUS_BYTES] {
        let signature = self.0.key.sign_with_rng(rng, pss(), &hash(parts)).expect("the CRT check holds");
        signature.try_into().expect("a signature is as long as the modulus")
    }

    /// Opens a channel secret, and never fails: whatever is not an OAEP ciphertext of exactly 32 bytes under
    /// our label gives HMAC-SHA3-256(`reject_key`, `ciphertext`) instead, which looks the same from outside.
    /// Blinded. Takes about 6 ms.
    pub fn decap(
        &self,
        rng: &mut dyn CryptoRng,
        ciphertext: &[u8; MODULUS_BYTES],
        reject_key: &[u8; 32],
    ) -> Zeroizing<[u8; 32]> {
        let rejected = Zeroizing::new(mac(reject_key, &[ciphertext]));
        let opened = self.0.key.decrypt_blinded(rng, oaep(), ciphertext).map(Zeroizing::new);
        // From here on both outcomes do the same work on the same number of bytes.
        let mut candidate = Zeroizing::new([0u8; 33]);
        let opened = opened.unwrap_or_default();
        for (to, from) in candidate.iter_mut().zip(opened.iter()) {
            *to = *from;
        }
        let valid: Choice = (opened.len() as u64).ct_eq(&32);
        let mut secret = Zeroizing::new([0u8; 32]);
        for ((out, no), yes) in secret.iter_mut().zip(rejected.iter()).zip(candidate.iter()) {
            *out = u8::conditional_select(no, yes, valid);
        }
        secret
    }

    fn from_rsa(key: RsaPrivateKey) -> Result<PrivateKey, PrivateKeyError> {
        let spki = key.to_public_key().to_public_key_der().map_err(|_| PrivateKeyError::Malformed)?;
        let public = PublicKey::from_spki(spki.as_bytes()).map_err(PrivateKeyError::Policy)?;
        Ok(PrivateKey(Arc::new(PrivateParts { key, public })))
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey([redacted])")
    }
}

fn oaep() -> Oaep<Sha3_256> {
    Oaep::new_with_label(OAEP_LABEL)
}

fn pss() -> Pss<Sha3_256> {
    Pss::new_with_salt(SALT_BYTES)
}

fn hash(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Sha3_256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use crypto_bigint::modular::{FixedMontyForm, FixedMontyParams};
    use crypto_bigint::{Odd, U3072};
    use rsa::traits::PrivateKeyParts as _;

    use super::*;
    use crate::crypto::is_encrypted_pem;
    use crate::crypto::random;

    const SERVER: &str = include_str!("../../../fixtures/keys/server.pem");
    const CLIENT: &str = include_str!("../../../fixtures/keys/client.pem");
    const CLIENT_ENCRYPTED: &str = include_str!("../../../fixtures/keys/client_encrypted.pem");

    fn key(pem: &str) -> PrivateKey {
        PrivateKey::from_pkcs8_pem(pem, None).unwrap()
    }

    #[test]
    fn a_secret_reaches_the_holder_of_the_key_and_nobody_else() {
        let (server, client) = (key(SERVER), key(CLIENT));
        let rng = &mut random::os();
        let ciphertext = server.public().encrypt_oaep(rng, &[7; 32]);
        assert_eq!(*server.decap(rng, &ciphertext, &[1; 32]), [7; 32]);
        assert_eq!(*client.decap(rng, &ciphertext, &[1; 32]), mac(&[1; 32], &[&ciphertext]));
    }

    #[test]
    fn whatever_is_not_a_secret_of_32_bytes_gives_the_same_pseudorandom_answer_every_time() {
        let server = key(SERVER);
        let rng = &mut random::os();
        let raw = &server.0.public.0.key;
        let encrypt = |rng: &mut random::OsRandom, padding, message: &[u8]| -> [u8; 384] {
            raw.encrypt(rng, padding, message).unwrap().try_into().unwrap()
        };
        let mut flipped = encrypt(rng, oaep(), &[7; 32]);
        flipped[200] ^= 1;
        let mut one = [0; 384];
        one[383] = 1;
        let cases = [
            flipped,
            [0; 384],
            one,
            [0xff; 384],
            encrypt(rng, oaep(), &[7; 31]),
            encrypt(rng, oaep(), &[7; 33]),
            encrypt(rng, oaep(), &[]),
            encrypt(rng, Oaep::new_with_label(&b"another label"[..]), &[7; 32]),
            encrypt(rng, Oaep::new(), &[7; 32]),
            random::bytes(rng),
        ];
        for case in cases {
            let expected = mac(&[9; 32], &[&case]);
            assert_eq!(*server.decap(rng, &case, &[9; 32]), expected);
            assert_eq!(*server.decap(rng, &case, &[9; 32]), expected, "the same again");
        }
    }

    #[test]
    fn a_signature_belongs_to_its_message_its_key_and_its_salt_length() {
        let (server, client) = (key(SERVER), key(CLIENT));
        let rng = &mut random::os();
        let signature = client.sign_pss(rng, &[b"context\0", b"message"]);
        let public = client.public();
        assert_eq!(public.verify_pss(&[b"context\0message"], &signature), Ok(()));
        assert_eq!(public.verify_pss(&[b"context\0messagf"], &signature), Err(BadSignature));
        assert_eq!(server.public().verify_pss(&[b"context\0message"], &signature), Err(BadSignature));
        for salt in [0, 20, 31, 33, 64] {
            let other = client.0.key.sign_with_rng(rng, Pss::<Sha3_256>::new_with_salt(salt), &hash(&[b"m"]));
            let other = other.map(|bytes: Vec<u8>| public.verify_pss(&[b"m"], &bytes));
            assert_eq!(other, Ok(Err(BadSignature)), "salt of {salt} bytes");
        }
    }

    /// EMSA-PSS-ENCODE (RFC 8017, 9.1.1).
    fn encoding_of(digest: &[u8; 32], salt: &[u8; 32]) -> [u8; 384] {
        let hash: [u8; 32] = hash(&[&[0; 8], digest, salt]);
        let mut encoded = [0; 384];
        encoded[318] = 1;
        encoded[319..351].copy_from_slice(salt);
        for (counter, chunk) in (0u32..).zip(encoded[..351].chunks_mut(32)) {
            let mask = super::hash(&[&hash, &counter.to_be_bytes()]);
            chunk.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
        }
        encoded[0] &= 0x7f;
        encoded[351..383].copy_from_slice(&hash);
        encoded[383] = 0xbc;
        encoded
    }

    /// Our check and that of the RSA crate, over what a signer could have encoded and what nobody would.
    #[test]
    fn the_check_of_signatures_agrees_with_that_of_the_rsa_crate() {
        let client = key(CLIENT);
        let rng = &mut random::os();
        let public = client.public();
        let theirs =
            |digest: &[u8; 32], signature: &[u8]| public.0.key.verify(pss(), digest, signature).is_ok();
        let ours =
            |digest: &[u8; 32], signature: &[u8; 384]| is_signature(&public.0.modulus, digest, signature);
        for round in 0..24u32 {
            let digest = hash(&[&round.to_be_bytes()]);
            let good = client.sign_pss(rng, &[&round.to_be_bytes()]);
            assert!(ours(&digest, &good) && theirs(&digest, &good));
            let [at, bit, ..]: [u8; 4] = random::bytes(rng);
            let mut bad = good;
            bad[usize::from(at) + round as usize % 128] ^= 1 << (bit % 8);
            assert!(!ours(&digest, &bad) && !theirs(&digest, &bad));
            let noise: [u8; 384] = random::bytes(rng);
            assert_eq!(ours(&digest, &noise), theirs(&digest, &noise));
        }
        // Encodings that a holder of the key can make and no signer does.
        let digest = hash(&[b"m"]);
        let number = |bytes: &[u8]| U3072::from_be_slice(bytes);
        let params = FixedMontyParams::new_vartime(Odd::new(number(&public.0.key.n_bytes())).unwrap());
        let exponent = number(&client.0.key.d().to_be_bytes());
        let encode = |change: &dyn Fn(&mut [u8; 384])| -> [u8; 384] {
            let mut encoded = encoding_of(&digest, &[7; 32]);
            change(&mut encoded);
            let signed = FixedMontyForm::new(&number(&encoded), &params).pow(&exponent);
            signed.retrieve().to_be_bytes().into()
        };
        assert!(ours(&digest, &encode(&|_| {})) && theirs(&digest, &encode(&|_| {})));
        for at in [0, 1, 200, 317, 318, 319, 350, 351, 382, 383] {
            let bad = encode(&|encoded| encoded[at] ^= if at == 0 { 0x40 } else { 1 });
            assert!(!ours(&digest, &bad), "byte {at}");
            assert!(!theirs(&digest, &bad), "byte {at}");
        }
    }

    #[test]
    fn signatures_of_other_lengths_zeros_and_s_plus_n_are_refused() {
        let client = key(CLIENT);
        let rng = &mut random::os();
        let public = client.public();
        let n = rsa::BoxedUint::clone(public.0.key.n());
        let signature = client.sign_pss(rng, &[b"m"]);
        let longer = [&[0][..], &signature].concat();
        for bad in
            [&[][..], &signature[..383], &longer, &[&signature[..], &[0]].concat(), &[0; 384], &[0xff; 384]]
        {
            assert_eq!(public.verify_pss(&[b"m"], bad), Err(BadSignature));
        }
        // s + n has the same residue as s; it fits 384 bytes only for a small s, so look for one.
        for attempt in 0u32..64 {
            let s = client.sign_pss(rng, &[&attempt.to_be_bytes()]);
            let s = rsa::BoxedUint::from_be_slice(&s, 3072).unwrap();
            let (sum, carry) = s.overflowing_add(&n);
            if !bool::from(carry) {
                let sum = sum.to_be_bytes();
                assert_eq!(sum.len(), 384);
                assert_eq!(public.verify_pss(&[&attempt.to_be_bytes()], &sum), Err(BadSignature));
                return;
            }
        }
    }

    #[test]
    fn every_flipped_byte_of_a_signature_or_message_is_noticed() {
        let client = key(CLIENT);
        let message: Vec<u8> = (0..=255).collect();
        let mut signature = client.sign_pss(&mut random::os(), &[&message]);
        for at in 0..signature.len() {
            signature[at] ^= 0x40;
            assert_eq!(client.public().verify_pss(&[&message], &signature), Err(BadSignature), "byte {at}");
            signature[at] ^= 0x40;
        }
        for at in 0..message.len() {
            let mut message = message.clone();
            message[at] ^= 1;
            assert_eq!(client.public().verify_pss(&[&message], &signature), Err(BadSignature), "byte {at}");
        }
    }

    #[test]
    fn keys_survive_pem_with_and_without_a_passphrase_and_print_nothing() {
        let client = key(CLIENT);
        assert_eq!(format!("{client:?}"), "PrivateKey([redacted])");
        assert!(!is_encrypted_pem(CLIENT) && is_encrypted_pem(CLIENT_ENCRYPTED));
        assert_eq!(key(&client.to_pkcs8_pem(None)).public(), client.public());
        let read =
            |pem: &str, passphrase| PrivateKey::from_pkcs8_pem(pem, passphrase).map(|k| k.public().clone());
        assert_eq!(read(CLIENT_ENCRYPTED, Some(b"horse")).as_ref(), Ok(client.public()));
        assert_eq!(read(CLIENT_ENCRYPTED, None), Err(PrivateKeyError::PassphraseNeeded));
        assert_eq!(read(CLIENT_ENCRYPTED, Some(b"donkey")), Err(PrivateKeyError::WrongPassphrase));
        let ours = client.to_pkcs8_pem(Some(b"battery"));
        assert!(is_encrypted_pem(&ours));
        assert_eq!(read(&ours, Some(b"battery")).as_ref(), Ok(client.public()));
        for nonsense in
            ["", "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n", &CLIENT[..CLIENT.len() / 2]]
        {
            assert_eq!(read(nonsense, None), Err(PrivateKeyError::Malformed));
        }
        assert!(client.public().to_pem().starts_with("-----BEGIN PUBLIC KEY-----\n"));
    }
}
