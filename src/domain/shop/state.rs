//! The shop as replay yields it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::purchases::PurchaseId;
use super::{Bucket, Buckets, Item, ItemId, LoadedItem, Rejection, Settings, Terms, folded, purchases};
use crate::domain::{
    self, AccountId, Domain, Hindrance, Impossible, Place, Unbalanced, Uncounted, Units, payments,
};
use crate::limits::ERASED_PURCHASES_MAX;

/// The account that is the till.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Till {
    /// The account.
    pub account: AccountId,
    /// The index of the block that made it the till.
    pub since: u64,
}

/// The shop: its till, its settings, its stock and what was bought of it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct State {
    /// All settings that the shop ever had, by number. None before somebody opens it.
    pub(super) settings: Vec<Settings>,
    pub(super) till: Option<Till>,
    /// The items; number 1 is the first.
    items: Vec<Item>,
    by_name: BTreeMap<String, ItemId>,
    purchases: purchases::State,
}

impl State {
    /// Whether somebody has opened the shop.
    pub fn is_open(&self) -> bool {
        !self.settings.is_empty()
    }

    /// The settings that hold now; none before the shop is open.
    pub fn settings(&self) -> Option<&Settings> {
        self.settings.last()
    }

    /// How often settings were said, which is the number of the next ones.
    pub fn settings_count(&self) -> u64 {
        self.settings.len() as u64
    }

