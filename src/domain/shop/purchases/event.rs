//! What happened to purchases.

use serde::{Deserialize, Serialize};

use super::PurchaseId;
use crate::codec;
use crate::domain::{AccountId, Tag, Undecodable};
use crate::limits::{PURCHASE_LINES_MAX, RELEASED_PURCHASES_MAX};
use crate::time::Timestamp;

/// The tag of [`Bought`].
pub const BOUGHT: Tag = Tag { schema: 1, kind: 57 };

/// The tag of [`ShipmentConfirmed`].
pub const SHIPMENT_CONFIRMED: Tag = Tag { schema: 1, kind: 58 };

/// The tag of [`Cancelled`].
pub const CANCELLED: Tag = Tag { schema: 1, kind: 59 };

/// The tag of [`Shipped`].
pub const SHIPPED: Tag = Tag { schema: 1, kind: 60 };

/// The tag of [`ReceiptConfirmed`].
pub const RECEIPT_CONFIRMED: Tag = Tag { schema: 1, kind: 61 };

/// The tag of [`MissingReported`].
pub const MISSING_REPORTED: Tag = Tag { schema: 1, kind: 62 };

/// The tag of [`MissingRefunded`].
pub const MISSING_REFUNDED: Tag = Tag { schema: 1, kind: 63 };

/// The tag of [`Released`].
pub const RELEASED: Tag = Tag { schema: 1, kind: 64 };

/// The events of this room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Units were bought.
    Bought(Bought),
    /// A purchase may be sent.
    ShipmentConfirmed(ShipmentConfirmed),
    /// Units were cancelled.
    Cancelled(Cancelled),
    /// A purchase was sent.
    Shipped(Shipped),
    /// A purchase has arrived.
    ReceiptConfirmed(ReceiptConfirmed),
    /// A purchase has not arrived.
    MissingReported(MissingReported),
    /// The money for a missing purchase was given back.
    MissingRefunded(MissingRefunded),
    /// The till has received the money of purchases.
    Released(Released),
}

/// The units of the command were bought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bought {
    /// The number of the purchase.
    pub purchase: PurchaseId,
    /// The number of the settings that hold for it.
    pub settings: u64,
    /// The price of one unit of each line, in minor units.
    pub prices: Vec<u64>,
}

/// The purchase of the command may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShipmentConfirmed {
    /// The moment from which the customer may cancel it, if it was not sent.
    pub ship_by: Timestamp,
}

/// Units of the command's purchase were cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cancelled {
    /// The account of the customer.
    pub customer: AccountId,
    /// The minor units that the customer received back.
    pub refund: u64,
    /// The units of the purchase that are left to be sent.
    pub left: u64,
}

/// The purchase of the command was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shipped {
    /// The account of the customer.
    pub customer: AccountId,
    /// The moment from which it counts as received.
    pub received_by: Timestamp,
}

/// The purchase of the command has arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptConfirmed {
    /// The moment from which it cannot be returned any more.
    pub return_by: Timestamp,
}

/// The purchase of the command has not arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingReported {
    /// The moment from which the customer may take the money back.
    pub found_by: Timestamp,
}

/// The money for the missing purchase of the command was given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingRefunded {
    /// The account of the customer.
    pub customer: AccountId,
    /// The minor units that the customer received back.
    pub refund: u64,
}

/// The till has received what was held for the purchases of the command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Released {
    /// The account of the till.
    pub till: AccountId,
    /// The account of the customer, where it is one purchase: the block concerns it. A block of several concerns none of their
    /// customers, who would read each other's numbers in it.
    pub customer: Option<AccountId>,
    /// What was held for each purchase, in minor units.
    pub amounts: Vec<u64>,
}

impl Bought {
    /// Bytes of its longest encoding for a command of so many lines.
    pub(in crate::domain) fn bytes_max(lines: usize) -> usize {
        let prices = lines.min(PURCHASE_LINES_MAX);
        (2 + prices) * codec::U64_BYTES_MAX + codec::length_bytes(prices)
    }
}

impl ShipmentConfirmed {
    /// Bytes of its longest encoding.
    pub(in crate::domain) const BYTES_MAX: usize = codec::U64_BYTES_MAX;
}

impl Cancelled {
    /// Bytes of its longest encoding.
    pub(in crate::domain) const BYTES_MAX: usize = 3 * codec::U64_BYTES_MAX;
}

impl Shipped {
    /// Bytes of its longest encoding.
    pub(in crate::domain) const BYTES_MAX: usize = 2 * codec::U64_BYTES_MAX;
}

impl ReceiptConfirmed {
    /// Bytes of its longest encoding.
    pub(in crate::domain) const BYTES_MAX: usize = codec::U64_BYTES_MAX;
}

impl MissingReported {
    /// Bytes of its longest encoding.
    pub(in crate::domain) const BYTES_MAX: usize = codec::U64_BYTES_MAX;
}

impl MissingRefunded {
    /// Bytes of its longest encoding.
    pub(in crate::domain) const BYTES_MAX: usize = 2 * codec::U64_BYTES_MAX;
}

impl Released {
    /// Bytes of its longest encoding for a command of so many purchases: whether there is a customer, and numbers.
    pub(in crate::domain) fn bytes_max(purchases: usize) -> usize {
        let amounts = purchases.min(RELEASED_PURCHASES_MAX);
        1 + (2 + amounts) * codec::U64_BYTES_MAX + codec::length_bytes(amounts)
    }
}

impl Event {
    pub(in crate::domain) fn decode(tag: Tag, bytes: &[u8]) -> Result<Event, Undecodable> {
        match tag {
            BOUGHT => Ok(Event::Bought(codec::strict(bytes)?)),
            SHIPMENT_CONFIRMED => Ok(Event::ShipmentConfirmed(codec::strict(bytes)?)),
            CANCELLED => Ok(Event::Cancelled(codec::strict(bytes)?)),
            SHIPPED => Ok(Event::Shipped(codec::strict(bytes)?)),
            RECEIPT_CONFIRMED => Ok(Event::ReceiptConfirmed(codec::strict(bytes)?)),
            MISSING_REPORTED => Ok(Event::MissingReported(codec::strict(bytes)?)),
            MISSING_REFUNDED => Ok(Event::MissingRefunded(codec::strict(bytes)?)),
            RELEASED => Ok(Event::Released(codec::strict(bytes)?)),
            _ => Err(Undecodable::UnknownKind(tag)),
        }
    }

    pub(in crate::domain) fn encode(&self) -> (Tag, Vec<u8>) {
        match self {
            Event::Bought(bought) => (BOUGHT, codec::encode(bought)),
            Event::ShipmentConfirmed(confirmed) => (SHIPMENT_CONFIRMED, codec::encode(confirmed)),
            Event::Cancelled(cancelled) => (CANCELLED, codec::encode(cancelled)),
            Event::Shipped(shipped) => (SHIPPED, codec::encode(shipped)),
            Event::ReceiptConfirmed(confirmed) => (RECEIPT_CONFIRMED, codec::encode(confirmed)),
            Event::MissingReported(reported) => (MISSING_REPORTED, codec::encode(reported)),
            Event::MissingRefunded(refunded) => (MISSING_REFUNDED, codec::encode(refunded)),
            Event::Released(released) => (RELEASED, codec::encode(released)),
        }
    }
}
