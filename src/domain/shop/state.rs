//! The shop as replay yields it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    AddItem, Bucket, Buckets, Happened, Item, ItemId, LoadStock, LoadedItem, OpenShop, Publish, Rejection,
    SetPrice, Settings, StockIn, StockOut, Unpublish, folded,
};
use crate::domain::{self, AccountId, Context, Hindrance, Impossible, Uncounted};

/// The account that is the till.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Till {
    /// The account.
    pub account: AccountId,
    /// The index of the block that made it the till.
    pub since: u64,
}

/// The shop: its till, its settings and its stock.
#[derive(Clone, Debug, Default, Serialize)]
pub struct State {
    /// All settings that the shop ever had, by number. None before somebody opens it.
    settings: Vec<Settings>,
    till: Option<Till>,
    /// The items; number 1 is the first.
    items: Vec<Item>,
    by_name: BTreeMap<String, ItemId>,
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

    /// The till; none where there is none.
    pub fn till(&self) -> Option<Till> {
        self.till
    }

    /// Whether an account is the till.
    pub fn is_till(&self, account: AccountId) -> bool {
        self.till.is_some_and(|till| till.account == account)
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
    }

    /// Whether every unit that came in is in a bucket of its item.
    ///
    /// # Errors
    /// [`Uncounted`], the first item of which this is not so.
    pub(in crate::domain) fn conserved(&self) -> Result<(), Uncounted> {
        let mut sums = self.items_from(ItemId(1)).map(|(item, held)| Uncounted {
            item: item.0,
            there: held.buckets.there(),
            came: held.buckets.came(),
        });
        sums.find(|sums| sums.there != sums.came).map_or(Ok(()), Err)
    }

    /// The hindrance to erasing the account that is the till.
    pub(in crate::domain) fn hinders_erasure(&self, account: AccountId) -> Option<Hindrance> {
        let rejection = domain::Rejection::Shop(Rejection::IsTill(account));
        self.is_till(account).then_some(Hindrance { rejection, lifted_by_force: false })
    }

    fn item_mut(&mut self, item: ItemId) -> Result<&mut Item, Impossible> {
        let place = item.0.checked_sub(1).and_then(|place| usize::try_from(place).ok());
        place.and_then(|place| self.items.get_mut(place)).ok_or(Impossible::NoSuch("an item"))
    }

    /// Adds an item with this name, of which `folded` is the folded form.
    fn add_item(&mut self, name: &str, folded: String, price: Option<u64>) -> Result<ItemId, Impossible> {
        let item = self.next_item();
        let other = self.by_name.insert(folded.clone(), item);
        Impossible::unless(other.is_none(), Impossible::Twice("the name of an item"))?;
        let (name, buckets) = (name.to_owned(), Buckets::default());
        self.items.push(Item { name, folded, price, on_sale: false, buckets });
        Ok(item)
    }

    fn load(&mut self, line: &LoadedItem, publish: bool) -> Result<(), Impossible> {
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
    fn publish(&mut self, n: u64) -> Result<(), Impossible> {
        self.buckets.shift(Bucket::Unlisted, Bucket::Listed, n)?;
        self.on_sale = true;
        Ok(())
    }
}

/// Changes the shop and its stock by what happened, and holds what the event says against the state.
///
/// # Errors
/// [`Impossible`] when the event says something else than follows; the state is of no use then.
pub fn apply(state: &mut State, happened: &Happened, context: &Context<'_>) -> Result<(), Impossible> {
    match happened {
        Happened::ShopOpened(OpenShop { till, settings, .. }, opened) => {
            Impossible::unless_equal("settings", opened.settings, state.settings_count())?;
            let settings = Settings::changed(state.settings(), settings);
            state.settings.push(settings.map_err(|_| Impossible::NoSuch("a setting"))?);
            // Whoever is the till already has been so since then.
            if !state.is_till(*till) {
                state.till = Some(Till { account: *till, since: context.index });
            }
            Ok(())
        }
        Happened::TillLeft(_, left) => {
            let till = state.till.take().ok_or(Impossible::NoSuch("a till"))?;
            Impossible::unless_equal("till", context.author.0, till.account.0)?;
            Impossible::unless_equal("since", left.since, till.since)
        }
        Happened::ItemAdded(AddItem { name, price }, added) => {
            let item = state.add_item(name, folded(name), *price)?;
            Impossible::unless_equal("item", added.item.0, item.0)
        }
        Happened::StockedIn(StockIn { item, n, .. }, stocked) => {
            let buckets = &mut state.item_mut(*item)?.buckets;
            buckets.bring(Bucket::Supplied, Bucket::Unlisted, *n)?;
            Impossible::unless_equal("unlisted", stocked.unlisted, buckets.unlisted)
        }
        Happened::StockedOut(StockOut { item, n, .. }, stocked) => {
            let buckets = &mut state.item_mut(*item)?.buckets;
            buckets.shift(Bucket::Unlisted, Bucket::Lost, *n)?;
            Impossible::unless_equal("unlisted", stocked.unlisted, buckets.unlisted)
        }
        Happened::Published(Publish { item, n, price }, published) => {
            let item = state.item_mut(*item)?;
            item.price = price.or(item.price);
            item.publish(*n)?;
            Impossible::unless_equal("listed", published.listed, item.buckets.listed)
        }
        Happened::Unpublished(Unpublish { item, n }, unpublished) => {
            let item = state.item_mut(*item)?;
            Impossible::unless_equal("n", unpublished.n, n.unwrap_or(item.buckets.listed))?;
            item.on_sale = n.is_some();
            item.buckets.shift(Bucket::Listed, Bucket::Unlisted, unpublished.n)
        }
        Happened::PriceSet(SetPrice { item, price }, set) => {
            let item = state.item_mut(*item)?;
            let before = item.price.replace(*price);
            Impossible::unless_equal("before", set.before.unwrap_or(0), before.unwrap_or(0))
        }
        Happened::StockLoaded(LoadStock { items, publish }, loaded) => {
            items.iter().try_for_each(|line| state.load(line, *publish))?;
            Impossible::unless_equal("items", loaded.items, state.items_count())
        }
    }
}
