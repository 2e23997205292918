//! The commands of purchases.

use serde::{Deserialize, Serialize};

use super::PurchaseId;
use crate::codec;
use crate::domain::shop::ItemId;
use crate::domain::{SealedText, Tag, Undecodable};

/// The tag of [`Buy`].
pub const BUY: Tag = Tag { schema: 1, kind: 57 };

/// The tag of [`ConfirmShipment`].
pub const CONFIRM_SHIPMENT: Tag = Tag { schema: 1, kind: 58 };

/// The tag of [`Cancel`].
pub const CANCEL: Tag = Tag { schema: 1, kind: 59 };

/// The tag of [`Ship`].
pub const SHIP: Tag = Tag { schema: 1, kind: 60 };

/// The tag of [`ConfirmReceipt`].
pub const CONFIRM_RECEIPT: Tag = Tag { schema: 1, kind: 61 };

/// The tag of [`ReportMissing`].
pub const REPORT_MISSING: Tag = Tag { schema: 1, kind: 62 };

/// The tag of [`RefundMissing`].
pub const REFUND_MISSING: Tag = Tag { schema: 1, kind: 63 };

/// The tag of [`Release`].
pub const RELEASE: Tag = Tag { schema: 1, kind: 64 };

/// The commands of this room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Buys.
    Buy(Buy),
    /// Says that a purchase may be sent.
    ConfirmShipment(ConfirmShipment),
    /// Cancels a purchase, or some units of it.
    Cancel(Cancel),
    /// Says that a purchase was sent, or that a missing parcel was found.
    Ship(Ship),
    /// Says that a purchase has arrived.
    ConfirmReceipt(ConfirmReceipt),
    /// Says that a purchase has not arrived.
    ReportMissing(ReportMissing),
    /// Gives the money for a missing purchase back.
    RefundMissing(RefundMissing),
    /// Takes the money of purchases that nobody can return any more.
    Release(Release),
}

/// Buys units of items, and pays for them. Agents and the till are no customers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Buy {
    /// 1 to [`crate::limits::PURCHASE_LINES_MAX`] items, each once.
    pub lines: Vec<Wanted>,
}

/// A line of [`Buy`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// The item.
    pub item: ItemId,
    /// The number of units: 1 to [`crate::limits::LINE_UNITS_MAX`].
    pub n: u64,
    /// The most that one unit may cost, in minor units. What is charged is the price at which the item is on sale.
    pub max_price: u64,
}

/// Says that a paid purchase may be sent. Only its customer may.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfirmShipment {
    /// The purchase.
    pub purchase: PurchaseId,
    /// The address, sealed in the scope of the purchase.
    pub address: Option<SealedText>,
}

/// Cancels units of a purchase that were not sent: their money goes back to the customer. The customer may before it has said
/// that they may be sent, and again when they were not sent in time; an agent may until they are sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cancel {
    /// The purchase.
    pub purchase: PurchaseId,
    /// The units, each item once; where there is none, all that are left.
    pub lines: Option<Vec<ItemUnits>>,
}

/// Units of an item in a purchase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemUnits {
    /// The item.
    pub item: ItemId,
    /// The number of units: 1 to [`crate::limits::LINE_UNITS_MAX`].
    pub n: u64,
}

/// Says that a purchase was sent. Only an agent may.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ship {
    /// The purchase.
    pub purchase: PurchaseId,
    /// Whether it is the parcel that was missing, which was found: once in a purchase.
    pub found: bool,
    /// How the parcel is traced, sealed in the scope of the purchase.
    pub tracking: Option<SealedText>,
}

/// Says that a purchase has arrived, late or not. Only its customer may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfirmReceipt {
    /// The purchase.
    pub purchase: PurchaseId,
}

/// Says that a purchase has not arrived. Only its customer may, and not before the setting `missing_after` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportMissing {
    /// The purchase.
    pub purchase: PurchaseId,
}

/// Gives the money for a missing purchase back: its units are lost. An agent may, and the customer once `ship_by` days have
/// passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundMissing {
    /// The purchase.
    pub purchase: PurchaseId,
}

/// Takes what is held for purchases that nobody can return any more. Only an agent may.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// 1 to [`crate::limits::RELEASED_PURCHASES_MAX`] purchases, each once, all or none.
    pub purchases: Vec<PurchaseId>,
}

impl Command {
    pub(in crate::domain) fn decode(tag: Tag, bytes: &[u8]) -> Result<Command, Undecodable> {
        match tag {
            BUY => Ok(Command::Buy(codec::strict(bytes)?)),
            CONFIRM_SHIPMENT => Ok(Command::ConfirmShipment(codec::strict(bytes)?)),
            CANCEL => Ok(Command::Cancel(codec::strict(bytes)?)),
            SHIP => Ok(Command::Ship(codec::strict(bytes)?)),
            CONFIRM_RECEIPT => Ok(Command::ConfirmReceipt(codec::strict(bytes)?)),
            REPORT_MISSING => Ok(Command::ReportMissing(codec::strict(bytes)?)),
            REFUND_MISSING => Ok(Command::RefundMissing(codec::strict(bytes)?)),
            RELEASE => Ok(Command::Release(codec::strict(bytes)?)),
            _ => Err(Undecodable::UnknownKind(tag)),
        }
    }

    pub(in crate::domain) fn encode(&self) -> (Tag, Vec<u8>) {
        match self {
            Command::Buy(buy) => (BUY, codec::encode(buy)),
            Command::ConfirmShipment(confirm) => (CONFIRM_SHIPMENT, codec::encode(confirm)),
            Command::Cancel(cancel) => (CANCEL, codec::encode(cancel)),
            Command::Ship(ship) => (SHIP, codec::encode(ship)),
            Command::ConfirmReceipt(confirm) => (CONFIRM_RECEIPT, codec::encode(confirm)),
            Command::ReportMissing(report) => (REPORT_MISSING, codec::encode(report)),
            Command::RefundMissing(refund) => (REFUND_MISSING, codec::encode(refund)),
            Command::Release(release) => (RELEASE, codec::encode(release)),
        }
    }
}
