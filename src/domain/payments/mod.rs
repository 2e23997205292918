//! Money from person to person.
//!
//! Rules. A ledger has one currency, counted in whole minor units. Units come into being when an operator issues
//! them or an account is opened with the ledger's grant, and in no other way; payments only move them, so that the
//! sum of all balances is always what was issued. A member pays 1 to 8,192 times with one command, all or
//! nothing; an amount is at least 1, nobody pays themselves, no balance goes below zero. A memo has at most 96
//! bytes of text without control characters.

mod command;
mod currency;
mod decide;
mod event;
mod state;

pub use command::{Command, ISSUE, Issue, MEMO_BYTES_MAX, PAY, Pay, Payment};
pub use currency::Currency;
pub use decide::{Rejection, decide, decide_grant};
pub use event::{Event, ISSUED, Issued, PAID, Paid};
pub use state::{Entry, State, apply, open_account};
