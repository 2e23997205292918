//! Money: payments as files hold them, cheques, and the statement.

pub mod input;
pub mod question;
mod apart;
mod balance;
mod paying;
mod pay_out;
mod cheques;
mod sent_cheques;
mod drafts;
mod statement;

pub use apart::{ApartTold, pay_apart};
pub use balance::fetch_balance;
pub use cheques::{End, SignedCheque, end_of, fate_of, proves_settled};
pub use drafts::{Draft, revoke_cheque, settle, sign_cheque, write_cheque};
pub use pay_out::{PaidOut, balance_after_paying_out, pay_out};
pub use paying::{Issued, Moved, Payee, balance_after_issuing, balance_after_paying, issue, issue_to, pay};
pub use sent_cheques::{SentCheque, SentCheques};
pub use statement::Statement;
