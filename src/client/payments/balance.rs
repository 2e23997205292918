//! What a member has, and what money is called.

use crate::client::ClientError;
use crate::client::link::Member;
use crate::domain::payments::Currency;
use crate::wire::{Balance, Reply, Request};

/// The member's balance in minor units, and the ledger's currency.
///
/// # Errors
/// [`ClientError`].
pub fn fetch_balance(member: &mut Member) -> Result<(u64, Currency), ClientError> {
    let Reply::Balance(Balance { balance, currency, scale }) = member.ask(&Request::Balance, &mut |_| ())?
    else {
        return Err(ClientError::unexpected_reply());
    };
    let name = Currency::checked_name(&currency).ok_or_else(ClientError::unexpected_reply)?;
    let scale = Currency::checked_scale(scale).ok_or_else(ClientError::unexpected_reply)?;
    Ok((balance, Currency { name, scale }))
}
