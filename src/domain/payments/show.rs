//! How what happened to money is shown.

use std::fmt;

use super::{Happened, Issue, PayOut, Payment, Settle};
use crate::domain::{AccountId, Shown, Sink};

impl Happened {
    pub(in crate::domain) fn show(&self, author: AccountId, to: &mut dyn Sink) -> fmt::Result {
        match self {
            Happened::Paid(pay, _) => {
                to.entries(pay.payments.len())?;
                pay.payments.iter().try_for_each(|payment| payment.show(author, to))
            }
            Happened::Issued(issue, _) => issue.show(author, to),
            Happened::Settled(settle, _) => settle.show(to),
            Happened::PaidOut(pay_out, _) => pay_out.show(author, to),
            Happened::ChequeRevoked(revoke, _) => {
                to.entries(1)?;
                to.entry(author, "revoke_cheque")?;
                to.field("cheque_id", " ", Shown::Name(&revoke.cheque_id))
            }
        }
    }
}

impl Payment {
    fn show(&self, author: AccountId, to: &mut dyn Sink) -> fmt::Result {
        to.entry(author, "pay")?;
        to.field("to", " to ", Shown::Account(self.to))?;
        to.field("amount", " ", Shown::Money(self.amount.into()))?;
        show_memo(&self.memo, to)
    }
}

impl Issue {
    fn show(&self, author: AccountId, to: &mut dyn Sink) -> fmt::Result {
        to.entries(1)?;
        to.entry(author, "issue")?;
        to.field("to", " to ", Shown::Account(self.to))?;
        to.field("amount", " ", Shown::Money(self.amount.into()))
    }
}

impl PayOut {
    fn show(&self, author: AccountId, to: &mut dyn Sink) -> fmt::Result {
        to.entries(1)?;
        to.entry(author, "pay_out")?;
        to.field("account", " of ", Shown::Account(self.account))?;
        to.field("to", " to ", Shown::Account(self.to))?;
        to.field("amount", " ", Shown::Money(self.amount.into()))?;
        to.field("reason", ", reason ", Shown::Name(&self.reason))
    }
}

impl Settle {
    /// A settlement is the payee's, who is its block's author.
    fn show(&self, to: &mut dyn Sink) -> fmt::Result {
        let cheque = &self.cheque;
        to.entries(1)?;
        to.entry(cheque.payee, "settle")?;
        to.field("from", " from ", Shown::Account(cheque.payer))?;
        to.field("amount", " ", Shown::Money(cheque.amount.into()))?;
        to.field("cheque_id", ", cheque ", Shown::Name(&cheque.cheque_id))?;
        show_memo(&cheque.memo, to)
    }
}

/// The memo, where there is one.
fn show_memo(memo: &str, to: &mut dyn Sink) -> fmt::Result {
    if memo.is_empty() { Ok(()) } else { to.field("memo", ": ", Shown::Text(memo)) }
}
