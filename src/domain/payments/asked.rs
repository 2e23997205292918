//! What may be asked of a command of money, and what a new one has to meet beside the rules.

use std::fmt;

use super::{ChequeRevoked, Command, Issued, Paid, PaidOut, Pay, Rejection, Settle, Settled};
use crate::domain::{self, Declined, Endorsement, Endorser, Fact, Rights, Role, RoleUse, Value};
use crate::refusal;
use crate::text;

impl Command {
    /// Who pays with a cheque has signed it.
    pub(in crate::domain) fn endorsements(&self) -> Vec<Endorsement<'_>> {
        match self {
            Command::Settle(Settle { cheque, signature }) => vec![Endorsement {
                by: Endorser::Of {
                    account: cheque.payer,
                    key_id: cheque.key_id,
                    needs: Rights::Act,
                    unknown: domain::Rejection::Payments(Rejection::UnknownPayer(cheque.payer)),
                },
                signed: cheque.encode(),
                signature,
                refusal: (
                    refusal::BAD_CHEQUE_SIGNATURE,
                    "the cheque does not hold the signature of its payer",
                ),
            }],
            Command::Pay(_) | Command::Issue(_) | Command::RevokeCheque(_) | Command::PayOut(_) => Vec::new(),
        }
    }

    /// Whoever makes money, or disposes of another's, needs a key with full rights.
    pub(in crate::domain) fn needs(&self) -> Rights {
        match self {
            Command::Issue(_) | Command::PayOut(_) => Rights::Full,
            Command::Pay(_) | Command::Settle(_) | Command::RevokeCheque(_) => Rights::Act,
        }
    }

    /// Whoever makes money, or disposes of another's, does so as an operator.
    pub(in crate::domain) fn role_use(&self) -> Option<RoleUse> {
        match self {
            Command::Issue(_) => Some(RoleUse { role: Role::Operator, weighty: false }),
            Command::PayOut(_) => Some(RoleUse { role: Role::Operator, weighty: true }),
            Command::Pay(_) | Command::Settle(_) | Command::RevokeCheque(_) => None,
        }
    }

    pub(in crate::domain) fn event_bytes_max(&self) -> usize {
        match self {
            Command::Pay(_) => Paid::BYTES_MAX,
            Command::Issue(_) => Issued::BYTES_MAX,
            Command::Settle(_) => Settled::BYTES_MAX,
            Command::RevokeCheque(_) => ChequeRevoked::BYTES_MAX,
            Command::PayOut(_) => PaidOut::BYTES_MAX,
        }
    }

    pub(in crate::domain) fn guard(&self) -> Result<(), Declined> {
        match self {
            Command::Pay(Pay { payments }) => (1..).zip(payments).try_for_each(|(number, payment)| {
                guard_memo(&format_args!("payment {number}"), Some(number), &payment.memo)
            }),
            Command::Settle(Settle { cheque, .. }) => guard_memo(&format_args!("cheque"), None, &cheque.memo),
            Command::Issue(_) | Command::RevokeCheque(_) | Command::PayOut(_) => Ok(()),
        }
    }
}

/// A memo stays readable for ever, and says to everybody the same.
fn guard_memo(place: &dyn fmt::Display, element: Option<u64>, memo: &str) -> Result<(), Declined> {
    let Some(hidden) = text::first_hidden(memo) else { return Ok(()) };
    let sentence = format!("{place}: the memo holds {}, which nobody can see", text::name(hidden));
    let facts = element.map(|number| (Fact::Element, Value::Number(number))).into_iter().collect();
    Err(Declined { name: refusal::INVALID_MEMO, sentence, facts })
}
