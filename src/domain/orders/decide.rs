//! The rules of orders, one refusal a line, in a fixed order.

use std::fmt;

use super::{Command, Event, OrdersPlaced, State, v1};
use crate::domain::{Fact, Value};
use crate::limits::ORDERS_MAX;
use crate::refusal;

/// Why orders were refused. `element` counts the orders of the command from 0; sentences count them from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// A command without an order.
    NoOrders,
    /// More orders than a command may hold.
    TooManyOrders(usize),
    /// An order for nothing.
    ZeroQuantity {
        /// Which order.
        element: usize,
    },
    /// A currency of the first schema that is not three capital letters.
    InvalidCurrency {
        /// Which order.
        element: usize,
    },
}

/// Decides a command of orders.
///
/// # Errors
/// The [`Rejection`] of the first rule that refuses it.
pub fn decide(state: &State, command: &Command) -> Result<Event, Rejection> {
    match command {
        Command::PlaceOrders(place) => {
            check_count(place.orders.len())?;
            for (element, order) in place.orders.iter().enumerate() {
                if order.quantity.is_zero() {
                    return Err(Rejection::ZeroQuantity { element });
                }
            }
        }
        Command::PlaceOrdersV1(place) => {
            check_count(place.orders.len())?;
            for (element, order) in place.orders.iter().enumerate() {
                check_order_v1(element, order)?;
            }
        }
    }
    Ok(Event::OrdersPlaced(OrdersPlaced { first_order: state.count() }))
}

fn check_count(count: usize) -> Result<(), Rejection> {
    if count == 0 {
        return Err(Rejection::NoOrders);
    }
    if count > ORDERS_MAX {
        return Err(Rejection::TooManyOrders(count));
    }
    Ok(())
}

fn check_order_v1(element: usize, order: &v1::Order) -> Result<(), Rejection> {
    if order.quantity == 0 {
        return Err(Rejection::ZeroQuantity { element });
    }
    let currency = order.price.and_then(|price| price.currency);
    if currency.is_some_and(|currency| !currency.is_well_formed()) {
        return Err(Rejection::InvalidCurrency { element });
    }
    Ok(())
}

impl Rejection {
    /// The stable machine name.
    pub fn name(&self) -> &'static str {
        match self {
            Rejection::NoOrders => refusal::NO_ORDERS,
            Rejection::TooManyOrders(_) => refusal::TOO_MANY_ORDERS,
            Rejection::ZeroQuantity { .. } => refusal::INVALID_QUANTITY,
            Rejection::InvalidCurrency { .. } => refusal::INVALID_CURRENCY,
        }
    }

    /// What the sentence is filled with.
    pub fn facts(&self) -> Vec<(Fact, Value)> {
        match *self {
            Rejection::ZeroQuantity { element } | Rejection::InvalidCurrency { element } => {
                vec![(Fact::Element, (element + 1).into())]
            }
            Rejection::TooManyOrders(count) => {
                vec![(Fact::Wanted, count.into()), (Fact::Most, ORDERS_MAX.into())]
            }
            Rejection::NoOrders => Vec::new(),
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rejection::NoOrders => f.write_str("a command holds at least one order"),
            Rejection::TooManyOrders(count) => {
                write!(f, "a command holds at most {ORDERS_MAX} orders, not {count}")
            }
            Rejection::ZeroQuantity { element } => {
                write!(f, "order {}: the quantity is more than nothing", element + 1)
            }
            Rejection::InvalidCurrency { element } => {
                write!(f, "order {}: a currency is three capital letters (ISO 4217)", element + 1)
            }
        }
    }
}
