//! What customers and agents are told of purchases.

use serde::{Deserialize, Serialize};

use super::{PurchaseId, PurchaseState, Step};
use crate::crypto::sealed::ScopeId;
use crate::domain::AccountId;
use crate::domain::shop::ItemId;
use crate::time::Timestamp;

/// The purchases that a question is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurchasesWanted {
    /// The account of the customer: the asker's own, or for an agent anybody's. Where there is none, an agent asks about all.
    pub customer: Option<AccountId>,
    /// The number of the first purchase that is wanted.
    pub from: PurchaseId,
}

/// Some purchases, by number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurchasePage {
    /// The purchases of this page.
    pub purchases: Vec<PurchaseFace>,
    /// The number from which to ask for the next page; none if this page is the last.
    pub next: Option<PurchaseId>,
}

/// What its customer and agents may know of a purchase.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurchaseFace {
    /// The number.
    pub purchase: PurchaseId,
    /// The account of the customer.
    pub customer: AccountId,
    /// The customer's public name.
    pub handle: String,
    /// How far it has come by now.
    pub state: PurchaseState,
    /// The moment since which it is so.
    pub since: Timestamp,
    /// The next deadline: of a confirmed purchase, to send it; of a shipped one, until it counts as received; of a received one, to
    /// return it; of a missing one, to find it.
    pub until: Option<Timestamp>,
    /// What the customer paid, in minor units.
    pub paid: u64,
    /// What of it was given back.
    pub refunded: u64,
    /// What is held for it.
    pub held: u64,
    /// The scope of its texts; none before there is a text.
    pub scope: Option<ScopeId>,
    /// What was bought.
    pub lines: Vec<LineFace>,
    /// What became of it, oldest first.
    pub steps: Vec<Step>,
}

/// One item of a purchase, with what became of its units.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineFace {
    /// The number of the item.
    pub item: ItemId,
    /// Its name.
    pub name: String,
    /// What one unit has cost, in minor units.
    pub price: u64,
    /// Units that were bought.
    pub bought: u64,
    /// Units that were cancelled before they were sent.
    pub cancelled: u64,
    /// Units that were sent.
    pub shipped: u64,
    /// Units that got lost.
    pub lost: u64,
}
