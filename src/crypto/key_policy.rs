//! Why a stranger's public key is not let in, whatever its kind. A key ends up in blocks for ever and everybody checks
//! signatures with it, so that each kind has one encoding and one strength.

use std::fmt;

/// The first rule of the key policy that a public key breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyPolicyError {
    /// Not a DER `SubjectPublicKeyInfo`, or not in the one canonical form of it.
    Encoding,
    /// A key of an algorithm that is not used here, or not for this purpose.
    Algorithm,
    /// An RSA modulus has this many bits instead of 3072.
    Size(u32),
    /// The public exponent of an RSA key is not 65537.
    Exponent,
    /// An RSA modulus is even.
    Even,
    /// An RSA modulus has this prime factor below 2^16.
    SmallFactor(u32),
    /// An RSA modulus is a perfect square.
    Square,
    /// The bytes of an Ed25519 key are not the one encoding of a point of the curve.
    Point,
    /// The point of an Ed25519 key has a small order: signatures of such a key say nothing.
    SmallOrder,
}

impl fmt::Display for KeyPolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyPolicyError::Encoding => f.write_str("the key is not a canonical DER SubjectPublicKeyInfo"),
            KeyPolicyError::Algorithm => f.write_str("a key of this algorithm is not used for this"),
            KeyPolicyError::Size(bits) => write!(f, "the modulus has {bits} bits, not 3072"),
            KeyPolicyError::Exponent => f.write_str("the public exponent is not 65537"),
            KeyPolicyError::Even => f.write_str("the modulus is even"),
            KeyPolicyError::SmallFactor(p) => write!(f, "the modulus is divisible by {p}"),
            KeyPolicyError::Square => f.write_str("the modulus is a perfect square"),
            KeyPolicyError::Point => f.write_str("the key is not the encoding of a point of the curve"),
            KeyPolicyError::SmallOrder => f.write_str("the point of the key has a small order"),
        }
    }
}

impl std::error::Error for KeyPolicyError {}
