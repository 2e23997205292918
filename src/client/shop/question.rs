//! Questions about the shop.

use crate::client::link::question::{Question, question};
use crate::domain::shop::purchases::{PurchaseFace, PurchaseId, PurchasePage, PurchasesWanted};
use crate::domain::shop::{self, CatalogueItem, ItemId, ItemsWanted, Page, ShopFace, StockItem};
use crate::domain::{Answer, Query};
use crate::wire::{Reply, Request};

fn asked(query: shop::Query<'_>) -> Request<'_> {
    Request::Ask(Query::Shop(query))
}

/// The till and the settings of the shop.
#[derive(Clone, Copy, Debug)]
pub struct Shop;
question!(
    Shop,
    ShopFace,
    |_q| asked(shop::Query::Shop),
    Reply::Answer(Answer::Shop(shop::Answer::Shop(face))) => face
);

/// Some of what the shop sells.
#[derive(Clone, Debug)]
pub struct Items {
    /// A part of the name, in whichever case; all items where it is empty.
    pub name_part: String,
    /// The first item that is wanted.
    pub from: ItemId,
}
question!(
    Items,
    Page<CatalogueItem>,
    |q| asked(shop::Query::Items(ItemsWanted { name_part: &q.name_part, from: q.from })),
    Reply::Answer(Answer::Shop(shop::Answer::Items(page))) => page
);

/// Some of the stock, for agents.
#[derive(Clone, Debug)]
pub struct Stock {
    /// A part of the name, in whichever case; all items where it is empty.
    pub name_part: String,
    /// The first item that is wanted.
    pub from: ItemId,
}
question!(
    Stock,
    Page<StockItem>,
    |q| asked(shop::Query::Stock(ItemsWanted { name_part: &q.name_part, from: q.from })),
    Reply::Answer(Answer::Shop(shop::Answer::Stock(page))) => page
);

/// Some purchases.
#[derive(Clone, Copy, Debug)]
pub struct Purchases(pub PurchasesWanted);
question!(
    Purchases,
    PurchasePage,
    |q| asked(shop::Query::Purchases(q.0)),
    Reply::Answer(Answer::Shop(shop::Answer::Purchases(page))) => page
);

/// One purchase.
#[derive(Clone, Copy, Debug)]
pub struct Purchase(pub PurchaseId);
question!(
    Purchase,
    Box<PurchaseFace>,
    |q| asked(shop::Query::Purchase(q.0)),
    Reply::Answer(Answer::Shop(shop::Answer::Purchase(face))) => face
);
