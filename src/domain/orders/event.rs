//! What happened when orders were placed.

use serde::{Deserialize, Serialize};

use crate::codec;
use crate::domain::{Tag, Undecodable};

/// The tag of [`OrdersPlaced`].
pub const ORDERS_PLACED: Tag = Tag { schema: 1, kind: 16 };

/// The events of this domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Orders stand.
    OrdersPlaced(OrdersPlaced),
}

/// The orders of the command stand, numbered without a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrdersPlaced {
    /// The ledger-wide number of the command's first order.
    pub first_order: u64,
}

impl OrdersPlaced {
    /// Bytes of its longest encoding.
    pub(in crate::domain) const BYTES_MAX: usize = codec::U64_BYTES_MAX;
}

impl Event {
    pub(in crate::domain) fn decode(tag: Tag, bytes: &[u8]) -> Result<Event, Undecodable> {
        match tag {
            ORDERS_PLACED => Ok(Event::OrdersPlaced(codec::strict(bytes)?)),
            _ => Err(Undecodable::UnknownKind(tag)),
        }
    }

    pub(in crate::domain) fn encode(&self) -> (Tag, Vec<u8>) {
        match self {
            Event::OrdersPlaced(placed) => (ORDERS_PLACED, codec::encode(placed)),
        }
    }
}
