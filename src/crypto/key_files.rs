//! Private keys in files, of every kind: PKCS#8 (RFC 5958) in PEM, with and without a passphrase.

use std::fmt;

use pkcs8::der::Decode as _;
use pkcs8::{EncryptedPrivateKeyInfoRef, ObjectIdentifier, PrivateKeyInfoRef, SecretDocument};

use super::KeyPolicyError;

/// Why a private key could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrivateKeyError {
    /// The text is not one PKCS#8 key in PEM, or its numbers do not make a key.
    Malformed,
    /// The key is encrypted and no passphrase was given.
    PassphraseNeeded,
    /// The passphrase does not open the key, or the encrypted part is damaged.
    WrongPassphrase,
    /// The key is a key, but not one that this system uses.
    Policy(KeyPolicyError),
    /// Some of its numbers follow from the others, and are not those that stand there.
    Damaged,
}

impl fmt::Display for PrivateKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PrivateKeyError::Malformed => f.write_str("not a private key in PKCS#8 PEM form"),
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

/// The content of a key file, which says what kind of key it is.
pub(super) struct KeyFile {
    der: SecretDocument,
    malformed: PrivateKeyError,
}

impl KeyFile {
    /// Opens PKCS#8 PEM text; a passphrase given for a key that is not encrypted is ignored.
    pub(super) fn open(pem: &str, passphrase: Option<&[u8]>) -> Result<KeyFile, PrivateKeyError> {
        let passphrase = match (is_encrypted_pem(pem), passphrase) {
            (false, _) => None,
            (true, None) => return Err(PrivateKeyError::PassphraseNeeded),
            (true, given) => given,
        };
        // What a wrong passphrase makes of an encrypted key looks like damage.
        let malformed = match passphrase {
            Some(_) => PrivateKeyError::WrongPassphrase,
            None => PrivateKeyError::Malformed,
        };
        let (label, document) = SecretDocument::from_pem(pem).map_err(|_| malformed)?;
        let der = match passphrase {
            None if label == "PRIVATE KEY" => document,
            None => return Err(malformed),
            Some(passphrase) => EncryptedPrivateKeyInfoRef::from_der(document.as_bytes())
                .map_err(|_| malformed)?
                .decrypt(passphrase)
                .map_err(|_| malformed)?,
        };
        Ok(KeyFile { der, malformed })
    }

    /// Takes the DER of a PKCS#8 key.
    pub(super) fn of_der(der: &[u8]) -> Result<KeyFile, PrivateKeyError> {
        let malformed = PrivateKeyError::Malformed;
        SecretDocument::try_from(der).map(|der| KeyFile { der, malformed }).map_err(|_| malformed)
    }

    /// The DER of the PKCS#8 key.
    pub(super) fn der(&self) -> &[u8] {
        self.der.as_bytes()
    }

    /// What to say where the DER is no key.
    pub(super) fn malformed(&self) -> PrivateKeyError {
        self.malformed
    }

    /// The algorithm that the file names.
    pub(super) fn algorithm(&self) -> Result<ObjectIdentifier, PrivateKeyError> {
        let info = PrivateKeyInfoRef::from_der(self.der()).map_err(|_| self.malformed)?;
        Ok(info.algorithm.oid)
    }
}

/// Whether PEM text says that it holds an encrypted key, so that a passphrase must be asked for.
pub fn is_encrypted_pem(pem: &str) -> bool {
    pem.lines().any(|line| line.trim() == "-----BEGIN ENCRYPTED PRIVATE KEY-----")
}
