//! The files of a vault: `vault/slots`, which begins with the header, and `vault/pages`. What is written is synced before
//! anybody says so, and a slot is overwritten in one sector, so that it is the old or the new one after a power loss.

use std::ops::Deref;
use std::sync::Arc;

use rand_core::CryptoRng;

use super::error::{VaultError, io};
use super::header::Header;
use super::kek_file::sync_kek_names;
use super::name::Keks;
use super::places::Places;
use super::reader::{DamagedSlot, HEADERS_BYTES, Held, Key, Position, SLOTS, Secret, VaultReader, is_there};
use super::restore::{destroy_unfinished, make_folder, new_pages};
use super::sealing::write_content;
use super::slot::SLOT_BYTES;
use crate::crypto::{Digest, LedgerId};
use crate::eventlog::{Access, Storage, replace};
use crate::time::Timestamp;

/// A vault on a disk.
#[derive(Debug)]
pub struct VaultFile {
    /// The newest of these keys is for what is written; what is read is opened with the key whose number it names.
    pub(super) keks: Keks,
    pub(super) reader: VaultReader,
    /// The last entry whose slot was looked at on the way to the newest key.
    pub(super) rewrapped_to: Option<Key>,
}

impl Deref for VaultFile {
    type Target = VaultReader;

    fn deref(&self) -> &VaultReader {
        &self.reader
    }
}

