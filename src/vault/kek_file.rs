//! The files of the keys that wrap the entries of a vault: `keys/vault-<n>`, 32 random bytes each. They are in no backup of
//! the keys: a backup of the vault carries its entries opened, under a key of its own.

use std::io::ErrorKind;

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::error::{VaultError, io};
use super::name::{Kek, Keks};
use super::places::fill_with_zeros;
use crate::crypto::random;
use crate::eventlog::{Access, Storage, read_small, replace};

const FOLDER: &str = "keys";

/// Bytes of a key.
const KEY_BYTES: usize = 32;

/// The number of a ledger's first key.
pub const FIRST_KEK: u32 = 1;

/// The file of the key with this number, relative to the data directory.
pub(super) fn kek_path(number: u32) -> String {
    format!("{FOLDER}/vault-{number}")
}

/// The error of a vault whose key of this number is not there.
pub fn kek_missing(number: u32) -> VaultError {
    VaultError::Key { file: kek_path(number), reason: "the key of the vault is missing".to_owned() }
}

/// Reads the key with this number; none if it is not there.
///
/// # Errors
/// [`VaultError::Key`] when it is no key, [`VaultError::KeyUnread`].
pub fn read_kek(storage: &dyn Storage, number: u32) -> Result<Option<Kek>, VaultError> {
    let file = kek_path(number);
    let wrong = |reason: String| VaultError::Key { file: file.clone(), reason };
    let read = read_small(storage, &file, KEY_BYTES as u64 + 1);
    let read = read.map_err(|source| VaultError::KeyUnread { file: file.clone(), source })?;
    let Some(bytes) = read.map(Zeroizing::new) else { return Ok(None) };
    let bytes: Result<[u8; KEY_BYTES], _> = bytes.as_slice().try_into();
    let key = Zeroizing::new(bytes.map_err(|_| wrong(format!("a key of the vault has {KEY_BYTES} bytes")))?);
    Ok(Some(Kek { number, key }))
}

/// Makes the key with this number; it is durable afterwards.
///
/// # Errors
/// [`VaultError::Io`].
pub fn make_kek(storage: &dyn Storage, number: u32, rng: &mut dyn CryptoRng) -> Result<Kek, VaultError> {
    let key = Zeroizing::new(random::bytes(rng));
    let bytes: &[u8; KEY_BYTES] = &key;
    replace(storage, &kek_path(number), bytes).map_err(io(FOLDER, "write"))?;
    Ok(Kek { number, key })
}

/// Reads the keys of a vault: the newest that is there, and the one before it while the vault is on its way between the two. None
/// if the key is not there that the vault's header names.
///
/// # Errors
/// As for [`read_kek`], of each; [`VaultError::Key`] when there are more than two.
pub fn read_keks(storage: &dyn Storage, named: u32) -> Result<Option<Keks>, VaultError> {
    let numbers = kek_numbers(storage)?;
    if !numbers.contains(&named) {
        return Ok(None);
    }
    let keks = numbers.iter().map(|number| read_kek(storage, *number)?.ok_or_else(|| kek_missing(*number)));
    let mut keks = keks.collect::<Result<Vec<Kek>, VaultError>>()?.into_iter();
    match (keks.next(), keks.next(), keks.next()) {
        (Some(only), None, _) => Ok(Some(only.into())),
        (Some(before), Some(newest), None) => Ok(Some(Keks::from(before).followed_by(newest))),
        (Some(first), ..) => {
            let reason = format!("a vault has two keys at most, and there are {}", numbers.len());
            Err(VaultError::Key { file: kek_path(first.number), reason })
        }
        (None, ..) => Ok(None),
    }
}

/// The greatest number of a key that is there; none if there is none.
///
/// # Errors
/// [`VaultError::Io`].
pub fn newest_kek(storage: &dyn Storage) -> Result<Option<u32>, VaultError> {
    Ok(kek_numbers(storage)?.last().copied())
}

/// The numbers of the keys that are there, in their order.
fn kek_numbers(storage: &dyn Storage) -> Result<Vec<u32>, VaultError> {
    let names = match storage.list(FOLDER) {
        Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
        names => names.map_err(io(FOLDER, "read"))?,
    };
    let number = |name: &String| {
        let number = name.strip_prefix("vault-")?.parse().ok()?;
        (*name == format!("vault-{number}")).then_some(number)
    };
    let mut numbers: Vec<u32> = names.iter().filter_map(number).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

/// Makes the names of the keys durable, before anything that is durable lies under one of them: a process that was killed may have
/// made a key and have got no further.
///
/// # Errors
/// [`VaultError::Io`].
pub(super) fn sync_kek_names(storage: &dyn Storage) -> Result<(), VaultError> {
    match storage.sync_dir(FOLDER) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(io(FOLDER, "sync")(error)),
        _ => Ok(()),
    }
}

/// Destroys a key: zeros go over it and are synced before its file is removed.
///
/// # Errors
/// [`VaultError::Io`].
pub(super) fn destroy_kek(storage: &dyn Storage, number: u32) -> Result<(), VaultError> {
    let mut file = storage.open(&kek_path(number), Access::ReadWrite).map_err(io(FOLDER, "open a key in"))?;
    fill_with_zeros(file.as_mut(), FOLDER)?;
    storage.remove(&kek_path(number)).map_err(io(FOLDER, "remove a key from"))?;
    storage.sync_dir(FOLDER).map_err(io(FOLDER, "sync"))
}
