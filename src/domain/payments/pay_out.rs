//! The rules of paying out what an erased account has, one refusal a line, in a fixed order.

use super::{PaidOut, PayOut, Rejection, State};
use crate::domain::{AccountId, Context, accounts};
use crate::limits::{ISSUED_MAX, PAY_OUT_WAIT_MICROS};

/// Decides whether money leaves an erased account. Nothing else moves such money.
pub(super) fn decide_pay_out(
    state: &State,
    accounts: &accounts::State,
    pay_out: PayOut,
    context: &Context<'_>,
) -> Result<PaidOut, Rejection> {
    let PayOut { account, to, amount, reason: _ } = pay_out;
    if !accounts.is_operator(context.author) {
        return Err(Rejection::MayNotPayOut);
    }
    check_member(accounts, account)?;
    check_member(accounts, to)?;
    if let Some(block) = accounts.erased_at(to) {
        return Err(Rejection::Erased { account: to, block });
    }
    let erasure = accounts.erasure(account).ok_or(Rejection::NotErased(account))?;
    let until = erasure.time.plus_micros(PAY_OUT_WAIT_MICROS);
    if context.timestamp < until {
        return Err(Rejection::TooEarly { account, block: erasure.block, until });
    }
    if amount == 0 {
        return Err(Rejection::ZeroAmount { element: 0 });
    }
    let balance = state.balance(account);
    if balance < amount {
        return Err(Rejection::InsufficientBalance { element: 0, balance, needed: amount });
    }
    // While all balances add up to what was issued, no sum of two of them is too large.
    let sum = state.balance(to).checked_add(amount).filter(|sum| *sum <= ISSUED_MAX);
    Ok(PaidOut { balance: sum.ok_or(Rejection::Overflow)? })
}

fn check_member(accounts: &accounts::State, account: AccountId) -> Result<(), Rejection> {
    accounts.get(account).map(|_| ()).ok_or(Rejection::InvalidUser(account))
}
