//! Whether what lies in an entry of a vault is what the blocks speak of: the very password that a block has committed itself to,
//! a second factor whose codes can be checked.

use zeroize::Zeroizing;

use super::findings::Place;
use crate::crypto::LedgerId;
use crate::domain::{AccountId, State};
use crate::eventlog::{Storage, read_small};
use crate::password::{Credential, KeptSetup, OPAQUE_FILE, OPAQUE_FILE_BYTES, without_checksum};
use crate::vault::{FactorEntry, Keks, Key, Kind, Secret, VaultError, VaultReader, generation_of};
use crate::wire::Finding;

/// What it takes to look into entries.
#[derive(Debug)]
pub(super) struct EntryCheck {
    keks: Keks,
    /// The public half of the server's set-up; none where there is none, or a damaged one: then a password cannot be compared with
    /// its block.
    server_key: Option<[u8; 32]>,
}

impl EntryCheck {
    /// With the keys of the vault, and what lies beside it.
    pub(super) fn new(storage: &dyn Storage, keks: Keks) -> EntryCheck {
        // A file that is longer than it should be has no right checksum.
        let read = read_small(storage, &format!("keys/{OPAQUE_FILE}"), OPAQUE_FILE_BYTES as u64 + 1);
        let bytes = read.ok().flatten().map(Zeroizing::new);
        let kept = bytes.and_then(|bytes| KeptSetup::from_bytes(without_checksum(&bytes)?));
        EntryCheck { keks, server_key: kept.map(|kept| kept.opaque_key().server_key) }
    }

    /// What is wrong with an entry that blocks need. Keys of scopes are looked at with the fields that they open.
    pub(super) fn finding(
        &self,
        vault: &VaultReader,
        (ledger_id, state): (LedgerId, &State),
        key: &Key,
    ) -> Option<Finding> {
        let (file, offset) = vault.place_of(key);
        let account = AccountId(key.0.subject);
        let damaged = |reason: String| {
            Some(Place { file, offset, index: None }.finding("slot_damaged", format!("{:?} {reason}", key.0)))
        };
        let secret = match key.0.kind {
            Kind::ScopeKey | Kind::Leaves => return None,
            Kind::Credential | Kind::SecondFactor | Kind::SpareCodes => {
                match vault.read_with(key, &self.keks) {
                    Err(VaultError::Io { source, .. }) => {
                        return damaged(format!("cannot be read: {source}"));
                    }
                    Err(_) | Ok(None) => {
                        return damaged("does not open with the key of the vault".to_owned());
                    }
                    Ok(Some(secret)) => secret,
                }
            }
        };
        match key.0.kind {
            Kind::SecondFactor if FactorEntry::of_secret(&secret).is_none() => {
                damaged("is no secret".to_owned())
            }
            Kind::SpareCodes if FactorEntry::spare_of_secret(&secret).is_none() => {
                damaged("is no list of spare codes".to_owned())
            }
            Kind::Credential => {
                let counts = state.credential(account).filter(|counts| generation_of(*counts) == key.1)?;
                let kept = match &secret {
                    Secret::Long(content) => Credential::from_bytes(content),
                    Secret::Short(_) => None,
                };
                let server_key = self.server_key?;
                let fits =
                    kept.is_some_and(|kept| kept.commit(ledger_id, &server_key) == counts.commit.commit);
                let place = Place { file, offset, index: Some(counts.block) };
                let reason = format!(
                    "the password of account {account} in the vault is not the one that block {} has committed itself to; nobody \
                     can log in with it",
                    counts.block
                );
                (!fits).then(|| place.finding("credential_missing", reason))
            }
            _ => None,
        }
    }
}
