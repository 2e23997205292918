//! The rules of the stock, one refusal a line, in a fixed order. That the author is an agent is asked before.

use std::collections::BTreeSet;

use super::{
    AddItem, Item, ItemAdded, ItemId, LoadStock, LoadedItem, PriceSet, Publish, Published, Rejection,
    SetPrice, State, StockIn, StockInReason, StockLoaded, StockOut, StockOutReason, StockedIn, StockedOut,
    Unpublish, Unpublished, folded, is_name,
};
use crate::limits::{ISSUED_MAX, STOCK_LINES_MAX, STOCK_UNITS_MAX};

pub(super) fn decide_add_item(state: &State, add: &AddItem) -> Result<ItemAdded, Rejection> {
    let AddItem { name, price } = add;
    if !is_name(name) {
        return Err(Rejection::InvalidName { element: None });
    }
    if let Some(item) = state.by_name(&folded(name)) {
        return Err(Rejection::NameTaken(item));
    }
    check_price(*price, None)?;
    Ok(ItemAdded { item: state.next_item() })
}

pub(super) fn decide_stock_in(state: &State, stock_in: StockIn) -> Result<StockedIn, Rejection> {
    let StockIn { item, n, reason } = stock_in;
    let item = find(state, item)?;
    check_quantity(n, None)?;
    StockInReason::try_from(reason).map_err(|_| Rejection::InvalidReason(reason))?;
    check_room(Some(item), n, None)?;
    // All units of an item together are counted, and these are some of them.
    Ok(StockedIn { unlisted: item.buckets.unlisted + n })
}

pub(super) fn decide_stock_out(state: &State, stock_out: StockOut) -> Result<StockedOut, Rejection> {
    let StockOut { item, n, reason } = stock_out;
    let item = find(state, item)?;
    check_quantity(n, None)?;
    StockOutReason::try_from(reason).map_err(|_| Rejection::InvalidReason(reason))?;
    let unlisted = item.buckets.unlisted;
    let left = unlisted.checked_sub(n).ok_or(Rejection::NotThatMany(unlisted))?;
    Ok(StockedOut { unlisted: left })
}

pub(super) fn decide_publish(state: &State, publish: Publish) -> Result<Published, Rejection> {
    let Publish { item, n, price } = publish;
    let item = find(state, item)?;
    check_quantity(n, None)?;
    check_price(price, None)?;
    if price.or(item.price).is_none() {
        return Err(Rejection::NoPrice { element: None });
    }
    let (listed, unlisted) = (item.buckets.listed, item.buckets.unlisted);
    if unlisted < n {
        return Err(Rejection::NothingToPublish(unlisted));
    }
    Ok(Published { listed: listed + n })
}

/// An item that is off sale has no unit on sale, so that there is nothing to take off.
pub(super) fn decide_unpublish(state: &State, unpublish: Unpublish) -> Result<Unpublished, Rejection> {
    let Unpublish { item, n } = unpublish;
    let item = find(state, item)?;
    if let Some(n) = n {
        check_quantity(n, None)?;
    }
    let listed = item.buckets.listed;
    if !item.on_sale || n.is_some_and(|n| n > listed) {
        return Err(Rejection::NotThatMany(listed));
    }
    Ok(Unpublished { n: n.unwrap_or(listed) })
}

pub(super) fn decide_set_price(state: &State, set: SetPrice) -> Result<PriceSet, Rejection> {
    let item = find(state, set.item)?;
    check_price(Some(set.price), None)?;
    Ok(PriceSet { before: item.price })
}

pub(super) fn decide_load_stock(state: &State, load: &LoadStock) -> Result<StockLoaded, Rejection> {
    let LoadStock { items, publish } = load;
    if items.is_empty() {
        return Err(Rejection::NoLines);
    }
    if items.len() > STOCK_LINES_MAX {
        return Err(Rejection::TooManyLines { count: items.len(), most: STOCK_LINES_MAX });
    }
    let (mut names, mut added) = (BTreeSet::new(), 0);
    for (element, LoadedItem { name, n, price }) in items.iter().enumerate() {
        if !is_name(name) {
            return Err(Rejection::InvalidName { element: Some(element) });
        }
        let folded = folded(name);
        let known = state.by_name(&folded).and_then(|item| state.item(item));
        added += u64::from(known.is_none());
        if !names.insert(folded) {
            return Err(Rejection::DuplicateItem { element });
        }
        check_quantity(*n, Some(element))?;
        check_price(*price, Some(element))?;
        check_room(known, *n, Some(element))?;
        if *publish && price.or(known.and_then(|item| item.price)).is_none() {
            return Err(Rejection::NoPrice { element: Some(element) });
        }
    }
    Ok(StockLoaded { items: state.items_count() + added })
}

fn find(state: &State, item: ItemId) -> Result<&Item, Rejection> {
    state.item(item).ok_or(Rejection::InvalidItem { element: None, item })
}

fn check_quantity(n: u64, element: Option<usize>) -> Result<(), Rejection> {
    let most = STOCK_UNITS_MAX;
    if (1..=most).contains(&n) { Ok(()) } else { Err(Rejection::InvalidQuantity { element, n, most }) }
}

fn check_price(price: Option<u64>, element: Option<usize>) -> Result<(), Rejection> {
    match price {
        Some(0) => Err(Rejection::ZeroPrice { element }),
        Some(price) if price > ISSUED_MAX => Err(Rejection::Overflow { element }),
        Some(_) | None => Ok(()),
    }
}

/// Whether all units that ever came in can still be counted with these.
fn check_room(item: Option<&Item>, n: u64, element: Option<usize>) -> Result<(), Rejection> {
    let came = item.map_or(0, |item| item.buckets.came());
    let fits = came + u128::from(n) <= u128::from(ISSUED_MAX);
    if fits { Ok(()) } else { Err(Rejection::Overflow { element }) }
}
