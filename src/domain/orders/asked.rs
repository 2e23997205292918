//! What may be asked of a command of orders.

use super::{Command, OrdersPlaced};

impl Command {
    pub(in crate::domain) fn event_bytes_max(&self) -> usize {
        match self {
            Command::PlaceOrders(_) | Command::PlaceOrdersV1(_) => OrdersPlaced::BYTES_MAX,
        }
    }
}
