//! Items, and the buckets in which their units are.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::domain::Impossible;

/// The number of an item: 1, 2, … in the order in which items were added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ItemId(pub u64);

impl fmt::Display for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A card or a pack that the shop sells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Item {
    /// The name, as it was written when the item was added.
    pub name: String,
    /// The name in the form in which it is compared and searched ([`super::folded`]).
    pub folded: String,
    /// The price of one unit in minor units; none until somebody says one.
    pub price: Option<u64>,
    /// Whether the item is on sale. It may be so without a unit to sell.
    pub on_sale: bool,
    /// The units.
    pub buckets: Buckets,
}

/// A place where units of an item are, or from which they came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bucket {
    /// Units that agents brought in. It only grows.
    Supplied,
    /// Units that the shop bought from its customers. It only grows.
    BoughtBack,
    /// Units that anybody can buy.
    Listed,
    /// Units that are paid for and lie here.
    Allocated,
    /// Units that lie here and cannot be bought.
    Unlisted,
    /// Units that were sent to their buyers.
    Out,
    /// Units that are gone for good.
    Lost,
}

/// The numbers of units of an item. What was supplied and bought back is what the five others hold together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Buckets {
    /// Units that agents brought in.
    pub supplied: u64,
    /// Units that the shop bought from its customers.
    pub bought_back: u64,
    /// Units that anybody can buy.
    pub listed: u64,
    /// Units that are paid for and lie here.
    pub allocated: u64,
    /// Units that lie here and cannot be bought.
    pub unlisted: u64,
    /// Units that were sent to their buyers.
    pub out: u64,
    /// Units that are gone for good.
    pub lost: u64,
}

impl Buckets {
    /// Units that ever came in.
    pub fn came(&self) -> u128 {
        u128::from(self.supplied) + u128::from(self.bought_back)
    }

    /// Units in all buckets together.
    pub fn there(&self) -> u128 {
        let buckets = [self.listed, self.allocated, self.unlisted, self.out, self.lost];
        buckets.into_iter().map(u128::from).sum()
    }

    /// Takes units into a bucket, from one of the two places that they come from.
    ///
    /// # Errors
    /// [`Impossible::TooLarge`].
    pub(super) fn bring(&mut self, from: Bucket, to: Bucket, n: u64) -> Result<(), Impossible> {
        for bucket in [from, to] {
            let held = self.of(bucket);
            *held = Impossible::sum("the units of an item", *held, n)?;
        }
        Ok(())
    }

    /// Moves units from one bucket to another.
    ///
    /// # Errors
    /// [`Impossible`] when the units are not there.
    pub(super) fn shift(&mut self, from: Bucket, to: Bucket, n: u64) -> Result<(), Impossible> {
        let held = self.of(from);
        *held = held.checked_sub(n).ok_or(Impossible::NoSuch("a unit of an item"))?;
        let held = self.of(to);
        *held = Impossible::sum("the units of an item", *held, n)?;
        Ok(())
    }

    fn of(&mut self, bucket: Bucket) -> &mut u64 {
        match bucket {
            Bucket::Supplied => &mut self.supplied,
            Bucket::BoughtBack => &mut self.bought_back,
            Bucket::Listed => &mut self.listed,
            Bucket::Allocated => &mut self.allocated,
            Bucket::Unlisted => &mut self.unlisted,
            Bucket::Out => &mut self.out,
            Bucket::Lost => &mut self.lost,
        }
    }
}
