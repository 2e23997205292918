//! `keys/vault-1`: 32 bytes, the key under which the entries of the vault lie. It is made with the vault, and it is in no
//! backup of the keys: a backup of the vault carries its entries opened, under a key of its own.

use std::path::Path;

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::error::DaemonError;
use super::keys::KEYS;
use crate::crypto::random;
use crate::eventlog::{Storage, read_small, replace};
use crate::vault::Kek;

/// The number of the first key, and so far the only one.
const FIRST: u32 = 1;

/// Bytes of a key.
const KEY_BYTES: usize = 32;

/// The name of the first key's file.
pub(super) fn file_name() -> String {
    format!("{KEYS}/vault-{FIRST}")
}

/// Reads the key, and makes it first where there is none and `may_begin` says that there is no vault either.
///
/// # Errors
/// [`DaemonError::Keys`] names the file.
pub(super) fn read_or_make(
    storage: &dyn Storage,
    directory: &Path,
    may_begin: bool,
    rng: &mut dyn CryptoRng,
) -> Result<Kek, DaemonError> {
    let name = file_name();
    let wrong = |reason: String| DaemonError::keys(directory.join(&name), reason);
    let read = read_small(storage, &name, KEY_BYTES as u64 + 1);
    let bytes = read.map_err(|error| wrong(error.to_string()))?.map(Zeroizing::new);
    let key = match bytes {
        Some(bytes) => {
            let bytes: Result<[u8; KEY_BYTES], _> = bytes.as_slice().try_into();
            Zeroizing::new(bytes.map_err(|_| wrong(format!("a key of the vault has {KEY_BYTES} bytes")))?)
        }
        None if may_begin => {
            let key = Zeroizing::new(random::bytes(rng));
            let made: &[u8; KEY_BYTES] = &key;
            replace(storage, &name, made).map_err(DaemonError::io_at("writing", &directory.join(&name)))?;
            key
        }
        None => return Err(wrong("the key of the vault is missing".to_owned())),
    };
    Ok(Kek { number: FIRST, key })
}
