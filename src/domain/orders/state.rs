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
    let (Command::PlaceOrders(place), Event::OrdersPlaced(_)) = (command, event);
    let sell = place.orders.iter().filter(|order| order.operation == Operation::Sell).count() as u64;
    let all = place.orders.len() as u64;
    let tally = state.by_account.entry(context.author).or_default();
    tally.sell = tally.sell.saturating_add(sell);
    tally.buy = tally.buy.saturating_add(all - sell);
    state.count = state.count.saturating_add(all);
}
