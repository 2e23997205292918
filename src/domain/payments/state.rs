//! Who has how much, and where each account's money came and went.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Command, Event, OrderId, Payment, Settle};
use crate::domain::{AccountId, Context};

/// A block that moved an account's money. What it did in detail stands in the block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Index of the block.
    pub index: u64,
    /// The account's balance after it, in minor units.
    pub balance: u64,
}

/// What became of a payment order, for ever: the index of the block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Fate {
    /// It was settled.
    Settled(u64),
    /// Its payer took it back.
    Revoked(u64),
}

/// Balances, which add up to what was issued.
#[derive(Clone, Debug, Default, Serialize)]
pub struct State {
    balances: BTreeMap<AccountId, u64>,
    issued: u64,
    entries: BTreeMap<AccountId, Vec<Entry>>,
    fates: BTreeMap<(AccountId, OrderId), Fate>,
    settlements: u64,
    revocations: u64,
}

impl State {
    /// What an account has, in minor units.
    pub fn balance(&self, account: AccountId) -> u64 {
        self.balances.get(&account).copied().unwrap_or(0)
    }

    /// All units that ever came into being.
    pub fn issued(&self) -> u64 {
        self.issued
    }

    /// The sum of all balances: what was issued, or something is wrong.
    pub fn sum(&self) -> u128 {
        self.balances.values().map(|balance| u128::from(*balance)).sum()
    }

    /// The blocks that moved an account's money, in order.
    pub fn entries(&self, account: AccountId) -> &[Entry] {
        self.entries.get(&account).map_or(&[], Vec::as_slice)
    }

    /// What became of an order of this payer's; none while it may still be settled.
    pub fn fate(&self, payer: AccountId, order: OrderId) -> Option<Fate> {
        self.fates.get(&(payer, order)).copied()
    }

    /// Orders settled so far.
    pub fn settlements(&self) -> u64 {
        self.settlements
    }

    /// Orders revoked so far.
    pub fn revocations(&self) -> u64 {
        self.revocations
    }

    /// The rules have seen to it that nothing here saturates.
    fn credit(&mut self, account: AccountId, amount: u64, index: u64) {
        let balance = self.balances.entry(account).or_default();
        *balance = balance.saturating_add(amount);
        let balance = *balance;
        self.note(account, Entry { index, balance });
    }

    fn debit(&mut self, account: AccountId, amount: u64, index: u64) {
        let balance = self.balances.entry(account).or_default();
        *balance = balance.saturating_sub(amount);
        let balance = *balance;
        self.note(account, Entry { index, balance });
    }

    fn note(&mut self, account: AccountId, entry: Entry) {
        let entries = self.entries.entry(account).or_default();
        match entries.last_mut() {
            Some(last) if last.index == entry.index => *last = entry,
            _ => entries.push(entry),
        }
    }
}

/// Moves the money of a command.
pub fn apply(state: &mut State, command: &Command, _: &Event, context: &Context) {
    let index = context.index;
    match command {
        Command::Pay(pay) => {
            for Payment { to, amount, .. } in &pay.payments {
                state.debit(context.author, amount.unsigned_abs(), index);
                state.credit(*to, amount.unsigned_abs(), index);
            }
        }
        Command::Issue(issue) => {
            state.issued = state.issued.saturating_add(issue.amount.unsigned_abs());
            state.credit(issue.to, issue.amount.unsigned_abs(), index);
        }
        Command::Settle(Settle { order, .. }) => {
            state.debit(order.payer, order.amount, index);
            state.credit(context.author, order.amount, index);
            state.fates.insert((order.payer, order.order_id), Fate::Settled(index));
            state.settlements = state.settlements.saturating_add(1);
        }
        Command::RevokeOrder(revoke) => {
            state.fates.insert((context.author, revoke.order_id), Fate::Revoked(index));
            state.revocations = state.revocations.saturating_add(1);
        }
    }
}

/// Gives a new account the ledger's opening grant.
pub fn open_account(state: &mut State, account: AccountId, grant: u64, context: &Context) {
    if grant > 0 {
        state.issued = state.issued.saturating_add(grant);
        state.credit(account, grant, context.index);
    }
}
