//! The commands of the shop: opening it, keeping its stock, and dealing with purchases.

use serde::{Deserialize, Serialize};

use super::{Consent, ItemId, purchases};
use crate::codec;
use crate::domain::{AccountId, Tag, Undecodable};

/// The tag of [`OpenShop`].
pub const OPEN_SHOP: Tag = Tag { schema: 1, kind: 48 };

/// The tag of [`LeaveTill`].
pub const LEAVE_TILL: Tag = Tag { schema: 1, kind: 49 };

/// The tag of [`AddItem`].
pub const ADD_ITEM: Tag = Tag { schema: 1, kind: 50 };

/// The tag of [`StockIn`].
pub const STOCK_IN: Tag = Tag { schema: 1, kind: 51 };

/// The tag of [`StockOut`].
pub const STOCK_OUT: Tag = Tag { schema: 1, kind: 52 };

/// The tag of [`Publish`].
pub const PUBLISH: Tag = Tag { schema: 1, kind: 53 };

/// The tag of [`Unpublish`].
pub const UNPUBLISH: Tag = Tag { schema: 1, kind: 54 };

/// The tag of [`SetPrice`].
pub const SET_PRICE: Tag = Tag { schema: 1, kind: 55 };

/// The tag of [`LoadStock`].
pub const LOAD_STOCK: Tag = Tag { schema: 1, kind: 56 };

/// The commands of this domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Opens the shop, or changes its till and its settings.
    OpenShop(OpenShop),
    /// Stops being the till.
    LeaveTill(LeaveTill),
    /// Adds an item.
    AddItem(AddItem),
    /// Brings units of an item in.
    StockIn(StockIn),
    /// Takes units of an item out.
    StockOut(StockOut),
    /// Puts units of an item on sale.
    Publish(Publish),
    /// Takes units of an item off sale.
    Unpublish(Unpublish),
    /// Changes the price of an item.
    SetPrice(SetPrice),
    /// Brings units of many items in, with those that are new.
    LoadStock(LoadStock),
    /// A command about a purchase.
    Purchases(purchases::Command),
}

/// Opens the shop, or changes its till and its settings for whatever begins afterwards. Only an operator may.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenShop {
    /// The account that is the till: the author's own, or that of the member who consents.
    pub till: AccountId,
    /// The consent of the member whose account becomes the till.
    pub consent: Option<Consent>,
    /// Settings, each by its number ([`super::Setting`]) with its value. What is not named keeps its value.
    pub settings: Vec<(u8, u64)>,
}

/// Stops being the till. Only the till may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaveTill {}

/// Adds an item. Only an agent may, as for all commands below.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddItem {
    /// The name ([`super::is_name`]).
    pub name: String,
    /// The price in minor units, if there is one yet.
    pub price: Option<u64>,
}

/// Brings units of an item in. They are not on sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockIn {
    /// The item.
    pub item: ItemId,
    /// The number of units: 1 to [`crate::limits::STOCK_UNITS_MAX`].
    pub n: u64,
    /// The number of the reason ([`super::StockInReason`]).
    pub reason: u8,
}

/// Takes units of an item out that are not on sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockOut {
    /// The item.
    pub item: ItemId,
    /// The number of units.
    pub n: u64,
    /// The number of the reason ([`super::StockOutReason`]).
    pub reason: u8,
}

/// Puts units of an item on sale, and with them the item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Publish {
    /// The item.
    pub item: ItemId,
    /// The number of units.
    pub n: u64,
    /// The price in minor units from now on; the one that the item has where there is none.
    pub price: Option<u64>,
}

/// Takes units of an item off sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unpublish {
    /// The item.
    pub item: ItemId,
    /// The number of units; where there is none, all of them, and the item is off sale.
    pub n: Option<u64>,
}

/// Changes the price of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetPrice {
    /// The item.
    pub item: ItemId,
    /// The price in minor units.
    pub price: u64,
}

/// Brings units of many items in, all or nothing. An item that is not there is added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadStock {
    /// 1 to [`crate::limits::STOCK_LINES_MAX`] items, each once.
    pub items: Vec<LoadedItem>,
    /// Whether the units are on sale at once.
    pub publish: bool,
}

/// An item of [`LoadStock`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadedItem {
    /// The name of the item.
    pub name: String,
    /// The number of units.
    pub n: u64,
    /// The price in minor units from now on; the one that the item has where there is none.
    pub price: Option<u64>,
}

impl Command {
    pub(in crate::domain) fn decode(tag: Tag, bytes: &[u8]) -> Result<Command, Undecodable> {
        match tag {
            OPEN_SHOP => Ok(Command::OpenShop(codec::strict(bytes)?)),
            LEAVE_TILL => Ok(Command::LeaveTill(codec::strict(bytes)?)),
            ADD_ITEM => Ok(Command::AddItem(codec::strict(bytes)?)),
            STOCK_IN => Ok(Command::StockIn(codec::strict(bytes)?)),
            STOCK_OUT => Ok(Command::StockOut(codec::strict(bytes)?)),
            PUBLISH => Ok(Command::Publish(codec::strict(bytes)?)),
            UNPUBLISH => Ok(Command::Unpublish(codec::strict(bytes)?)),
            SET_PRICE => Ok(Command::SetPrice(codec::strict(bytes)?)),
            LOAD_STOCK => Ok(Command::LoadStock(codec::strict(bytes)?)),
            _ => purchases::Command::decode(tag, bytes).map(Command::Purchases),
        }
    }

    pub(in crate::domain) fn encode(&self) -> (Tag, Vec<u8>) {
        match self {
            Command::OpenShop(open) => (OPEN_SHOP, codec::encode(open)),
            Command::LeaveTill(leave) => (LEAVE_TILL, codec::encode(leave)),
            Command::AddItem(add) => (ADD_ITEM, codec::encode(add)),
            Command::StockIn(stock_in) => (STOCK_IN, codec::encode(stock_in)),
            Command::StockOut(stock_out) => (STOCK_OUT, codec::encode(stock_out)),
            Command::Publish(publish) => (PUBLISH, codec::encode(publish)),
            Command::Unpublish(unpublish) => (UNPUBLISH, codec::encode(unpublish)),
            Command::SetPrice(set) => (SET_PRICE, codec::encode(set)),
            Command::LoadStock(load) => (LOAD_STOCK, codec::encode(load)),
            Command::Purchases(command) => command.encode(),
        }
    }
}
