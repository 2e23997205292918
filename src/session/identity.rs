//! What a server is to its clients: its ledger, its descriptors, and the constant answer to get-key.

use super::descriptor::Descriptor;
use super::hello::{KeyHint, KeyInfo, key_hint};
use crate::crypto::{Digest, LedgerId};

/// Which of the server's keys a handshake is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeySlot {
    /// The key of the newest descriptor.
    Current,
    /// The key of the descriptor before it.
    Previous,
}

/// The two descriptors cannot stand beside each other, or block 0 is too long to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadIdentity;

impl std::fmt::Display for BadIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the descriptors do not follow one another, or the first block does not fit a frame")
    }
}

impl std::error::Error for BadIdentity {}

/// The public side of a server, shared by all its sessions.
#[derive(Clone, Debug)]
pub struct ServerIdentity {
    current: Descriptor,
    previous: Option<Descriptor>,
    key_info: Vec<u8>,
}

impl ServerIdentity {
    /// The identity with these descriptors; the previous one is still accepted in hellos.
    ///
    /// # Errors
    /// [`BadIdentity`] when the descriptors differ in ledger or log key, the previous one is not older, or
    /// `genesis` (block 0) does not fit a frame.
    pub fn new(
        genesis: &[u8],
        current: Descriptor,
        previous: Option<Descriptor>,
    ) -> Result<ServerIdentity, BadIdentity> {
        let fits = |old: &Descriptor| {
            old.ledger_id() == current.ledger_id()
                && old.log_key() == current.log_key()
                && old.serial() < current.serial()
                && old.encryption_key() != current.encryption_key()
        };
        if !previous.as_ref().is_none_or(fits) {
            return Err(BadIdentity);
        }
        let key_info = KeyInfo::frame(genesis, current.text()).ok_or(BadIdentity)?;
        Ok(ServerIdentity { current, previous, key_info })
    }

    /// Stops accepting the previous key.
    pub fn forget_previous(&mut self) {
        self.previous = None;
    }

    /// The ledger.
    pub fn ledger_id(&self) -> LedgerId {
        self.current.ledger_id()
    }

    /// The newest descriptor.
    pub fn current(&self) -> &Descriptor {
        &self.current
    }

    /// The descriptor before it, while its key is accepted.
    pub fn previous(&self) -> Option<&Descriptor> {
        self.previous.as_ref()
    }

    /// The frame that answers get-key.
    pub(super) fn key_info(&self) -> &[u8] {
        &self.key_info
    }

    /// The key that a hello names, and the hash of the descriptor that announced it.
    pub(super) fn slot(&self, hint: &KeyHint) -> Option<(KeySlot, Digest)> {
        let names = |descriptor: &&Descriptor| key_hint(&descriptor.encryption_key().key_id()) == *hint;
        let current = Some(&self.current).filter(names).map(|found| (KeySlot::Current, found.hash()));
        current.or_else(|| self.previous().filter(names).map(|found| (KeySlot::Previous, found.hash())))
    }
}
