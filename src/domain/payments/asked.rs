//! What may be asked of a command of money, and what a new one has to meet beside the rules.

use std::fmt;

use super::{Command, Pay, Rejection, Settle};
use crate::domain::{self, Endorsement, Endorser, Guarded};
use crate::text;

impl Command {
    /// Who pays with a payment order has signed it.
    pub(in crate::domain) fn endorsements(&self) -> Vec<Endorsement<'_>> {
        match self {
            Command::Settle(Settle { order, signature }) => vec![Endorsement {
                by: Endorser::Of(order.payer, order.key_id),
                signed: order.encode(),
                signature,
                refusal: (
                    "bad_order_signature",
                    "the payment order does not hold the signature of its payer",
                ),
                unknown: domain::Rejection::Payments(Rejection::UnknownPayer(order.payer)),
            }],
            Command::Pay(_) | Command::Issue(_) | Command::RevokeOrder(_) => Vec::new(),
        }
    }

    pub(in crate::domain) fn guard(&self) -> Result<(), Guarded> {
        match self {
            Command::Pay(Pay { payments }) => (1..).zip(payments).try_for_each(|(number, payment)| {
                guard_memo(&format_args!("payment {number}"), Some(number), &payment.memo)
            }),
            Command::Settle(Settle { order, .. }) => {
                guard_memo(&format_args!("payment order"), None, &order.memo)
            }
            Command::Issue(_) | Command::RevokeOrder(_) => Ok(()),
        }
    }
}

/// A memo stays readable for ever, and says to everybody the same.
fn guard_memo(place: &dyn fmt::Display, element: Option<u64>, memo: &str) -> Result<(), Guarded> {
    let Some(hidden) = text::first_hidden(memo) else { return Ok(()) };
    let sentence = format!("{place}: the memo holds {}, which nobody can see", text::name(hidden));
    Err(Guarded { name: "invalid_memo", sentence, element })
}
