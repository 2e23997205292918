//! The operating system's random source, for the edges. Everything below them takes a generator as an
//! argument, so that the simulator can replay a run from its seed.

use std::convert::Infallible;

use getrandom::SysRng;
use rand_core::UnwrapErr;

/// The operating system's generator. It ends the process when the system has no random bytes to give: there
/// is no safe way to go on without them.
pub type OsRandom = UnwrapErr<SysRng>;

/// A handle on the operating system's generator. Costs nothing; make one where it is needed.
pub const fn os() -> OsRandom {
    UnwrapErr(SysRng)
}

/// `N` random bytes.
pub fn bytes<const N: usize>(rng: &mut dyn rand_core::CryptoRng) -> [u8; N] {
    let mut out = [0; N];
    rng.fill_bytes(&mut out);
    out
}

/// A generator whose whole output follows from its seed: SHA3-256(SHA3-256(prefix ‖ seed) ‖ counter u64) for the counter
/// 0, 1, … For test vectors and the simulator; whoever knows the seed knows every key made with it.
#[derive(Clone)]
pub struct Seeded {
    seed: [u8; 32],
    counter: u64,
    block: [u8; 32],
    used: usize,
}

impl Seeded {
    /// The generator of this seed. Seeds are strings so that a failing run can be named.
    pub fn new(seed: &str) -> Seeded {
        let seed = super::sha3(&[b"ledgerd/seeded-random/1\0", seed.as_bytes()]).0;
        Seeded { seed, counter: 0, block: [0; 32], used: 32 }
    }

    fn byte(&mut self) -> u8 {
        if self.used == self.block.len() {
            self.block = super::sha3(&[&self.seed, &self.counter.to_be_bytes()]).0;
            self.counter += 1;
            self.used = 0;
        }
        self.used += 1;
        self.block[self.used - 1]
    }
}

impl rand_core::TryRng for Seeded {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_be_bytes(bytes(self)))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_be_bytes(bytes(self)))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        out.iter_mut().for_each(|byte| *byte = self.byte());
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Seeded {}

impl std::fmt::Debug for Seeded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seeded([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_bytes_however_they_are_taken() {
        let (mut left, mut right) = (Seeded::new("a"), Seeded::new("a"));
        let whole: [u8; 100] = bytes(&mut left);
        let parts = [bytes::<33>(&mut right).to_vec(), bytes::<67>(&mut right).to_vec()].concat();
        assert_eq!(whole.to_vec(), parts);
        assert_ne!(bytes::<32>(&mut Seeded::new("a")), bytes::<32>(&mut Seeded::new("b")));
        assert_ne!(bytes::<32>(&mut os()), bytes::<32>(&mut os()));
    }
}
