//! Paying out what an erased account has, for operators.

use super::balance::fetch_balance;
use super::input::Wanted;
use super::paying::Payee;
use crate::client::ClientError;
use crate::client::accounts::{User, find_member};
use crate::client::link::Member;
use crate::client::proofs::Registrant;
use crate::client::sending::{Submitted, submit_once};
use crate::domain::payments::{self, Currency, Event as MoneyEvent, PayOut, PayOutReason};
use crate::domain::{Command, Event};
use crate::wire::Accepted;

/// Money of an erased account that was paid out.
#[derive(Debug)]
pub struct PaidOut {
    /// The erased account, under the handle that it keeps.
    pub from: Payee,
    /// The receiver.
    pub to: Payee,
    /// The amount in minor units.
    pub amount: u64,
    /// The name and the decimals of money on this ledger.
    pub currency: Currency,
    /// The command.
    pub submitted: Submitted,
}

/// Gives money of an erased account to a member. `again` is called when an earlier run sent the same command and did not
/// tell its outcome.
///
/// # Errors
/// [`ClientError::Usage`] for an amount that does not fit the currency, otherwise as for [`submit_once`].
pub fn pay_out(
    member: &mut Member,
    from: &User,
    wanted: &Wanted,
    reason: PayOutReason,
    again: &mut dyn FnMut(),
) -> Result<PaidOut, ClientError> {
    let (_, currency) = fetch_balance(member)?;
    let amount = wanted.amount(&currency)?.unsigned_abs();
    let [from, to] = [find(member, from)?, find(member, &wanted.to)?];
    let pay_out = PayOut { account: from.account, to: to.account, amount, reason };
    let command = Command::Payments(payments::Command::PayOut(pay_out));
    let submitted = submit_once(member, &command, None, again)?;
    Ok(PaidOut { from, to, amount, currency, submitted })
}

fn find(member: &mut Member, user: &User) -> Result<Payee, ClientError> {
    let Registrant { account, handle, .. } = find_member(member, user)?;
    Ok(Payee { account, handle })
}

/// The receiver's balance after a pay-out.
///
/// # Errors
/// [`ClientError::Unexpected`] when the block is not one of a pay-out.
pub fn balance_after_paying_out(accepted: &Accepted) -> Result<u64, ClientError> {
    match Event::decode(&accepted.event) {
        Ok(Event::Payments(MoneyEvent::PaidOut(paid_out))) => Ok(paid_out.balance),
        _ => Err(ClientError::other_answer()),
    }
}
