//! The vault at a start: first a look that changes nothing, then, when the log is open, the vault itself.

use std::sync::Arc;

use rand_core::CryptoRng;

use super::error::DaemonError;
use crate::eventlog::Storage;
use crate::ledger::{Ledger, VaultDemand};
use crate::password::LoginKeys;
use crate::service::Secrets;
use crate::vault::{
    FIRST_KEK, Header, Keks, Position, VaultFile, kek_missing, make_kek, newest_kek, read_kek, read_keks,
};

/// What a look at the files of a vault has found.
pub(super) struct Vault {
    /// Whether to serve without it.
    without: bool,
    /// What its header says; none where there is no vault.
    header: Option<Header>,
    /// Its keys, if there are any.
    keks: Option<Keks>,
}

impl Vault {
    /// Looks at what is there, unless the daemon is to serve without it.
    ///
    /// # Errors
    /// [`DaemonError::Vault`] when it is damaged, or has no key that can be used.
    pub(super) fn look(storage: &dyn Storage, without: bool) -> Result<Vault, DaemonError> {
        if without {
            tracing::warn!("serving without the vault: nobody's sealed texts are opened or sealed");
            return Ok(Vault { without, header: None, keks: None });
        }
        let header = VaultFile::read_header(storage)?;
        let keks = match header {
            Some(header) => Some(read_keks(storage, header.kek)?.ok_or_else(|| kek_missing(header.kek))?),
            None => {
                let number = newest_kek(storage)?.unwrap_or(FIRST_KEK);
                read_kek(storage, number)?.map(Keks::from)
            }
        };
        Ok(Vault { without, header, keks })
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
        let keks = match self.keks {
            Some(keks) => Ok(keks),
            None => make_kek(storage.as_ref(), FIRST_KEK, rng).map(Keks::from),
        };
        match keks.and_then(|keks| Secrets::open(storage, ledger, keks, logins)) {
            Err(error) if error.is_want_of_room() => {
                tracing::warn!(%error, "serving without the vault, for want of room; the next start tries again");
                Ok(Secrets::absent())
            }
            opened => Ok(opened?),
        }
    }
}
