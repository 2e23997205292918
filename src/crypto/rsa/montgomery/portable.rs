//! Column by column (Ç. K. Koç, T. Acar, B. Kaliski, "Analyzing and comparing Montgomery multiplication algorithms",
//! 1996, there called FIPS), with squares that count the products off the diagonal once. A limb has 60 bits, so that a
//! whole column of products fits 128 and no carry has to be looked at before its end.

use super::{Bytes, Prepared};

/// Bits of a limb. A column adds up two times 52 products of 120 bits, and what is carried: less than 2^128.
const LIMB_BITS: u32 = 60;
const LIMBS: usize = 52;

type Number = super::Number<LIMBS>;
type Limbs = Prepared<LIMB_BITS, LIMBS>;

#[derive(Clone, Debug)]
pub(super) struct Arithmetic(Limbs);

impl Arithmetic {
    pub(super) fn new(modulus: &Bytes, restore: &Bytes) -> Arithmetic {
        Arithmetic(Prepared::new(modulus, restore))
    }

    /// `base`, which is below the modulus, to the power of 65537.
    pub(super) fn power(&self, base: &Bytes) -> Bytes {
        self.0.power(base, |a| self.square(a), |a, b| self.multiply(a, b))
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
        let Prepared { modulus, inverse, .. } = &self.0;
        let (mut multiple, mut result, mut sum) = ([0; LIMBS], [0; LIMBS], 0u128);
        for at in 0..LIMBS {
            sum += column(at) + dot(&multiple[..at], &modulus[1..=at]);
            multiple[at] = Limbs::low_limb(sum).wrapping_mul(*inverse) & Limbs::MASK;
            sum += product(multiple[at], modulus[0]);
            sum >>= LIMB_BITS;
        }
        for at in 1..LIMBS {
            sum += column(LIMBS - 1 + at) + dot(&multiple[at..], &modulus[at..]);
            result[at - 1] = Limbs::low_limb(sum);
            sum >>= LIMB_BITS;
        }
        result[LIMBS - 1] = Limbs::low_limb(sum);
        result
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
