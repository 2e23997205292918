//! The files of a vault: `vault/slots`, which begins with the header, and `vault/pages`. What is written is synced before
//! anybody says so, and a slot is overwritten in one sector, so that it is the old or the new one after a power loss.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::sync::Arc;

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::error::{VaultError, io};
use super::header::{HEADER_BYTES, Header};
use super::name::{Kek, Kind, Name};
use super::page::{PAGE_BYTES, PAGES_MAX, open_pages, pages_for, seal_pages};
use super::places::{Layout, Places};
use super::slot::{PageRange, SLOT_BYTES, Slot, subject_in};
use crate::crypto::{Digest, LedgerId, random};
use crate::eventlog::{Access, Storage, replace};

const FOLDER: &str = "vault";

/// Bytes of the header, before the first slot.
const HEADERS_BYTES: usize = 2 * HEADER_BYTES;

const SLOTS: Layout =
    Layout { path: "vault/slots", begin: HEADERS_BYTES as u64, bytes: SLOT_BYTES as u64, step: 4_096 };

const PAGES: Layout = Layout { path: "vault/pages", begin: 0, bytes: PAGE_BYTES as u64, step: 256 };

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
    slots: Places,
    pages: Places,
    held: BTreeMap<Key, Held>,
    /// Slots that are neither free nor readable, each with the account that its bytes name, rightly or not.
    damaged: Vec<(u32, u64)>,
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
        match storage.create_dir(FOLDER) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(io(FOLDER, "make")(error)),
            _ => {}
        }
        // What an earlier attempt left is no vault: the file of slots is put in place as the last one.
        match storage.remove(PAGES.path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(io(PAGES.path, "remove")(error)),
            _ => {}
        }
        let mut pages = Places::open(storage.as_ref(), PAGES, Access::CreateNew)?;
        pages.sync()?;
        let Position { durable, head } = position;
        let header = Header { ledger_id, durable, head, generation: 0, kek: kek.number, clean: false };
        let mut bytes = header.encode().1;
        bytes.resize(HEADERS_BYTES, 0);
        replace(storage.as_ref(), SLOTS.path, &bytes).map_err(io(SLOTS.path, "make"))?;
        storage.sync_dir("").map_err(io("", "sync"))?;
        let slots = Places::open(storage.as_ref(), SLOTS, Access::ReadWrite)?;
        Ok(VaultFile::with(header, kek, slots, pages))
    }

    /// Whether the ledger has a vault, whatever is in it.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub fn is_there(storage: &dyn Storage) -> Result<bool, VaultError> {
        match storage.list(FOLDER) {
            Ok(names) => Ok(names.iter().any(|name| SLOTS.path.ends_with(name))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(io(FOLDER, "read")(error)),
        }
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
        kek: Kek,
        durable: u64,
        head_after: &dyn Fn(u64) -> Option<Digest>,
    ) -> Result<VaultFile, VaultError> {
        if !VaultFile::is_there(storage.as_ref())? {
            return Err(VaultError::Missing);
        }
        let slots = Places::open(storage.as_ref(), SLOTS, Access::ReadWrite)?;
        let pages = Places::open(storage.as_ref(), PAGES, Access::ReadWrite)?;
        let bytes = slots.read_all()?;
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
        let mut vault = VaultFile::with(header, kek, slots, pages);
        vault.take_in(bytes.get(HEADERS_BYTES..).unwrap_or_default());
        if !header.clean {
            vault.slots.write_at(0, &bytes)?;
        }
        vault.write_header(Position { durable: header.durable, head: header.head }, false)?;
        vault.slots.sync()?;
        Ok(vault)
    }

    /// A vault in which nothing was looked at yet.
    fn with(header: Header, kek: Kek, slots: Places, pages: Places) -> VaultFile {
        let (held, damaged) = (BTreeMap::new(), Vec::new());
        VaultFile { ledger_id: header.ledger_id, kek, header, slots, pages, held, damaged }
    }

    /// Takes in the slots of the file, and finds out what is free.
    fn take_in(&mut self, bytes: &[u8]) {
        self.pages.free.give_back(0, self.pages.allocated());
        for (at, bytes) in (0..).zip(bytes.chunks_exact(SLOT_BYTES)) {
            let Some(slot) = bytes.first_chunk().map(Slot::decode) else { continue };
            match slot {
                Ok(None) => self.slots.free.give_back(at, 1),
                Ok(Some(slot)) if !self.held.contains_key(&(slot.name, slot.generation)) => {
                    self.pages.free.take_at(slot.pages.first, slot.pages.count);
                    let held = Held { slot: at, pages: slot.pages };
                    self.held.insert((slot.name, slot.generation), held);
                }
                // A second entry of one name is nothing that was ever written.
                Ok(Some(_)) | Err(_) => self.damaged.push((at, subject_in(bytes))),
            }
        }
    }

    /// The names of all entries, in their order.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.held.keys()
    }

    /// The entries that the erasure of an account destroys.
    pub fn keys_of(&self, subject: u64) -> Vec<Key> {
        let of = |kind, scope| (Name { kind, subject, scope }, 0);
        let ranges =
            Kind::ALL.into_iter().map(|kind| of(kind, [0; 16])..=(of(kind, [u8::MAX; 16]).0, u16::MAX));
        ranges.flat_map(|range| self.held.range(range).map(|(key, _)| *key)).collect()
    }

    /// Whether there is such an entry.
    pub fn has(&self, key: &Key) -> bool {
        self.held.contains_key(key)
    }

    /// Numbers of slots that are neither free nor readable.
    pub fn damaged(&self) -> Vec<u32> {
        self.damaged.iter().map(|(slot, _)| *slot).collect()
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
        self.slots.read(held.slot, &mut bytes)?;
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
        self.pages.read(held.pages.first, &mut pages)?;
        let content = open_pages(self.ledger_id, &key.0, &payload, &pages).map_err(|_| sealed())?;
        Ok(Some(Secret::Long(content)))
    }

    /// Allocates room for so many entries with so many pages in all, if there is none; false if the disk has none either.
    /// After true, entries of that size find room without asking the disk.
    ///
    /// # Errors
    /// [`VaultError::Io`] when the disk fails in another way.
    pub fn make_room(&mut self, entries: u32, pages: u32) -> Result<bool, VaultError> {
        Ok(self.slots.make_room(entries)? && self.pages.make_room(pages)?)
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
            self.pages.sync()?;
        }
        let mut given_back = Vec::new();
        for slot in slots {
            let key = (slot.name, slot.generation);
            let before = self.held.get(&key).copied();
            let at =
                before.map(|held| held.slot).or_else(|| self.slots.free.take(1)).ok_or(VaultError::NoRoom)?;
            self.slots.write(at, &slot.encode())?;
            given_back.extend(before.map(|held| held.pages));
            self.held.insert(key, Held { slot: at, pages: slot.pages });
        }
        self.write_header(position, false)?;
        self.slots.sync()?;
        // Until here an old slot might have come back, with the pages that it names.
        given_back.iter().for_each(|pages| self.pages.free.give_back(pages.first, pages.count));
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
                let first = self.pages.free.take(count).ok_or(VaultError::NoRoom)?;
                self.pages.write(first, &bytes)?;
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
            self.slots.write(held.slot, &[0; SLOT_BYTES])?;
        }
        if !there.is_empty() {
            self.slots.sync()?;
        }
        for (key, held) in &there {
            self.held.remove(key);
            self.slots.free.give_back(held.slot, 1);
            self.pages.free.give_back(held.pages.first, held.pages.count);
        }
        Ok(there.len())
    }

    /// Destroys the damaged slots whose bytes name an account of which `is_erased` says so. What has rotted there may be one bit of
    /// many. Gives how many there were.
    ///
    /// # Errors
    /// As for [`VaultFile::destroy`].
    pub fn destroy_damaged(&mut self, is_erased: &dyn Fn(u64) -> bool) -> Result<usize, VaultError> {
        let (gone, stay): (Vec<_>, Vec<_>) =
            self.damaged.iter().partition(|(_, subject)| is_erased(*subject));
        for (slot, _) in &gone {
            self.slots.write(*slot, &[0; SLOT_BYTES])?;
        }
        if !gone.is_empty() {
            self.slots.sync()?;
        }
        gone.iter().for_each(|(slot, _)| self.slots.free.give_back(*slot, 1));
        self.damaged = stay;
        Ok(gone.len())
    }

    /// Says that all is written and synced, and that nothing comes any more.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub fn close(mut self, position: Position) -> Result<(), VaultError> {
        self.write_header(position, true)?;
        self.slots.sync()
    }

    fn write_header(&mut self, Position { durable, head }: Position, clean: bool) -> Result<(), VaultError> {
        let generation = self.header.generation + 1;
        self.header = Header { durable, head, generation, kek: self.kek.number, clean, ..self.header };
        let (at, bytes) = self.header.encode();
        self.slots.write_at(at, &bytes)
    }
}
