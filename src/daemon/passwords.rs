//! The keys for log-ins by password: `keys/opaque-1`, without whose seed every password is dead, and `keys/index`, under which
//! e-mails are named. Both are made once, for the life of the ledger, and stay when log-ins are switched off. What stands in
//! them, `password` says.
#![expect(clippy::disallowed_methods, reason = "the key files are read here")]

use std::io;
use std::path::Path;

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::error::DaemonError;
use super::files::KEYS;
use crate::eventlog::{Disk, Storage, replace};
use crate::password::{
    IndexKey, KeptSetup, LoginKeys, OpaqueKey, ServerSetup, Stretch, with_checksum, without_checksum,
};
use crate::session::Descriptor;

pub(super) use crate::password::OPAQUE_FILE;

/// The file with the key under which e-mails are named.
pub(super) const INDEX: &str = "index";

/// The keys for log-ins by password.
#[derive(Clone, Debug)]
pub struct PasswordKeys {
    kept: KeptSetup,
    index: IndexKey,
}

impl PasswordKeys {
    /// Makes the keys of a ledger.
    pub(super) fn generate(stretch: Stretch, rng: &mut dyn CryptoRng) -> PasswordKeys {
        let kept = KeptSetup { setup: ServerSetup::generate(rng), stretch };
        PasswordKeys { kept, index: IndexKey::generate(rng) }
    }

    /// What answers log-ins: for the helper that does so.
    pub(super) fn setup(&self) -> &ServerSetup {
        &self.kept.setup
    }

    /// What the loop needs of them.
    pub(super) fn login_keys(&self) -> LoginKeys {
        LoginKeys { index: self.index.clone(), opaque: self.opaque_key() }
    }

    /// What the descriptor says of them.
    pub(super) fn opaque_key(&self) -> OpaqueKey {
        self.kept.opaque_key()
    }

    /// Writes both files.
    ///
    /// # Errors
    /// What the storage says.
    pub(super) fn write(&self, storage: &dyn Storage) -> io::Result<()> {
        write_checked(storage, OPAQUE_FILE, &self.kept.to_bytes())?;
        write_checked(storage, INDEX, self.index.as_bytes())
    }

    /// Reads both files; none if neither is there.
    ///
    /// # Errors
    /// [`DaemonError::Keys`] names the file that cannot be used.
    pub(super) fn load(root: &Path) -> Result<Option<PasswordKeys>, DaemonError> {
        let (opaque, index) = (read_checked(root, OPAQUE_FILE)?, read_checked(root, INDEX)?);
        let missing = |name: &str| {
            let reason = "is missing, and without it every password is dead";
            DaemonError::keys(root.join(KEYS).join(name), reason)
        };
        let (opaque, index) = match (opaque, index) {
            (Some(opaque), Some(index)) => (opaque, index),
            (None, None) => return Ok(None),
            (None, Some(_)) => return Err(missing(OPAQUE_FILE)),
            (Some(_), None) => return Err(missing(INDEX)),
        };
        let damaged = |name: &str| DaemonError::keys(root.join(KEYS).join(name), "is not as long as it is");
        let index: [u8; 32] = index.as_slice().try_into().map_err(|_| damaged(INDEX))?;
        let kept = KeptSetup::from_bytes(&opaque).ok_or_else(|| damaged(OPAQUE_FILE))?;
        Ok(Some(PasswordKeys { kept, index: IndexKey::from_bytes(index) }))
    }

    /// The keys that a descriptor names; none where it names none.
    ///
    /// # Errors
    /// [`DaemonError::Keys`] when they are missing or others.
    pub(super) fn of_descriptor(
        root: &Path,
        descriptor: &Descriptor,
    ) -> Result<Option<PasswordKeys>, DaemonError> {
        let Some(named) = descriptor.opaque_key() else { return Ok(None) };
        let wrong = |reason: &str| DaemonError::keys(root.join(KEYS).join(OPAQUE_FILE), reason);
        let keys = PasswordKeys::load(root)?
            .ok_or_else(|| wrong("is missing, and without it every password is dead"))?;
        if keys.opaque_key() != *named {
            return Err(wrong("is not what the descriptor names"));
        }
        Ok(Some(keys))
    }
}

/// Writes the keys for log-ins unless they are there.
pub(super) fn keep(root: &Path, passwords: Option<&PasswordKeys>) -> Result<(), DaemonError> {
    match passwords {
        Some(passwords) if PasswordKeys::load(root)?.is_none() => {
            passwords.write(&Disk::new(root)).map_err(DaemonError::io_at("writing", &root.join(KEYS)))
        }
        _ => Ok(()),
    }
}

fn write_checked(storage: &dyn Storage, name: &str, bytes: &[u8]) -> io::Result<()> {
    replace(storage, &format!("{KEYS}/{name}"), &with_checksum(bytes))
}

fn read_checked(root: &Path, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, DaemonError> {
    let path = root.join(KEYS).join(name);
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => Zeroizing::new(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(DaemonError::keys(path, error)),
    };
    let kept = without_checksum(&bytes).ok_or_else(|| {
        DaemonError::keys(path, "does not have the checksum that stands in it: the file is damaged")
    })?;
    Ok(Some(Zeroizing::new(kept.to_vec())))
}
