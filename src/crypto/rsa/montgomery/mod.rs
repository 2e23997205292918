//! Raising to the power of 65537 modulo an odd number of 3,072 bits, where nothing is secret: most of what checking a
//! signature costs. Montgomery's multiplication (P. Montgomery, "Modular multiplication without trial division", 1985)
//! is here twice: [`ifma`] for processors with the vector instructions for it, [`portable`] for all others. Both cut
//! numbers into limbs that leave room for sums of products, so that carries wait, and both have the radix R = 2^3120.
//!
//! What is in between is smaller than twice the modulus and is brought below it only at the end, which is safe because
//! R is 48 bits longer than the modulus (C. D. Walter, "Montgomery exponentiation needs no final subtractions", 1999).
//!
//! Time depends on the numbers. No private key comes here.

#[cfg(target_arch = "x86_64")]
mod ifma;
mod portable;

use crypto_bigint::modular::{FixedMontyForm, FixedMontyParams};
use crypto_bigint::{Odd, U64, U3072};

use super::MODULUS_BYTES;

/// Bits of Montgomery's radix R: 52 limbs of 60 bits, or 60 of 52.
const RADIX_BITS: u64 = 3_120;

const EXPONENT: u64 = 65_537;

/// A number below 2^3072, the highest byte first.
type Bytes = [u8; MODULUS_BYTES];

/// A modulus, with what the multiplication needs of it: made once for a key.
#[derive(Clone, Debug)]
pub(super) struct Modulus {
    bytes: Bytes,
    arithmetic: Arithmetic,
}

/// The multiplication that suits this processor.
#[derive(Clone, Debug)]
enum Arithmetic {
    #[cfg(target_arch = "x86_64")]
    Ifma(ifma::Arithmetic),
    Portable(portable::Arithmetic),
}

impl Modulus {
    /// Prepares a modulus; none if it is even.
    pub(super) fn new(bytes: &Bytes) -> Option<Modulus> {
        Some(Modulus { bytes: *bytes, arithmetic: Arithmetic::new(bytes, &restore(bytes)?) })
    }

    /// `base` to the power of 65537; none if it is not below the modulus.
    pub(super) fn power(&self, base: &Bytes) -> Option<Bytes> {
        (*base < self.bytes).then(|| self.arithmetic.power(base))
    }
}

impl Arithmetic {
    fn new(modulus: &Bytes, restore: &Bytes) -> Arithmetic {
        #[cfg(target_arch = "x86_64")]
        if let Some(arithmetic) = ifma::Arithmetic::new(modulus, restore) {
            return Arithmetic::Ifma(arithmetic);
        }
        Arithmetic::Portable(portable::Arithmetic::new(modulus, restore))
    }

    fn power(&self, base: &Bytes) -> Bytes {
        match self {
            #[cfg(target_arch = "x86_64")]
            Arithmetic::Ifma(arithmetic) => arithmetic.power(base),
            Arithmetic::Portable(arithmetic) => arithmetic.power(base),
        }
    }
}

/// R^65537 modulo the modulus: multiplying by it takes back what 17 multiplications divided by. None if it is even.
fn restore(modulus: &Bytes) -> Option<Bytes> {
    let odd = Odd::new(U3072::from_be_slice(modulus)).into_option()?;
    let two = FixedMontyForm::new(&U3072::from(2u64), &FixedMontyParams::new_vartime(odd));
    Some(two.pow_vartime(&U64::from(RADIX_BITS * EXPONENT)).retrieve().to_be_bytes().into())
}

/// Limbs, the lowest first, all below 2^BITS.
type Number<const LIMBS: usize> = [u64; LIMBS];

/// A modulus in limbs, with the two numbers that go with it.
#[derive(Clone, Debug)]
struct Prepared<const BITS: u32, const LIMBS: usize> {
    modulus: Number<LIMBS>,
    /// −1/modulus, modulo 2^BITS.
    inverse: u64,
    restore: Number<LIMBS>,
}

impl<const BITS: u32, const LIMBS: usize> Prepared<BITS, LIMBS> {
    const MASK: u64 = (1 << BITS) - 1;

    /// Two limbs are whole bytes.
    const PAIR_BYTES: usize = 2 * BITS as usize / 8;

