//! Keeping the stock: an agent's commands, each sent once.

use super::StockLine;
use super::input::refused;
use crate::client::ClientError;
use crate::client::link::Member;
use crate::client::payments::fetch_balance;
use crate::client::sending::{Submitted, submit_once};
use crate::domain::payments::Currency;
use crate::domain::shop::{self, LoadStock};
use crate::domain::{Command, Event};
use crate::wire::Accepted;

/// Stock that was loaded.
#[derive(Debug)]
pub struct Loaded {
    /// Units in all.
    pub units: u64,
    /// What money is called on this ledger.
    pub currency: Currency,
    /// The command.
    pub submitted: Submitted,
}

/// Has an agent's command about the stock carried out.
///
/// # Errors
/// As for [`submit_once`].
pub fn keep_stock(
    member: &mut Member,
    command: shop::Command,
    again: &mut dyn FnMut(),
) -> Result<Submitted, ClientError> {
    submit_once(member, &Command::Shop(command), None, again)
}

/// Brings the units of all these lines in, all or nothing.
///
/// # Errors
/// [`ClientError::Usage`] for a price that does not fit the currency, otherwise as for [`submit_once`]; a refusal says which
/// line it is about.
pub fn load_stock(
    member: &mut Member,
    lines: &[StockLine],
    publish: bool,
    again: &mut dyn FnMut(),
) -> Result<Loaded, ClientError> {
    let (_, currency) = fetch_balance(member)?;
    let items = lines.iter().map(|line| line.loaded(&currency)).collect::<Result<Vec<_>, _>>()?;
    // A line holds a thousand million units at most, and there are some thousand lines.
    let units = items.iter().map(|item| item.n).fold(0, u64::saturating_add);
    let load = shop::Command::LoadStock(LoadStock { items, publish });
    let submitted = keep_stock(member, load, again).map_err(|error| refused(lines, error))?;
    Ok(Loaded { units, currency, submitted })
}

/// What an acknowledgement says happened to the shop.
///
/// # Errors
/// [`ClientError::Unexpected`] when the block is not one of the shop.
pub fn event_of(accepted: &Accepted) -> Result<shop::Event, ClientError> {
    match Event::decode(&accepted.event) {
        Ok(Event::Shop(event)) => Ok(event),
        _ => Err(ClientError::other_answer()),
    }
}
