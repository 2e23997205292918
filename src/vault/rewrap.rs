//! The way of a vault from one key to the next, while it is used: every slot is opened and sealed anew in its place, and when no
//! slot names the key before any more, that key is destroyed. A slot that was not erased before is never copied elsewhere.
//!
//! ```text
//! the next key made and synced → slots sealed anew, some at a time → all of them synced → the key before zeroed, synced, removed
//! ```
//! Both keys are there until the slots are synced, so that each slot opens at any time whether it is the old or the new one. A
//! start that finds two keys goes on.

use std::ops::Bound;

use rand_core::CryptoRng;

use super::error::VaultError;
use super::file::VaultFile;
use super::kek_file::destroy_kek;
use super::name::Kek;
use super::reader::{Key, Position};
use super::slot::{SLOT_BYTES, Slot};
use crate::eventlog::Storage;
use crate::time::Timestamp;

/// How far a vault has gone over to its newest key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rewrapped {
    /// Some slots are under the key before.
    Partly,
    /// No slot is under the key before.
    Wholly,
    /// So many slots do not open with the key that they name, so that none of them can be sealed anew. Neither key may go.
    Stuck(usize),
}

impl VaultFile {
    /// Whether the vault is on its way from one key to the next.
    pub fn is_going_over(&self) -> bool {
        self.keks.before().is_some()
    }

    /// Takes the next key into use, which is durable already: everything that is put is under it from now on.
    pub fn go_over_to(&mut self, next: Kek) {
        self.keks = self.keks.clone().followed_by(next);
        self.rewrapped_to = None;
    }

    /// Seals up to so many slots anew under the newest key, each in its place. They are not synced yet.
    ///
    /// # Errors
    /// [`VaultError::Io`]; after one of room the same call may be made again.
    pub fn rewrap(&mut self, most: usize, rng: &mut dyn CryptoRng) -> Result<Rewrapped, VaultError> {
        let from = self.rewrapped_to.map_or(Bound::Unbounded, Bound::Excluded);
        let newest = self.keks.newest().clone();
        let names_other = |kek: u32| kek != newest.number;
        let behind = self.reader.held.range((from, Bound::Unbounded));
        let next: Vec<Key> =
            behind.filter(|(_, held)| names_other(held.kek)).take(most).map(|(key, _)| *key).collect();
        for key in &next {
            self.rewrap_slot(key, &newest, rng)?;
            self.rewrapped_to = Some(*key);
        }
        if !next.is_empty() {
            return Ok(Rewrapped::Partly);
        }
        let left = self.reader.held.values().filter(|held| names_other(held.kek)).count();
        Ok(if left == 0 { Rewrapped::Wholly } else { Rewrapped::Stuck(left) })
    }

    /// Seals a slot anew. One that does not open stays as it is.
    fn rewrap_slot(&mut self, key: &Key, newest: &Kek, rng: &mut dyn CryptoRng) -> Result<(), VaultError> {
        let Some(held) = self.reader.held.get_mut(key) else { return Ok(()) };
        let ledger_id = self.reader.header.ledger_id;
        let mut bytes = [0; SLOT_BYTES];
        self.reader.slots.read(held.slot, &mut bytes)?;
        let slot = Slot::decode(&bytes).ok().flatten();
        let kek = slot.as_ref().and_then(|slot| self.keks.get(slot.kek));
        let Some((slot, kek)) = slot.as_ref().zip(kek) else { return Ok(()) };
        let Ok(payload) = slot.open(ledger_id, kek) else { return Ok(()) };
        let anew = Slot::seal(ledger_id, *key, newest, slot.pages, &payload, rng);
        self.reader.slots.write(held.slot, &anew.encode())?;
        held.kek = newest.number;
        Ok(())
    }

    /// Destroys the key before, which no slot names any more ([`Rewrapped::Wholly`]): the slots are synced first, with a header
    /// that names the newest key and says since when it is the only one.
    ///
    /// # Errors
    /// [`VaultError::Io`]; after one of room the same call may be made again.
    pub fn forget_key_before(
        &mut self,
        storage: &dyn Storage,
        position: Position,
        now: Timestamp,
    ) -> Result<(), VaultError> {
        self.reader.header.kek_since = now;
        self.write_header(position, false)?;
        self.reader.slots.sync()?;
        self.destroy_key_before(storage)
    }

    /// The last step, with the syncing left out: a bug, for the simulator to find.
    ///
    /// # Errors
    /// As for [`VaultFile::forget_key_before`].
    #[doc(hidden)]
    pub fn destroy_key_before(&mut self, storage: &dyn Storage) -> Result<(), VaultError> {
        if let Some(before) = self.keks.before() {
            destroy_kek(storage, before.number)?;
            self.keks = self.keks.newest().clone().into();
        }
        Ok(())
    }
}
