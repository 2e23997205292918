//! Purchases: what somebody bought from the shop, how far it has come, and the money that is held for it.
//!
//! Rules. One command checks, takes and pays: the units leave the shelf, and the money goes from the customer to a place of the
//! purchase's own, where it stays until it is clear whose it is. It goes back to the customer when units are cancelled or get
//! lost, and to the till once the customer can return nothing any more. A deadline is compared with the time of a block, and
//! whoever is served by it signs that step: nothing happens by itself. Every rule and every question sees the state that the
//! deadlines make of it. A purchase keeps the settings under which it was made.
//!
//! ```text
//! paid ──► confirmed ──► shipped ──► received ──► completed
//!   └──────────┴► cancelled  ▲ └► missing ┴► closed
//!                            └──────┘ found, once
//! ```

mod asked;
mod command;
mod event;
mod face;
mod happened;
mod purchase;
mod show;
mod state;
#[cfg(test)]
pub(in crate::domain::shop) mod examples;

pub use command::{
    BUY, Buy, CANCEL, CONFIRM_RECEIPT, CONFIRM_SHIPMENT, Cancel, Command, ConfirmReceipt, ConfirmShipment,
    ItemUnits, REFUND_MISSING, RELEASE, REPORT_MISSING, RefundMissing, Release, ReportMissing, SHIP, Ship,
    Wanted,
};
pub use event::{
    BOUGHT, Bought, CANCELLED, Cancelled, Event, MISSING_REFUNDED, MISSING_REPORTED, MissingRefunded,
    MissingReported, RECEIPT_CONFIRMED, RELEASED, ReceiptConfirmed, Released, SHIPMENT_CONFIRMED, SHIPPED,
    ShipmentConfirmed, Shipped,
};
pub use face::{LineFace, PurchaseFace, PurchasePage, PurchasesWanted};
pub use happened::Happened;
pub(in crate::domain) use happened::refunded;
pub use purchase::{Line, Purchase, PurchaseId, PurchaseState, Stage, Step};
pub use state::State;
