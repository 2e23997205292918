//! The vault at a start: first a look that changes nothing, then, when the log is open, the vault itself.
//!
//! `keys/vault-1` has 32 bytes: the key under which the entries of the vault lie. It is made with the vault, and it is in no
//! backup of the keys: a backup of the vault carries its entries opened, under a key of its own.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::error::DaemonError;
use super::keys::KEYS;
use crate::crypto::random;
use crate::eventlog::{Storage, read_small, replace};
use crate::ledger::{Ledger, VaultDemand};
use crate::password::LoginKeys;
use crate::service::Secrets;
use crate::vault::{Header, Kek, Position, VaultFile};

/// The number of the first key, and so far the only one.
const FIRST: u32 = 1;

/// Bytes of a key.
const KEY_BYTES: usize = 32;

/// The name of the first key's file.
fn file_name() -> String {
    format!("{KEYS}/vault-{FIRST}")
}

/// What a look at the files of a vault has found.
pub(super) struct Vault {
    directory: PathBuf,
    /// Whether to serve without it.
    without: bool,
    /// What its header says; none where there is no vault.
    header: Option<Header>,
    /// The key, if there is one.
    key: Option<Kek>,
}

impl Vault {
    /// Looks at what is there, unless the daemon is to serve without it.
    ///
    /// # Errors
    /// [`DaemonError::Vault`] when it is damaged; [`DaemonError::Keys`] when it has no key.
    pub(super) fn look(storage: &dyn Storage, directory: &Path, without: bool) -> Result<Vault, DaemonError> {
        let directory = directory.to_owned();
        if without {
            tracing::warn!("serving without the vault: nobody's sealed texts are opened or sealed");
            return Ok(Vault { directory, without, header: None, key: None });
        }
        let header = VaultFile::read_header(storage)?;
        let key = read_key(storage, &directory)?;
        if header.is_some() && key.is_none() {
            return Err(DaemonError::keys(directory.join(file_name()), "the key of the vault is missing"));
        }
        Ok(Vault { directory, without, header, key })
    }

    /// What the log has to be to belong to the vault.
    pub(super) fn demand(&self) -> VaultDemand {
        match &self.header {
            Some(Header { durable, head, .. }) => {
                VaultDemand::Blocks(Position { durable: *durable, head: *head })
            }
            None if self.without => VaultDemand::Nothing,
            None => VaultDemand::NoScopes,
        }
    }

    /// Opens the vault beside an open log, or begins it. On a full disk the daemon serves without.
    ///
    /// # Errors
    /// [`DaemonError`].
    pub(super) fn open(
        self,
        storage: &Arc<dyn Storage>,
        ledger: &Ledger,
        logins: Option<LoginKeys>,
        rng: &mut dyn CryptoRng,
    ) -> Result<Secrets, DaemonError> {
        if self.without {
            return Ok(Secrets::absent());
        }
        let key = match self.key {
            Some(key) => Ok(key),
            None => make_key(storage.as_ref(), &self.directory, rng),
        };
        match key.and_then(|key| Ok(Secrets::open(storage, ledger, key, logins)?)) {
            Err(error) if error.is_want_of_room() => {
                tracing::warn!(%error, "serving without the vault, for want of room; the next start tries again");
                Ok(Secrets::absent())
            }
            opened => opened,
        }
    }
}

fn read_key(storage: &dyn Storage, directory: &Path) -> Result<Option<Kek>, DaemonError> {
    let name = file_name();
    let wrong = |reason: String| DaemonError::keys(directory.join(&name), reason);
    let read = read_small(storage, &name, KEY_BYTES as u64 + 1);
    let Some(bytes) = read.map_err(|error| wrong(error.to_string()))?.map(Zeroizing::new) else {
        return Ok(None);
    };
    let bytes: Result<[u8; KEY_BYTES], _> = bytes.as_slice().try_into();
    let key = Zeroizing::new(bytes.map_err(|_| wrong(format!("a key of the vault has {KEY_BYTES} bytes")))?);
    Ok(Some(Kek { number: FIRST, key }))
}

fn make_key(storage: &dyn Storage, directory: &Path, rng: &mut dyn CryptoRng) -> Result<Kek, DaemonError> {
    let name = file_name();
    let key = Zeroizing::new(random::bytes(rng));
    let bytes: &[u8; KEY_BYTES] = &key;
    replace(storage, &name, bytes).map_err(DaemonError::io_at("writing", &directory.join(&name)))?;
    Ok(Kek { number: FIRST, key })
}
