//! What new commands have to meet beside the rules. A rule is part of the format: what it once allowed stays allowed
//! in every replay and audit. A guard is asked of new commands only, after everything else and directly before the
//! rules, so that it may become stricter; what is in the log already is none of its business.
//!
//! A guard's refusal holds for the very copy of a command that it met: the same command may be issued anew.

use crate::domain::Command;
use crate::domain::payments::{self, Pay, Settle};
use crate::text;
use crate::wire::Refusal;

/// Asks every guard.
///
/// # Errors
/// The refusal of the first guard that the command does not pass.
pub(super) fn check(command: &Command) -> Result<(), Refusal> {
    match command {
        Command::Payments(payments::Command::Pay(Pay { payments })) => (1..)
            .zip(payments)
            .try_for_each(|(number, payment)| check_memo(&format_args!("payment {number}: "), &payment.memo)),
        Command::Payments(payments::Command::Settle(Settle { order, .. })) => {
            check_memo(&format_args!("payment order: "), &order.memo)
        }
        Command::Payments(payments::Command::Issue(_) | payments::Command::RevokeOrder(_))
        | Command::Accounts(_)
        | Command::Orders(_) => Ok(()),
    }
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
