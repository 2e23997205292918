//! Movements of money, whatever command makes them: what statements, bookkeeping and the balances themselves come from.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{AccountId, Domain};

/// A place where a movement of money begins or ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The ledger itself, which makes the money.
    Issued,
    /// A member's account.
    Account(AccountId),
    /// Money that a domain holds until it is decided whose it is, under a number of that domain.
    Held(Domain, u64),
}

impl Place {
    /// The account, where it is one.
    pub fn account(self) -> Option<AccountId> {
        match self {
            Place::Account(account) => Some(account),
            Place::Issued | Place::Held(..) => None,
        }
    }

    /// The number of the purchase, where it is money that is held for one.
    pub fn purchase(self) -> Option<u64> {
        match self {
            Place::Held(Domain::Shop, number) => Some(number),
            Place::Held(..) | Place::Issued | Place::Account(_) => None,
        }
    }
}

/// The kind of a movement of money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Movement {
    /// The ledger's opening grant to a new account.
    Grant,
    /// Money that an operator made.
    Issue,
    /// A payment.
    Payment,
    /// A cheque that became money.
    Settlement,
    /// Money of an erased account that an operator paid out.
    PayOut,
    /// Money that a customer paid for a purchase: the shop holds it.
    Purchase,
    /// Money for a purchase that went back to its customer.
    Refund,
    /// Money for a purchase that the till received.
    Release,
}

impl Movement {
    /// All kinds of movements.
    pub const ALL: [Movement; 8] = [
        Movement::Grant,
        Movement::Issue,
        Movement::Payment,
        Movement::Settlement,
        Movement::PayOut,
        Movement::Purchase,
        Movement::Refund,
        Movement::Release,
    ];
}

/// The stable name, in lower case.
impl fmt::Display for Movement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Movement::Grant => "grant",
            Movement::Issue => "issue",
            Movement::Payment => "payment",
            Movement::Settlement => "settlement",
            Movement::PayOut => "pay_out",
            Movement::Purchase => "purchase",
            Movement::Refund => "refund",
            Movement::Release => "release",
        })
    }
}

/// One movement of money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transfer<'a> {
    /// The kind of the movement.
    pub movement: Movement,
    /// The place that the money leaves.
    pub from: Place,
    /// The place that the money comes to.
    pub to: Place,
    /// The amount in minor units; 0 only where a command asks for less than 1, which the rules refuse.
    pub amount: u64,
    /// The memo of the payment.
    pub memo: &'a str,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Issued => f.write_str("what was issued"),
            Place::Account(account) => write!(f, "account {account}"),
            Place::Held(Domain::Shop, number) => write!(f, "what is held for purchase {number}"),
            Place::Held(domain, number) => write!(f, "what {domain:?} holds under {number}"),
        }
    }
}
