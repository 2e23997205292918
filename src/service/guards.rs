//! The guards of a command, in their order. A guard sees what stands in no block: codes, opened texts, what comes beside a command.
//! It is asked directly before the rules, and its word is the server's: no audit can repeat it.

use super::Service;
use super::factors::BroughtFactor;
use super::job::CommandCheck;
use super::passwords::BroughtCredential;
use crate::domain::{AccountId, Command};
use crate::eventlog::LogError;
use crate::time::Now;
use crate::wire::Refusal;

/// What a command brings for the vault.
pub(super) struct Brought {
    pub(super) credential: Option<BroughtCredential>,
    pub(super) factor: Option<BroughtFactor>,
}

impl Service {
    /// The guards of a command: its form, its second factor, its sealed texts, its password. Gives what it brings for the vault.
    pub(super) fn guard_command(
        &mut self,
        check: &CommandCheck,
        command: &Command,
        author: AccountId,
        now: Now,
    ) -> Result<Result<Brought, Refusal>, LogError> {
        if let Err(guarded) = command.guard(now.wall) {
            return Ok(Err(Refusal::from(guarded)));
        }
        if let Some(needed) = self.factor_for_command(check.connection, (command, author), now) {
            return Ok(Err(needed));
        }
        let factor = match self.guard_brought_factor(check, command, author, now)? {
            Ok(factor) => factor,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let e_mail = match self.guard_sealed(check)? {
            Ok(e_mail) => e_mail,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let credential = self.guard_credential(check, command, author, e_mail)?;
        Ok(credential.map(|credential| Brought { credential, factor }))
    }
}