impl VaultFile {
    /// Makes the vault of a ledger.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub fn create(
        storage: &Arc<dyn Storage>,
        ledger_id: LedgerId,
        keks: impl Into<Keks>,
        position: Position,
    ) -> Result<VaultFile, VaultError> {
        let keks = keks.into();
        sync_kek_names(storage.as_ref())?;
        make_folder(storage.as_ref())?;
        let pages = new_pages(storage.as_ref())?;
        let Position { durable, head } = position;
        let header = Header {
            ledger_id,
            durable,
            head,
            generation: 0,
            kek: keks.newest().number,
            clean: false,
            kek_since: Timestamp::default(),
        };
        let mut bytes = header.encode().1;
        bytes.resize(HEADERS_BYTES, 0);
        replace(storage.as_ref(), SLOTS.path, &bytes).map_err(io(SLOTS.path, "make"))?;
        storage.sync_dir("").map_err(io("", "sync"))?;
        let slots = Places::open(storage.as_ref(), SLOTS, Access::ReadWrite)?;
        Ok(VaultFile { keks, reader: VaultReader::with(header, slots, pages), rewrapped_to: None })
    }

    /// Whether the ledger has a vault, whatever is in it.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub fn is_there(storage: &dyn Storage) -> Result<bool, VaultError> {
        is_there(storage)
    }

    /// The header of the ledger's vault; none where there is no vault. Nothing is changed.
    ///
    /// # Errors
    /// [`VaultError::Damaged`], [`VaultError::Io`].
    pub fn read_header(storage: &dyn Storage) -> Result<Option<Header>, VaultError> {
        if !VaultFile::is_there(storage)? {
            return Ok(None);
        }
        let slots = Places::open(storage, SLOTS, Access::Read)?;
        Header::newest(&slots.read_all()?).map(Some).ok_or(VaultError::Damaged)
    }

    /// Opens the vault of a ledger whose log is durable this far; `head_after` gives the hash of the last of so many blocks.
    /// Unless it was closed cleanly, what it says is written again as it is and synced, so that nothing is believed that only
    /// a cache of the system holds.
    ///
    /// # Errors
    /// [`VaultError`]; nothing has been changed then.
    pub fn open(
        storage: &Arc<dyn Storage>,
        ledger_id: LedgerId,
        keks: impl Into<Keks>,
        durable: u64,
        head_after: &dyn Fn(u64) -> Option<Digest>,
    ) -> Result<VaultFile, VaultError> {
        if !VaultFile::is_there(storage.as_ref())? {
            return Err(VaultError::Missing);
        }
        let (mut reader, bytes) = VaultReader::open(storage.as_ref(), Access::ReadWrite)?;
        let header = reader.header;
        let keks = keks.into();
        let fits = head_after(header.durable) == Some(header.head);
        match header {
            _ if header.ledger_id != ledger_id => return Err(VaultError::Foreign(header.ledger_id)),
            _ if header.durable > durable => {
                return Err(VaultError::Ahead { vault: header.durable, log: durable });
            }
            _ if !fits => return Err(VaultError::Mismatch { blocks: header.durable }),
            _ => {}
        }
        reader.take_in(&bytes);
        reader.check_keks(&keks)?;
        sync_kek_names(storage.as_ref())?;
        destroy_unfinished(storage.as_ref())?;
        let mut vault = VaultFile { keks, reader, rewrapped_to: None };
        if !header.clean {
            vault.reader.slots.write_at(0, &bytes)?;
        }
        vault.write_header(Position { durable: header.durable, head: header.head }, false)?;
        vault.reader.slots.sync()?;
        Ok(vault)
    }

    /// The number of the key for what is written.
    pub fn newest_kek(&self) -> u32 {
        self.keks.newest().number
    }

    /// What an entry holds; none if there is no such entry.
    ///
    /// # Errors
    /// [`VaultError::Io`]; [`VaultError::Sealed`] when it does not open.
    pub fn read(&self, key: &Key) -> Result<Option<Secret>, VaultError> {
        self.reader.read_with(key, &self.keks)
    }

    /// Allocates room for so many entries with so many pages in all, if there is none; false if the disk has none either.
    /// After true, entries of that size find room without asking the disk.
    ///
    /// # Errors
    /// [`VaultError::Io`] when the disk fails in another way.
    pub fn make_room(&mut self, entries: u32, pages: u32) -> Result<bool, VaultError> {
        Ok(self.reader.slots.make_room(entries)? && self.reader.pages.make_room(pages)?)
    }

    /// Puts entries, each in place of one of the same name if there is one; they are durable afterwards. `position` is how
    /// far the log is durable now. Room was made before ([`VaultFile::make_room`]).
    ///
    /// # Errors
    /// [`VaultError::Io`], after which nobody knows what is on the disk: the process must end.
    pub fn put(
        &mut self,
        entries: &[(Key, Secret)],
        position: Position,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), VaultError> {
        let mut slots = Vec::with_capacity(entries.len());
        for (key, secret) in entries {
            let under = (self.reader.header.ledger_id, self.keks.newest());
            slots.push(write_content(&mut self.reader.pages, under, key, secret, rng)?);
        }
        if slots.iter().any(|slot| slot.pages.count > 0) {
            self.reader.pages.sync()?;
        }
        let mut given_back = Vec::new();
        for slot in slots {
            let key = (slot.name, slot.generation);
            let before = self.reader.held.get(&key).copied();
            let at = before
                .map(|held| held.slot)
                .or_else(|| self.reader.slots.free.take(1))
                .ok_or(VaultError::NoRoom)?;
            self.reader.slots.write(at, &slot.encode())?;
            given_back.extend(before.map(|held| held.pages));
            self.reader.held.insert(key, Held { slot: at, pages: slot.pages, kek: slot.kek });
        }
        self.write_header(position, false)?;
        self.reader.slots.sync()?;
        // Until here an old slot might have come back, with the pages that it names.
        given_back.iter().for_each(|pages| self.reader.pages.free.give_back(pages.first, pages.count));
        Ok(())
    }

    /// Destroys entries: zeros stand in their slots afterwards, durable. Gives how many there were.
    ///
    /// # Errors
    /// [`VaultError::Io`]: some may still be there, and the same call may be made again.
    pub fn destroy(&mut self, keys: &[Key]) -> Result<usize, VaultError> {
        let there: Vec<(Key, Held)> =
            keys.iter().filter_map(|key| self.reader.held.get(key).map(|held| (*key, *held))).collect();
        for (_, held) in &there {
            self.reader.slots.write(held.slot, &[0; SLOT_BYTES])?;
        }
        if !there.is_empty() {
            self.reader.slots.sync()?;
        }
        for (key, held) in &there {
            self.reader.held.remove(key);
            self.reader.slots.free.give_back(held.slot, 1);
            self.reader.pages.free.give_back(held.pages.first, held.pages.count);
        }
        Ok(there.len())
    }

    /// Destroys the damaged slots whose bytes name an account of which `is_erased` says so. What has rotted there may be one bit of
    /// many. Gives how many there were.
    ///
    /// # Errors
    /// As for [`VaultFile::destroy`].
    pub fn destroy_damaged(&mut self, is_erased: &dyn Fn(u64) -> bool) -> Result<usize, VaultError> {
        let (gone, stay): (Vec<DamagedSlot>, Vec<DamagedSlot>) =
            self.reader.damaged.iter().copied().partition(|damaged| is_erased(damaged.subject));
        for damaged in &gone {
            self.reader.slots.write(damaged.slot, &[0; SLOT_BYTES])?;
        }
        if !gone.is_empty() {
            self.reader.slots.sync()?;
        }
        gone.iter().for_each(|damaged| self.reader.slots.free.give_back(damaged.slot, 1));
        self.reader.damaged = stay;
        Ok(gone.len())
    }

    /// Says that all is written and synced, and that nothing comes any more.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub fn close(mut self, position: Position) -> Result<(), VaultError> {
        if self.is_going_over() {
            // After a clean end nobody writes the slots again: what was sealed anew is durable before it is said to be one.
            self.reader.slots.sync()?;
        }
        self.write_header(position, true)?;
        self.reader.slots.sync()
    }

    pub(super) fn write_header(
        &mut self,
        Position { durable, head }: Position,
        clean: bool,
    ) -> Result<(), VaultError> {
        let generation = self.reader.header.generation + 1;
        let kek = self.keks.newest().number;
        self.reader.header = Header { durable, head, generation, kek, clean, ..self.reader.header };
        let (at, bytes) = self.reader.header.encode();
        self.reader.slots.write_at(at, &bytes)
    }
}
