//! The files of a vault: `vault/slots`, which begins with the header, and `vault/pages`. What is written is synced before
//! anybody says so, and a slot is overwritten in one sector, so that it is the old or the new one after a power loss.

use std::collections::BTreeMap;
use std::sync::Arc;

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::error::{VaultError, io};
use super::header::{HEADER_BYTES, Header};
use super::name::{Kek, Name};
use super::page::{PAGE_BYTES, PAGES_MAX, open_pages, pages_for, seal_pages};
use super::room::Room;
use super::slot::{PageRange, SLOT_BYTES, Slot};
use crate::crypto::{Digest, LedgerId, random};
use crate::eventlog::{Access, Storage, StorageFile, read_exact_at, write_all_at};

const FOLDER: &str = "vault";
const SLOTS: &str = "vault/slots";
const PAGES: &str = "vault/pages";

/// Bytes before the first slot.
const SLOTS_BEGIN: u64 = 2 * HEADER_BYTES as u64;

/// Slots that are allocated at once.
const SLOTS_STEP: u32 = 4_096;

/// Pages that are allocated at once.
const PAGES_STEP: u32 = 256;

/// How far a log is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Blocks that are durable.
    pub durable: u64,
    /// Hash of the last of them.
    pub head: Digest,
}

/// What an entry holds.
#[derive(Clone, PartialEq, Eq)]
pub enum Secret {
    /// Thirty-two bytes, in the slot itself.
    Short(Zeroizing<[u8; 32]>),
    /// Content of up to [`super::CONTENT_BYTES_MAX`] bytes, in pages. When it is read, zeros may stand behind it.
    Long(Zeroizing<Vec<u8>>),
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret([redacted])")
    }
}

/// The name of an entry with its generation: of a credential there may be several for a moment, until it is known which one
/// the log speaks of.
pub type Key = (Name, u16);

/// Where an entry is.
#[derive(Clone, Copy, Debug)]
struct Held {
    slot: u32,
    pages: PageRange,
}

/// A vault on a disk.
#[derive(Debug)]
pub struct VaultFile {
    ledger_id: LedgerId,
    /// The key for what is written; those of what is read are told apart by their numbers.
    kek: Kek,
    header: Header,
    slots: Box<dyn StorageFile>,
    pages: Box<dyn StorageFile>,
    held: BTreeMap<Key, Held>,
    free_slots: Room,
    free_pages: Room,
    slots_allocated: u32,
    pages_allocated: u32,
    /// Numbers of slots that are neither free nor readable.
    damaged: Vec<u32>,
}

