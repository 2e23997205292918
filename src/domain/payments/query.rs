//! The questions that members may ask about money: their balance, what came and went, what became of a cheque.

use serde::{Deserialize, Serialize};

use super::{ChequeId, Fate, Movement, State, Transfer};
use crate::domain::{self, Access, AccountId, Declined, Past, Place, Recorded, Settings, accounts};
use crate::limits::PAGE_BYTES_MAX;
use crate::time::Timestamp;

/// Bytes that a line of a statement takes at most, beside its memo and its handle.
const LINE_BYTES: usize = 64;

/// The number under which the journal notes [`Query::Balance`]: see [`crate::domain::noted_questions`].
pub const NOTED_BALANCE: u16 = 32;
/// The number under which the journal notes [`Query::Statement`].
pub const NOTED_STATEMENT: u16 = 33;
/// The number under which the journal notes [`Query::Cheque`].
pub const NOTED_CHEQUE: u16 = 34;

/// A question about the asker's money. The order of the variants is their number on the wire: a further one is appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Query {
    /// Asks for the asker's balance, and for what money is called on this ledger.
    Balance,
    /// Asks for the movements of the asker's money, from a place on, at most `limit` lines of them.
    Statement {
        /// The place of the first line that is wanted.
        from: StatementPlace,
        /// The most lines that are wanted.
        limit: u64,
    },
    /// Asks what became of a cheque. Its payer is told, and whoever may read the block in which it ended.
    Cheque {
        /// The payer of the cheque.
        payer: AccountId,
        /// The id of the cheque.
        cheque_id: ChequeId,
    },
}

/// The answer to the [`Query`] of the same name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// The asker's balance.
    Balance(Balance),
    /// A page of the asker's statement.
    Statement(StatementPage),
    /// How a cheque ended; none while it may still be settled, and none for an asker who may not know.
    Cheque(Option<Fate>),
}

/// An account's money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    /// The balance, in minor units.
    pub balance: u64,
    /// The name of the ledger's currency.
    pub currency: String,
    /// The number of decimals with which amounts are shown.
    pub scale: u8,
}

/// A place in an account's statement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StatementPlace {
    /// The index of a block.
    pub index: u64,
    /// The number of the movement in the block, from 0.
    pub element: u64,
}

impl StatementPlace {
    /// The place of the next movement in the same block.
    #[must_use]
    pub fn next(self) -> StatementPlace {
        // A server may name any place at all to its client.
        StatementPlace { element: self.element.saturating_add(1), ..self }
    }
}

/// A page of an account's statement, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementPage {
    /// The lines of this page.
    pub lines: Vec<StatementLine>,
    /// The place from which to ask for the next page; none if this page is the last.
    pub next: Option<StatementPlace>,
}

/// A line of a statement: one movement of an account's money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementLine {
    /// The place of the movement.
    pub place: StatementPlace,
    /// The time of the block.
    pub timestamp: Timestamp,
    /// The kind of the movement.
    pub movement: Movement,
    /// The minor units that came in, or with a minus those that went out.
    pub amount: i64,
    /// The balance of the account after the movement, in minor units.
    pub balance: u64,
    /// The account at the other end: the payer, the payee, or the operator who issued.
    pub counterparty: Option<AccountId>,
    /// The counterparty's public name.
    pub handle: String,
    /// The number of the purchase whose money it is, where what is held for a purchase is at the other end.
    pub purchase: Option<u64>,
    /// The memo of the payment.
    pub memo: String,
}

impl Query {
    pub(in crate::domain) fn access(&self) -> Access {
        match self {
            Query::Balance | Query::Statement { .. } | Query::Cheque { .. } => Access::Member,
        }
    }

    pub(in crate::domain) fn noted(&self) -> (u16, AccountId) {
        match self {
            Query::Balance => (NOTED_BALANCE, AccountId::NONE),
            Query::Statement { .. } => (NOTED_STATEMENT, AccountId::NONE),
            Query::Cheque { payer, .. } => (NOTED_CHEQUE, *payer),
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
        let (amount, other, counterparty) = if transfer.from == Place::Account(self.asker) {
            (-units, transfer.to, transfer.to.account())
        } else if transfer.to == Place::Account(self.asker) {
            let issuer = (transfer.movement == Movement::Issue).then_some(block.context.author);
            (units, transfer.from, transfer.from.account().or(issuer))
        } else {
            return true;
        };
        // The blocks were applied, so that their sums are known to be right.
        let balance = self.balance.saturating_add_signed(amount);
        if place >= self.from {
            let member = counterparty.and_then(|account| accounts.get(account));
            let handle = member.map_or("", |member| member.handle.as_str());
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
                purchase: other.purchase(),
                memo: transfer.memo.to_owned(),
            });
        }
        self.balance = balance;
        true
    }
}
