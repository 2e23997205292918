//! How what happened to the shop is shown.

use std::fmt;

use super::{Happened, ItemId, LoadStock, OpenShop, Setting, StockInReason, StockOutReason};
use crate::domain::{AccountId, Shown, Sink};

impl Happened {
    pub(in crate::domain) fn show(&self, author: AccountId, to: &mut dyn Sink) -> fmt::Result {
        match self {
            Happened::ShopOpened(open, _) => open.show(author, to),
            Happened::TillLeft(..) => {
                to.entries(1)?;
                to.entry(author, "leave_till")
            }
            Happened::ItemAdded(add, added) => {
                to.entries(1)?;
                to.entry(author, "add_item")?;
                to.field("item", " ", Shown::Count(added.item.0))?;
                to.field("name", ", ", Shown::Text(&add.name))?;
                show_price(add.price, to)
            }
            Happened::StockedIn(stock_in, _) => {
                one(author, "stock_in", stock_in.item, Some(stock_in.n), to)?;
                let reason = StockInReason::try_from(stock_in.reason);
                reason.map_or(Ok(()), |reason| to.field("reason", ", reason ", Shown::Name(&reason)))
            }
            Happened::StockedOut(stock_out, _) => {
                one(author, "stock_out", stock_out.item, Some(stock_out.n), to)?;
                let reason = StockOutReason::try_from(stock_out.reason);
                reason.map_or(Ok(()), |reason| to.field("reason", ", reason ", Shown::Name(&reason)))
            }
            Happened::Published(publish, _) => {
                one(author, "publish", publish.item, Some(publish.n), to)?;
                show_price(publish.price, to)
            }
            Happened::Unpublished(unpublish, unpublished) => {
                one(author, "unpublish", unpublish.item, Some(unpublished.n), to)?;
                match unpublish.n {
                    Some(_) => Ok(()),
                    None => to.field("off_sale", ", off sale from now on: ", Shown::Name(&true)),
                }
            }
            Happened::PriceSet(set, _) => {
                one(author, "set_price", set.item, None, to)?;
                show_price(Some(set.price), to)
            }
            Happened::StockLoaded(load, _) => load.show(author, to),
            Happened::Purchases(happened) => happened.show(author, to),
        }
    }
}

/// Something done to one item.
fn one(
    author: AccountId,
    operation: &'static str,
    item: ItemId,
    n: Option<u64>,
    to: &mut dyn Sink,
) -> fmt::Result {
    to.entries(1)?;
    to.entry(author, operation)?;
    to.field("item", " item ", Shown::Count(item.0))?;
    n.map_or(Ok(()), |n| to.field("quantity", ", units ", Shown::Count(n)))
}

fn show_price(price: Option<u64>, to: &mut dyn Sink) -> fmt::Result {
    price.map_or(Ok(()), |price| to.field("price", ", at ", Shown::Price(price)))
}

impl OpenShop {
    fn show(&self, author: AccountId, to: &mut dyn Sink) -> fmt::Result {
        to.entries(1)?;
        to.entry(author, "open_shop")?;
        to.field("till", ", the till is ", Shown::Account(self.till))?;
        for (number, value) in &self.settings {
            // A command that stands in a block names no setting that is not there.
            if let Ok(setting) = Setting::try_from(*number) {
                let shown = match setting {
                    Setting::AgentLimit => Shown::Price(*value),
                    _ => Shown::Count(*value),
                };
                to.field(setting.name(), setting.in_sentence(), shown)?;
            }
        }
        Ok(())
    }
}

impl LoadStock {
    fn show(&self, author: AccountId, to: &mut dyn Sink) -> fmt::Result {
        to.entries(self.items.len())?;
        self.items.iter().try_for_each(|line| {
            to.entry(author, "load_stock")?;
            to.field("name", " ", Shown::Text(&line.name))?;
            to.field("quantity", ", units ", Shown::Count(line.n))?;
            show_price(line.price, to)?;
            if self.publish { to.field("on_sale", ", on sale: ", Shown::Name(&true)) } else { Ok(()) }
        })
    }
}
