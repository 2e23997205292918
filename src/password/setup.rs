//! The server's keys for log-ins: one set-up for the life of a ledger. Without its seed every password is dead.
//!
//! The line of the descriptor, by which clients know the public half and the cost of a guess:
//! ```text
//! opaque-key 1 ristretto255 <base64, 32 bytes> argon2id <m KiB> <t> <p>
//! ```

use std::fmt;

use base64ct::{Base64, Encoding as _};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::e_mail::IndexKey;
use super::stretch::Stretch;
use super::suite::{Bridge, OpaqueError, Setup};

/// The number of the only set-up that there is.
pub const OPAQUE_NUMBER: u32 = 1;

/// Bytes of a set-up as it is kept: seed, secret key, and the key that unknown e-mails are answered with.
pub const SETUP_BYTES: usize = 128;

/// The public half of a set-up, with the cost of a guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpaqueKey {
    /// The server's public key.
    pub server_key: [u8; 32],
    /// The cost of a guess.
    pub stretch: Stretch,
}

impl OpaqueKey {
    /// What stands in the descriptor before the values.
    pub const LINE_BEGIN: &str = "opaque-key ";

    /// Reads the values of the descriptor's line, [`OpaqueKey::LINE_BEGIN`] cut off; none unless it is spelled as
    /// [`OpaqueKey`] is displayed.
    pub fn parse(values: &str) -> Option<OpaqueKey> {
        let mut fields = values.split(' ').skip(2);
        let server_key = Base64::decode_vec(fields.next()?).ok()?.try_into().ok()?;
        let mut numbers = fields.skip(1).map(|number| number.parse().ok());
        let stretch = Stretch { m_kib: numbers.next()??, t: numbers.next()??, p: numbers.next()?? };
        let key = OpaqueKey { server_key, stretch };
        // One key, one spelling.
        (key.to_string() == values).then_some(key)
    }
}

impl fmt::Display for OpaqueKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = Base64::encode_string(&self.server_key);
        write!(f, "{OPAQUE_NUMBER} ristretto255 {key} {}", self.stretch)
    }
}

/// What the loop of a server needs for log-ins. The set-up itself is with the helper that answers them.
#[derive(Clone, Debug)]
pub struct LoginKeys {
    /// The key under which e-mails are named.
    pub index: IndexKey,
    /// The public half of the set-up.
    pub opaque: OpaqueKey,
}

/// The set-up. It is neither printed nor compared.
#[derive(Clone)]
pub struct ServerSetup(pub(super) Setup);

impl ServerSetup {
    /// Makes the set-up of a new ledger.
    pub fn generate(rng: &mut dyn CryptoRng) -> ServerSetup {
        ServerSetup(Setup::new(&mut Bridge(rng)))
    }

    /// Reads a set-up that was kept.
    ///
    /// # Errors
    /// [`OpaqueError::Malformed`] if these are not the bytes of one.
    pub fn from_bytes(bytes: &[u8]) -> Result<ServerSetup, OpaqueError> {
        if bytes.len() != SETUP_BYTES {
            return Err(OpaqueError::Malformed);
        }
        Setup::deserialize(bytes).map(ServerSetup).map_err(|_| OpaqueError::Malformed)
    }

    /// The bytes to keep.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.0.serialize().to_vec())
    }

    /// The public key.
    pub fn public_key(&self) -> [u8; 32] {
        let mut out = [0; 32];
        out.iter_mut().zip(self.0.keypair().public().serialize()).for_each(|(to, from)| *to = from);
        out
    }
}

impl fmt::Debug for ServerSetup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerSetup([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::random::Seeded;

    #[test]
    fn a_line_reads_as_it_was_written_and_in_no_other_spelling() {
        let setup = ServerSetup::generate(&mut Seeded::new("setup"));
        let key = OpaqueKey { server_key: setup.public_key(), stretch: Stretch::default() };
        let line = key.to_string();
        assert!(line.starts_with("1 ristretto255 ") && line.ends_with("= argon2id 65536 3 4"), "{line}");
        assert_eq!(OpaqueKey::parse(&line), Some(key));
        for other in [
            line.replace("1 ristretto255", "2 ristretto255"),
            line.replace("ristretto255", "p256"),
            line.replace("argon2id", "argon2i"),
            line.replace("65536", "065536"),
            line.replace(" 3 4", " 3"),
            format!("{line} 5"),
            format!("{line} "),
        ] {
            assert_eq!(OpaqueKey::parse(&other), None, "{other}");
        }
    }

    #[test]
    fn a_set_up_is_read_as_it_was_kept_and_cut_or_lengthened_not_at_all() {
        let setup = ServerSetup::generate(&mut Seeded::new("setup"));
        let bytes = setup.to_bytes();
        assert_eq!(bytes.len(), SETUP_BYTES);
        assert_eq!(ServerSetup::from_bytes(&bytes).unwrap().public_key(), setup.public_key());
        for wrong in [&bytes[..127], &[&bytes[..], &[0]].concat(), &[]] {
            assert_eq!(ServerSetup::from_bytes(wrong).unwrap_err(), OpaqueError::Malformed);
        }
    }
}
