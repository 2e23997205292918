//! How what happened to purchases is shown.

use std::fmt;

use super::{Bought, Buy, Cancel, Cancelled, Happened, PurchaseId, Release, Released};
use crate::domain::{AccountId, ScopeUse, SealedText, Shown, Sink};

impl Happened {
    pub(in crate::domain) fn show(&self, author: AccountId, to: &mut dyn Sink) -> fmt::Result {
        match self {
            Happened::Bought(buy, bought) => buy.show(bought, author, to),
            Happened::ShipmentConfirmed(confirm, confirmed) => {
                one(author, "confirm_shipment", confirm.purchase, to)?;
                show_scope(confirm.address.as_ref(), to)?;
                to.field("ship_by", ", to be sent by ", Shown::Time(confirmed.ship_by))
            }
            Happened::Cancelled(cancel, cancelled) => cancel.show(*cancelled, author, to),
            Happened::Shipped(ship, shipped) => {
                one(author, "ship", ship.purchase, to)?;
                if ship.found {
                    to.field("found", ", which was missing: ", Shown::Name(&true))?;
                }
                show_scope(ship.tracking.as_ref(), to)?;
                to.field("received_by", ", received by ", Shown::Time(shipped.received_by))
            }
            Happened::ReceiptConfirmed(confirm, confirmed) => {
                one(author, "confirm_receipt", confirm.purchase, to)?;
                to.field("return_by", ", to be returned by ", Shown::Time(confirmed.return_by))
            }
            Happened::MissingReported(report, reported) => {
                one(author, "report_missing", report.purchase, to)?;
                to.field("found_by", ", to be found by ", Shown::Time(reported.found_by))
            }
            Happened::MissingRefunded(refund, refunded) => {
                one(author, "refund_missing", refund.purchase, to)?;
                to.field("refund", ", refund ", Shown::Price(refunded.refund))
            }
            Happened::Released(release, released) => release.show(released, author, to),
        }
    }
}

/// Something done to one purchase.
fn one(author: AccountId, operation: &'static str, purchase: PurchaseId, to: &mut dyn Sink) -> fmt::Result {
    to.entries(1)?;
    to.entry(author, operation)?;
    to.field("purchase", " of purchase ", Shown::Count(purchase.0))
}

/// The scope in which a text is sealed.
fn show_scope(text: Option<&SealedText>, to: &mut dyn Sink) -> fmt::Result {
    match text {
        None => Ok(()),
        Some(SealedText { scope: ScopeUse::Open(commitment), .. }) => {
            let commitment = const_hex::encode(commitment);
            to.field("scope_key", ", opening a scope whose key is committed to as ", Shown::Name(&commitment))
        }
        Some(SealedText { scope: ScopeUse::In(scope), .. }) => {
            to.field("scope", ", sealed in the scope ", Shown::Name(scope))
        }
    }
}

impl Buy {
    fn show(&self, bought: &Bought, author: AccountId, to: &mut dyn Sink) -> fmt::Result {
        to.entries(self.lines.len())?;
        self.lines.iter().zip(&bought.prices).try_for_each(|(line, price)| {
            to.entry(author, "purchase")?;
            to.field("purchase", " ", Shown::Count(bought.purchase.0))?;
            to.field("item", ": item ", Shown::Count(line.item.0))?;
            to.field("quantity", ", units ", Shown::Count(line.n))?;
            to.field("price", ", at ", Shown::Price(*price))
        })
    }
}

impl Cancel {
    /// What became of the purchase, and then the units, where they were named.
    fn show(&self, cancelled: Cancelled, author: AccountId, to: &mut dyn Sink) -> fmt::Result {
        let lines = self.lines.as_deref().unwrap_or_default();
        to.entries(1 + lines.len())?;
        to.entry(author, "cancel")?;
        to.field("purchase", " of purchase ", Shown::Count(self.purchase.0))?;
        to.field("left", ", units left ", Shown::Count(cancelled.left))?;
        to.field("refund", ", refund ", Shown::Price(cancelled.refund))?;
        lines.iter().try_for_each(|line| {
            to.entry(author, "cancel_units")?;
            to.field("purchase", " of purchase ", Shown::Count(self.purchase.0))?;
            to.field("item", ": item ", Shown::Count(line.item.0))?;
            to.field("quantity", ", units ", Shown::Count(line.n))
        })
    }
}

impl Release {
    fn show(&self, released: &Released, author: AccountId, to: &mut dyn Sink) -> fmt::Result {
        to.entries(self.purchases.len())?;
        self.purchases.iter().zip(&released.amounts).try_for_each(|(purchase, amount)| {
            to.entry(author, "release")?;
            to.field("purchase", " of purchase ", Shown::Count(purchase.0))?;
            to.field("amount", ", which are ", Shown::Money(i128::from(*amount)))?;
            to.field("till", ", to the till ", Shown::Account(released.till))
        })
    }
}
