//! A purchase as replay yields it, and how far it has come at a moment.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::domain::AccountId;
use crate::domain::numbered::numbered;
use crate::domain::shop::{ItemId, Setting, Terms};
use crate::time::Timestamp;

/// The number of a purchase: 1, 2, … in the order of their blocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PurchaseId(pub u64);

impl fmt::Display for PurchaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

numbered! {
    /// How far a purchase has come. Nothing leads out of the last three.
    pub enum PurchaseState("state of a purchase") {
        /// It is paid, and may not be sent yet.
        Paid = 0 "paid",
        /// The customer has said that it may be sent.
        Confirmed = 1 "confirmed",
        /// It was sent.
        Shipped = 2 "shipped",
        /// It has arrived, by the customer's word or because nobody said otherwise in time.
        Received = 3 "received",
        /// It was sent, and the customer has said that it did not arrive.
        Missing = 4 "missing",
        /// No unit is left to be sent.
        Cancelled = 5 "cancelled",
        /// It got lost, and was paid back.
        Closed = 6 "closed",
        /// Nothing is held for it any more.
        Completed = 7 "completed",
    }
}

/// A purchase.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Purchase {
    /// The account of the customer.
    pub customer: AccountId,
    /// The number of the settings that hold for it.
    pub settings: u64,
    /// What was bought.
    pub lines: Vec<Line>,
    /// The states that it has come to, oldest first; the first is that it was paid. There are few of them, because nothing leads
    /// back but a parcel that is found, which happens once.
    pub steps: Vec<Step>,
    /// Whether it was missing, and was found: that happens once.
    pub found: bool,
    /// What the customer paid, in minor units.
    pub paid: u64,
    /// What of it was given back.
    pub refunded: u64,
    /// What of it the till has received.
    pub released: u64,
}

/// One item of a purchase, with what became of its units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// The item.
    pub item: ItemId,
    /// What one unit has cost, in minor units.
    pub price: u64,
    /// Units that were bought.
    pub bought: u64,
    /// Units that were cancelled before they were sent.
    pub cancelled: u64,
    /// Units that were sent.
    pub shipped: u64,
    /// Units that got lost, and were paid back.
    pub lost: u64,
}

/// A step that a purchase has taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The state to which it led.
    pub state: PurchaseState,
    /// The moment.
    pub time: Timestamp,
    /// The index of the block; none where a deadline has passed, which stands in no block.
    pub block: Option<u64>,
}

/// How far a purchase has come at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stage {
    /// The state.
    pub state: PurchaseState,
    /// The moment at which it came to be so.
    pub since: Timestamp,
}

impl Line {
    /// Units that wait to be sent.
    pub fn allocated(&self) -> u64 {
        self.bought.saturating_sub(self.cancelled).saturating_sub(self.shipped)
    }

    /// Units that are with the customer, or on their way.
    pub fn out(&self) -> u64 {
        self.shipped.saturating_sub(self.lost)
    }
}

impl Purchase {
    /// What is held for it, in minor units.
    pub fn held(&self) -> u64 {
        self.paid.saturating_sub(self.refunded).saturating_sub(self.released)
    }

    /// Units that wait to be sent.
    pub fn allocated(&self) -> u64 {
        self.lines.iter().map(Line::allocated).fold(0, u64::saturating_add)
    }

    /// Its line of an item.
    pub fn line(&self, item: ItemId) -> Option<&Line> {
        self.lines.iter().find(|line| line.item == item)
    }

    /// The stage to which blocks have led.
    pub(in crate::domain::shop) fn signed_stage(&self) -> Stage {
        let paid = Stage { state: PurchaseState::Paid, since: Timestamp::default() };
        self.steps.last().map_or(paid, |step| Stage { state: step.state, since: step.time })
    }

    /// The stage at a moment, which a deadline may have changed since the last block.
    pub(in crate::domain::shop) fn stage(&self, terms: &Terms<'_>, now: Timestamp) -> Stage {
        let signed = self.signed_stage();
        let received = terms.after(signed.since, Setting::DeemedReceived);
        match signed.state {
            PurchaseState::Shipped if now >= received => {
                Stage { state: PurchaseState::Received, since: received }
            }
            _ => signed,
        }
    }

    /// The next deadline of a purchase at a stage: what it means depends on the state. None where none runs.
    pub(in crate::domain::shop) fn deadline(&self, terms: &Terms<'_>, stage: Stage) -> Option<Timestamp> {
        let setting = match stage.state {
            PurchaseState::Confirmed | PurchaseState::Missing => Setting::ShipBy,
            PurchaseState::Shipped => Setting::DeemedReceived,
            PurchaseState::Received => Setting::ReturnWindow,
            PurchaseState::Paid
            | PurchaseState::Cancelled
            | PurchaseState::Closed
            | PurchaseState::Completed => return None,
        };
        Some(terms.after(stage.since, setting))
    }
}
