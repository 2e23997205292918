//! A payment as it was typed, and what it means on the ledger.

use crate::cli::context::Context;
use crate::cli::session::{Session, open_member};
use crate::client::{ClientError, Draft, payments_input};
use crate::domain::payments::Currency;

/// Opens the session, once what was typed makes sense, and looks up what it means on this ledger.
pub(in crate::cli) fn open_for<'a>(
    context: &'a Context,
    user: &str,
    amount: &str,
    memo: &Option<String>,
) -> Result<(Session<'a>, Draft, Currency), ClientError> {
    let typed = payments_input::one(user, amount, memo.as_deref().unwrap_or_default())?;
    let mut member = open_member(context)?;
    let (draft, currency) = Draft::look_up(&mut member, typed)?;
    Ok((member, draft, currency))
}
