//! Which RSA public keys are let in. A key from a stranger ends up in blocks for ever and is verified against
//! by everybody, so there is one size, one exponent, one encoding, and the moduli that only a broken or
//! mischievous generator makes are refused. Serves `crypto::rsa` alone.

use std::sync::LazyLock;

use rsa::pkcs8::der::Decode as _;
use rsa::pkcs8::{EncodePublicKey as _, SubjectPublicKeyInfoRef};
use rsa::{BoxedUint, RsaPublicKey};

use super::MODULUS_BITS;
use crate::crypto::KeyPolicyError;

/// Checks the whole policy, cheapest rule first, and makes the key.
pub(super) fn check(spki: &[u8]) -> Result<RsaPublicKey, KeyPolicyError> {
    let info = SubjectPublicKeyInfoRef::from_der(spki).map_err(|_| KeyPolicyError::Encoding)?;
    if info.algorithm.oid != rsa::pkcs1::ALGORITHM_OID {
        return Err(KeyPolicyError::Algorithm);
    }
    let numbers = info.subject_public_key.as_bytes().ok_or(KeyPolicyError::Encoding)?;
    let numbers = rsa::pkcs1::RsaPublicKeyRef::from_der(numbers).map_err(|_| KeyPolicyError::Encoding)?;
    let (n, e) = (numbers.modulus.as_bytes(), numbers.public_exponent.as_bytes());
    if bits(n) != MODULUS_BITS as u32 {
        return Err(KeyPolicyError::Size(bits(n)));
    }
    if e != [1, 0, 1] {
        return Err(KeyPolicyError::Exponent);
    }
    if n.last().is_none_or(|low| low % 2 == 0) {
        return Err(KeyPolicyError::Even);
    }
    if let Some(p) = small_factor(n) {
        return Err(KeyPolicyError::SmallFactor(p));
    }
    let modulus = BoxedUint::from_be_slice(n, MODULUS_BITS as u32).map_err(|_| KeyPolicyError::Encoding)?;
    if modulus.checked_sqrt_vartime().is_some() {
        return Err(KeyPolicyError::Square);
    }
    let key = RsaPublicKey::new(modulus, BoxedUint::from(65_537u64)).map_err(|_| KeyPolicyError::Encoding)?;
    // One key, one encoding, one identifier: the parser is lenient in places, so write it again and compare.
    let again = key.to_public_key_der().map_err(|_| KeyPolicyError::Encoding)?;
    if again.as_bytes() == spki { Ok(key) } else { Err(KeyPolicyError::Encoding) }
}

/// The position of the highest bit of a big-endian number, counted from one.
fn bits(n: &[u8]) -> u32 {
    let skip = n.iter().take_while(|byte| **byte == 0).count();
    let Some(first) = n.get(skip) else { return 0 };
    (n.len() - skip) as u32 * 8 - first.leading_zeros()
}

/// Two odd primes below 2^16, so that one long division tries both. The reciprocal replaces the division
/// instruction: with it the whole search takes about half a millisecond, and a replay checks every key again.
struct PrimePair {
    primes: [u32; 2],
    product: u64,
    reciprocal: u64,
}

static PRIME_PAIRS: LazyLock<Vec<PrimePair>> = LazyLock::new(|| {
    let mut composite = vec![false; 1 << 16];
    let mut primes = Vec::new();
    for candidate in (3..1usize << 16).step_by(2) {
        if !composite[candidate] {
            primes.push(candidate as u32);
            for multiple in (candidate * candidate..1 << 16).step_by(candidate) {
                composite[multiple] = true;
            }
        }
    }
    let pair = |two: &[u32]| {
        let primes = [two[0], two.get(1).copied().unwrap_or(two[0])];
        let product = u64::from(primes[0]) * u64::from(primes[1]);
        PrimePair { primes, product, reciprocal: u64::MAX / product }
    };
    primes.chunks(2).map(pair).collect()
});

