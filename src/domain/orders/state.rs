//! What the ledger remembers of orders: the orders themselves stand in the log.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Command, Event, Operation};
use crate::domain::{AccountId, Context};

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
}

/// Counts the orders of a command.
pub fn apply(state: &mut State, command: &Command, event: &Event, context: &Context) {
    let Event::OrdersPlaced(_) = event;
    let (all, sell) = match command {
        Command::PlaceOrders(place) => count(place.orders.iter().map(|order| order.operation)),
        Command::PlaceOrdersV1(place) => count(place.orders.iter().map(|order| order.operation)),
    };
    let tally = state.by_account.entry(context.author).or_default();
    tally.sell = tally.sell.saturating_add(sell);
    tally.buy = tally.buy.saturating_add(all - sell);
    state.count = state.count.saturating_add(all);
}

/// How many there are, and how many of them sell.
fn count(operations: impl Iterator<Item = Operation>) -> (u64, u64) {
    operations
        .fold((0, 0), |(all, sell), operation| (all + 1, sell + u64::from(operation == Operation::Sell)))
}
