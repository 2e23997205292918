//! Money counted a second time, from the blocks alone and with other arithmetic than the ledger's.

use std::collections::{BTreeMap, BTreeSet};

use ledgerd::chain::{Block, Message};
use ledgerd::domain::payments::{OrderId, Settle};
use ledgerd::domain::{AccountId, Command, State, payments};

/// What everybody has after some blocks.
#[derive(Default)]
pub(super) struct Money {
    balances: BTreeMap<AccountId, i128>,
    issued: i128,
    settled: BTreeSet<(AccountId, OrderId)>,
}

impl Money {
    /// Follows one more block, after which the ledger says `state`.
    pub(super) fn follow(&mut self, bytes: &[u8], state: &State) -> Result<(), String> {
        let block = Block::parse(bytes).map_err(|error| error.to_string())?;
        let message = Message::parse(block.message).map_err(|error| error.to_string())?;
        let command = Command::decode(message.header.tag, message.body).map_err(|error| error.to_string())?;
        match command {
            Command::Accounts(_) => {
                let grant = i128::from(state.settings.opening_grant);
                self.issued += grant;
                *self.balances.entry(AccountId(state.accounts.count())).or_default() += grant;
            }
            Command::Payments(payments::Command::Pay(pay)) => {
                for payment in pay.payments {
                    self.move_from(block.author, payment.to, i128::from(payment.amount));
                }
            }
            Command::Payments(payments::Command::Settle(Settle { order, .. })) => {
                if !self.settled.insert((order.payer, order.order_id)) {
                    return Err(format!("block {} settles an order for the second time", block.index));
                }
                self.move_from(order.payer, order.payee, i128::from(order.amount));
            }
            _ => {}
        }
        let same = self.balances.iter().all(|(account, balance)| {
            *balance >= 0 && *balance == i128::from(state.payments.balance(*account))
        });
        let conserved = self.balances.values().sum::<i128>() == self.issued;
        if same && conserved {
            Ok(())
        } else {
            Err(format!("block {}: {:?} of {} issued", block.index, self.balances, self.issued))
        }
    }

    fn move_from(&mut self, from: AccountId, to: AccountId, amount: i128) {
        *self.balances.entry(from).or_default() -= amount;
        *self.balances.entry(to).or_default() += amount;
    }
}
