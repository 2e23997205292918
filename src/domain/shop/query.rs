//! The questions that members may ask about the shop: its settings, what it sells, what they bought of it, and for agents where
//! the units are.

use serde::{Deserialize, Serialize};

use super::purchase_answers::{NOTED_PURCHASE, NOTED_PURCHASES, answer_one, answer_page};
use super::purchases::{PurchaseFace, PurchaseId, PurchasePage, PurchasesWanted};
use super::{Buckets, Item, ItemId, NAME_BYTES_MAX, Others, Rejection, Setting, State, folded};
use crate::domain::{self, Access, AccountId, Declined, Role};
use crate::limits::PAGE_BYTES_MAX;
use crate::time::Timestamp;

/// The number under which the journal notes [`Query::Shop`]: see [`crate::domain::noted_questions`].
pub const NOTED_SHOP: u16 = 48;
/// The number under which the journal notes [`Query::Items`].
pub const NOTED_ITEMS: u16 = 49;
/// The number under which the journal notes [`Query::Stock`].
pub const NOTED_STOCK: u16 = 50;

/// Items that one answer looks at: what comes behind them, the next question asks for.
const LOOKED_AT_MAX: usize = 1_024;

/// Bytes that an item takes in an answer at most, beside its name: eleven numbers, a price that may be missing, a switch.
const ITEM_BYTES: usize = 128;

/// A question about the shop. The order of the variants is their number on the wire: a further one is appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Query<'a> {
    /// Asks whose the till is, and which settings hold.
    Shop,
    /// Asks what the shop sells.
    Items(#[serde(borrow)] ItemsWanted<'a>),
    /// Asks where the units of what it sells are. Agents may.
    Stock(#[serde(borrow)] ItemsWanted<'a>),
    /// Asks about purchases of one's own; agents about anybody's.
    Purchases(PurchasesWanted),
    /// Asks about one purchase, which is one's own or an agent's business.
    Purchase(PurchaseId),
}

/// The items that a question is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemsWanted<'a> {
    /// A part of the name, in whichever case; all items where it is empty.
    pub name_part: &'a str,
    /// The number of the first item that is wanted.
    pub from: ItemId,
}

/// The answer to the [`Query`] of the same name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// The shop.
    Shop(ShopFace),
    /// A page of what it sells.
    Items(Page<CatalogueItem>),
    /// A page of its stock.
    Stock(Page<StockItem>),
    /// A page of purchases.
    Purchases(PurchasePage),
    /// The purchase.
    Purchase(Box<PurchaseFace>),
}

/// What every member may know of the shop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShopFace {
    /// The account that is the till; none while there is none.
    pub till: Option<AccountId>,
    /// The number of the settings that hold.
    pub settings: u64,
    /// The value of each setting, by its number.
    pub values: Vec<u64>,
    /// Number of items.
    pub items: u64,
    /// What every new account of the ledger receives, in minor units: whoever joins can buy for so much.
    pub opening_grant: u64,
}

/// A page of items, by number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The items of this page. There may be none although there is a next page.
    pub items: Vec<T>,
    /// The number from which to ask for the next page; none if this page is the last.
    pub next: Option<ItemId>,
}

/// What every member may know of an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogueItem {
    /// The number.
    pub item: ItemId,
    /// The name.
    pub name: String,
    /// The price of one unit in minor units.
    pub price: Option<u64>,
    /// Whether it is on sale.
    pub on_sale: bool,
    /// Units that can be bought.
    pub listed: u64,
}

/// What agents may know of an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockItem {
    /// The number.
    pub item: ItemId,
    /// The name.
    pub name: String,
    /// The price of one unit in minor units.
    pub price: Option<u64>,
    /// Whether it is on sale.
    pub on_sale: bool,
    /// Where the units are.
    pub buckets: Buckets,
}

impl Query<'_> {
    pub(in crate::domain) fn access(&self) -> Access {
        match self {
            Query::Shop | Query::Items(_) => Access::Member,
            Query::Purchases(_) | Query::Purchase(_) => Access::MemberOrRole(Role::Agent),
            Query::Stock(_) => Access::Role(Role::Agent),
        }
    }

    pub(in crate::domain) fn noted(&self) -> (u16, u64) {
        match self {
            Query::Shop => (NOTED_SHOP, 0),
            Query::Items(_) => (NOTED_ITEMS, 0),
            Query::Stock(_) => (NOTED_STOCK, 0),
            Query::Purchases(wanted) => (NOTED_PURCHASES, wanted.customer.map_or(0, |customer| customer.0)),
            Query::Purchase(purchase) => (NOTED_PURCHASE, purchase.0),
        }
    }
}

pub(in crate::domain) fn answer(
    (state, others, ledger): (&State, Others<'_>, &domain::Settings),
    asker: AccountId,
    query: &Query<'_>,
    now: Timestamp,
) -> Result<Answer, Declined> {
    let Some(settings) = state.settings() else {
        let closed = Rejection::NoShop;
        return Err(Declined::new(closed.name(), closed.sentence(&ledger.currency)));
    };
    Ok(match query {
        Query::Shop => Answer::Shop(ShopFace {
            till: state.till().map(|till| till.account),
            settings: state.settings_count() - 1,
            values: Setting::ALL.iter().map(|setting| settings.get(*setting)).collect(),
            items: state.items_count(),
            opening_grant: ledger.opening_grant,
        }),
        Query::Items(wanted) => Answer::Items(page(state, wanted, |item, held| CatalogueItem {
            item,
            name: held.name.clone(),
            price: held.price,
            on_sale: held.on_sale,
            listed: held.buckets.listed,
        })),
        Query::Stock(wanted) => Answer::Stock(page(state, wanted, |item, held| StockItem {
            item,
            name: held.name.clone(),
            price: held.price,
            on_sale: held.on_sale,
            buckets: held.buckets,
        })),
        Query::Purchases(wanted) => Answer::Purchases(answer_page(state, others, asker, *wanted, now)?),
        Query::Purchase(number) => {
            Answer::Purchase(Box::new(answer_one(state, others, asker, *number, now)?))
        }
    })
}

/// The wanted items, as many as one answer looks at and has room for.
fn page<T>(state: &State, wanted: &ItemsWanted<'_>, shown: impl Fn(ItemId, &Item) -> T) -> Page<T> {
    let ItemsWanted { name_part, from } = *wanted;
    // No name is longer, and so none has a longer part.
    if name_part.len() > NAME_BYTES_MAX {
        return Page { items: Vec::new(), next: None };
    }
    let part = folded(name_part);
    let (mut items, mut bytes) = (Vec::new(), 0);
    for (looked_at, (item, held)) in state.items_from(from).enumerate() {
        if looked_at == LOOKED_AT_MAX || bytes + ITEM_BYTES + NAME_BYTES_MAX > PAGE_BYTES_MAX {
            return Page { items, next: Some(item) };
        }
        if held.folded.contains(&part) {
            bytes += ITEM_BYTES + held.name.len();
            items.push(shown(item, held));
        }
    }
    Page { items, next: None }
}
