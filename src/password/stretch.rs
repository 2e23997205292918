//! What one guess at a password costs: Argon2id, version 0x13 (RFC 9106), with a salt of 16 zero bytes and 64 bytes of output,
//! as RFC 9807 section 7 wants it. The input is salted already: it comes out of an oblivious function of the server's.

use std::fmt;

use argon2::{Algorithm, Argon2, Params, Version};
use opaque_ke::errors::InternalError;
use opaque_ke::generic_array::{ArrayLength, GenericArray};
use opaque_ke::ksf::Ksf;

/// The cost of one guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Memory, in KiB.
    pub m_kib: u32,
    /// Passes over the memory.
    pub t: u32,
    /// Lanes.
    pub p: u32,
}

impl Stretch {
    /// The least memory that a client accepts, in KiB. A server that asks for less makes guessing cheap.
    pub const M_KIB_MIN: u32 = 19 << 10;

    /// The most memory that a client accepts, in KiB.
    pub const M_KIB_MAX: u32 = 1 << 20;

    /// The fewest passes that a client accepts.
    pub const T_MIN: u32 = 2;

    /// The most passes that a client accepts.
    pub const T_MAX: u32 = 10;

    /// The most lanes that a client accepts.
    pub const P_MAX: u32 = 16;

    /// Whether a client does this much work, and no less, for a log-in.
    pub fn is_acceptable(&self) -> bool {
        (Stretch::M_KIB_MIN..=Stretch::M_KIB_MAX).contains(&self.m_kib)
            && (Stretch::T_MIN..=Stretch::T_MAX).contains(&self.t)
            && (1..=Stretch::P_MAX).contains(&self.p)
    }
}

impl Default for Stretch {
    /// 64 MiB, three passes, four lanes: the second choice of RFC 9106.
    fn default() -> Stretch {
        Stretch { m_kib: 64 << 10, t: 3, p: 4 }
    }
}

impl fmt::Display for Stretch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "argon2id {} {} {}", self.m_kib, self.t, self.p)
    }
}

impl Ksf for Stretch {
    fn hash<L: ArrayLength<u8>>(
        &self,
        input: GenericArray<u8, L>,
    ) -> Result<GenericArray<u8, L>, InternalError> {
        let failed = |_| InternalError::KsfError;
        let params = Params::new(self.m_kib, self.t, self.p, Some(L::USIZE)).map_err(failed)?;
        let mut output = GenericArray::default();
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(&input, &[0; 16], &mut output)
            .map_err(failed)?;
        Ok(output)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_at_the_bounds_are_accepted_and_none_beyond_them() {
        let good = Stretch::default();
        assert!(good.is_acceptable());
        for good in [Stretch { m_kib: 19 << 10, t: 2, p: 1 }, Stretch { m_kib: 1 << 20, t: 10, p: 16 }] {
            assert!(good.is_acceptable(), "{good}");
        }
        for bad in [
            Stretch { m_kib: (19 << 10) - 1, ..good },
            Stretch { m_kib: (1 << 20) + 1, ..good },
            Stretch { t: 1, ..good },
            Stretch { t: 11, ..good },
            Stretch { p: 0, ..good },
            Stretch { p: 17, ..good },
        ] {
            assert!(!bad.is_acceptable(), "{bad}");
        }
    }
}
