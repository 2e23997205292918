//! The state of payments: the balance of every account, and the end of every cheque.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{ChequeId, Happened, Rejection, Settle, Transfer};
use crate::domain::{self, AccountId, Context, Domain, Hindrance, Impossible, Place, Unbalanced};
use crate::limits::ISSUED_MAX;

/// The end of a cheque, which is for ever, with the index of the block in which it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fate {
    /// The cheque was settled.
    Settled(u64),
    /// The payer took the cheque back.
    Revoked(u64),
}

impl Fate {
    /// The index of the block in which the cheque ended.
    pub fn index(self) -> u64 {
        match self {
            Fate::Settled(index) | Fate::Revoked(index) => index,
        }
    }
}

/// Balances, which add up to what was issued.
#[derive(Clone, Debug, Default, Serialize)]
pub struct State {
    balances: BTreeMap<AccountId, u64>,
    held: BTreeMap<(Domain, u64), u64>,
    issued: u64,
    fates: BTreeMap<(AccountId, ChequeId), Fate>,
    settlements: u64,
    revocations: u64,
}

impl State {
    /// The balance of an account, in minor units.
    pub fn balance(&self, account: AccountId) -> u64 {
        self.balances.get(&account).copied().unwrap_or(0)
    }

    /// The money that a domain holds under a number of its own, in minor units.
    pub fn held(&self, domain: Domain, number: u64) -> u64 {
        self.held.get(&(domain, number)).copied().unwrap_or(0)
    }

    /// The money that was ever issued, in minor units.
    pub fn issued(&self) -> u64 {
        self.issued
    }

    /// The sum of all balances and of the money that domains hold. It is what was issued, or something is wrong.
    pub fn sum(&self) -> u128 {
        self.balances.values().chain(self.held.values()).map(|balance| u128::from(*balance)).sum()
    }

    /// The end of a cheque of this payer's; none while the cheque may still be settled.
    pub fn fate(&self, payer: AccountId, cheque: ChequeId) -> Option<Fate> {
        self.fates.get(&(payer, cheque)).copied()
    }

    /// How many cheques were settled so far.
    pub fn settlements(&self) -> u64 {
        self.settlements
    }

    /// How many cheques were revoked so far.
    pub fn revocations(&self) -> u64 {
        self.revocations
    }

    /// Visits the counts of this state, by name.
    pub(in crate::domain) fn totals(&self, each: &mut dyn FnMut(&'static str, u64)) {
        each("issued", self.issued);
        each("settlements", self.settlements);
        each("revocations", self.revocations);
    }

    /// Whether all balances and all held money add up to what was issued.
    pub(in crate::domain) fn conserved(&self) -> Result<(), Unbalanced> {
        let (sum, issued) = (self.sum(), self.issued);
        if sum == u128::from(issued) { Ok(()) } else { Err(Unbalanced::Money { sum, issued }) }
    }

    /// The hindrance to erasing an account that still has money.
    pub(in crate::domain) fn hinders_erasure(&self, account: AccountId) -> Option<Hindrance> {
        let left = Some(self.balance(account)).filter(|left| *left > 0)?;
        let rejection = domain::Rejection::Payments(Rejection::BalanceLeft(left));
        Some(Hindrance { rejection, lifted_by_force: true })
    }

    /// Takes money from a place.
    fn take(
        &mut self,
        from: Place,
        amount: u64,
        moved: &mut dyn FnMut(AccountId, u64),
    ) -> Result<(), Impossible> {
        let held = match from {
            Place::Issued => {
                let issued = self.issued.checked_add(amount).filter(|issued| *issued <= ISSUED_MAX);
                self.issued = issued.ok_or(Impossible::TooLarge("what was issued"))?;
                return Ok(());
            }
            Place::Account(account) => self.balances.entry(account).or_default(),
            Place::Held(domain, number) => self.held.entry((domain, number)).or_default(),
        };
        let left = held.checked_sub(amount).ok_or(Impossible::Overdraft { from, held: *held, amount })?;
        *held = left;
        match from {
            Place::Account(account) => moved(account, left),
            Place::Held(domain, number) if left == 0 => drop(self.held.remove(&(domain, number))),
            Place::Held(..) | Place::Issued => {}
        }
        Ok(())
    }

    /// Gives money to a place.
    fn give(
        &mut self,
        to: Place,
        amount: u64,
        moved: &mut dyn FnMut(AccountId, u64),
    ) -> Result<(), Impossible> {
        let held = match to {
            Place::Issued => {
                let overdraft = Impossible::Overdraft { from: to, held: self.issued, amount };
                self.issued = self.issued.checked_sub(amount).ok_or(overdraft)?;
                return Ok(());
            }
            Place::Account(account) => self.balances.entry(account).or_default(),
            Place::Held(domain, number) => self.held.entry((domain, number)).or_default(),
        };
        *held = Impossible::sum("a balance", *held, amount)?;
        let balance = *held;
        if let Place::Account(account) = to {
            moved(account, balance);
        }
        Ok(())
    }
}

/// Moves money from one place to another. There is no other way in which money moves, whatever command moved it. `moved`
/// is told the new balance of every account whose money it was.
///
/// # Errors
/// [`Impossible`] when the money is not there, or is more than a ledger counts; the state is of no use then.
pub(in crate::domain) fn book(
    state: &mut State,
    transfer: &Transfer<'_>,
    moved: &mut dyn FnMut(AccountId, u64),
) -> Result<(), Impossible> {
    if transfer.amount == 0 {
        return Err(Impossible::Amount);
    }
    state.take(transfer.from, transfer.amount, moved)?;
    state.give(transfer.to, transfer.amount, moved)
}

/// Takes note of what became of cheques, and holds what the events say against the state. The money of the
/// block is booked already.
///
/// # Errors
/// [`Impossible`] when an event says something else than follows; the state is of no use then.
pub fn apply(state: &mut State, happened: &Happened, context: &Context<'_>) -> Result<(), Impossible> {
    let index = context.index;
    match happened {
        Happened::Paid(_, paid) => {
            Impossible::unless_equal("balance", paid.balance, state.balance(context.author))
        }
        Happened::Issued(issue, issued) => {
            Impossible::unless_equal("balance", issued.balance, state.balance(issue.to))
        }
        Happened::Settled(Settle { cheque, .. }, settled) => {
            Impossible::unless_equal("settlement", settled.settlement, state.settlements)?;
            let ended = state.fates.insert((cheque.payer, cheque.cheque_id), Fate::Settled(index));
            Impossible::unless(ended.is_none(), Impossible::Twice("the end of a cheque"))?;
            state.settlements += 1;
            Ok(())
        }
        Happened::ChequeRevoked(revoke, revoked) => {
            Impossible::unless_equal("revocation", revoked.revocation, state.revocations)?;
            let ended = state.fates.insert((context.author, revoke.cheque_id), Fate::Revoked(index));
            Impossible::unless(ended.is_none(), Impossible::Twice("the end of a cheque"))?;
            state.revocations += 1;
            Ok(())
        }
        Happened::PaidOut(pay_out, paid_out) => {
            Impossible::unless_equal("balance", paid_out.balance, state.balance(pay_out.to))
        }
    }
}
