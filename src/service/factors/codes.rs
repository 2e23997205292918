//! Whether a code is right. That it was used goes to the vault in the same turn, and is durable there before anybody hears of it,
//! so that no code works twice, not even across a power cut.

use super::{codes_lost, invalid_code, not_enrolled, wait};
use crate::domain::AccountId;
use crate::eventlog::LogError;
use crate::refusal;
use crate::second_factor::{Secret, SpareCode, SpareCodes};
use crate::service::party::Prefix;
use crate::service::sealed_fields::no_vault;
use crate::service::secrets::Secrets;
use crate::service::{ConnectionId, Service};
use crate::time::Now;
use crate::vault::{FactorEntry, factor_entry, spare_codes_entry};
use crate::wire::{Refusal, WrongCodes};

/// Characters of a code at most, blanks and hyphens included.
const CODE_CHARACTERS_MAX: usize = 64;

/// A second factor as the vault keeps it.
pub(in crate::service) struct KeptFactor {
    /// The secret, and the newest step of which a code was used.
    pub(in crate::service) entry: FactorEntry,
    /// The spare codes.
    pub(in crate::service) spare: SpareCodes,
}

/// What a code was.
enum Used {
    /// A code of the telephone, of this step.
    Step(u64),
    /// A spare code.
    Spare(Box<SpareCodes>),
}

impl Secrets {
    /// The second factor of this number of an account; none if the vault has lost any of it.
    ///
    /// # Errors
    /// The process must end.
    pub(in crate::service) fn factor(
        &self,
        account: AccountId,
        generation: u32,
    ) -> Result<Option<KeptFactor>, LogError> {
        let entry = self.newest(&factor_entry(account, generation))?;
        let spare = self.newest(&spare_codes_entry(account, generation))?;
        let entry = entry.as_ref().and_then(FactorEntry::of_secret);
        let spare = spare.as_ref().and_then(FactorEntry::spare_of_secret);
        Ok(entry.zip(spare).map(|(entry, spare)| KeptFactor { entry, spare }))
    }
}

impl Service {
    /// Takes a code over a member's session: all that descends from its authentication has given a second factor.
    pub(super) fn take_code(
        &mut self,
        id: ConnectionId,
        account: AccountId,
        code: &str,
        now: Now,
    ) -> Result<Result<WrongCodes, Refusal>, LogError> {
        let Some(prefix) = self.door.connections.get(&id).map(|connection| connection.prefix()) else {
            return Ok(Err(invalid_code(now)));
        };
        let used = self.use_code(account, prefix, code, now)?;
        if used.is_ok() {
            self.note_given(id, now);
        }
        Ok(used)
    }

    /// Uses a code of the second factor of an account. Gives the wrong codes that came before it.
    pub(super) fn use_code(
        &mut self,
        account: AccountId,
        prefix: Prefix,
        code: &str,
        now: Now,
    ) -> Result<Result<WrongCodes, Refusal>, LogError> {
        let Some(counts) = self.ledger.replica().state().second_factor(account) else {
            return Ok(Err(not_enrolled(account)));
        };
        let checked = self
            .check_code((account, counts.generation), prefix, now, |kept| check(kept, account, code, now))?;
        let (kept, used) = match checked {
            Ok(right) => right,
            Err(refusal) => return Ok(Err(refusal)),
        };
        match used {
            Used::Step(last_step) => {
                let entry = FactorEntry { last_step, ..kept.entry };
                self.secrets.bring_now(factor_entry(account, counts.generation), entry.to_secret());
            }
            Used::Spare(left) => {
                // What is put in the place of the hashes takes a page more until they are gone.
                if !self.secrets.make_room()? {
                    let sentence = "the disk is full: that the code was used cannot be kept";
                    return Ok(Err(Refusal::fail(refusal::DISK_FULL, sentence)));
                }
                let secret = FactorEntry::secret_of_spare(&left);
                self.secrets.bring_now(spare_codes_entry(account, counts.generation), secret);
            }
        }
        Ok(Ok(self.factors.guesses.good(account, prefix, now.mono)))
    }

    /// Holds a code against the second factor of an account, unless too many were wrong lately. `right` says what the code is, if
    /// it is one; a wrong one is counted.
    pub(super) fn check_code<T>(
        &mut self,
        (account, generation): (AccountId, u32),
        prefix: Prefix,
        now: Now,
        right: impl FnOnce(&KeptFactor) -> Option<T>,
    ) -> Result<Result<(KeptFactor, T), Refusal>, LogError> {
        if let Err(refused) = self.factors.guesses.may_try(account, prefix, now.mono) {
            return Ok(Err(wait(refused)));
        }
        if !self.secrets.are_here() {
            return Ok(Err(no_vault()));
        }
        let Some(kept) = self.secrets.factor(account, generation)? else {
            return Ok(Err(codes_lost(account)));
        };
        let Some(code) = right(&kept) else {
            self.factors.guesses.wrong(account, prefix, now);
            return Ok(Err(invalid_code(now)));
        };
        Ok(Ok((kept, code)))
    }
}

/// What a code is; none if it is not right, or was used before.
fn check(kept: &KeptFactor, account: AccountId, code: &str, now: Now) -> Option<Used> {
    if code.len() > CODE_CHARACTERS_MAX {
        return None;
    }
    let digits: String = code.chars().filter(|character| !character.is_whitespace()).collect();
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        let step = step_after(&kept.entry.secret, &digits, kept.entry.last_step, now)?;
        return Some(Used::Step(step));
    }
    let mut left = kept.spare.clone();
    left.spend(account.0, &SpareCode::parse(code)?).then(|| Used::Spare(Box::new(left)))
}

/// The step of a code of the telephone, if it is later than the newest one of which a code was used.
pub(super) fn step_after(secret: &Secret, digits: &str, last_step: u64, now: Now) -> Option<u64> {
    secret.step_of(digits, now.wall).filter(|step| *step > last_step)
}
