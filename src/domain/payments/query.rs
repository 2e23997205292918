//! What members may ask of money: what they have, what came and went, what became of a cheque.

use serde::{Deserialize, Serialize};

use super::{ChequeId, Fate, Movement, State, Transfer};
use crate::domain::{self, Access, AccountId, Declined, Past, Place, Recorded, Settings, accounts};
use crate::limits::PAGE_BYTES_MAX;
use crate::time::Timestamp;

/// Bytes that a line of a statement takes beside its memo and its handle, generously.
const LINE_BYTES: usize = 64;

/// A question about the asker's money. Numbers on the wire: a further one is appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Query {
    /// What the asker has, and what money is called here.
    Balance,
    /// What moved the asker's money, from this place on, at most `limit` lines of it.
    Statement {
        /// Where to begin.
        from: StatementPlace,
        /// Most lines wanted.
        limit: u64,
    },
    /// What became of a cheque: told to its payer, and to whoever may read the block in which it ended.
    Cheque {
        /// Whose cheque.
        payer: AccountId,
        /// Which one.
        cheque_id: ChequeId,
    },
}

/// The answer to the [`Query`] of the same name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// The asker's money.
    Balance(Balance),
    /// Some lines of the asker's statement.
    Statement(StatementPage),
    /// How a cheque ended; none while it may still be settled, and for others.
    Cheque(Option<Fate>),
}

/// An account's money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    /// Minor units.
    pub balance: u64,
    /// The ledger's currency.
    pub currency: String,
    /// Decimals with which amounts are shown.
    pub scale: u8,
}

/// A place in an account's statement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StatementPlace {
    /// Index of a block.
    pub index: u64,
    /// Which movement of the block, from 0.
    pub element: u64,
}

impl StatementPlace {
    /// The place behind this one, in the same block.
    #[must_use]
    pub fn next(self) -> StatementPlace {
        // A server may name any place at all to its client.
        StatementPlace { element: self.element.saturating_add(1), ..self }
    }
}

/// Some lines of an account's statement, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementPage {
    /// The lines.
    pub lines: Vec<StatementLine>,
    /// Where the next one is; none when these were the last.
    pub next: Option<StatementPlace>,
}

/// One movement of an account's money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementLine {
    /// Where it stands.
    pub place: StatementPlace,
    /// Time of the block.
    pub timestamp: Timestamp,
    /// What moved it.
    pub movement: Movement,
    /// Minor units that came, or negative that went.
    pub amount: i64,
    /// What the account has after it, in minor units.
    pub balance: u64,
    /// Who is at the other end: the payer, the payee, or the operator who issued.
    pub counterparty: Option<AccountId>,
    /// The counterparty's public name.
    pub handle: String,
    /// What it was for.
    pub memo: String,
}

impl Query {
    pub(in crate::domain) fn access(&self) -> Access {
        match self {
            Query::Balance | Query::Statement { .. } | Query::Cheque { .. } => Access::Member,
        }
    }
}

pub(in crate::domain) fn answer(
    (state, accounts, settings): (&State, &accounts::State, &Settings),
    past: &mut dyn Past,
    asker: AccountId,
    query: &Query,
) -> Result<Answer, Declined> {
    match *query {
        Query::Balance => {
            let (currency, scale) = (settings.currency.name.clone(), settings.currency.scale);
            Ok(Answer::Balance(Balance { balance: state.balance(asker), currency, scale }))
        }
        Query::Statement { from, limit } => {
            let limit = limit.max(1);
            let page = Page { asker, from, limit, balance: 0, bytes: 0, lines: Vec::new(), next: None };
            Ok(Answer::Statement(page.fill(accounts, settings, past)))
        }
        Query::Cheque { payer, cheque_id } => {
            let fate = state.fate(payer, cheque_id);
            Ok(Answer::Cheque(fate.filter(|fate| asker == payer || past.may_read(asker, fate.index()))))
        }
    }
}

/// A page of a statement that is being made.
struct Page {
    asker: AccountId,
    from: StatementPlace,
    limit: u64,
    /// What the asker had after the movement before.
    balance: u64,
    bytes: usize,
    lines: Vec<StatementLine>,
    next: Option<StatementPlace>,
}

impl Page {
    fn fill(mut self, accounts: &accounts::State, settings: &Settings, past: &mut dyn Past) -> StatementPage {
        let goes_on = past.money_of(self.asker, self.from.index, &mut |block| {
            self.add_lines(accounts, settings, block);
            self.next.is_none()
        });
        let next = self.next.or(goes_on.map(|index| StatementPlace { index, element: 0 }));
        StatementPage { lines: self.lines, next }
    }

    /// Adds the lines of a block, as many as there is room for. A block can hold thousands of payments, most of them
    /// nothing to this account or before the place that is asked for: those are passed over and cost next to nothing.
    fn add_lines(&mut self, accounts: &accounts::State, settings: &Settings, block: &Recorded<'_>) {
        self.balance = block.balance_before;
        let stored = (block.tag, block.body, block.event);
        let mut element = 0;
        // What does not decode is not in the log.
        let _accepted = domain::visit_transfers(settings, &block.context, stored, &mut |transfer| {
            let place = StatementPlace { index: block.context.index, element };
            element += 1;
            self.add_line(accounts, block, place, &transfer)
        });
    }

    /// Adds a movement if it is the asker's; false when there is no room for it.
    fn add_line(
        &mut self,
        accounts: &accounts::State,
        block: &Recorded<'_>,
        place: StatementPlace,
        transfer: &Transfer<'_>,
    ) -> bool {
        // What was issued fits an i64.
        let units = i64::try_from(transfer.amount).unwrap_or(i64::MAX);
        let (amount, counterparty) = if transfer.from == Place::Account(self.asker) {
            (-units, transfer.to.account())
        } else if transfer.to == Place::Account(self.asker) {
            let issuer = (transfer.movement == Movement::Issue).then_some(block.context.author);
            (units, transfer.from.account().or(issuer))
        } else {
            return true;
        };
        // The blocks were applied, so that their sums are known to be right.
        let balance = self.balance.saturating_add_signed(amount);
        if place >= self.from {
            let other = counterparty.and_then(|account| accounts.get(account));
            let handle = other.map_or("", |other| other.handle.as_str());
            self.bytes += LINE_BYTES + transfer.memo.len() + handle.len();
            let is_full = self.lines.len() as u64 >= self.limit || self.bytes > PAGE_BYTES_MAX;
            if is_full && !self.lines.is_empty() {
                self.next = Some(place);
                return false;
            }
            self.lines.push(StatementLine {
                place,
                timestamp: block.context.timestamp,
                movement: transfer.movement,
                amount,
                balance,
                counterparty,
                handle: handle.to_owned(),
                memo: transfer.memo.to_owned(),
            });
        }
        self.balance = balance;
        true
    }
}