    /// The settings under which a purchase was made, by their number.
    pub fn terms(&self, settings: u64) -> Terms<'_> {
        Terms::new(usize::try_from(settings).ok().and_then(|place| self.settings.get(place)))
    }

    /// The till; none where there is none.
    pub fn till(&self) -> Option<Till> {
        self.till
    }

    /// Whether an account is the till.
    pub fn is_till(&self, account: AccountId) -> bool {
        self.till.is_some_and(|till| till.account == account)
    }

    /// Whether an account has anything open with the shop, so that it can be neither an agent nor the till.
    pub(super) fn has_open_business(&self, account: AccountId) -> bool {
        self.purchases.open_of(account) > 0
    }

    /// What was bought.
    pub fn purchases(&self) -> &purchases::State {
        &self.purchases
    }

    /// An item.
    pub fn item(&self, item: ItemId) -> Option<&Item> {
        let place = usize::try_from(item.0.checked_sub(1)?).ok()?;
        self.items.get(place)
    }

    /// The item with this name, in its folded form ([`folded`]).
    pub fn by_name(&self, folded: &str) -> Option<ItemId> {
        self.by_name.get(folded).copied()
    }

    /// The items from a number on, each with its number.
    pub fn items_from(&self, from: ItemId) -> impl Iterator<Item = (ItemId, &Item)> {
        let first = from.0.max(1);
        let place = usize::try_from(first - 1).unwrap_or(usize::MAX);
        let items = self.items.get(place..).unwrap_or_default();
        // The items come first: behind the last of them no further number is asked for, of which there may be none.
        items.iter().zip(first..).map(|(item, number)| (ItemId(number), item))
    }

    /// Number of items.
    pub fn items_count(&self) -> u64 {
        self.items.len() as u64
    }

    /// The number that the next item gets.
    pub fn next_item(&self) -> ItemId {
        ItemId(self.items_count() + 1)
    }

    /// Visits the counts of this state, by name.
    pub(in crate::domain) fn totals(&self, each: &mut dyn FnMut(&'static str, u64)) {
        each("items", self.items_count());
        each("purchases", self.purchases.count());
    }

    /// Whether every unit that came in is in a bucket of its item, and the units of purchases are in the buckets for them.
    ///
    /// # Errors
    /// [`Uncounted`], the first item of which this is not so.
    pub(in crate::domain) fn conserved(&self) -> Result<(), Uncounted> {
        let units = self.purchases.units();
        let sums = self.items_from(ItemId(1)).flat_map(|(item, held)| {
            let (allocated, out) = units.get(&item).copied().unwrap_or_default();
            let count = |of, there: u128, counted: u128| Uncounted { item: item.0, of, there, counted };
            let buckets = held.buckets;
            [
                count(Units::All, buckets.there(), buckets.came()),
                count(Units::Allocated, buckets.allocated.into(), allocated.into()),
                count(Units::Out, buckets.out.into(), out.into()),
            ]
        });
        let mut wrong = sums.filter(|sums| sums.there != sums.counted);
        wrong.next().map_or(Ok(()), Err)
    }

    /// The hindrance to erasing the account that is the till, or one for which money is held. The till is no customer.
    pub(in crate::domain) fn hinders_erasure(&self, account: AccountId) -> Option<Hindrance> {
        let open = self.purchases.open_of(account);
        let (rejection, lifted_by_force) = if self.is_till(account) {
            (Rejection::IsTill(account), false)
        } else if open > 0 {
            // One block says what was given back for each, and has no room for more.
            let unsent = self.purchases.unsent_of(account).take(ERASED_PURCHASES_MAX + 1).count();
            (Rejection::OpenPurchases { account, open }, unsent <= ERASED_PURCHASES_MAX)
        } else {
            return None;
        };
        Some(Hindrance { rejection: domain::Rejection::Shop(rejection), lifted_by_force })
    }

    /// Whether what is held for each purchase is what the purchase counts.
    ///
    /// # Errors
    /// [`Unbalanced::Held`], the first of which this is not so.
    pub(in crate::domain) fn held_is_counted(&self, payments: &payments::State) -> Result<(), Unbalanced> {
        let sums = self.purchases.from(PurchaseId(1)).map(|(number, purchase)| {
            let place = Place::Held(Domain::Shop, number.0);
            (place, payments.held(Domain::Shop, number.0), purchase.held())
        });
        let mut wrong = sums.filter(|(_, held, counted)| held != counted);
        let unbalanced = |(place, held, counted)| Err(Unbalanced::Held { place, held, counted });
        wrong.next().map_or(Ok(()), unbalanced)
    }

    pub(super) fn purchases_mut(&mut self) -> &mut purchases::State {
        &mut self.purchases
    }

    pub(super) fn item_mut(&mut self, item: ItemId) -> Result<&mut Item, Impossible> {
        let place = item.0.checked_sub(1).and_then(|place| usize::try_from(place).ok());
        place.and_then(|place| self.items.get_mut(place)).ok_or(Impossible::NoSuch("an item"))
    }

    /// Adds an item with this name, of which `folded` is the folded form.
    pub(super) fn add_item(
        &mut self,
        name: &str,
        folded: String,
        price: Option<u64>,
    ) -> Result<ItemId, Impossible> {
        let item = self.next_item();
        let other = self.by_name.insert(folded.clone(), item);
        Impossible::unless(other.is_none(), Impossible::Twice("the name of an item"))?;
        let (name, buckets) = (name.to_owned(), Buckets::default());
        self.items.push(Item { name, folded, price, on_sale: false, buckets });
        Ok(item)
    }

    pub(super) fn load(&mut self, line: &LoadedItem, publish: bool) -> Result<(), Impossible> {
        let folded = folded(&line.name);
        let item = match self.by_name(&folded) {
            Some(item) => item,
            None => self.add_item(&line.name, folded, None)?,
        };
        let item = self.item_mut(item)?;
        item.price = line.price.or(item.price);
        item.buckets.bring(Bucket::Supplied, Bucket::Unlisted, line.n)?;
        if publish { item.publish(line.n) } else { Ok(()) }
    }
}

impl Item {
    /// Takes units back that were paid for: they are on sale again if the item is.
    pub(super) fn take_back(&mut self, from: Bucket, n: u64) -> Result<(), Impossible> {
        self.buckets.shift(from, if self.on_sale { Bucket::Listed } else { Bucket::Unlisted }, n)
    }

    pub(super) fn publish(&mut self, n: u64) -> Result<(), Impossible> {
        self.buckets.shift(Bucket::Unlisted, Bucket::Listed, n)?;
        self.on_sale = true;
        Ok(())
    }
}
