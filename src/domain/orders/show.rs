//! Orders of every schema as they are shown.

use super::{Decimal, Happened, Operation, v1};

/// One order as it is shown, whatever schema it was placed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownOrder {
    /// Which way.
    pub operation: Operation,
    /// What; no character of it would have to be escaped.
    pub stock_name: String,
    /// How many.
    pub quantity: Decimal,
    /// For how much each.
    pub price: Option<Decimal>,
    /// In which currency, where a price says so.
    pub currency: Option<String>,
}

impl Happened {
    /// The orders, in order.
    pub fn shown(&self) -> Vec<ShownOrder> {
        match self {
            Happened::OrdersPlacedV1(place, _) => place.orders.iter().map(of_v1).collect(),
            Happened::OrdersPlaced(place, _) => {
                let shown = place.orders.iter().map(|order| ShownOrder {
                    operation: order.operation,
                    stock_name: order.stock_name.to_string(),
                    quantity: order.quantity,
                    price: order.price.map(|price| price.amount),
                    currency: order.price.and_then(|price| price.currency).map(|name| name.to_string()),
                });
                shown.collect()
            }
        }
    }
}

fn of_v1(order: &v1::Order) -> ShownOrder {
    ShownOrder {
        operation: order.operation,
        stock_name: order.stock_name.to_string(),
        quantity: Decimal::from(order.quantity),
        price: order.price.and_then(|price| Decimal::new(price.ten_thousandths, v1::PRICE_SCALE)),
        currency: order.price.and_then(|price| price.currency).map(|currency| currency.to_string()),
    }
}
