//! Payments and issues: who is meant is proven by the ledger, the command is made of what was wanted, and it is sent
//! once.

use std::collections::BTreeMap;

use super::balance::fetch_balance;
use super::input::{self, Wanted};
use crate::client::ClientError;
use crate::client::accounts::{User, find_member};
use crate::client::link::Member;
use crate::client::proofs::Registrant;
use crate::client::sending::{IdempotencyKey, Submitted, submit_once};
use crate::domain::payments::{self, Currency, Event as MoneyEvent, Issue, Pay, Payment};
use crate::domain::{AccountId, Command, Event};
use crate::wire::Accepted;

/// Who is paid, as the ledger proves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payee {
    /// Number.
    pub account: AccountId,
    /// Public name.
    pub handle: String,
}

/// Money that one command has moved. Whoever tells it does so with [`Submitted::tell`].
#[derive(Debug)]
pub struct Moved {
    /// Each payment, with its payee.
    pub payments: Vec<(Payee, Payment)>,
    /// What money is called on this ledger.
    pub currency: Currency,
    /// The command.
    pub submitted: Submitted,
}

/// Money that was made.
#[derive(Debug)]
pub struct Issued {
    /// Who received it.
    pub to: Payee,
    /// How much, in minor units.
    pub amount: i64,
    /// What money is called on this ledger.
    pub currency: Currency,
    /// The command.
    pub submitted: Submitted,
}

/// Makes all these payments with one command, all or nothing. `again` is called when an earlier run sent the same
/// command and did not tell its outcome.
///
/// # Errors
/// [`ClientError::Usage`] for an amount that does not fit the currency, otherwise as for [`submit_once`]; a refusal says
/// which payment it is about.
pub fn pay(
    member: &mut Member,
    wanted: &[Wanted],
    key: Option<&IdempotencyKey>,
    again: &mut dyn FnMut(),
) -> Result<Moved, ClientError> {
    let (payments, currency) = wanted_payments(member, wanted)?;
    let pay = Pay { payments: payments.iter().map(|(_, payment)| payment.clone()).collect() };
    let command = Command::Payments(payments::Command::Pay(pay));
    let submitted = submit_once(member, &command, key, again);
    let submitted = submitted.map_err(|error| input::refused(wanted, error))?;
    Ok(Moved { payments, currency, submitted })
}

/// The payments that are wanted, each with its payee as the ledger proves it, and what money is called.
pub(super) fn wanted_payments(
    member: &mut Member,
    wanted: &[Wanted],
) -> Result<(Vec<(Payee, Payment)>, Currency), ClientError> {
    let (_, currency) = fetch_balance(member)?;
    let mut payments = Vec::with_capacity(wanted.len());
    let mut payees = Payees::default();
    for wanted in wanted {
        let amount = wanted.amount(&currency)?;
        let payee = payees.find(member, &wanted.to).map_err(|error| wanted.refused(error))?;
        wanted.check_handle(&payee.handle)?;
        let payment = Payment { to: payee.account, amount, memo: wanted.memo.clone() };
        payments.push((payee, payment));
    }
    Ok((payments, currency))
}

/// Makes money and gives it to somebody.
///
/// # Errors
/// As for [`pay`].
pub fn issue(
    member: &mut Member,
    wanted: &Wanted,
    key: Option<&IdempotencyKey>,
    again: &mut dyn FnMut(),
) -> Result<Issued, ClientError> {
    let (_, currency) = fetch_balance(member)?;
    let amount = wanted.amount(&currency)?;
    let Registrant { account, handle, .. } = find_member(member, &wanted.to)?;
    let submitted = issue_to(member, account, amount, key, again)?;
    Ok(Issued { to: Payee { account, handle }, amount, currency, submitted })
}

/// Makes so many minor units of money and gives them to an account.
///
/// # Errors
/// As for [`submit_once`].
pub fn issue_to(
    member: &mut Member,
    to: AccountId,
    amount: i64,
    key: Option<&IdempotencyKey>,
    again: &mut dyn FnMut(),
) -> Result<Submitted, ClientError> {
    let command = Command::Payments(payments::Command::Issue(Issue { to, amount }));
    submit_once(member, &command, key, again)
}

/// The payer's balance after a payment.
///
/// # Errors
/// [`ClientError::Unexpected`] when the block is not one of a payment.
pub fn balance_after_paying(accepted: &Accepted) -> Result<u64, ClientError> {
    match Event::decode(&accepted.event) {
        Ok(Event::Payments(MoneyEvent::Paid(paid))) => Ok(paid.balance),
        _ => Err(ClientError::other_answer()),
    }
}

/// The receiver's balance after an issue.
///
/// # Errors
/// [`ClientError::Unexpected`] when the block is not one of an issue.
pub fn balance_after_issuing(accepted: &Accepted) -> Result<u64, ClientError> {
    match Event::decode(&accepted.event) {
        Ok(Event::Payments(MoneyEvent::Issued(issued))) => Ok(issued.balance),
        _ => Err(ClientError::other_answer()),
    }
}

/// The payees of a command, each looked up once.
#[derive(Default)]
struct Payees(BTreeMap<User, Payee>);

impl Payees {
    fn find(&mut self, member: &mut Member, user: &User) -> Result<Payee, ClientError> {
        if let Some(known) = self.0.get(user) {
            return Ok(known.clone());
        }
        let Registrant { account, handle, .. } = find_member(member, user)?;
        let payee = Payee { account, handle };
        self.0.insert(user.clone(), payee.clone());
        Ok(payee)
    }
}
