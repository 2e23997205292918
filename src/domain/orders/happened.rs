//! Commands of orders with the events that they led to.

use super::{Command, Event, OrdersPlaced, PlaceOrders, v1};

/// What a block did to orders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happened {
    /// Orders stand.
    OrdersPlaced(PlaceOrders, OrdersPlaced),
    /// Orders stand that were placed in their first form.
    OrdersPlacedV1(v1::PlaceOrders, OrdersPlaced),
}

impl Happened {
    pub(in crate::domain) fn of(command: Command, event: Event) -> Happened {
        let Event::OrdersPlaced(placed) = event;
        match command {
            Command::PlaceOrders(command) => Happened::OrdersPlaced(command, placed),
            Command::PlaceOrdersV1(command) => Happened::OrdersPlacedV1(command, placed),
        }
    }

    pub(in crate::domain) fn command(&self) -> Command {
        match self {
            Happened::OrdersPlaced(command, _) => Command::PlaceOrders(command.clone()),
            Happened::OrdersPlacedV1(command, _) => Command::PlaceOrdersV1(command.clone()),
        }
    }
}
