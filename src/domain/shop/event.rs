//! What happened to the shop, to its stock and to purchases.

use serde::{Deserialize, Serialize};

use super::{ItemId, purchases};
use crate::codec;
use crate::domain::{Tag, Undecodable};

/// The tag of [`ShopOpened`].
pub const SHOP_OPENED: Tag = Tag { schema: 1, kind: 48 };

/// The tag of [`TillLeft`].
pub const TILL_LEFT: Tag = Tag { schema: 1, kind: 49 };

/// The tag of [`ItemAdded`].
pub const ITEM_ADDED: Tag = Tag { schema: 1, kind: 50 };

/// The tag of [`StockedIn`].
pub const STOCKED_IN: Tag = Tag { schema: 1, kind: 51 };

/// The tag of [`StockedOut`].
pub const STOCKED_OUT: Tag = Tag { schema: 1, kind: 52 };

/// The tag of [`Published`].
pub const PUBLISHED: Tag = Tag { schema: 1, kind: 53 };

/// The tag of [`Unpublished`].
pub const UNPUBLISHED: Tag = Tag { schema: 1, kind: 54 };

/// The tag of [`PriceSet`].
pub const PRICE_SET: Tag = Tag { schema: 1, kind: 55 };

/// The tag of [`StockLoaded`].
pub const STOCK_LOADED: Tag = Tag { schema: 1, kind: 56 };

/// The events of this domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The shop was opened, or its till and its settings changed.
    ShopOpened(ShopOpened),
    /// The till is the till no more.
    TillLeft(TillLeft),
    /// An item was added.
    ItemAdded(ItemAdded),
    /// Units came in.
    StockedIn(StockedIn),
    /// Units were taken out.
    StockedOut(StockedOut),
    /// Units were put on sale.
    Published(Published),
    /// Units were taken off sale.
    Unpublished(Unpublished),
    /// A price was changed.
    PriceSet(PriceSet),
    /// Units of many items came in.
    StockLoaded(StockLoaded),
    /// Something happened to a purchase.
    Purchases(purchases::Event),
}

/// The settings of the command hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShopOpened {
    /// The number of these settings among all that the shop ever had, from 0.
    pub settings: u64,
}

/// The author is the till no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TillLeft {
    /// The index of the block that made it the till.
    pub since: u64,
}

/// The item of the command was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemAdded {
    /// Its number.
    pub item: ItemId,
}

/// The units of the command came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockedIn {
    /// Units of the item that are not on sale now.
    pub unlisted: u64,
}

/// The units of the command were taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockedOut {
    /// Units of the item that are not on sale now.
    pub unlisted: u64,
}

/// The units of the command are on sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// Units of the item that are on sale now.
    pub listed: u64,
}

/// Units of the command's item are off sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unpublished {
    /// The units that were taken off sale.
    pub n: u64,
}

/// The price of the command holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceSet {
    /// The price before, in minor units; none of an item that had no price.
    pub before: Option<u64>,
}

/// The units of the command came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockLoaded {
    /// Items that the shop has now.
    pub items: u64,
}

impl ShopOpened {
    /// Bytes of its longest encoding.
    pub(in crate::domain) const BYTES_MAX: usize = codec::U64_BYTES_MAX;
}

impl TillLeft {
    /// Bytes of its longest encoding.
    pub(in crate::domain) const BYTES_MAX: usize = codec::U64_BYTES_MAX;
}

impl ItemAdded {
    /// Bytes of its longest encoding.
    pub(in crate::domain) const BYTES_MAX: usize = codec::U64_BYTES_MAX;
}

impl StockedIn {
    /// Bytes of its longest encoding.
    pub(in crate::domain) const BYTES_MAX: usize = codec::U64_BYTES_MAX;
}

impl StockedOut {
    /// Bytes of its longest encoding.
    pub(in crate::domain) const BYTES_MAX: usize = codec::U64_BYTES_MAX;
}

impl Published {
    /// Bytes of its longest encoding.
    pub(in crate::domain) const BYTES_MAX: usize = codec::U64_BYTES_MAX;
}

impl Unpublished {
    /// Bytes of its longest encoding.
    pub(in crate::domain) const BYTES_MAX: usize = codec::U64_BYTES_MAX;
}

impl PriceSet {
    /// Bytes of its longest encoding: whether there is a price, and the price.
    pub(in crate::domain) const BYTES_MAX: usize = 1 + codec::U64_BYTES_MAX;
}

impl StockLoaded {
    /// Bytes of its longest encoding.
    pub(in crate::domain) const BYTES_MAX: usize = codec::U64_BYTES_MAX;
}

impl Event {
    pub(in crate::domain) fn decode(tag: Tag, bytes: &[u8]) -> Result<Event, Undecodable> {
        match tag {
            SHOP_OPENED => Ok(Event::ShopOpened(codec::strict(bytes)?)),
            TILL_LEFT => Ok(Event::TillLeft(codec::strict(bytes)?)),
            ITEM_ADDED => Ok(Event::ItemAdded(codec::strict(bytes)?)),
            STOCKED_IN => Ok(Event::StockedIn(codec::strict(bytes)?)),
            STOCKED_OUT => Ok(Event::StockedOut(codec::strict(bytes)?)),
            PUBLISHED => Ok(Event::Published(codec::strict(bytes)?)),
            UNPUBLISHED => Ok(Event::Unpublished(codec::strict(bytes)?)),
            PRICE_SET => Ok(Event::PriceSet(codec::strict(bytes)?)),
            STOCK_LOADED => Ok(Event::StockLoaded(codec::strict(bytes)?)),
            _ => purchases::Event::decode(tag, bytes).map(Event::Purchases),
        }
    }

    pub(in crate::domain) fn encode(&self) -> (Tag, Vec<u8>) {
        match self {
            Event::ShopOpened(opened) => (SHOP_OPENED, codec::encode(opened)),
            Event::TillLeft(left) => (TILL_LEFT, codec::encode(left)),
            Event::ItemAdded(added) => (ITEM_ADDED, codec::encode(added)),
            Event::StockedIn(stocked) => (STOCKED_IN, codec::encode(stocked)),
            Event::StockedOut(stocked) => (STOCKED_OUT, codec::encode(stocked)),
            Event::Published(published) => (PUBLISHED, codec::encode(published)),
            Event::Unpublished(unpublished) => (UNPUBLISHED, codec::encode(unpublished)),
            Event::PriceSet(set) => (PRICE_SET, codec::encode(set)),
            Event::StockLoaded(loaded) => (STOCK_LOADED, codec::encode(loaded)),
            Event::Purchases(event) => event.encode(),
        }
    }
}
