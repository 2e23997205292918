//! How orders are shown, alike whatever schema they were placed with.

use std::fmt;

use super::{Decimal, Happened, Operation, Order, v1};
use crate::domain::{AccountId, Shown, Sink};

impl Happened {
    pub(in crate::domain) fn show(&self, author: AccountId, to: &mut dyn Sink) -> fmt::Result {
        match self {
            Happened::OrdersPlaced(place, _) => {
                to.entries(place.orders.len())?;
                place.orders.iter().try_for_each(|order| show_order(order, author, to))
            }
            Happened::OrdersPlacedV1(place, _) => {
                to.entries(place.orders.len())?;
                place.orders.iter().try_for_each(|order| show_order_v1(order, author, to))
            }
        }
    }
}

fn show_order(order: &Order, author: AccountId, to: &mut dyn Sink) -> fmt::Result {
    let Order { operation, stock_name, quantity, price } = order;
    show_traded(*operation, stock_name, *quantity, author, to)?;
    let Some(price) = price else { return Ok(()) };
    show_price(price.amount, price.currency.as_ref().map(|currency| currency as _), to)
}

fn show_order_v1(order: &v1::Order, author: AccountId, to: &mut dyn Sink) -> fmt::Result {
    let v1::Order { operation, stock_name, quantity, price } = order;
    show_traded(*operation, stock_name, Decimal::from(*quantity), author, to)?;
    let Some(price) = price else { return Ok(()) };
    let Some(amount) = Decimal::new(price.ten_thousandths, v1::PRICE_SCALE) else { return Ok(()) };
    show_price(amount, price.currency.as_ref().map(|currency| currency as _), to)
}

/// The entry of an order, and what it is about.
fn show_traded(
    operation: Operation,
    stock_name: &dyn fmt::Display,
    quantity: Decimal,
    author: AccountId,
    to: &mut dyn Sink,
) -> fmt::Result {
    to.entry(author, operation.as_str())?;
    to.field("stock_name", " ", Shown::Name(stock_name))?;
    to.field("quantity", " ", Shown::Quantity(quantity))
}

/// The price of one, and its currency where the order says which.
fn show_price(amount: Decimal, currency: Option<&dyn fmt::Display>, to: &mut dyn Sink) -> fmt::Result {
    to.field("price", " at ", Shown::Number(amount))?;
    match currency {
        Some(currency) => to.field("currency", " ", Shown::Name(currency)),
        None => Ok(()),
    }
}
