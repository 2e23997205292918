//! The second factor that comes with a command: the code beside it shows that the telephone has the secret, before the secret is
//! put into the vault.

use super::codes::step_after;
use super::invalid_code;
use crate::domain::{AccountId, Command};
use crate::eventlog::LogError;
use crate::refusal;
use crate::second_factor::SpareCodes;
use crate::service::Service;
use crate::service::enrolling::Enrolling;
use crate::service::job::CommandCheck;
use crate::service::sealed_fields::no_vault;
use crate::time::Now;
use crate::vault::{FactorEntry, factor_entry, spare_codes_entry};
use crate::wire::Refusal;

/// A second factor on its way into the vault.
pub(in crate::service) struct BroughtFactor {
    generation: u32,
    entry: FactorEntry,
    spare: SpareCodes,
}

impl Service {
    /// The guards of a command that brings a second factor, or ends one: whoever has one shows a code of it. Gives what the command
    /// brings.
    ///
    /// # Errors
    /// The outer one is that of the vault, after which the process ends; the inner one the refusal.
    pub(in crate::service) fn guard_brought_factor(
        &mut self,
        check: &CommandCheck,
        command: &Command,
        author: AccountId,
        now: Now,
    ) -> Result<Result<Option<BroughtFactor>, Refusal>, LogError> {
        let Some(set) = command.second_factor() else { return Ok(Ok(None)) };
        let counts = self.ledger.replica().state().second_factor(author);
        let enrolling =
            self.door.connections.get_mut(&check.connection).and_then(|open| open.enrolling.take());
        let keeps_secret = enrolling.as_ref().is_some_and(|enrolling| enrolling.secret.is_none());
        let is_fresh = self.limits.second_factor == 0 || self.factor_until(check.connection, now).is_some();
        // Where the secret stays, the code beside the command is one of the factor that is there.
        if counts.is_some() && !is_fresh && (set.off || !keeps_secret) {
            self.put_back(check, enrolling);
            return Ok(Err(super::guard::code_needed()));
        }
        if set.off {
            return Ok(Ok(None));
        }
        if !self.secrets.are_here() {
            self.put_back(check, enrolling);
            return Ok(Err(no_vault()));
        }
        let (Some(enrolling), Some(code)) = (enrolling, &check.code) else {
            return Ok(Err(nothing_begun()));
        };
        let brought = self.confirmed(check, (&enrolling, set.generation), (author, code), now)?;
        self.put_back(check, Some(enrolling));
        Ok(brought.map(Some))
    }

    /// What a session is about to enrol, if the code shows that the telephone has the secret.
    fn confirmed(
        &mut self,
        check: &CommandCheck,
        (enrolling, generation): (&Enrolling, u32),
        (author, code): (AccountId, &str),
        now: Now,
    ) -> Result<Result<BroughtFactor, Refusal>, LogError> {
        let spare = enrolling.spare.clone();
        let entry = match &enrolling.secret {
            Some(secret) => step_after(secret, code, 0, now)
                .map(|last_step| FactorEntry { secret: secret.clone(), last_step })
                .ok_or_else(|| invalid_code(now)),
            None => self.confirmed_by_kept(check, (author, code), now)?,
        };
        let entry = match entry {
            Ok(entry) => entry,
            Err(refusal) => {
                self.count_wrong(check.connection, &refusal);
                return Ok(Err(refusal));
            }
        };
        if !self.secrets.make_room()? {
            let sentence = "the disk is full: the vault has no room for the second factor";
            return Ok(Err(Refusal::fail(refusal::DISK_FULL, sentence)));
        }
        Ok(Ok(BroughtFactor { generation, entry, spare }))
    }

    /// The secret that is there, with the step of this code as the newest one, if the code is right.
    fn confirmed_by_kept(
        &mut self,
        check: &CommandCheck,
        (author, code): (AccountId, &str),
        now: Now,
    ) -> Result<Result<FactorEntry, Refusal>, LogError> {
        let connection = self.door.connections.get(&check.connection);
        let counts = self.ledger.replica().state().second_factor(author);
        let (Some(prefix), Some(counts)) = (connection.map(|open| open.prefix()), counts) else {
            return Ok(Err(nothing_begun()));
        };
        let checked = self.check_code((author, counts.generation), prefix, now, |kept| {
            step_after(&kept.entry.secret, code, kept.entry.last_step, now)
        })?;
        Ok(checked.map(|(kept, last_step)| FactorEntry { last_step, ..kept.entry }))
    }

    /// The session may try again with another code.
    fn put_back(&mut self, check: &CommandCheck, enrolling: Option<Box<Enrolling>>) {
        if let Some(connection) = self.door.connections.get_mut(&check.connection) {
            connection.enrolling = enrolling;
        }
    }

    /// Takes the second factor that an accepted command brings, for the vault, and notes whose is another one now, or none.
    pub(in crate::service) fn take_factor(
        &mut self,
        check: &CommandCheck,
        brought: Option<BroughtFactor>,
        moved: Option<AccountId>,
        now: Now,
    ) {
        let Some(account) = moved else { return };
        self.secrets.unsettle(account);
        self.factors.guesses.forget(account);
        if let Some(connection) = self.door.connections.get_mut(&check.connection) {
            connection.enrolling = None;
        }
        if let Some(BroughtFactor { generation, entry, spare }) = brought {
            self.secrets.bring(factor_entry(account, generation), entry.to_secret());
            self.secrets.bring(spare_codes_entry(account, generation), FactorEntry::secret_of_spare(&spare));
            // The code beside the command was one of the new factor.
            self.note_given(check.connection, now);
        }
    }
}

fn nothing_begun() -> Refusal {
    let sentence = "no second factor was offered to this session, or it was taken already: begin again";
    Refusal::fail(refusal::INVALID_CODE, sentence)
}
