//! Commands of money with the events that they led to.

use super::{
    ChequeRevoked, Command, Event, Issue, Issued, Paid, PaidOut, Pay, PayOut, RevokeCheque, Settle, Settled,
    Transfer,
};
use crate::domain::AccountId;

/// What a block did to money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happened {
    /// Payments were made.
    Paid(Pay, Paid),
    /// Money was made.
    Issued(Issue, Issued),
    /// A cheque became money.
    Settled(Settle, Settled),
    /// A cheque was taken back.
    ChequeRevoked(RevokeCheque, ChequeRevoked),
    /// Money of an erased account was paid out.
    PaidOut(PayOut, PaidOut),
}

impl Happened {
    pub(in crate::domain) fn of(command: Command, event: Event) -> Option<Happened> {
        match (command, event) {
            (Command::Pay(command), Event::Paid(event)) => Some(Happened::Paid(command, event)),
            (Command::Issue(command), Event::Issued(event)) => Some(Happened::Issued(command, event)),
            (Command::Settle(command), Event::Settled(event)) => Some(Happened::Settled(command, event)),
            (Command::RevokeCheque(command), Event::ChequeRevoked(event)) => {
                Some(Happened::ChequeRevoked(command, event))
            }
            (Command::PayOut(command), Event::PaidOut(event)) => Some(Happened::PaidOut(command, event)),
            (
                Command::Pay(_)
                | Command::Issue(_)
                | Command::Settle(_)
                | Command::RevokeCheque(_)
                | Command::PayOut(_),
                _,
            ) => None,
        }
    }

    pub(in crate::domain) fn command(&self) -> Command {
        match self {
            Happened::Paid(command, _) => Command::Pay(command.clone()),
            Happened::Issued(command, _) => Command::Issue(command.clone()),
            Happened::Settled(command, _) => Command::Settle(command.clone()),
            Happened::ChequeRevoked(command, _) => Command::RevokeCheque(command.clone()),
            Happened::PaidOut(command, _) => Command::PayOut(*command),
        }
    }

    /// A payment concerns its payee if the block pays nobody else: whoever a block concerns reads all of it, and a
    /// payroll is nobody's but its payer's.
    pub(in crate::domain) fn concerns(&self, each: &mut dyn FnMut(AccountId)) {
        match self {
            Happened::Paid(pay, _) => {
                if let Some((first, rest)) = pay.payments.split_first()
                    && rest.iter().all(|payment| payment.to == first.to)
                {
                    each(first.to);
                }
            }
            Happened::Issued(issue, _) => each(issue.to),
            Happened::Settled(settle, _) => each(settle.cheque.payer),
            Happened::PaidOut(pay_out, _) => each(pay_out.to),
            Happened::ChequeRevoked(..) => {}
        }
    }

    pub(in crate::domain) fn transfers(&self, author: AccountId, each: &mut dyn FnMut(Transfer<'_>) -> bool) {
        match self {
            Happened::Paid(pay, _) => pay.transfers(author, each),
            Happened::Issued(issue, _) => issue.transfers(each),
            Happened::Settled(settle, _) => settle.transfers(each),
            Happened::PaidOut(pay_out, _) => pay_out.transfers(each),
            Happened::ChequeRevoked(..) => {}
        }
    }
}
