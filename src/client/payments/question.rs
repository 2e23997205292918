//! Questions about the member's money.

use crate::client::link::question::{Question, question};
use crate::domain::payments::{self, StatementPage, StatementPlace};
use crate::domain::{Answer, Query};
use crate::wire::{Reply, Request};

fn asked(query: payments::Query) -> Request<'static> {
    Request::Ask(Query::Payments(query))
}

/// The member's money, and what money is called.
#[derive(Clone, Copy, Debug)]
pub struct Balance;
question!(
    Balance,
    payments::Balance,
    |_q| asked(payments::Query::Balance),
    Reply::Answer(Answer::Payments(payments::Answer::Balance(balance))) => balance
);

/// Some lines of the member's statement.
#[derive(Clone, Copy, Debug)]
pub struct Statement {
    /// Where to begin.
    pub from: StatementPlace,
    /// Most lines wanted.
    pub limit: u64,
}
question!(
    Statement,
    StatementPage,
    |q| asked(payments::Query::Statement { from: q.from, limit: q.limit }),
    Reply::Answer(Answer::Payments(payments::Answer::Statement(page))) => page
);
