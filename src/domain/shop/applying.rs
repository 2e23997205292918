//! What blocks change of the shop and of its stock.

use super::purchase_applying::apply_to_purchases;
use super::{
    AddItem, Bucket, Happened, LoadStock, OpenShop, Publish, SetPrice, Settings, State, StockIn, StockOut,
    Till, Unpublish, folded,
};
use crate::domain::{Context, Impossible};

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
        Happened::Purchases(happened) => apply_to_purchases(state, happened, context),
    }
}
