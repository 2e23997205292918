//! What new commands have to meet beside the rules. A rule is part of the format: what it once allowed stays allowed
//! in every replay and audit. A guard is asked of new commands only, after everything else and directly before the
//! rules, so that it may become stricter; what is in the log already is none of its business.
//!
//! A guard's refusal holds for the very copy of a command that it met: the same command may be issued anew.

use crate::domain::Command;
use crate::domain::accounts::{self, Handle};
use crate::domain::payments::{self, Pay, Settle};
use crate::limits::ISSUED_AT_FUTURE_MS_MAX;
use crate::text;
use crate::time::Timestamp;
use crate::wire::Refusal;

/// Asks every guard.
///
/// # Errors
/// The refusal of the first guard that the command does not pass.
pub(super) fn check(command: &Command, clock: Timestamp) -> Result<(), Refusal> {
    match command {
        Command::Payments(payments::Command::Pay(Pay { payments })) => {
            (1..).zip(payments).try_for_each(|(number, payment)| {
                let checked = check_memo(&format_args!("payment {number}: "), &payment.memo);
                checked.map_err(|refusal| refusal.about(Some(number)))
            })
        }
        Command::Payments(payments::Command::Settle(Settle { order, .. })) => {
            check_memo(&format_args!("payment order: "), &order.memo)
        }
        Command::Accounts(accounts::Command::Register(register)) => check_handle(&register.handle),
        Command::Accounts(accounts::Command::VouchClock(vouch)) => check_vouched(vouch.time_ms, clock),
        Command::Payments(payments::Command::Issue(_) | payments::Command::RevokeOrder(_))
        | Command::Accounts(accounts::Command::GrantRole(_) | accounts::Command::RevokeRole(_))
        | Command::Orders(_) => Ok(()),
    }
}

/// What is vouched for is the clock of this server: it measures from then on.
fn check_vouched(time_ms: u64, clock: Timestamp) -> Result<(), Refusal> {
    if time_ms.abs_diff(clock.millis()) <= ISSUED_AT_FUTURE_MS_MAX {
        return Ok(());
    }
    let vouched = Timestamp::from_millis(time_ms);
    let text = format!("the time vouched for is {vouched}, and the server's clock says {clock}");
    Err(Refusal::fail("clock_differs", text))
}

/// A handle without a letter could be taken for the number of an account.
fn check_handle(handle: &str) -> Result<(), Refusal> {
    let rejection = |reason| {
        let rejection = accounts::Rejection::InvalidHandle(reason);
        Refusal::fail(rejection.name(), rejection)
    };
    Handle::of_newcomer(handle).map(drop).map_err(rejection)
}

/// A memo stays readable for ever, and says to everybody the same.
fn check_memo(place: &dyn std::fmt::Display, memo: &str) -> Result<(), Refusal> {
    match text::first_hidden(memo) {
        None => Ok(()),
        Some(c) => {
            let text = format!("{place}the memo holds {}, which nobody can see", text::name(c));
            Err(Refusal::fail("invalid_memo", text))
        }
    }
}