impl VaultFile {
    /// Makes the vault of a ledger.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub fn create(
        storage: &Arc<dyn Storage>,
        ledger_id: LedgerId,
        kek: Kek,
        position: Position,
    ) -> Result<VaultFile, VaultError> {
        storage.create_dir(FOLDER).map_err(io(FOLDER, "make"))?;
        let mut slots = storage.open(SLOTS, Access::CreateNew).map_err(io(SLOTS, "make"))?;
        let pages = storage.open(PAGES, Access::CreateNew).map_err(io(PAGES, "make"))?;
        write_all_at(slots.as_mut(), &[0; SLOTS_BEGIN as usize], 0).map_err(io(SLOTS, "write"))?;
        let Position { durable, head } = position;
        let header = Header { ledger_id, durable, head, generation: 0, kek: kek.number, clean: false };
        let mut vault = VaultFile {
            ledger_id,
            kek,
            header,
            slots,
            pages,
            held: BTreeMap::new(),
            free_slots: Room::default(),
            free_pages: Room::default(),
            slots_allocated: 0,
            pages_allocated: 0,
            damaged: Vec::new(),
        };
        vault.write_header(position, false)?;
        vault.sync_slots()?;
        vault.pages.sync_data().map_err(io(PAGES, "sync"))?;
        storage.sync_dir(FOLDER).map_err(io(FOLDER, "sync"))?;
        storage.sync_dir("").map_err(io("", "sync"))?;
        Ok(vault)
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
        kek: Kek,
        durable: u64,
        head_after: &dyn Fn(u64) -> Option<Digest>,
    ) -> Result<VaultFile, VaultError> {
        let slots = storage.open(SLOTS, Access::ReadWrite).map_err(io(SLOTS, "open"))?;
        let pages = storage.open(PAGES, Access::ReadWrite).map_err(io(PAGES, "open"))?;
        let mut bytes = vec![0; usize::try_from(slots.len().map_err(io(SLOTS, "measure"))?).unwrap_or(0)];
        read_exact_at(slots.as_ref(), &mut bytes, 0).map_err(io(SLOTS, "read"))?;
        let header = Header::newest(&bytes).ok_or(VaultError::Damaged)?;
        let fits = head_after(header.durable) == Some(header.head);
        match header {
            _ if header.ledger_id != ledger_id => return Err(VaultError::Foreign(header.ledger_id)),
            _ if header.durable > durable => {
                return Err(VaultError::Ahead { vault: header.durable, log: durable });
            }
            _ if !fits => return Err(VaultError::Mismatch { blocks: header.durable }),
            _ => {}
        }
        let pages_allocated = pages.len().map_err(io(PAGES, "measure"))? / PAGE_BYTES as u64;
        let mut vault = VaultFile {
            ledger_id,
            kek,
            header,
            slots,
            pages,
            held: BTreeMap::new(),
            free_slots: Room::default(),
            free_pages: Room::default(),
            slots_allocated: 0,
            pages_allocated: u32::try_from(pages_allocated).unwrap_or(u32::MAX),
            damaged: Vec::new(),
        };
        vault.free_pages.give_back(0, vault.pages_allocated);
        vault.take_in(bytes.get(SLOTS_BEGIN as usize..).unwrap_or_default());
        if !header.clean {
            write_all_at(vault.slots.as_mut(), &bytes, 0).map_err(io(SLOTS, "write"))?;
            vault.sync_slots()?;
        }
        let position = Position { durable: header.durable, head: header.head };
        vault.write_header(position, false)?;
        vault.sync_slots()?;
        Ok(vault)
    }

    /// Takes in the slots of the file, and finds out what is free.
    fn take_in(&mut self, bytes: &[u8]) {
        for bytes in bytes.chunks_exact(SLOT_BYTES) {
            let at = self.slots_allocated;
            self.slots_allocated += 1;
            let Some(slot) = bytes.first_chunk().map(Slot::decode) else { continue };
            match slot {
                Ok(None) => self.free_slots.give_back(at, 1),
                Ok(Some(slot)) if !self.held.contains_key(&(slot.name, slot.generation)) => {
                    self.free_pages.take_at(slot.pages.first, slot.pages.count);
                    let held = Held { slot: at, pages: slot.pages };
                    self.held.insert((slot.name, slot.generation), held);
                }
                // A second entry of one name is nothing that was ever written.
                Ok(Some(_)) | Err(_) => self.damaged.push(at),
            }
        }
    }

    /// The names of all entries, in their order.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.held.keys()
    }

    /// Numbers of slots that are neither free nor readable.
    pub fn damaged(&self) -> &[u32] {
        &self.damaged
    }

    /// What the header says.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// What an entry holds; none if there is no such entry.
    ///
    /// # Errors
    /// [`VaultError::Io`]; [`VaultError::Sealed`] when it does not open.
    pub fn read(&self, key: &Key) -> Result<Option<Secret>, VaultError> {
        let Some(held) = self.held.get(key) else { return Ok(None) };
        let mut bytes = [0; SLOT_BYTES];
        read_exact_at(self.slots.as_ref(), &mut bytes, place(held.slot)).map_err(io(SLOTS, "read"))?;
        let sealed = || VaultError::Sealed(key.0);
        let slot = Slot::decode(&bytes).ok().flatten().ok_or_else(sealed)?;
        let payload = slot.open(self.ledger_id, &self.kek).map_err(|_| sealed())?;
        if held.pages.count == 0 {
            return Ok(Some(Secret::Short(payload)));
        }
        let count = usize::try_from(held.pages.count).unwrap_or(usize::MAX);
        if count > PAGES_MAX {
            return Err(sealed());
        }
        let mut pages = vec![0; count * PAGE_BYTES];
        let at = u64::from(held.pages.first) * PAGE_BYTES as u64;
        read_exact_at(self.pages.as_ref(), &mut pages, at).map_err(io(PAGES, "read"))?;
        let content = open_pages(self.ledger_id, &key.0, &payload, &pages).map_err(|_| sealed())?;
        Ok(Some(Secret::Long(content)))
    }

    /// Allocates room for so many entries with so many pages in all, if there is none; false if the disk has none either.
    /// After true, entries of that size find room without asking the disk.
    ///
    /// # Errors
    /// [`VaultError::Io`] when the disk fails in another way.
    pub fn make_room(&mut self, entries: u32, pages: u32) -> Result<bool, VaultError> {
        if !self.free_slots.has(entries) {
            let more = entries.max(SLOTS_STEP);
            let end = place(self.slots_allocated.saturating_add(more));
            match self.slots.allocate(end).map_err(io(SLOTS, "allocate")) {
                Err(error) if error.is_want_of_room() => return Ok(false),
                allocated => allocated?,
            }
            self.free_slots.give_back(self.slots_allocated, more);
            self.slots_allocated += more;
        }
        if !self.free_pages.has(pages) {
            let more = pages.max(PAGES_STEP);
            let end = u64::from(self.pages_allocated.saturating_add(more)) * PAGE_BYTES as u64;
            match self.pages.allocate(end).map_err(io(PAGES, "allocate")) {
                Err(error) if error.is_want_of_room() => return Ok(false),
                allocated => allocated?,
            }
            self.free_pages.give_back(self.pages_allocated, more);
            self.pages_allocated += more;
        }
        Ok(true)
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
            slots.push(self.write_content(key, secret, rng)?);
        }
        if slots.iter().any(|slot| slot.pages.count > 0) {
            self.pages.sync_data().map_err(io(PAGES, "sync"))?;
        }
        let mut given_back = Vec::new();
        for slot in slots {
            let key = (slot.name, slot.generation);
            let before = self.held.get(&key).copied();
            let at =
                before.map(|held| held.slot).or_else(|| self.free_slots.take(1)).ok_or(VaultError::NoRoom)?;
            write_all_at(self.slots.as_mut(), &slot.encode(), place(at)).map_err(io(SLOTS, "write"))?;
            given_back.extend(before.map(|held| held.pages));
            self.held.insert(key, Held { slot: at, pages: slot.pages });
        }
        self.write_header(position, false)?;
        self.sync_slots()?;
        // Until here an old slot might have come back, with the pages that it names.
        given_back.iter().for_each(|pages| self.free_pages.give_back(pages.first, pages.count));
        Ok(())
    }

    /// Writes the pages of an entry to free ones, and gives the slot that is to name them.
    fn write_content(
        &mut self,
        (name, generation): &Key,
        secret: &Secret,
        rng: &mut dyn CryptoRng,
    ) -> Result<Slot, VaultError> {
        let (payload, pages) = match secret {
            Secret::Short(payload) => (payload.clone(), PageRange::default()),
            Secret::Long(content) => {
                let key = Zeroizing::new(random::bytes(rng));
                let bytes = seal_pages(self.ledger_id, name, &key, content).ok_or(VaultError::NoRoom)?;
                let count = u32::try_from(pages_for(content.len())).map_err(|_| VaultError::NoRoom)?;
                let first = self.free_pages.take(count).ok_or(VaultError::NoRoom)?;
                let at = u64::from(first) * PAGE_BYTES as u64;
                write_all_at(self.pages.as_mut(), &bytes, at).map_err(io(PAGES, "write"))?;
                (key, PageRange { first, count })
            }
        };
        Ok(Slot::seal(self.ledger_id, (*name, *generation), &self.kek, pages, &payload, rng))
    }

    /// Destroys entries: zeros stand in their slots afterwards, durable. Gives how many there were.
    ///
    /// # Errors
    /// [`VaultError::Io`]: some may still be there, and the same call may be made again.
    pub fn destroy(&mut self, keys: &[Key]) -> Result<usize, VaultError> {
        let there: Vec<(Key, Held)> =
            keys.iter().filter_map(|key| self.held.get(key).map(|held| (*key, *held))).collect();
        for (_, held) in &there {
            write_all_at(self.slots.as_mut(), &[0; SLOT_BYTES], place(held.slot))
                .map_err(io(SLOTS, "write"))?;
        }
        if !there.is_empty() {
            self.sync_slots()?;
        }
        for (key, held) in &there {
            self.held.remove(key);
            self.free_slots.give_back(held.slot, 1);
            self.free_pages.give_back(held.pages.first, held.pages.count);
        }
        Ok(there.len())
    }

    /// Says that all is written and synced, and that nothing comes any more.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub fn close(mut self, position: Position) -> Result<(), VaultError> {
        self.write_header(position, true)?;
        self.sync_slots()
    }

    fn write_header(&mut self, Position { durable, head }: Position, clean: bool) -> Result<(), VaultError> {
        let generation = self.header.generation + 1;
        self.header = Header { durable, head, generation, kek: self.kek.number, clean, ..self.header };
        let (at, bytes) = self.header.encode();
        write_all_at(self.slots.as_mut(), &bytes, at).map_err(io(SLOTS, "write"))
    }

    fn sync_slots(&mut self) -> Result<(), VaultError> {
        self.slots.sync_data().map_err(io(SLOTS, "sync"))
    }
}

/// Where a slot begins.
fn place(slot: u32) -> u64 {
    SLOTS_BEGIN + u64::from(slot) * SLOT_BYTES as u64
}
