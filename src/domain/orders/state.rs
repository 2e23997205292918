//! What the ledger remembers of orders: the orders themselves stand in the log.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Happened, Operation};
use crate::domain::{AccountId, Context, Impossible, Value};

/// How many orders somebody placed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Orders to buy.
    pub buy: u64,
    /// Orders to sell.
    pub sell: u64,
}

/// Orders, counted.
#[derive(Clone, Debug, Default, Serialize)]
pub struct State {
    count: u64,
    by_account: BTreeMap<AccountId, Tally>,
}

impl State {
    /// Orders in the ledger; also the number of the next one.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The orders of one account.
    pub fn tally(&self, account: AccountId) -> Tally {
        self.by_account.get(&account).copied().unwrap_or_default()
    }

    /// What an account may know of its orders, by name.
    pub(in crate::domain) fn visit_account(
        &self,
        account: AccountId,
        each: &mut dyn FnMut(&'static str, Value),
    ) {
        let Tally { buy, sell } = self.tally(account);
        each("orders_buy", buy.into());
        each("orders_sell", sell.into());
    }
}

/// Counts the orders of a command.
///
/// # Errors
/// [`Impossible`] when the event says something else than follows; the state is of no use then.
pub fn apply(state: &mut State, happened: &Happened, context: &Context<'_>) -> Result<(), Impossible> {
    let ((all, sell), placed) = match happened {
        Happened::OrdersPlaced(place, placed) => {
            (count(place.orders.iter().map(|order| order.operation)), placed)
        }
        Happened::OrdersPlacedV1(place, placed) => {
            (count(place.orders.iter().map(|order| order.operation)), placed)
        }
    };
    Impossible::unless_equal("first_order", placed.first_order, state.count)?;
    state.count = Impossible::sum("the number of orders", state.count, all)?;
    // No tally exceeds the number of all orders.
    let tally = state.by_account.entry(context.author).or_default();
    tally.sell += sell;
    tally.buy += all - sell;
    Ok(())
}

/// How many there are, and how many of them sell.
fn count(operations: impl Iterator<Item = Operation>) -> (u64, u64) {
    operations
        .fold((0, 0), |(all, sell), operation| (all + 1, sell + u64::from(operation == Operation::Sell)))
}
