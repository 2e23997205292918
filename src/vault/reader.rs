//! What lies in the files of a vault, read and never changed: which entries there are and where, what they hold, which slots
//! are damaged, and which places are free.

use std::collections::BTreeMap;
use std::io::ErrorKind;

use zeroize::Zeroizing;

use super::error::{VaultError, io};
use super::header::{HEADER_BYTES, Header};
use super::kek_file::kek_path;
use super::name::{Keks, Kind, Name};
use super::page::{CONTENT_BYTES as PAGE_CONTENT_BYTES, PAGE_BYTES, PAGES_MAX, open_pages};
use super::places::{Layout, Places};
use super::slot::{PageRange, SLOT_BYTES, Slot, subject_in};
use crate::crypto::Digest;
use crate::eventlog::{Access, Storage};

pub(super) const FOLDER: &str = "vault";

/// Bytes of the header, before the first slot.
pub(super) const HEADERS_BYTES: usize = 2 * HEADER_BYTES;

/// Bytes of a secret that lies in the slot itself.
const SECRET_BYTES: usize = 32;

/// Entries that are looked at, at most, to find out whether a key is the right one.
const KEY_CHECKS: usize = 8;

pub(super) const SLOTS: Layout =
    Layout { path: "vault/slots", begin: HEADERS_BYTES as u64, bytes: SLOT_BYTES as u64, step: 4_096 };

pub(super) const PAGES: Layout =
    Layout { path: "vault/pages", begin: 0, bytes: PAGE_BYTES as u64, step: 256 };

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
pub(super) struct Held {
    pub(super) slot: u32,
    pub(super) pages: PageRange,
    /// The number of the key that the slot is under.
    pub(super) kek: u32,
}

/// A slot that is neither free nor readable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DamagedSlot {
    /// Its number.
    pub slot: u32,
    /// The account that its bytes name, rightly or not.
    pub subject: u64,
}

/// The entries of a vault, as its files have them.
#[derive(Debug)]
pub struct VaultReader {
    pub(super) header: Header,
    pub(super) slots: Places,
    pub(super) pages: Places,
    pub(super) held: BTreeMap<Key, Held>,
    pub(super) damaged: Vec<DamagedSlot>,
}

impl VaultReader {
    /// Reads the vault of a ledger without changing anything; none where there is no vault.
    ///
    /// # Errors
    /// [`VaultError::Damaged`], [`VaultError::Io`].
    pub fn look(storage: &dyn Storage) -> Result<Option<VaultReader>, VaultError> {
        if !is_there(storage)? {
            return Ok(None);
        }
        let (mut reader, bytes) = VaultReader::open(storage, Access::Read)?;
        reader.take_in(&bytes);
        Ok(Some(reader))
    }

    /// Opens the files. Gives all bytes of the slots' file too, of which nothing was taken in yet but the header.
    pub(super) fn open(storage: &dyn Storage, access: Access) -> Result<(VaultReader, Vec<u8>), VaultError> {
        let slots = Places::open(storage, SLOTS, access)?;
        let pages = Places::open(storage, PAGES, access)?;
        let bytes = slots.read_all()?;
        let header = Header::newest(&bytes).ok_or(VaultError::Damaged)?;
        Ok((VaultReader::with(header, slots, pages), bytes))
    }

    /// A vault in which nothing was looked at yet.
    pub(super) fn with(header: Header, slots: Places, pages: Places) -> VaultReader {
        VaultReader { header, slots, pages, held: BTreeMap::new(), damaged: Vec::new() }
    }

    /// Takes in the slots of the file, and finds out what is free.
    pub(super) fn take_in(&mut self, file: &[u8]) {
        self.pages.free.give_back(0, self.pages.allocated());
        let slots = file.get(HEADERS_BYTES..).unwrap_or_default();
        for (at, bytes) in (0..).zip(slots.chunks_exact(SLOT_BYTES)) {
            let Some(slot) = bytes.first_chunk().map(Slot::decode) else { continue };
            match slot {
                Ok(None) => self.slots.free.give_back(at, 1),
                Ok(Some(slot)) if !self.held.contains_key(&(slot.name, slot.generation)) => {
                    self.pages.free.take_at(slot.pages.first, slot.pages.count);
                    let held = Held { slot: at, pages: slot.pages, kek: slot.kek };
                    self.held.insert((slot.name, slot.generation), held);
                }
                // A second entry of one name is nothing that was ever written.
                Ok(Some(_)) | Err(_) => {
                    self.damaged.push(DamagedSlot { slot: at, subject: subject_in(bytes) });
                }
            }
        }
    }

