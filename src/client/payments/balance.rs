//! What a member has, and what money is called.

use super::question;
use crate::client::ClientError;
use crate::client::link::Member;
use crate::domain::payments::{Balance, Currency};

/// The member's balance in minor units, and the ledger's currency.
///
/// # Errors
/// [`ClientError`].
pub fn fetch_balance(member: &mut Member) -> Result<(u64, Currency), ClientError> {
    let Balance { balance, currency, scale } = member.ask(&question::Balance)?;
    let name = Currency::checked_name(&currency).ok_or_else(ClientError::other_answer)?;
    let scale = Currency::checked_scale(scale).ok_or_else(ClientError::other_answer)?;
    Ok((balance, Currency { name, scale }))
}
