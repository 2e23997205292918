//! A payment as it was typed, and what it means on the ledger.

use super::balance::fetch_balance;
use crate::cli::context::Context;
use crate::cli::session::{Session, open_member};
use crate::client::{ClientError, Registrant, find_member, payments_input};
use crate::domain::payments::Currency;

/// Whom somebody wants to pay, proven by the ledger, and what.
pub(in crate::cli) struct Wanted {
    pub(in crate::cli) payee: Registrant,
    pub(in crate::cli) amount: u64,
    pub(in crate::cli) memo: String,
    pub(in crate::cli) currency: Currency,
}

/// Opens the session, once what was typed makes sense, and looks up what it means on this ledger.
pub(in crate::cli) fn open_for<'a>(
    context: &'a Context,
    user: &str,
    amount: &str,
    memo: &Option<String>,
) -> Result<(Session<'a>, Wanted), ClientError> {
    let typed = payments_input::one(user, amount, memo.as_deref().unwrap_or_default())?;
    let mut member = open_member(context)?;
    let (_, currency) = fetch_balance(&mut member)?;
    let amount = typed.amount(&currency)?.unsigned_abs();
    let payee = find_member(&mut member, &typed.to)?;
    Ok((member, Wanted { payee, amount, memo: typed.memo, currency }))
}
