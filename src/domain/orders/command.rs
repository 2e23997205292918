//! What a member asks for.

use serde::{Deserialize, Serialize};

use super::{Order, v1};
use crate::codec;
use crate::domain::{Tag, Undecodable};

/// The tag of [`PlaceOrders`].
pub const PLACE_ORDERS: Tag = Tag { schema: 2, kind: 16 };

/// The tag of [`v1::PlaceOrders`].
pub const PLACE_ORDERS_V1: Tag = Tag { schema: 1, kind: 16 };

/// The commands of this domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Place orders.
    PlaceOrders(PlaceOrders),
    /// Place orders in their first form.
    PlaceOrdersV1(v1::PlaceOrders),
}

/// Place orders, all or none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceOrders {
    /// 1 to [`crate::limits::ORDERS_MAX`] orders.
    pub orders: Vec<Order>,
}

impl Command {
    pub(in crate::domain) fn decode(tag: Tag, bytes: &[u8]) -> Result<Command, Undecodable> {
        match tag {
            PLACE_ORDERS => Ok(Command::PlaceOrders(codec::strict(bytes)?)),
            PLACE_ORDERS_V1 => Ok(Command::PlaceOrdersV1(codec::strict(bytes)?)),
            _ => Err(Undecodable::UnknownKind(tag)),
        }
    }

    pub(in crate::domain) fn encode(&self) -> (Tag, Vec<u8>) {
        match self {
            Command::PlaceOrders(place) => (PLACE_ORDERS, codec::encode(place)),
            Command::PlaceOrdersV1(place) => (PLACE_ORDERS_V1, codec::encode(place)),
        }
    }
}
