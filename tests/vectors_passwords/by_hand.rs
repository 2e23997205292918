//! What roams, what it is committed to and what an e-mail is called, computed by hand.

use aes_siv::KeyInit as _;
use aes_siv::siv::Aes256Siv;
use curve25519_dalek::constants::RISTRETTO_BASEPOINT_POINT;
use curve25519_dalek::scalar::Scalar;
use hkdf::SimpleHkdf;
use ledgerd::crypto::{KeyId, LedgerId, sha3};
use sha3::Sha3_256;

use crate::session_vectors::mac;

/// A value with its name in the file.
type Named = (&'static str, Vec<u8>);

/// HKDF of RFC 5869 with a salt of zeros: what is extracted, and what that is expanded to.
fn hkdf(secret: &[u8], info: &[u8], length: usize) -> (Vec<u8>, Vec<u8>) {
    let (prk, hkdf) = SimpleHkdf::<Sha3_256>::extract(Some(&[0; 32]), secret);
    let mut out = vec![0; length];
    hkdf.expand(info, &mut out).unwrap();
    (prk.to_vec(), out)
}

/// A secret under a key, for a purpose; the last value is the wrap.
pub(super) fn wrap(
    ledger_id: LedgerId,
    key_id: KeyId,
    (purpose, key): (&str, &[u8]),
    secret: &[u8],
) -> [Named; 7] {
    let place = [b"ledgerd/roam/1\0", &ledger_id.0[..], &key_id.0, purpose.as_bytes()].concat();
    let (prk, mut k) = hkdf(key, &place, 96);
    let commit = k.split_off(64);
    let associated = [&place[..], &[0]].concat();
    let sealed = Aes256Siv::new_from_slice(&k).unwrap().encrypt([&associated], secret).unwrap();
    let whole = [&commit[..], &sealed].concat();
    [
        ("key", key.to_vec()),
        ("secret", secret.to_vec()),
        ("prk", prk),
        ("k", k),
        ("commit", commit),
        ("associated", associated),
        ("wrap", whole),
    ]
}

/// What a recovery code stands for: the last three values are R, A and what the server keeps of A.
pub(super) fn recovery(code: &[u8; 20]) -> [Named; 5] {
    let (prk, mut wraps) = hkdf(code, b"ledgerd/recovery/1\0", 64);
    let shown = wraps.split_off(32);
    let authenticator = sha3(&[b"ledgerd/rec-auth/1\0", &shown]).0.to_vec();
    [("code", code.to_vec()), ("prk", prk), ("r", wraps), ("a", shown), ("authenticator", authenticator)]
}

/// The digest of a credential and the content of its entry in the vault, which are the last two values. `numbers` are its
/// epoch, the set-up's number, and the three of the cost.
pub(super) fn credential(
    numbers: &[[u8; 4]; 5],
    (ledger_id, key_id): (LedgerId, KeyId),
    server_key: &[u8; 32],
    (record, blob): (&[u8; 192], &[u8]),
) -> [Named; 3] {
    let ([epoch, opaque, cost @ ..], digest) = (numbers, sha3(&[record]).0);
    let begin = [b"ledgerd/credential/2\0", &ledger_id.0[..], &key_id.0, epoch, opaque, server_key].concat();
    let commit = sha3(&[&begin, cost.as_flattened(), &digest, blob]).0.to_vec();
    let length = (blob.len() as u16).to_be_bytes();
    let content = [&key_id.0[..], numbers.as_flattened(), record, &length, blob].concat();
    [("record_sha3", digest.to_vec()), ("credential_commit", commit), ("content", content)]
}

/// What an e-mail is called in the protocol, and of what its name in the vault is the first half.
pub(super) fn names(index_key: &[u8; 32], normalised: &str) -> [[u8; 32]; 2] {
    let name = |prefix: &[u8]| mac(index_key, &[prefix, normalised.as_bytes()].concat());
    [name(b"ledgerd/credential-id/1\0"), name(b"ledgerd/e-mail/1\0")]
}

/// Base32 of RFC 4648 in groups of four, bit by bit.
pub(super) fn base32(code: &[u8; 20]) -> String {
    let bits: Vec<u8> = code.iter().flat_map(|byte| (0..8).rev().map(move |at| byte >> at & 1)).collect();
    let letter = |five: &[u8]| {
        let value = five.iter().fold(0_u8, |value, bit| value << 1 | bit);
        char::from(if value < 26 { b'A' + value } else { b'2' + value - 26 })
    };
    let letters: Vec<char> = bits.chunks(5).map(letter).collect();
    letters.chunks(4).map(String::from_iter).collect::<Vec<_>>().join("-")
}

/// The public key of a secret one.
pub(super) fn public_key(secret: &[u8]) -> [u8; 32] {
    let secret = Scalar::from_canonical_bytes(secret.try_into().unwrap()).unwrap();
    (RISTRETTO_BASEPOINT_POINT * secret).compress().to_bytes()
}
