//! What a block did to money, one movement after the other: what statements and bookkeeping are made of.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Command, Payment, Settle};
use crate::domain::AccountId;

/// What moves money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Movement {
    /// The ledger's opening grant.
    Grant,
    /// An operator made it.
    Issue,
    /// A payment.
    Payment,
    /// A payment order that became money.
    Settlement,
}

impl Movement {
    /// All of them.
    pub const ALL: [Movement; 4] =
        [Movement::Grant, Movement::Issue, Movement::Payment, Movement::Settlement];
}

/// The stable name, in lower case.
impl fmt::Display for Movement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Movement::Grant => "grant",
            Movement::Issue => "issue",
            Movement::Payment => "payment",
            Movement::Settlement => "settlement",
        })
    }
}

/// One movement of money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// What it was.
    pub movement: Movement,
    /// Whose money it was; none where it came into being.
    pub from: Option<AccountId>,
    /// Whose it is now.
    pub to: AccountId,
    /// Minor units.
    pub amount: u64,
    /// What it was for.
    pub memo: String,
}

impl Transfer {
    /// What a new account received.
    pub fn of_grant(account: AccountId, amount: u64) -> Transfer {
        Transfer { movement: Movement::Grant, from: None, to: account, amount, memo: String::new() }
    }
}

/// The movements of an accepted command, in its own order.
pub fn transfers(author: AccountId, command: Command) -> Vec<Transfer> {
    let one = |movement, from, to, amount, memo| Transfer { movement, from, to, amount, memo };
    match command {
        Command::Pay(pay) => {
            let moved = |Payment { to, amount, memo }| {
                one(Movement::Payment, Some(author), to, amount.unsigned_abs(), memo)
            };
            pay.payments.into_iter().map(moved).collect()
        }
        Command::Issue(issue) => {
            vec![one(Movement::Issue, None, issue.to, issue.amount.unsigned_abs(), String::new())]
        }
        Command::Settle(Settle { order, .. }) => {
            vec![one(Movement::Settlement, Some(order.payer), order.payee, order.amount, order.memo)]
        }
        Command::RevokeOrder(_) => Vec::new(),
    }
}
