//! The operating system's random source, for the edges. Everything below them takes a generator as an
//! argument, so that the simulator can replay a run from its seed.

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
