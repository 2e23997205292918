//! What may be asked of a command of membership, and what a new one has to meet beside the rules.

use super::{ClockVouched, Command, Handle, Registered, Rejection, RoleGranted, RoleRevoked};
use crate::domain::{AccountId, Declined, Fact, Signer};
use crate::limits::ISSUED_AT_FUTURE_MS_MAX;
use crate::refusal;
use crate::time::Timestamp;

impl Command {
    pub(in crate::domain) fn signer(&self) -> Signer<'_> {
        match self {
            Command::Register(register) => Signer::Itself(&register.public_key),
            Command::GrantRole(_) | Command::RevokeRole(_) | Command::VouchClock(_) => Signer::Author,
        }
    }

    /// Whoever has other roles than before authenticates again.
    pub(in crate::domain) fn ends_sessions_of(&self) -> Option<AccountId> {
        match self {
            Command::GrantRole(grant) => Some(grant.account),
            Command::RevokeRole(revoke) => Some(revoke.account),
            Command::Register(_) | Command::VouchClock(_) => None,
        }
    }

    pub(in crate::domain) fn event_bytes_max(&self) -> usize {
        match self {
            Command::Register(_) => Registered::BYTES_MAX,
            Command::GrantRole(_) => RoleGranted::BYTES_MAX,
            Command::RevokeRole(_) => RoleRevoked::BYTES_MAX,
            Command::VouchClock(_) => ClockVouched::BYTES_MAX,
        }
    }

    pub(in crate::domain) fn guard(&self, clock: Timestamp) -> Result<(), Declined> {
        match self {
            Command::Register(register) => guard_handle(&register.handle),
            Command::VouchClock(vouch) => guard_vouched(vouch.time_ms, clock),
            Command::GrantRole(_) | Command::RevokeRole(_) => Ok(()),
        }
    }
}

/// A handle without a letter could be taken for the number of an account.
fn guard_handle(handle: &str) -> Result<(), Declined> {
    let guarded = |reason| {
        let rejection = Rejection::InvalidHandle(reason);
        Declined { name: rejection.name(), sentence: rejection.to_string(), facts: rejection.facts() }
    };
    Handle::of_newcomer(handle).map(drop).map_err(guarded)
}

/// What is vouched for is the clock of this server: it measures from then on.
fn guard_vouched(time_ms: u64, clock: Timestamp) -> Result<(), Declined> {
    if time_ms.abs_diff(clock.millis()) <= ISSUED_AT_FUTURE_MS_MAX {
        return Ok(());
    }
    let vouched = Timestamp::from_millis(time_ms);
    let sentence = format!("the time vouched for is {vouched}, and the server's clock says {clock}");
    Err(Declined {
        facts: vec![(Fact::Until, clock.into())],
        ..Declined::new(refusal::CLOCK_DIFFERS, sentence)
    })
}
