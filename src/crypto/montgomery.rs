//! Raising to the power of 65537 modulo an odd number of 3,072 bits, where nothing is secret: most of what checking a
//! signature costs. Montgomery's multiplication (P. Montgomery, "Modular multiplication without trial division", 1985),
//! column by column (Ç. K. Koç, T. Acar, B. Kaliski, "Analyzing and comparing Montgomery multiplication algorithms",
//! 1996, there called FIPS), with squares that count the products off the diagonal once.
//!
//! A limb has 60 bits, so that a whole column of products fits 128 and no carry has to be looked at before its end.
//! What is in between is smaller than twice the modulus and is brought below it only at the end, which is safe because
//! 52 limbs have 48 bits to spare (C. D. Walter, "Montgomery exponentiation needs no final subtractions", 1999).
//!
//! Time depends on the numbers. No private key comes here.

use crypto_bigint::modular::{FixedMontyForm, FixedMontyParams};
use crypto_bigint::{Odd, U64, U3072};

use super::rsa::MODULUS_BYTES;

/// Bits of a limb. A column adds up two times 52 products of 120 bits, and what is carried: less than 2^128.
const LIMB_BITS: u32 = 60;
const LIMBS: usize = 52;
const LIMB_MASK: u64 = (1 << LIMB_BITS) - 1;

/// Bits of Montgomery's radix R.
const RADIX_BITS: u64 = LIMBS as u64 * LIMB_BITS as u64;

const EXPONENT: u64 = 65_537;

/// Limbs, the lowest first, all below 2^60.
type Number = [u64; LIMBS];

/// A modulus, with what the multiplication needs of it: made once for a key.
#[derive(Clone, Debug)]
pub(super) struct Modulus {
    bytes: [u8; MODULUS_BYTES],
    limbs: Number,
    /// −1/modulus, modulo 2^60.
    inverse: u64,
    /// R^65537 modulo the modulus: multiplying by it takes back what 17 multiplications divided by.
    restore: Number,
}

impl Modulus {
    /// Prepares a modulus; none if it is even.
    pub(super) fn new(bytes: &[u8; MODULUS_BYTES]) -> Option<Modulus> {
        let odd = Odd::new(U3072::from_be_slice(bytes)).into_option()?;
        let two = FixedMontyForm::new(&U3072::from(2u64), &FixedMontyParams::new_vartime(odd));
        let restore = two.pow_vartime(&U64::from(RADIX_BITS * EXPONENT)).retrieve();
        let limbs = limbs_of(bytes);
        let restore = limbs_of(restore.to_be_bytes().as_ref());
        Some(Modulus {
            bytes: *bytes,
            limbs,
            inverse: inverse_of(limbs[0]).wrapping_neg() & LIMB_MASK,
            restore,
        })
    }

    /// `base` to the power of 65537; none if it is not below the modulus. Highest bytes first.
    pub(super) fn power(&self, base: &[u8; MODULUS_BYTES]) -> Option<[u8; MODULUS_BYTES]> {
        if *base >= self.bytes {
            return None;
        }
        let base = limbs_of(base);
        let mut power = base;
        for _ in 0..EXPONENT.ilog2() {
            power = self.square(&power);
        }
        power = self.multiply(&power, &base);
        Some(bytes_of(&self.below(self.multiply(&power, &self.restore))))
    }

    /// a·b/R, below twice the modulus if both are.
    fn multiply(&self, a: &Number, b: &Number) -> Number {
        self.reduce(|column| {
            let (low, high) = (column.saturating_sub(LIMBS - 1), column.min(LIMBS - 1));
            dot(&a[low..=high], &b[low..=high])
        })
    }

    /// a·a/R, below twice the modulus if a is.
    fn square(&self, a: &Number) -> Number {
        let twice = a.map(|limb| limb * 2);
        self.reduce(|column| {
            let (low, high) = (column.saturating_sub(LIMBS - 1), column.min(LIMBS - 1));
            let half = (high - low).div_ceil(2);
            let sides = dot(&a[low..low + half], &twice[high + 1 - half..=high]);
            match column % 2 {
                0 => sides + product(a[column / 2], a[column / 2]),
                _ => sides,
            }
        })
    }

    /// Adds the multiple of the modulus that makes the lower half of the columns zero, and takes the upper half.
    #[inline(always)]
    fn reduce(&self, column: impl Fn(usize) -> u128) -> Number {
        let (mut multiple, mut result, mut sum) = ([0; LIMBS], [0; LIMBS], 0u128);
        for at in 0..LIMBS {
            sum += column(at) + dot(&multiple[..at], &self.limbs[1..=at]);
            multiple[at] = low_limb(sum).wrapping_mul(self.inverse) & LIMB_MASK;
            sum += product(multiple[at], self.limbs[0]);
            sum >>= LIMB_BITS;
        }
        for at in 1..LIMBS {
            sum += column(LIMBS - 1 + at) + dot(&multiple[at..], &self.limbs[at..]);
            result[at - 1] = low_limb(sum);
            sum >>= LIMB_BITS;
        }
        result[LIMBS - 1] = low_limb(sum);
        result
    }

