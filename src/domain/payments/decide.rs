//! The rules of money, one refusal a line, in a fixed order.

use super::memo::is_memo;
use super::pay_out::decide_pay_out;
use super::settle::{decide_revoke_cheque, decide_settle};
use super::{Command, Event, Issue, Issued, Paid, Pay, Payment, Rejection, State};
use crate::domain::{AccountId, Context, accounts};
use crate::limits::{ISSUED_MAX, PAYMENTS_MAX};

/// Decides a command of money.
///
/// # Errors
/// The [`Rejection`] of the first rule that refuses it.
pub fn decide(
    state: &State,
    accounts: &accounts::State,
    command: &Command,
    context: &Context<'_>,
) -> Result<Event, Rejection> {
    match command {
        Command::Pay(pay) => decide_pay(state, accounts, pay, context).map(Event::Paid),
        Command::Issue(issue) => decide_issue(state, accounts, issue, context).map(Event::Issued),
        Command::Settle(settle) => decide_settle(state, &settle.cheque, context).map(Event::Settled),
        Command::RevokeCheque(revoke) => {
            decide_revoke_cheque(state, revoke, context).map(Event::ChequeRevoked)
        }
        Command::PayOut(pay_out) => decide_pay_out(state, accounts, *pay_out, context).map(Event::PaidOut),
    }
}

fn decide_pay(
    state: &State,
    accounts: &accounts::State,
    pay: &Pay,
    context: &Context<'_>,
) -> Result<Paid, Rejection> {
    if pay.payments.is_empty() {
        return Err(Rejection::NoPayments);
    }
    if pay.payments.len() > PAYMENTS_MAX {
        return Err(Rejection::TooManyPayments(pay.payments.len()));
    }
    let balance = state.balance(context.author);
    let mut left = balance;
    for (element, payment) in pay.payments.iter().enumerate() {
        let amount = check_payment(accounts, element, payment, context.author)?;
        left = left.checked_sub(amount).ok_or_else(|| {
            // Neither exceeds what an i64 holds.
            let needed = (balance - left) + amount;
            Rejection::InsufficientBalance { element, balance, needed }
        })?;
    }
    Ok(Paid { balance: left })
}

fn check_payment(
    accounts: &accounts::State,
    element: usize,
    payment: &Payment,
    payer: AccountId,
) -> Result<u64, Rejection> {
    let amount = positive(payment.amount, element)?;
    if accounts.get(payment.to).is_none() {
        return Err(Rejection::InvalidPayee { element, account: payment.to });
    }
    if let Some(block) = accounts.erased_at(payment.to) {
        return Err(Rejection::ErasedPayee { element, account: payment.to, block });
    }
    if payment.to == payer {
        return Err(Rejection::SelfPayment { element });
    }
    if !is_memo(&payment.memo) {
        return Err(Rejection::InvalidMemo { element });
    }
    Ok(amount)
}

fn decide_issue(
    state: &State,
    accounts: &accounts::State,
    issue: &Issue,
    context: &Context<'_>,
) -> Result<Issued, Rejection> {
    if !accounts.is_operator(context.author) {
        return Err(Rejection::NoPermission);
    }
    let amount = positive(issue.amount, 0)?;
    if accounts.get(issue.to).is_none() {
        return Err(Rejection::InvalidUser(issue.to));
    }
    if let Some(block) = accounts.erased_at(issue.to) {
        return Err(Rejection::Erased { account: issue.to, block });
    }
    decide_grant(state, amount)?;
    // No balance exceeds what was issued, and with this amount that fits.
    Ok(Issued { balance: state.balance(issue.to) + amount })
}

/// Whether so much more money may come into being.
///
/// # Errors
/// [`Rejection::Overflow`].
pub fn decide_grant(state: &State, amount: u64) -> Result<(), Rejection> {
    let total = state.issued().checked_add(amount).filter(|total| *total <= ISSUED_MAX);
    total.map(|_| ()).ok_or(Rejection::Overflow)
}

fn positive(amount: i64, element: usize) -> Result<u64, Rejection> {
    match u64::try_from(amount) {
        Err(_) => Err(Rejection::NegativeAmount { element }),
        Ok(0) => Err(Rejection::ZeroAmount { element }),
        Ok(amount) => Ok(amount),
    }
}
