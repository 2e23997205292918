//! All purchases as replay yields them.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Purchase, PurchaseId, PurchaseState};
use crate::domain::AccountId;
use crate::domain::shop::ItemId;

/// All purchases.
#[derive(Clone, Debug, Default, Serialize)]
pub struct State {
    /// Number 1 is the first.
    purchases: Vec<Purchase>,
    by_customer: BTreeMap<AccountId, Vec<PurchaseId>>,
}

impl State {
    /// A purchase.
    pub fn get(&self, purchase: PurchaseId) -> Option<&Purchase> {
        self.purchases.get(place_of(purchase)?)
    }

    /// Number of purchases.
    pub fn count(&self) -> u64 {
        self.purchases.len() as u64
    }

    /// The number that the next purchase gets.
    pub fn next(&self) -> PurchaseId {
        PurchaseId(self.count() + 1)
    }

    /// All purchases from a number on, each with its number.
    pub fn from(&self, from: PurchaseId) -> impl Iterator<Item = (PurchaseId, &Purchase)> {
        let first = from.0.max(1);
        let place = usize::try_from(first - 1).unwrap_or(usize::MAX);
        let purchases = self.purchases.get(place..).unwrap_or_default();
        purchases.iter().zip(first..).map(|(purchase, number)| (PurchaseId(number), purchase))
    }

    /// The purchases of a customer from a number on, each with its number.
    pub fn of(&self, customer: AccountId, from: PurchaseId) -> impl Iterator<Item = (PurchaseId, &Purchase)> {
        let numbers = self.by_customer.get(&customer).map_or(&[][..], Vec::as_slice);
        let first = numbers.partition_point(|number| *number < from);
        let numbers = numbers.get(first..).unwrap_or_default();
        numbers.iter().filter_map(|number| Some((*number, self.get(*number)?)))
    }

    /// The purchases of a customer that are paid and were not sent, each with what is held for it.
    pub(in crate::domain) fn unsent_of(&self, customer: AccountId) -> impl Iterator<Item = (u64, u64)> {
        let unsent = |purchase: &Purchase| {
            matches!(purchase.signed_stage().state, PurchaseState::Paid | PurchaseState::Confirmed)
        };
        let own = self.of(customer, PurchaseId(1));
        own.filter(move |(_, purchase)| unsent(purchase))
            .map(|(number, purchase)| (number.0, purchase.held()))
    }

    /// How many purchases of a customer hold money.
    pub fn open_of(&self, customer: AccountId) -> u64 {
        self.of(customer, PurchaseId(1)).filter(|(_, purchase)| purchase.held() > 0).count() as u64
    }

    /// The units of each item that wait in purchases to be sent, and those that are with their buyers or on their way.
    pub(in crate::domain::shop) fn units(&self) -> BTreeMap<ItemId, (u64, u64)> {
        let mut units: BTreeMap<ItemId, (u64, u64)> = BTreeMap::new();
        for line in self.purchases.iter().flat_map(|purchase| &purchase.lines) {
            let (allocated, out) = units.entry(line.item).or_default();
            *allocated = allocated.saturating_add(line.allocated());
            *out = out.saturating_add(line.out());
        }
        units
    }

    pub(in crate::domain::shop) fn get_mut(&mut self, purchase: PurchaseId) -> Option<&mut Purchase> {
        self.purchases.get_mut(place_of(purchase)?)
    }

    pub(in crate::domain::shop) fn push(&mut self, purchase: Purchase) {
        let number = self.next();
        self.by_customer.entry(purchase.customer).or_default().push(number);
        self.purchases.push(purchase);
    }
}

fn place_of(purchase: PurchaseId) -> Option<usize> {
    usize::try_from(purchase.0.checked_sub(1)?).ok()
}