    /// Whether each of these keys opens what is under it. Entries that one key has sealed and another one is taken for would stay
    /// unreadable, and new ones would come beside them; a single entry may be damaged.
    ///
    /// # Errors
    /// [`VaultError::Key`] for a key that opens none of the first entries under it; [`VaultError::Io`].
    pub(super) fn check_keks(&self, keks: &Keks) -> Result<(), VaultError> {
        for kek in [Some(keks.newest()), keks.before()].into_iter().flatten() {
            if !self.opens_one(kek.number, keks)? {
                let reason = "it opens no entry of the vault: another key was put in its place".to_owned();
                return Err(VaultError::Key { file: kek_path(kek.number), reason });
            }
        }
        Ok(())
    }

    /// Whether the key with this number opens one of the first entries under it, which is proof enough. Where there is none,
    /// nothing speaks against the key.
    fn opens_one(&self, kek: u32, keks: &Keks) -> Result<bool, VaultError> {
        let mut is_in_use = false;
        for (key, _) in self.held.iter().filter(|(_, held)| held.kek == kek).take(KEY_CHECKS) {
            match self.open_slot(key, keks) {
                Ok(_) => return Ok(true),
                Err(VaultError::Sealed(_)) => is_in_use = true,
                Err(error) => return Err(error),
            }
        }
        Ok(!is_in_use)
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

    /// Bytes of content of an entry, with the zeros behind it; none if there is no such entry.
    pub fn content_bytes(&self, key: &Key) -> Option<usize> {
        let pages = usize::try_from(self.held.get(key)?.pages.count).unwrap_or(usize::MAX);
        Some(if pages == 0 { SECRET_BYTES } else { pages.saturating_mul(PAGE_CONTENT_BYTES) })
    }

    /// Slots that are neither free nor readable.
    pub fn damaged(&self) -> &[DamagedSlot] {
        &self.damaged
    }

    /// What the header says.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The file of the slots, relative to the data directory, and the offset of the slot that an entry lies in.
    pub fn place_of(&self, key: &Key) -> (&'static str, u64) {
        (SLOTS.path, self.held.get(key).map_or(0, |held| self.slots.offset(held.slot)))
    }

    /// The same of a damaged slot.
    pub fn place_of_damaged(&self, damaged: &DamagedSlot) -> (&'static str, u64) {
        (SLOTS.path, self.slots.offset(damaged.slot))
    }

    /// The secret in the slot of an entry.
    fn open_slot(&self, key: &Key, keks: &Keks) -> Result<Zeroizing<[u8; 32]>, VaultError> {
        let sealed = || VaultError::Sealed(key.0);
        let held = self.held.get(key).ok_or_else(sealed)?;
        let mut bytes = [0; SLOT_BYTES];
        self.slots.read(held.slot, &mut bytes)?;
        let slot = Slot::decode(&bytes).ok().flatten().ok_or_else(sealed)?;
        let kek = keks.get(slot.kek).ok_or_else(sealed)?;
        slot.open(self.header.ledger_id, kek).map_err(|_| sealed())
    }

    /// What an entry holds, opened with the key that its slot is under; none if there is no such entry.
    ///
    /// # Errors
    /// [`VaultError::Io`]; [`VaultError::Sealed`] when it does not open.
    pub fn read_with(&self, key: &Key, keks: &Keks) -> Result<Option<Secret>, VaultError> {
        let Some(held) = self.held.get(key) else { return Ok(None) };
        let sealed = || VaultError::Sealed(key.0);
        let payload = self.open_slot(key, keks)?;
        if held.pages.count == 0 {
            return Ok(Some(Secret::Short(payload)));
        }
        let count = usize::try_from(held.pages.count).unwrap_or(usize::MAX);
        if count > PAGES_MAX {
            return Err(sealed());
        }
        let mut pages = vec![0; count * PAGE_BYTES];
        self.pages.read(held.pages.first, &mut pages)?;
        let content = open_pages(self.header.ledger_id, &key.0, &payload, &pages).map_err(|_| sealed())?;
        Ok(Some(Secret::Long(content)))
    }
}

/// Whether the ledger has a vault, whatever is in it.
///
/// # Errors
/// [`VaultError::Io`].
pub(super) fn is_there(storage: &dyn Storage) -> Result<bool, VaultError> {
    match storage.list(FOLDER) {
        Ok(names) => Ok(names.iter().any(|name| SLOTS.path.ends_with(name))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(io(FOLDER, "read")(error)),
    }
}
