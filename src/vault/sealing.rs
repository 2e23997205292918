//! The way of a secret into the files: its pages go to free ones, and its slot is sealed, which is to name them.

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::error::VaultError;
use super::name::Kek;
use super::page::{pages_for, seal_pages};
use super::places::Places;
use super::reader::{Key, Secret};
use super::slot::{PageRange, Slot};
use crate::crypto::{LedgerId, random};

/// How many pages a secret takes.
pub(super) fn pages_of(secret: &Secret) -> Result<u32, VaultError> {
    match secret {
        Secret::Short(_) => Ok(0),
        Secret::Long(content) => u32::try_from(pages_for(content.len())).map_err(|_| VaultError::NoRoom),
    }
}

/// Writes the pages of an entry to free ones, for which room was made, and gives the slot that is to name them.
pub(super) fn write_content(
    pages: &mut Places,
    (ledger_id, kek): (LedgerId, &Kek),
    key: &Key,
    secret: &Secret,
    rng: &mut dyn CryptoRng,
) -> Result<Slot, VaultError> {
    let (payload, range) = match secret {
        Secret::Short(payload) => (payload.clone(), PageRange::default()),
        Secret::Long(content) => {
            let page_key = Zeroizing::new(random::bytes(rng));
            let bytes = seal_pages(ledger_id, &key.0, &page_key, content).ok_or(VaultError::NoRoom)?;
            let count = pages_of(secret)?;
            let first = pages.free.take(count).ok_or(VaultError::NoRoom)?;
            pages.write(first, &bytes)?;
            (page_key, PageRange { first, count })
        }
    };
    Ok(Slot::seal(ledger_id, *key, kek, range, &payload, rng))
}
