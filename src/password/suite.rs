//! The algorithms of the protocol, and what everything that touches it shares.

use std::fmt;

use opaque_ke::{CipherSuite, Ristretto255, TripleDh, rand};
use rand_core::CryptoRng;
use sha2_of_opaque::Sha512;
use zeroize::Zeroizing;

use super::stretch::Stretch;

/// Bytes of a record of the protocol.
pub const RECORD_BYTES: usize = 192;

/// The algorithms.
pub(super) struct Suite;

impl CipherSuite for Suite {
    type OprfCs = Ristretto255;
    type KeyExchange = TripleDh<Ristretto255, Sha512>;
    type Ksf = Stretch;
}

pub(super) type Setup = opaque_ke::ServerSetup<Suite>;

/// Our generator for a library that knows an older version of the traits.
pub(super) struct Bridge<'a>(pub(super) &'a mut dyn CryptoRng);

impl rand::RngCore for Bridge<'_> {
    fn next_u32(&mut self) -> u32 {
        self.0.next_u32()
    }

    fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    fn fill_bytes(&mut self, out: &mut [u8]) {
        self.0.fill_bytes(out);
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), rand::Error> {
        self.0.fill_bytes(out);
        Ok(())
    }
}

impl rand::CryptoRng for Bridge<'_> {}

/// Why a step is not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpaqueError {
    /// A message is not one of the protocol.
    Malformed,
    /// The password is not the right one, or the other side does not know what it has to.
    NotRight,
    /// The server has another key than its descriptor says.
    OtherServer,
}

impl fmt::Display for OpaqueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            OpaqueError::Malformed => "a message of the log-in is not one of its protocol",
            OpaqueError::NotRight => "e-mail or password not right",
            OpaqueError::OtherServer => {
                "the server's key for log-ins is not the one that its descriptor names"
            }
        })
    }
}

impl std::error::Error for OpaqueError {}

/// The client's secret that comes out of a password, and that only the right one gives.
pub type ExportKey = Zeroizing<[u8; 64]>;
