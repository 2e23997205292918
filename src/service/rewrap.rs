//! The vault goes over from its key to the next when that is due (`vault_rewrap_days`): some slots a turn, so that nobody waits. The
//! thread that erases is the one that does it, so that nothing which was erased is sealed anew.

use std::time::Duration;

use rand_core::CryptoRng;

use super::secrets::{Secrets, SecretsBug, failed, position_of};
use super::{ROOM_CHECK_EVERY, Service};
use crate::eventlog::{LogError, Storage};
use crate::ledger::Committed;
use crate::time::{Monotonic, Now, Timestamp};
use crate::vault::{Rewrapped, VaultError, VaultFile, make_kek};

/// Slots that are sealed anew in one turn: a millisecond's work.
const SLOTS_PER_TURN: usize = 256;

/// How often it is looked whether a key is old enough.
const AGE_CHECK_EVERY: Duration = Duration::from_hours(1);

/// Milliseconds of a day.
const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

impl Secrets {
    /// Whether the vault is on its way from one key to the next.
    pub(super) fn are_going_over(&self) -> bool {
        self.vault.as_ref().is_some_and(VaultFile::is_going_over)
    }

    /// Does the next piece of what is to be done. A key that is older than so many days is followed by another one; 0 days are for
    /// ever. Gives after how long there may be more to do; none if there is nothing any more.
    ///
    /// # Errors
    /// The process must end.
    fn rewrap(
        &mut self,
        storage: &dyn Storage,
        (committed, now): (Committed, Timestamp),
        days: u64,
        rng: &mut dyn CryptoRng,
    ) -> Result<Option<Duration>, LogError> {
        match self.try_rewrap(storage, (committed, now), days, rng) {
            Err(error) if error.is_want_of_room_to_write() => {
                if !std::mem::replace(&mut self.rewrap_waits, true) {
                    tracing::warn!(%error, "the vault waits for room on its way to the next key");
                }
                Ok(Some(ROOM_CHECK_EVERY))
            }
            done => {
                self.rewrap_waits = false;
                done.map_err(failed)
            }
        }
    }

    fn try_rewrap(
        &mut self,
        storage: &dyn Storage,
        (committed, now): (Committed, Timestamp),
        days: u64,
        rng: &mut dyn CryptoRng,
    ) -> Result<Option<Duration>, VaultError> {
        let Some(vault) = &mut self.vault else { return Ok(None) };
        let wait = (days > 0).then_some(AGE_CHECK_EVERY);
        if !vault.is_going_over() {
            let header = vault.header();
            let age = now.millis().saturating_sub(header.kek_since.millis());
            if days == 0 || age < days.saturating_mul(DAY_MS) {
                return Ok(wait);
            }
            let Some(number) = vault.newest_kek().checked_add(1) else { return Ok(None) };
            vault.go_over_to(make_kek(storage, number, rng)?);
            tracing::info!(number, "the vault goes over to its next key");
            return Ok(Some(Duration::ZERO));
        }
        match vault.rewrap(SLOTS_PER_TURN, rng)? {
            Rewrapped::Partly => Ok(Some(Duration::ZERO)),
            Rewrapped::Wholly if self.bug == Some(SecretsBug::KeyForgottenEarly) => {
                vault.destroy_key_before(storage)?;
                Ok(wait)
            }
            Rewrapped::Wholly => {
                vault.forget_key_before(storage, position_of(committed), now)?;
                tracing::info!(number = vault.newest_kek(), "the vault is under its next key alone");
                Ok(wait)
            }
            Rewrapped::Stuck(slots) => {
                tracing::error!(
                    slots,
                    "entries of the vault do not open with their key, which is kept: audit --vault says which"
                );
                Ok(None)
            }
        }
    }
}

impl Service {
    /// Does a piece of the vault's way to its next key, if there is one to do.
    ///
    /// # Errors
    /// The process must end.
    pub(super) fn rewrap_vault(&mut self, now: Now, rng: &mut dyn CryptoRng) -> Result<(), LogError> {
        if self.rewrap_due.is_none_or(|due| due > now.mono) {
            return Ok(());
        }
        let at = (self.ledger.committed(), now.wall);
        let days = self.limits.vault_rewrap_days;
        let pause = self.secrets.rewrap(self.storage.as_ref(), at, days, rng)?;
        self.rewrap_due = pause.map(|pause| Monotonic(now.mono.0 + pause));
        Ok(())
    }
}
