//! Cryptographic values as types: digests, key identifiers and keys. The algorithms are those of `docs/channel.md`; `rsa`
//! is the only room that knows the RSA crate, and `keys` the only one that knows with which algorithm a member signs.

pub mod cosignature;
pub mod ed25519;
mod key_files;
mod key_policy;
mod keys;
pub mod note;
pub mod random;
pub mod rsa;
pub mod sealed;

pub use key_files::{PrivateKeyError, is_encrypted_pem};
pub use key_policy::KeyPolicyError;
pub use keys::{KeyKind, SIGNATURE_BYTES_MAX, Signature, SigningKey, VerifyingKey, is_signature_length};

use std::fmt;

use hkdf::SimpleHkdf;
use hmac::{KeyInit as _, Mac as _, SimpleHmac};
use serde::{Deserialize, Serialize};
use sha3::{Digest as _, Sha3_256};
use zeroize::Zeroizing;

/// A SHA3-256 digest (FIPS 202). Shown as 64 hexadecimal digits.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// Zeros: what stands where there is nothing before (genesis).
    pub const ZERO: Digest = Digest([0; 32]);

    /// Its first 16 bytes: a name for what is not attacked by collisions.
    pub fn first_half(&self) -> [u8; 16] {
        let mut half = [0; 16];
        half.iter_mut().zip(self.0).for_each(|(to, from)| *to = from);
        half
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(const_hex::Buffer::<32>::new().format(&self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// SHA3-256 over the parts, one after the other. The first part is a domain-separating prefix that ends in NUL.
pub fn sha3(parts: &[&[u8]]) -> Digest {
    let mut hasher = Sha3_256::new();
    for part in parts {
        hasher.update(part);
    }
    Digest(hasher.finalize().into())
}

/// HKDF-Expand (RFC 5869) with SHA3-256, of a secret that is as good as random. `info` is given in parts.
///
/// # Panics
/// Never for an output of at most 8,160 bytes; every one here has a fixed length below 100.
#[expect(clippy::expect_used, reason = "32 bytes are a key, and no output here is longer than 96 bytes")]
pub(crate) fn expand<const N: usize>(secret: &[u8; 32], info: &[&[u8]]) -> Zeroizing<[u8; N]> {
    let mut out = Zeroizing::new([0; N]);
    let hkdf = SimpleHkdf::<Sha3_256>::from_prk(secret).expect("32 bytes are enough");
    hkdf.expand_multi_info(info, &mut out[..]).expect("96 bytes are few enough");
    out
}

/// HKDF-Extract (RFC 5869) with SHA3-256.
pub(crate) fn extract(salt: &[u8; 32], secret: &[u8]) -> Zeroizing<[u8; 32]> {
    Zeroizing::new(SimpleHkdf::<Sha3_256>::extract(Some(salt), secret).0.into())
}

/// HMAC (RFC 2104) with SHA3-256, over the parts one after the other.
#[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
pub(crate) fn mac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = SimpleHmac::<Sha3_256>::new_from_slice(&key[..]).expect("any length is a key");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

/// Names a public key: SHA3-256 over a prefix and its DER `SubjectPublicKeyInfo`.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct KeyId(pub [u8; 32]);

impl KeyId {
    /// The identifier of the key whose DER `SubjectPublicKeyInfo` is `spki`.
    pub fn of_spki(spki: &[u8]) -> KeyId {
        KeyId(sha3(&[b"ledgerd/key-id/1\0", spki]).0)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Digest(self.0), f)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A signature that does not belong to the message and the key. Says no more, on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadSignature;

impl fmt::Display for BadSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the signature does not verify")
    }
}

impl std::error::Error for BadSignature {}

/// Names a ledger: the hash of its genesis block.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LedgerId(pub [u8; 32]);

impl fmt::Display for LedgerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Digest(self.0), f)
    }
}

impl fmt::Debug for LedgerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
