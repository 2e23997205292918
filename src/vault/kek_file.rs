//! The files of the keys that wrap the entries of a vault: `keys/vault-<n>`, 32 random bytes each. They are in no backup of
//! the keys: a backup of the vault carries its entries opened, under a key of its own.

use std::io::ErrorKind;

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::error::{VaultError, io};
use super::name::{Kek, Keks};
use crate::crypto::random;
use crate::eventlog::{Storage, read_small, replace};

const FOLDER: &str = "keys";

/// Bytes of a key.
const KEY_BYTES: usize = 32;

/// The number of a ledger's first key.
pub const FIRST_KEK: u32 = 1;

/// The file of the key with this number, relative to the data directory.
fn kek_path(number: u32) -> String {
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
    replace(storage, &kek_path(number), bytes).map_err(io(FOLDER, "write a key of the vault to"))?;
    Ok(Kek { number, key })
}

/// Reads the keys of a vault whose header names this one as its newest, if that is there.
///
/// # Errors
/// As for [`read_kek`].
pub fn read_keks(storage: &dyn Storage, newest: u32) -> Result<Option<Keks>, VaultError> {
    Ok(read_kek(storage, newest)?.map(Keks::from))
}

/// The greatest number of a key that is there; none if there is none.
///
/// # Errors
/// [`VaultError::Io`].
pub fn newest_kek(storage: &dyn Storage) -> Result<Option<u32>, VaultError> {
    let names = match storage.list(FOLDER) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        names => names.map_err(io(FOLDER, "read"))?,
    };
    Ok(names.iter().filter_map(|name| name.strip_prefix("vault-")?.parse().ok()).max())
}
