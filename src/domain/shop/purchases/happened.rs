//! Commands of purchases with the events that they led to, the money that they move, and whom they concern.

use super::{
    Bought, Buy, Cancel, Cancelled, Command, ConfirmReceipt, ConfirmShipment, Event, MissingRefunded,
    MissingReported, PurchaseId, ReceiptConfirmed, RefundMissing, Release, Released, ReportMissing, Ship,
    ShipmentConfirmed, Shipped,
};
use crate::crypto::sealed::ScopeId;
use crate::domain::{
    AccountId, Context, Domain, Movement, Place, Scope, ScopeKind, ScopeUse, SealedText, Transfer,
};

/// What a block did to purchases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happened {
    /// Units were bought.
    Bought(Buy, Bought),
    /// A purchase may be sent.
    ShipmentConfirmed(ConfirmShipment, ShipmentConfirmed),
    /// Units were cancelled.
    Cancelled(Cancel, Cancelled),
    /// A purchase was sent.
    Shipped(Ship, Shipped),
    /// A purchase has arrived.
    ReceiptConfirmed(ConfirmReceipt, ReceiptConfirmed),
    /// A purchase has not arrived.
    MissingReported(ReportMissing, MissingReported),
    /// The money for a missing purchase was given back.
    MissingRefunded(RefundMissing, MissingRefunded),
    /// The till has received the money of purchases.
    Released(Release, Released),
}

impl Happened {
    pub(in crate::domain) fn of(command: Command, event: Event) -> Option<Happened> {
        match (command, event) {
            (Command::Buy(command), Event::Bought(event)) => Some(Happened::Bought(command, event)),
            (Command::ConfirmShipment(command), Event::ShipmentConfirmed(event)) => {
                Some(Happened::ShipmentConfirmed(command, event))
            }
            (Command::Cancel(command), Event::Cancelled(event)) => Some(Happened::Cancelled(command, event)),
            (Command::Ship(command), Event::Shipped(event)) => Some(Happened::Shipped(command, event)),
            (Command::ConfirmReceipt(command), Event::ReceiptConfirmed(event)) => {
                Some(Happened::ReceiptConfirmed(command, event))
            }
            (Command::ReportMissing(command), Event::MissingReported(event)) => {
                Some(Happened::MissingReported(command, event))
            }
            (Command::RefundMissing(command), Event::MissingRefunded(event)) => {
                Some(Happened::MissingRefunded(command, event))
            }
            (Command::Release(command), Event::Released(event)) => Some(Happened::Released(command, event)),
            (
                Command::Buy(_)
                | Command::ConfirmShipment(_)
                | Command::Cancel(_)
                | Command::Ship(_)
                | Command::ConfirmReceipt(_)
                | Command::ReportMissing(_)
                | Command::RefundMissing(_)
                | Command::Release(_),
                _,
            ) => None,
        }
    }

    pub(in crate::domain) fn command(&self) -> Command {
        match self {
            Happened::Bought(command, _) => Command::Buy(command.clone()),
            Happened::ShipmentConfirmed(command, _) => Command::ConfirmShipment(command.clone()),
            Happened::Cancelled(command, _) => Command::Cancel(command.clone()),
            Happened::Shipped(command, _) => Command::Ship(command.clone()),
            Happened::ReceiptConfirmed(command, _) => Command::ConfirmReceipt(*command),
            Happened::MissingReported(command, _) => Command::ReportMissing(*command),
            Happened::MissingRefunded(command, _) => Command::RefundMissing(*command),
            Happened::Released(command, _) => Command::Release(command.clone()),
        }
    }

    /// A customer reads what agents did with a purchase of its own, and the till what it has received.
    pub(in crate::domain) fn concerns(&self, each: &mut dyn FnMut(AccountId)) {
        match self {
            Happened::Cancelled(_, Cancelled { customer, .. })
            | Happened::Shipped(_, Shipped { customer, .. })
            | Happened::MissingRefunded(_, MissingRefunded { customer, .. }) => each(*customer),
            Happened::Released(_, Released { till, customer, .. }) => {
                each(*till);
                customer.iter().copied().for_each(each);
            }
            Happened::Bought(..)
            | Happened::ShipmentConfirmed(..)
            | Happened::ReceiptConfirmed(..)
            | Happened::MissingReported(..) => {}
        }
    }

    /// The scope that the block opened: whoever writes the first text of a purchase opens it, and it is the customer's.
    pub(in crate::domain) fn opens_scope(&self, context: &Context<'_>) -> Option<(ScopeId, Scope)> {
        let (purchase, customer, text) = match self {
            Happened::ShipmentConfirmed(confirm, _) => (confirm.purchase, context.author, &confirm.address),
            Happened::Shipped(ship, shipped) => (ship.purchase, shipped.customer, &ship.tracking),
            Happened::Bought(..)
            | Happened::Cancelled(..)
            | Happened::ReceiptConfirmed(..)
            | Happened::MissingReported(..)
            | Happened::MissingRefunded(..)
            | Happened::Released(..) => return None,
        };
        let Some(SealedText { scope: scope @ ScopeUse::Open(_), .. }) = text else { return None };
        Some((scope.id(context), Scope::new(ScopeKind::Purchase, customer, purchase.0, context.index)))
    }

    /// The money of a purchase goes from place to place, and never with a memo.
    pub(in crate::domain) fn transfers(&self, author: AccountId, each: &mut dyn FnMut(Transfer<'_>) -> bool) {
        match self {
            Happened::Bought(buy, bought) => {
                let (from, to) = (Place::Account(author), held(bought.purchase));
                each(moved(Movement::Purchase, from, to, buy.total(&bought.prices)));
            }
            Happened::Cancelled(Cancel { purchase, .. }, Cancelled { customer, refund, .. })
            | Happened::MissingRefunded(RefundMissing { purchase }, MissingRefunded { customer, refund }) => {
                each(refunded(*purchase, *customer, *refund));
            }
            Happened::Released(release, released) => {
                let amounts = release.purchases.iter().zip(&released.amounts);
                let to = Place::Account(released.till);
                let mut moves =
                    amounts.map(|(purchase, amount)| moved(Movement::Release, held(*purchase), to, *amount));
                moves.all(each);
            }
            Happened::ShipmentConfirmed(..)
            | Happened::Shipped(..)
            | Happened::ReceiptConfirmed(..)
            | Happened::MissingReported(..) => {}
        }
    }
}

impl Buy {
    /// What all units together cost at these prices, in minor units. More than a number holds is refused by the rules.
    pub(in crate::domain::shop) fn total(&self, prices: &[u64]) -> u64 {
        let costs =
            self.lines.iter().zip(prices).map(|(line, price)| u128::from(line.n) * u128::from(*price));
        u64::try_from(costs.fold(0, u128::saturating_add)).unwrap_or(u64::MAX)
    }
}

/// The money that goes back to a customer.
pub(in crate::domain) fn refunded(
    purchase: PurchaseId,
    customer: AccountId,
    amount: u64,
) -> Transfer<'static> {
    moved(Movement::Refund, held(purchase), Place::Account(customer), amount)
}

fn held(purchase: PurchaseId) -> Place {
    Place::Held(Domain::Shop, purchase.0)
}

fn moved(movement: Movement, from: Place, to: Place, amount: u64) -> Transfer<'static> {
    Transfer { movement, from, to, amount, memo: "" }
}
