//! Reading private RSA keys from files so that a damaged file is noticed.

use rsa::RsaPrivateKey;
use rsa::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _};

use crate::crypto::PrivateKeyError;
use crate::crypto::key_files::KeyFile;

/// Reads the content of a key file.
pub(super) fn read(file: &KeyFile) -> Result<RsaPrivateKey, PrivateKeyError> {
    let key = RsaPrivateKey::from_pkcs8_der(file.der()).map_err(|_| file.malformed())?;
    // Reading takes the primes and the exponents, and computes the rest again. A flipped bit in the rest says that
    // the file is not what it was, and nothing else would ever say so.
    let again = key.to_pkcs8_der().map_err(|_| PrivateKeyError::Malformed)?;
    if again.as_bytes() == file.der() { Ok(key) } else { Err(PrivateKeyError::Damaged) }
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
            let read = KeyFile::open(&text, None).and_then(|file| read(&file));
            assert!(read.is_err(), "byte {at} of {}", der.len());
        }
        let mut flipped = der.clone();
        flipped[der.len() - 1] ^= 1;
        let text = pem::encode_string("PRIVATE KEY", LineEnding::LF, &flipped).unwrap();
        let file = KeyFile::open(&text, None).unwrap();
        assert_eq!(read(&file).map(drop), Err(PrivateKeyError::Damaged));
    }
}