    /// Cuts an odd modulus into limbs, and the number that [`restore`] makes of it.
    fn new(modulus: &Bytes, restore: &Bytes) -> Self {
        let (modulus, restore) = (Self::limbs_of(modulus), Self::limbs_of(restore));
        let inverse = inverse_of(modulus[0]).wrapping_neg() & Self::MASK;
        Prepared { modulus, inverse, restore }
    }

    /// `base` to the power of 65537, by a multiplication that divides by R and stays below twice the modulus.
    #[inline(always)]
    fn power(
        &self,
        base: &Bytes,
        square: impl Fn(&Number<LIMBS>) -> Number<LIMBS>,
        multiply: impl Fn(&Number<LIMBS>, &Number<LIMBS>) -> Number<LIMBS>,
    ) -> Bytes {
        let base = Self::limbs_of(base);
        let mut power = base;
        for _ in 0..EXPONENT.ilog2() {
            power = square(&power);
        }
        power = multiply(&power, &base);
        Self::bytes_of(&self.below(multiply(&power, &self.restore)))
    }

    /// What is left of a number below twice the modulus when the modulus is taken from it at most once.
    fn below(&self, number: Number<LIMBS>) -> Number<LIMBS> {
        let mut difference = number;
        let mut borrow = 0;
        for (limb, modulus) in difference.iter_mut().zip(&self.modulus) {
            let rest = limb.wrapping_sub(*modulus).wrapping_sub(borrow);
            borrow = rest >> 63;
            *limb = rest & Self::MASK;
        }
        if borrow == 0 { difference } else { number }
    }

    /// The lowest limb of a sum.
    fn low_limb(sum: u128) -> u64 {
        sum as u64 & Self::MASK
    }

    fn limbs_of(bytes: &Bytes) -> Number<LIMBS> {
        let mut limbs = [0; LIMBS];
        for (pair, bytes) in limbs.chunks_exact_mut(2).zip(bytes.rchunks(Self::PAIR_BYTES)) {
            let value = bytes.iter().fold(0u128, |value, byte| value << 8 | u128::from(*byte));
            pair.copy_from_slice(&[Self::low_limb(value), Self::low_limb(value >> BITS)]);
        }
        limbs
    }

    fn bytes_of(limbs: &Number<LIMBS>) -> Bytes {
        let mut bytes = [0; MODULUS_BYTES];
        for (pair, bytes) in limbs.chunks_exact(2).zip(bytes.rchunks_mut(Self::PAIR_BYTES)) {
            let value = pair.iter().rev().fold(0u128, |value, limb| value << BITS | u128::from(*limb));
            let value = value.to_be_bytes();
            bytes.copy_from_slice(&value[value.len() - bytes.len()..]);
        }
        bytes
    }
}

/// 1/odd, modulo 2^64: each step doubles the bits that are right (Newton's method), beginning with three.
fn inverse_of(odd: u64) -> u64 {
    (0..5).fold(odd, |inverse, _| inverse.wrapping_mul(2u64.wrapping_sub(odd.wrapping_mul(inverse))))
}

#[cfg(test)]
mod tests {
    use crypto_bigint::modular::{FixedMontyForm, FixedMontyParams};
    use crypto_bigint::{Odd, U3072};
    use proptest::prelude::*;

    use super::{Bytes, MODULUS_BYTES, Modulus, portable, restore};

    /// The same by somebody else's arithmetic.
    fn reference(modulus: &Bytes, base: &Bytes) -> Bytes {
        let modulus = Odd::new(U3072::from_be_slice(modulus)).into_option().unwrap();
        let parameters = FixedMontyParams::new_vartime(modulus);
        let base = FixedMontyForm::new(&U3072::from_be_slice(base), &parameters);
        base.pow_vartime(&U3072::from(65_537u64)).retrieve().to_be_bytes().into()
    }

    /// What this processor is given, and what any other would be.
    fn check(modulus: &Bytes, base: &Bytes) {
        let expected = (base < modulus).then(|| reference(modulus, base));
        assert_eq!(Modulus::new(modulus).unwrap().power(base), expected);
        if let Some(expected) = expected {
            let portable = portable::Arithmetic::new(modulus, &restore(modulus).unwrap());
            assert_eq!(portable.power(base), expected);
        }
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