    /// What is left of a number below twice the modulus when the modulus is taken from it at most once.
    fn below(&self, number: Number) -> Number {
        let mut difference = number;
        let mut borrow = 0;
        for (limb, modulus) in difference.iter_mut().zip(&self.limbs) {
            let rest = limb.wrapping_sub(*modulus).wrapping_sub(borrow);
            borrow = rest >> 63;
            *limb = rest & LIMB_MASK;
        }
        if borrow == 0 { difference } else { number }
    }
}

/// The products of the limbs of `a`, going up, with those of `b`, going down.
#[inline(always)]
fn dot(a: &[u64], b: &[u64]) -> u128 {
    let products = a.iter().zip(b.iter().rev()).map(|(a, b)| product(*a, *b));
    products.fold(0, u128::wrapping_add)
}

#[inline(always)]
fn product(a: u64, b: u64) -> u128 {
    u128::from(a) * u128::from(b)
}

/// The lowest limb of a sum.
fn low_limb(sum: u128) -> u64 {
    sum as u64 & LIMB_MASK
}

/// 1/odd, modulo 2^64: each step doubles the bits that are right (Newton's method), beginning with three.
fn inverse_of(odd: u64) -> u64 {
    (0..5).fold(odd, |inverse, _| inverse.wrapping_mul(2u64.wrapping_sub(odd.wrapping_mul(inverse))))
}

/// Two limbs are 15 bytes.
const PAIR_BYTES: usize = 2 * LIMB_BITS as usize / 8;

/// A number of 384 bytes, the highest first.
fn limbs_of(bytes: &[u8]) -> Number {
    let mut limbs = [0; LIMBS];
    for (pair, bytes) in limbs.chunks_exact_mut(2).zip(bytes.rchunks(PAIR_BYTES)) {
        let value = bytes.iter().fold(0u128, |value, byte| value << 8 | u128::from(*byte));
        pair.copy_from_slice(&[low_limb(value), low_limb(value >> LIMB_BITS)]);
    }
    limbs
}

/// The 384 bytes of a number below 2^3072, the highest first.
fn bytes_of(limbs: &Number) -> [u8; MODULUS_BYTES] {
    let mut bytes = [0; MODULUS_BYTES];
    for (pair, bytes) in limbs.chunks_exact(2).zip(bytes.rchunks_mut(PAIR_BYTES)) {
        let value = pair.iter().rev().fold(0u128, |value, limb| value << LIMB_BITS | u128::from(*limb));
        let value = value.to_be_bytes();
        bytes.copy_from_slice(&value[value.len() - bytes.len()..]);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use crypto_bigint::modular::{FixedMontyForm, FixedMontyParams};
    use crypto_bigint::{Odd, U3072};
    use proptest::prelude::*;

    use super::{MODULUS_BYTES, Modulus};

    type Bytes = [u8; MODULUS_BYTES];

    /// The same by somebody else's arithmetic.
    fn reference(modulus: &Bytes, base: &Bytes) -> Bytes {
        let modulus = Odd::new(U3072::from_be_slice(modulus)).into_option().unwrap();
        let parameters = FixedMontyParams::new_vartime(modulus);
        let base = FixedMontyForm::new(&U3072::from_be_slice(base), &parameters);
        base.pow_vartime(&U3072::from(65_537u64)).retrieve().to_be_bytes().into()
    }

    fn check(modulus: &Bytes, base: &Bytes) {
        let power = Modulus::new(modulus).unwrap().power(base);
        assert_eq!(power, (base < modulus).then(|| reference(modulus, base)));
    }

    fn number(of: impl Fn(usize) -> u8) -> Bytes {
        std::array::from_fn(of)
    }

    /// Numbers whose limbs are all ones, all zeros, or one of them, at the ends or anywhere.
    fn extreme() -> impl Strategy<Value = Bytes> {
        let runs =
            prop::collection::vec((prop::sample::select(vec![0u8, 0xff, 0x80, 1]), 1..MODULUS_BYTES), 1..6);
        runs.prop_map(|runs| {
            let bytes = runs.into_iter().flat_map(|(byte, count)| std::iter::repeat_n(byte, count));
            let mut filled = bytes.chain(std::iter::repeat(0));
            std::array::from_fn(|_| filled.next().unwrap_or_default())
        })
    }

    fn any_number() -> impl Strategy<Value = Bytes> {
        let random = prop::collection::vec(any::<u8>(), MODULUS_BYTES).prop_map(|v| v.try_into().unwrap());
        prop_oneof![random, extreme()]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn powers_are_those_of_the_big_number_crate(mut modulus in any_number(), base in any_number()) {
            modulus[0] |= 0x80;
            modulus[MODULUS_BYTES - 1] |= 1;
            check(&modulus, &base);
        }
    }

    #[test]
    fn the_edges_of_the_range_are_right() {
        let largest = number(|_| 0xff);
        let smallest = number(|at| if at == 0 { 0x80 } else { u8::from(at == MODULUS_BYTES - 1) });
        for modulus in [largest, smallest] {
            let less = |by: u8| number(|at| modulus[at] - if at == MODULUS_BYTES - 1 { by } else { 0 });
            let small = |value: u8| number(|at| if at == MODULUS_BYTES - 1 { value } else { 0 });
            for base in [small(0), small(1), small(2), less(1), modulus, number(|_| 0x7f)] {
                check(&modulus, &base);
            }
            assert!(Modulus::new(&less(1)).is_none(), "an even modulus");
        }
    }
}
