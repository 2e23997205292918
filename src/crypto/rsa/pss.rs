//! Checking RSASSA-PSS signatures of one shape: 3,072 bits, e = 65537, SHA3-256, MGF1 with SHA3-256, a salt of 32
//! bytes (RFC 8017, 8.1.2 and 9.1.2). Signatures are the largest part of what a command costs, and the general way
//! of the RSA crate takes three to nine times as long: it raises to any exponent, and in constant time, where nothing
//! here is secret.
//! Signing and everything else with a private key stays with that crate.

use sha3::{Digest as _, Sha3_256};

use super::montgomery::Modulus;
use super::{MODULUS_BYTES, SALT_BYTES};

const HASH_BYTES: usize = 32;

/// Bytes of the masked data block: what is left beside the hash and the trailer.
const DB_BYTES: usize = MODULUS_BYTES - HASH_BYTES - 1;

/// The last byte of every encoded message.
const TRAILER: u8 = 0xbc;

/// Whether this is a signature over the message with this SHA3-256 hash, by the holder of the key with this modulus.
pub(super) fn is_signature(
    modulus: &Modulus,
    message: &[u8; HASH_BYTES],
    signature: &[u8; MODULUS_BYTES],
) -> bool {
    modulus.power(signature).is_some_and(|encoded| is_encoding_of(&encoded, message))
}

/// EMSA-PSS-VERIFY. The numbers are the steps of RFC 8017, 9.1.2.
fn is_encoding_of(encoded: &[u8; MODULUS_BYTES], message: &[u8; HASH_BYTES]) -> bool {
    // 4, 5
    let (masked, rest) = encoded.split_at(DB_BYTES);
    let Some((TRAILER, hash)) = rest.split_last().map(|(last, hash)| (*last, hash)) else { return false };
    // 6: the encoding has one bit less than the modulus.
    if masked.first().is_none_or(|first| first & 0x80 != 0) {
        return false;
    }
    // 7 to 9
    let mut block = [0; DB_BYTES];
    for (counter, chunk) in (0u32..).zip(block.chunks_mut(HASH_BYTES)) {
        let mask = Sha3_256::new().chain_update(hash).chain_update(counter.to_be_bytes()).finalize();
        chunk.iter_mut().zip(mask).for_each(|(byte, mask)| *byte = mask);
    }
    block.iter_mut().zip(masked).for_each(|(byte, masked)| *byte ^= masked);
    if let Some(first) = block.first_mut() {
        *first &= 0x7f;
    }
    // 10, 11
    let (padding, salt) = block.split_at(DB_BYTES - SALT_BYTES);
    let Some((1, zeros)) = padding.split_last().map(|(last, zeros)| (*last, zeros)) else { return false };
    if zeros.iter().any(|byte| *byte != 0) {
        return false;
    }
    // 12 to 14
    let again = Sha3_256::new().chain_update([0; 8]).chain_update(message).chain_update(salt).finalize();
    again[..] == *hash
}
