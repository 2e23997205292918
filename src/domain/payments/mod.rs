//! Money from person to person.
//!
//! Rules. A ledger has one currency, counted in whole minor units. Units come into being when an operator issues
//! them or an account is opened with the ledger's grant, and in no other way; payments only move them, so that the
//! sum of all balances is always what was issued. A member pays 1 to 8,192 times with one command, all or
//! nothing; an amount is at least 1, nobody pays themselves, no balance goes below zero. A memo has at most 96
//! bytes of text in Unicode's form NFC, without control characters.
//!
//! A cheque is a payment that the payee carries to the ledger: signed by the payer, settled by the named payee
//! alone, once, before it expires, unless the payer has revoked it. What became of a cheque is remembered for ever.
//!
//! What an erased account has stays its balance. An operator pays it out, to a member and for a reason, thirty days after
//! the erasure or later; nothing else moves it.

mod command;
mod decide;
mod asked;
mod event;
mod happened;
mod notice;
mod memo;
mod reason;
mod cheque;
mod rejection;
mod settle;
mod pay_out;
mod show;
mod state;
mod query;
mod transfer;

pub use crate::domain::currency::Currency;
pub use crate::domain::transfers::{Movement, Transfer};
pub use cheque::{CHEQUE_BYTES_MAX, Cheque, ChequeId, MalformedCheque};
pub use command::{
    Command, ISSUE, Issue, PAY, PAY_OUT, Pay, PayOut, Payment, REVOKE_CHEQUE, RevokeCheque, SETTLE, Settle,
};
pub use decide::{decide, decide_grant};
pub use event::{
    CHEQUE_REVOKED, ChequeRevoked, Event, ISSUED, Issued, PAID, PAID_OUT, Paid, PaidOut, SETTLED, Settled,
};
pub use happened::Happened;
pub use memo::MEMO_BYTES_MAX;
pub use notice::Notice;
pub(in crate::domain) use query::answer;
pub use query::{
    Answer, Balance, NOTED_BALANCE, NOTED_CHEQUE, NOTED_STATEMENT, Query, StatementLine, StatementPage,
    StatementPlace,
};
pub use reason::PayOutReason;
pub use rejection::Rejection;
pub(in crate::domain) use state::book;
pub use state::{Fate, State, apply};
pub(in crate::domain) use transfer::visit_stored_payments;
