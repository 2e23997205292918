//! With AVX-512 IFMA, which multiplies eight pairs of 52 bits at a time and adds the lower or the upper halves of the
//! products: four times as fast as the portable way on the same processor. The steps are those of S. Gueron and
//! V. Krasnov, "Software implementation of modular exponentiation, using advanced vector instructions architectures",
//! 2012: for each limb of one number all limbs of the other, and the multiple of the modulus that makes the lowest limb
//! zero, which is then dropped.
//!
//! Whether there is such a processor is asked when the program runs, and what is compiled for it is not reached on any
//! other: the step between, which the compiler has to be told to trust, is the `multiversion` crate's.

use std::arch::x86_64::{
    __m512i, _mm_cvtsi128_si64, _mm512_alignr_epi64, _mm512_castsi512_si128, _mm512_madd52hi_epu64,
    _mm512_madd52lo_epu64, _mm512_set1_epi64, _mm512_setzero_si512,
};

use bytemuck::must_cast;
use multiversion::multiversion;
use multiversion::target::match_target;

use super::{Bytes, Prepared, RADIX_BITS};

/// Bits of a limb: those that the instructions look at.
const LIMB_BITS: u32 = 52;

/// Limbs of R, and with it rounds of a multiplication.
const ROUNDS: usize = RADIX_BITS as usize / LIMB_BITS as usize;

/// Vectors of a number.
const VECTORS: usize = ROUNDS.div_ceil(8);
const LIMBS: usize = VECTORS * 8;

type Number = super::Number<LIMBS>;
type Limbs = Prepared<LIMB_BITS, LIMBS>;
type Vectors = [__m512i; VECTORS];

#[derive(Clone, Debug)]
pub(super) struct Arithmetic {
    limbs: Limbs,
    power: fn(&Limbs, &Bytes) -> Bytes,
}

impl Arithmetic {
    /// None where the processor lacks the instructions.
    pub(super) fn new(modulus: &Bytes, restore: &Bytes) -> Option<Arithmetic> {
        supported().map(|power| Arithmetic { limbs: Prepared::new(modulus, restore), power })
    }

    /// `base`, which is below the modulus, to the power of 65537.
    pub(super) fn power(&self, base: &Bytes) -> Bytes {
        (self.power)(&self.limbs, base)
    }
}

/// What raises to the power, on a processor that can.
#[multiversion(targets("x86_64+avx512f+avx512ifma"))]
fn supported() -> Option<fn(&Limbs, &Bytes) -> Bytes> {
    match_target! {
        "x86_64+avx512f+avx512ifma" => Some(power),
        _ => None,
    }
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn power(limbs: &Limbs, base: &Bytes) -> Bytes {
    limbs.power(base, |a| multiply(limbs, a, a), |a, b| multiply(limbs, a, b))
}

/// a·b/R, below twice the modulus if both are.
///
/// The lowest limb is what each round waits for, so it goes on in a register of its own: what the vectors hold of it
/// is shifted out with it. A sum takes in four halves of products in a round, and there are 60: less than 2^60 of 2^64.
#[target_feature(enable = "avx512f,avx512ifma")]
fn multiply(limbs: &Limbs, a: &Number, b: &Number) -> Number {
    let Prepared { modulus, inverse, .. } = limbs;
    let (a_vectors, modulus_vectors): (Vectors, Vectors) = (must_cast(*a), must_cast(*modulus));
    let mut sums = [_mm512_setzero_si512(); VECTORS + 1];
    let mut lowest = 0u64;
    for limb in &b[..ROUNDS] {
        let sum = u128::from(a[0]) * u128::from(*limb) + u128::from(lowest);
        let multiple = Limbs::low_limb(sum).wrapping_mul(*inverse) & Limbs::MASK;
        let carry = (sum + u128::from(modulus[0]) * u128::from(multiple)) >> LIMB_BITS;
        let (limb, multiple) = (_mm512_set1_epi64(*limb as i64), _mm512_set1_epi64(multiple as i64));
        for at in 0..VECTORS {
            sums[at] = _mm512_madd52lo_epu64(sums[at], a_vectors[at], limb);
            sums[at] = _mm512_madd52lo_epu64(sums[at], modulus_vectors[at], multiple);
        }
        for at in 0..VECTORS {
            sums[at] = _mm512_alignr_epi64::<1>(sums[at + 1], sums[at]);
        }
        lowest = carry as u64 + _mm_cvtsi128_si64(_mm512_castsi512_si128(sums[0])) as u64;
        for at in 0..VECTORS {
            sums[at] = _mm512_madd52hi_epu64(sums[at], a_vectors[at], limb);
            sums[at] = _mm512_madd52hi_epu64(sums[at], modulus_vectors[at], multiple);
        }
    }
    let [sums @ .., _] = sums;
    let mut result: Number = must_cast(sums);
    result[0] = lowest;
    let mut carry = 0;
    for limb in &mut result {
        let sum = *limb + carry;
        (*limb, carry) = (sum & Limbs::MASK, sum >> LIMB_BITS);
    }
    result
}
