//! The card shop: what it sells, how much of it there is, and what was bought.
//!
//! Rules. A ledger has one shop. An operator opens it, and says which account is its till and under which settings it sells;
//! opening it again changes both for whatever begins afterwards. The till is the operator's own account, or that of a member
//! whose key has signed that it wants to be: as long as it is the till it is no agent and is not erased. It stops being the
//! till by its own signature.
//!
//! Agents keep the stock. An item has a name, which no other item has in whichever case; perhaps a price, in minor units; and it
//! is on sale from when units of it are published until the rest of them is taken back. Every unit is in one of the item's
//! buckets, and came in as supplied or bought back: what came in is what is in the buckets, always.
//!
//! What customers buy is a room of its own, [`purchases`].

mod applying;
mod command;
mod consent;
mod decide;
mod asked;
mod event;
mod happened;
mod name;
mod others;
mod purchase_answers;
mod purchase_applying;
mod purchase_rules;
pub mod purchases;
mod reason;
mod rejection;
mod setting;
mod show;
mod stock;
mod state;
mod stock_rules;
mod query;
#[cfg(test)]
pub(in crate::domain) mod examples;

pub use applying::apply;
pub use command::{
    ADD_ITEM, AddItem, Command, LEAVE_TILL, LOAD_STOCK, LeaveTill, LoadStock, LoadedItem, OPEN_SHOP,
    OpenShop, PUBLISH, Publish, SET_PRICE, STOCK_IN, STOCK_OUT, SetPrice, StockIn, StockOut, UNPUBLISH,
    Unpublish,
};
pub use consent::{Consent, consent_bytes};
pub use decide::decide;
pub(in crate::domain) use decide::may_be_agent;
pub use event::{
    Event, ITEM_ADDED, ItemAdded, PRICE_SET, PUBLISHED, PriceSet, Published, SHOP_OPENED, STOCK_LOADED,
    STOCKED_IN, STOCKED_OUT, ShopOpened, StockLoaded, StockedIn, StockedOut, TILL_LEFT, TillLeft,
    UNPUBLISHED, Unpublished,
};
pub use happened::Happened;
pub use name::{NAME_BYTES_MAX, folded, is_name};
pub use others::Others;
pub use purchase_answers::{NOTED_PURCHASE, NOTED_PURCHASES};
pub(in crate::domain) use purchase_applying::erase;
pub(in crate::domain) use query::answer;
pub use query::{
    Answer, CatalogueItem, ItemsWanted, NOTED_ITEMS, NOTED_SHOP, NOTED_STOCK, Page, Query, ShopFace,
    StockItem,
};
pub use reason::{StockInReason, StockOutReason};
pub use rejection::{InvalidTill, Rejection};
pub use setting::{InvalidSetting, Setting, Settings, Terms};
pub use state::{State, Till};
pub use stock::{Bucket, Buckets, Item, ItemId};
