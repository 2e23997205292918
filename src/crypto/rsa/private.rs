//! Reading private RSA keys from files, with and without a passphrase, so that a damaged file is noticed.

use std::fmt;

use rsa::RsaPrivateKey;
use rsa::pkcs8::der::Decode as _;
use rsa::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, EncryptedPrivateKeyInfoRef, SecretDocument};

use super::policy::KeyPolicyError;

/// Why a private key could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrivateKeyError {
    /// The text is not one PKCS#8 key in PEM, or its numbers do not make an RSA key.
    Malformed,
    /// The key is encrypted and no passphrase was given.
    PassphraseNeeded,
    /// The passphrase does not open the key, or the encrypted part is damaged.
    WrongPassphrase,
    /// The key is an RSA key, but not one that this system uses.
    Policy(KeyPolicyError),
    /// Some of its numbers follow from the others, and are not those that stand there.
    Damaged,
}

impl fmt::Display for PrivateKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PrivateKeyError::Malformed => f.write_str("not an RSA private key in PKCS#8 PEM form"),
            PrivateKeyError::PassphraseNeeded => f.write_str("the key is encrypted: a passphrase is needed"),
            PrivateKeyError::WrongPassphrase => f.write_str("the passphrase does not open the key"),
            PrivateKeyError::Policy(error) => write!(f, "the key is not usable: {error}"),
            PrivateKeyError::Damaged => {
                f.write_str("the numbers in the key do not belong together: the file is damaged")
            }
        }
    }
}

impl std::error::Error for PrivateKeyError {}

/// Reads a key from PKCS#8 PEM text; a passphrase given for a key that is not encrypted is ignored.
pub(super) fn read(pem: &str, passphrase: Option<&[u8]>) -> Result<RsaPrivateKey, PrivateKeyError> {
    let passphrase = match (is_encrypted_pem(pem), passphrase) {
        (false, _) => None,
        (true, None) => return Err(PrivateKeyError::PassphraseNeeded),
        (true, given) => given,
    };
    // What a wrong passphrase makes of an encrypted key looks like damage.
    let malformed =
        if passphrase.is_some() { PrivateKeyError::WrongPassphrase } else { PrivateKeyError::Malformed };
    let (label, document) = SecretDocument::from_pem(pem).map_err(|_| malformed)?;
    let der = match passphrase {
        None if label == "PRIVATE KEY" => document,
        None => return Err(malformed),
        Some(passphrase) => EncryptedPrivateKeyInfoRef::from_der(document.as_bytes())
            .map_err(|_| malformed)?
            .decrypt(passphrase)
            .map_err(|_| malformed)?,
    };
    let key = RsaPrivateKey::from_pkcs8_der(der.as_bytes()).map_err(|_| malformed)?;
    // Reading takes the primes and the exponents, and computes the rest again. A flipped bit in the rest says that
    // the file is not what it was, and nothing else would ever say so.
    let again = key.to_pkcs8_der().map_err(|_| PrivateKeyError::Malformed)?;
    if again.as_bytes() == der.as_bytes() { Ok(key) } else { Err(PrivateKeyError::Damaged) }
}

/// Whether PEM text says that it holds an encrypted key, so that a passphrase must be asked for.
pub fn is_encrypted_pem(pem: &str) -> bool {
    pem.lines().any(|line| line.trim() == "-----BEGIN ENCRYPTED PRIVATE KEY-----")
}

#[cfg(test)]
mod tests {
    use rsa::pkcs8::LineEnding;
    use rsa::pkcs8::der::pem;

    use super::*;
    use crate::crypto::rsa::MODULUS_BYTES;

    const SERVER: &str = include_str!("../../../fixtures/keys/server.pem");

    #[test]
    fn a_flipped_bit_in_a_number_that_follows_from_the_others_is_noticed() {
        let (_, der) = pem::decode_vec(SERVER.as_bytes()).unwrap();
        // The last three numbers of a key follow from those before: half as long as the modulus, each.
        let derived = der.len() - 3 * (MODULUS_BYTES / 2 + 4)..der.len();
        for at in derived.clone().step_by(23).chain([derived.end - 1]) {
            let mut flipped = der.clone();
            flipped[at] ^= 1 << (at % 8);
            let text = pem::encode_string("PRIVATE KEY", LineEnding::LF, &flipped).unwrap();
            let read = read(&text, None).map(drop);
            assert!(read.is_err(), "byte {at} of {}", der.len());
        }
        let mut flipped = der.clone();
        flipped[der.len() - 1] ^= 1;
        let text = pem::encode_string("PRIVATE KEY", LineEnding::LF, &flipped).unwrap();
        assert_eq!(read(&text, None).map(drop), Err(PrivateKeyError::Damaged));
    }
}
