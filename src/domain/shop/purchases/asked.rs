//! What may be asked of a command of purchases.

use super::{
    Bought, Cancelled, Command, ConfirmShipment, MissingRefunded, MissingReported, ReceiptConfirmed,
    Released, Ship, ShipmentConfirmed, Shipped,
};
use crate::domain::{Role, SealedField, SealedPart, SealedText, TextForm};

impl Command {
    /// The role without which nobody may give the command.
    pub(in crate::domain::shop) fn only_for(&self) -> Option<Role> {
        match self {
            Command::Ship(_) | Command::Release(_) => Some(Role::Agent),
            Command::Buy(_)
            | Command::ConfirmShipment(_)
            | Command::Cancel(_)
            | Command::ConfirmReceipt(_)
            | Command::ReportMissing(_)
            | Command::RefundMissing(_) => None,
        }
    }

    /// The role by which somebody who has it gives the command. An agent is no customer: what it may do with a purchase, it does
    /// as an agent.
    pub(in crate::domain::shop) fn done_as(&self) -> Option<Role> {
        match self {
            Command::Ship(_) | Command::Release(_) | Command::Cancel(_) | Command::RefundMissing(_) => {
                Some(Role::Agent)
            }
            Command::Buy(_)
            | Command::ConfirmShipment(_)
            | Command::ConfirmReceipt(_)
            | Command::ReportMissing(_) => None,
        }
    }

    pub(in crate::domain) fn sealed(&self) -> Option<SealedPart<'_>> {
        let text = match self {
            Command::ConfirmShipment(ConfirmShipment { address: text, .. })
            | Command::Ship(Ship { tracking: text, .. }) => text,
            Command::Buy(_)
            | Command::Cancel(_)
            | Command::ConfirmReceipt(_)
            | Command::ReportMissing(_)
            | Command::RefundMissing(_)
            | Command::Release(_) => return None,
        };
        let SealedText { scope, text } = text.as_ref()?;
        let field = SealedField { number: 0, sealed: text, form: TextForm::Free };
        Some(SealedPart { scope: *scope, fields: vec![field] })
    }

    pub(in crate::domain) fn event_bytes_max(&self) -> usize {
        match self {
            Command::Buy(buy) => Bought::bytes_max(buy.lines.len()),
            Command::ConfirmShipment(_) => ShipmentConfirmed::BYTES_MAX,
            Command::Cancel(_) => Cancelled::BYTES_MAX,
            Command::Ship(_) => Shipped::BYTES_MAX,
            Command::ConfirmReceipt(_) => ReceiptConfirmed::BYTES_MAX,
            Command::ReportMissing(_) => MissingReported::BYTES_MAX,
            Command::RefundMissing(_) => MissingRefunded::BYTES_MAX,
            Command::Release(release) => Released::bytes_max(release.purchases.len()),
        }
    }
}
