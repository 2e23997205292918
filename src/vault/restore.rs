//! A vault that takes the place of another one, or of none: it is written beside what is there and put in its place as a
//! whole, so that after a crash there is the old one or the new one. Nothing of the old one stays readable.

use std::collections::BTreeSet;
use std::io::ErrorKind;

use rand_core::CryptoRng;

use super::error::{VaultError, io};
use super::header::{HEADER_BYTES, Header};
use super::kek_file::sync_kek_names;
use super::name::Kek;
use super::places::{Places, fill_with_zeros};
use super::reader::{FOLDER, HEADERS_BYTES, Key, PAGES, Position, SLOTS, Secret, is_there};
use super::sealing::{pages_of, write_content};
use crate::crypto::LedgerId;
use crate::eventlog::{Access, Storage, StorageFile, replace};
use crate::time::Timestamp;

/// The file of slots while it is written, before it takes its place.
const UNFINISHED: &str = "vault/slots.tmp";

/// A vault that is being written beside what is there.
#[derive(Debug)]
pub struct Restoring<'a> {
    storage: &'a dyn Storage,
    ledger_id: LedgerId,
    kek: Kek,
    /// The file of slots that is replaced, if there is one.
    before: Option<Box<dyn StorageFile>>,
    pages: Places,
    slots: Vec<u8>,
    names: BTreeSet<Key>,
}

impl<'a> Restoring<'a> {
    /// Begins a vault under this key.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub fn begin(
        storage: &'a dyn Storage,
        ledger_id: LedgerId,
        kek: Kek,
    ) -> Result<Restoring<'a>, VaultError> {
        sync_kek_names(storage)?;
        make_folder(storage)?;
        let before = match is_there(storage)? {
            true => Some(storage.open(SLOTS.path, Access::ReadWrite).map_err(io(SLOTS.path, "open"))?),
            false => None,
        };
        // Pages go behind those of the vault that is there, which are needed until it is replaced.
        let pages = match Places::open(storage, PAGES, Access::ReadWrite) {
            Ok(pages) if before.is_some() => pages,
            Err(VaultError::Io { source, .. }) if source.kind() != ErrorKind::NotFound => {
                return Err(io(PAGES.path, "open")(source));
            }
            Ok(_) | Err(_) => new_pages(storage)?,
        };
        let slots = vec![0; HEADERS_BYTES];
        Ok(Restoring { storage, ledger_id, kek, before, pages, slots, names: BTreeSet::new() })
    }

    /// Puts an entry; false if there is one of that name already.
    ///
    /// # Errors
    /// [`VaultError::Io`], [`VaultError::NoRoom`].
    pub fn put(&mut self, key: &Key, secret: &Secret, rng: &mut dyn CryptoRng) -> Result<bool, VaultError> {
        if !self.names.insert(*key) {
            return Ok(false);
        }
        if !self.pages.make_room(pages_of(secret)?)? {
            return Err(io(PAGES.path, "allocate")(ErrorKind::StorageFull.into()));
        }
        let slot = write_content(&mut self.pages, (self.ledger_id, &self.kek), key, secret, rng)?;
        self.slots.extend_from_slice(&slot.encode());
        Ok(true)
    }

    /// Whether there is such an entry.
    pub fn has(&self, key: &Key) -> bool {
        self.names.contains(key)
    }

    /// The entries that were put.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.names.iter()
    }

    /// Puts the vault in its place. `position` is how far the log is durable; the generation of the header is the next after
    /// `generation`. The slots of the vault before are zeros afterwards.
    ///
    /// # Errors
    /// [`VaultError::Io`]; the old or the new vault is there.
    pub fn finish(mut self, position: Position, generation: u64) -> Result<(), VaultError> {
        self.pages.sync()?;
        let (ledger_id, Position { durable, head }) = (self.ledger_id, position);
        let generation = generation.saturating_add(1);
        let header = Header {
            ledger_id,
            durable,
            head,
            generation,
            kek: self.kek.number,
            clean: true,
            kek_since: Timestamp::default(),
        };
        let (at, bytes) = header.encode();
        let at = usize::try_from(at).unwrap_or(0);
        if let Some(place) = self.slots.get_mut(at..at + HEADER_BYTES) {
            place.copy_from_slice(&bytes);
        }
        replace(self.storage, SLOTS.path, &self.slots).map_err(io(SLOTS.path, "replace"))?;
        self.storage.sync_dir("").map_err(io("", "sync"))?;
        self.before.as_mut().map_or(Ok(()), |before| fill_with_zeros(before.as_mut(), SLOTS.path))
    }
}

impl Restoring<'_> {
    /// Gives up: where there was no vault, nothing of one stays.
    pub fn abandon(self) {
        let Restoring { storage, before, pages, .. } = self;
        drop(pages);
        if before.is_none() {
            // What stays is no vault, and the next attempt takes its place.
            drop(storage.remove(PAGES.path));
        }
    }
}

/// Makes the folder of a vault, if it is not there.
pub(super) fn make_folder(storage: &dyn Storage) -> Result<(), VaultError> {
    match storage.create_dir(FOLDER) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(io(FOLDER, "make")(error)),
        _ => Ok(()),
    }
}

/// Makes the file of pages anew. What an earlier attempt left is no vault: the file of slots is put in place as the last one.
pub(super) fn new_pages(storage: &dyn Storage) -> Result<Places, VaultError> {
    match storage.remove(PAGES.path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(io(PAGES.path, "remove")(error)),
        _ => {}
    }
    let mut pages = Places::open(storage, PAGES, Access::CreateNew)?;
    pages.sync()?;
    Ok(pages)
}

/// Destroys what a restoring that was cut off has left: secrets lie in it, which an erasure would not find there.
pub(super) fn destroy_unfinished(storage: &dyn Storage) -> Result<(), VaultError> {
    let mut left = match storage.open(UNFINISHED, Access::ReadWrite) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        opened => opened.map_err(io(UNFINISHED, "open"))?,
    };
    fill_with_zeros(left.as_mut(), UNFINISHED)?;
    storage.remove(UNFINISHED).map_err(io(UNFINISHED, "remove"))?;
    storage.sync_dir(FOLDER).map_err(io(FOLDER, "sync"))
}
