//! What of the keys for log-ins lies in files, by whoever reads them.
//!
//! ```text
//! keys/opaque-1   set-up[128] ‖ m_kib u32 ‖ t u32 ‖ p u32 ‖ crc32c u32
//! keys/index      key[32] ‖ crc32c u32
//! ```
//! Integers are big-endian, a checksum is over what stands before it.

use zeroize::Zeroizing;

use super::setup::{OpaqueKey, SETUP_BYTES, ServerSetup};
use super::stretch::Stretch;
use crate::cutter::Cutter;

/// The file with the set-up, in the directory `keys`.
pub const OPAQUE_FILE: &str = "opaque-1";

/// Bytes of that file.
pub const OPAQUE_FILE_BYTES: usize = SETUP_BYTES + 3 * 4 + 4;

/// The set-up of a server with the cost of a guess.
#[derive(Clone, Debug)]
pub struct KeptSetup {
    /// What answers log-ins.
    pub setup: ServerSetup,
    /// The cost of a guess.
    pub stretch: Stretch,
}

impl KeptSetup {
    /// What stands in the file, but for the checksum.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let Stretch { m_kib, t, p } = self.stretch;
        let mut bytes = self.setup.to_bytes();
        [m_kib, t, p].iter().for_each(|number| bytes.extend_from_slice(&number.to_be_bytes()));
        bytes
    }

    /// Reads what stands in the file, but for the checksum; none if these are not the bytes of a set-up.
    pub fn from_bytes(bytes: &[u8]) -> Option<KeptSetup> {
        let mut cutter = Cutter(bytes);
        let setup = ServerSetup::from_bytes(cutter.bytes(SETUP_BYTES)?).ok()?;
        let stretch = Stretch { m_kib: cutter.u32()?, t: cutter.u32()?, p: cutter.u32()? };
        Some(KeptSetup { setup, stretch })
    }

    /// What the descriptor says of it.
    pub fn opaque_key(&self) -> OpaqueKey {
        OpaqueKey { server_key: self.setup.public_key(), stretch: self.stretch }
    }
}

/// Bytes with their checksum behind them.
pub fn with_checksum(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new([bytes, &crc32c::crc32c(bytes).to_be_bytes()].concat())
}

/// The bytes before their checksum; none if it is another one.
pub fn without_checksum(bytes: &[u8]) -> Option<&[u8]> {
    let (kept, checksum) = bytes.split_last_chunk::<4>()?;
    (crc32c::crc32c(kept).to_be_bytes() == *checksum).then_some(kept)
}
