//! The ephemeral X25519 exchange that every handshake has (RFC 7748): its keys are gone when it is over, and with
//! them whatever a thief of long-term keys would need.

use rand_core::CryptoRng;
use x25519_dalek::{EphemeralSecret, PublicKey};
use zeroize::Zeroizing;

use super::error::Fault;
use super::schedule::Secret;

/// This side's ephemeral key, good for one exchange.
pub(super) struct Ephemeral {
    secret: EphemeralSecret,
    /// The half that is sent.
    pub(super) public: [u8; 32],
}

impl Ephemeral {
    /// Makes a key.
    pub(super) fn new(rng: &mut dyn CryptoRng) -> Ephemeral {
        let secret = EphemeralSecret::random_from_rng(rng);
        let public = PublicKey::from(&secret).to_bytes();
        Ephemeral { secret, public }
    }

    /// Agrees with the other side's half.
    ///
    /// # Errors
    /// [`Fault::Crypto`] for a point of low order, which would make the secret known to everybody.
    pub(super) fn agree(self, theirs: &[u8; 32]) -> Result<Secret, Fault> {
        let shared = self.secret.diffie_hellman(&PublicKey::from(*theirs));
        if shared.was_contributory() { Ok(Zeroizing::new(shared.to_bytes())) } else { Err(Fault::Crypto) }
    }

    /// Makes a key and agrees at once: what is sent, and what is shared.
    ///
    /// # Errors
    /// As for [`Ephemeral::agree`].
    pub(super) fn answer(theirs: &[u8; 32], rng: &mut dyn CryptoRng) -> Result<([u8; 32], Secret), Fault> {
        let ours = Ephemeral::new(rng);
        let public = ours.public;
        Ok((public, ours.agree(theirs)?))
    }
}
