//! The vault at a start: first a look that changes nothing, then, when the log is open, the vault itself.

use std::sync::Arc;

use rand_core::CryptoRng;

use super::error::DaemonError;
use crate::eventlog::Storage;
use crate::ledger::{Ledger, VaultDemand};
use crate::password::LoginKeys;
use crate::service::Secrets;
use crate::vault::{FIRST_KEK, Header, Kek, Position, VaultFile, kek_missing, make_kek, read_kek};

/// What a look at the files of a vault has found.
pub(super) struct Vault {
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
    /// [`DaemonError::Vault`] when it is damaged, or has no key that can be used.
    pub(super) fn look(storage: &dyn Storage, without: bool) -> Result<Vault, DaemonError> {
        if without {
            tracing::warn!("serving without the vault: nobody's sealed texts are opened or sealed");
            return Ok(Vault { without, header: None, key: None });
        }
        let header = VaultFile::read_header(storage)?;
        let number = header.map_or(FIRST_KEK, |header| header.kek);
        let key = read_kek(storage, number)?;
        if header.is_some() && key.is_none() {
            return Err(kek_missing(number).into());
        }
        Ok(Vault { without, header, key })
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
            None => make_kek(storage.as_ref(), FIRST_KEK, rng),
        };
        match key.and_then(|key| Secrets::open(storage, ledger, key, logins)) {
            Err(error) if error.is_want_of_room() => {
                tracing::warn!(%error, "serving without the vault, for want of room; the next start tries again");
                Ok(Secrets::absent())
            }
            opened => Ok(opened?),
        }
    }
}