/// The remainder of `x`. The estimate of the quotient is exact or one too small, because `reciprocal` is
/// 2^64 / product rounded down.
fn remainder(x: u64, pair: &PrimePair) -> u64 {
    let quotient = (u128::from(x) * u128::from(pair.reciprocal)) >> 64;
    let rest = x - quotient as u64 * pair.product;
    if rest >= pair.product { rest - pair.product } else { rest }
}

/// An odd prime factor below 2^16 of a big-endian number, if there is one.
fn small_factor(n: &[u8]) -> Option<u32> {
    let mut rests = vec![0u64; PRIME_PAIRS.len()];
    let (head, words) = n.as_rchunks::<4>();
    let head = head.iter().fold(0, |value, byte| value << 8 | u64::from(*byte));
    // Word by word for all pairs, not pair by pair: the divisions do not wait for one another.
    for word in std::iter::once(head).chain(words.iter().map(|word| u64::from(u32::from_be_bytes(*word)))) {
        for (rest, pair) in rests.iter_mut().zip(PRIME_PAIRS.iter()) {
            *rest = remainder(*rest << 32 | word, pair);
        }
    }
    let hit = |(rest, pair): (&u64, &PrimePair)| pair.primes.into_iter().find(|p| rest % u64::from(*p) == 0);
    rests.iter().zip(PRIME_PAIRS.iter()).find_map(hit)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::crypto::rsa::{PrivateKey, PublicKey};

    const CLIENT: &str = include_str!("../../../fixtures/keys/client.pem");

    #[test]
    fn every_key_of_the_refused_list_is_refused_for_the_rule_it_breaks() {
        let list = include_str!("../../../fixtures/keys/refused.txt");
        let mut seen = 0;
        for line in list.lines().filter(|line| !line.starts_with('#')) {
            let [rule, name, hex] = line.split(' ').collect::<Vec<_>>().try_into().unwrap();
            let spki = if hex == "-" { Vec::new() } else { const_hex::decode(hex).unwrap() };
            let error = PublicKey::from_spki(&spki).expect_err(name);
            let broken = match error {
                KeyPolicyError::Encoding => "der",
                KeyPolicyError::Algorithm => "algorithm",
                KeyPolicyError::Size(_) => "size",
                KeyPolicyError::Exponent => "exponent",
                KeyPolicyError::Even => "even",
                KeyPolicyError::SmallFactor(_) => "factor",
                KeyPolicyError::Square => "square",
                KeyPolicyError::Point | KeyPolicyError::SmallOrder => "ed25519",
            };
            assert_eq!(broken, rule, "{name}: {error}");
            seen += 1;
        }
        assert_eq!(seen, 27);
    }

    #[test]
    fn every_truncation_of_a_good_key_is_refused_and_no_flipped_byte_keeps_its_identifier() {
        let good = PrivateKey::from_pkcs8_pem(CLIENT, None).unwrap().public().clone();
        let spki = good.spki();
        assert_eq!(PublicKey::from_spki(spki).unwrap(), good);
        for len in 0..spki.len() {
            assert!(PublicKey::from_spki(&spki[..len]).is_err(), "{len} bytes");
        }
        for at in 0..spki.len() {
            let mut other = spki.to_vec();
            other[at] ^= 1;
            if let Ok(key) = PublicKey::from_spki(&other) {
                assert_ne!(key.key_id(), good.key_id());
            }
        }
    }

    #[test]
    fn the_prime_pairs_are_all_odd_primes_below_two_to_the_sixteen() {
        let mut primes: Vec<u32> = PRIME_PAIRS.iter().flat_map(|pair| pair.primes).collect();
        primes.dedup();
        assert_eq!((primes.len(), primes.first(), primes.last()), (6_541, Some(&3), Some(&65_521)));
    }

    proptest! {
        #[test]
        fn the_reciprocal_gives_the_remainder(x: u64, at: prop::sample::Index) {
            let pair = at.get(&PRIME_PAIRS);
            prop_assert_eq!(remainder(x, pair), x % pair.product);
        }

        #[test]
        fn bytes_of_a_stranger_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            prop_assert!(PublicKey::from_spki(&bytes).is_err());
        }
    }
}
