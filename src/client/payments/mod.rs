//! Money: payments as files hold them, payment orders, and the statement.

pub mod input;
mod balance;
mod paying;
mod payment_orders;
mod sent_orders;
mod drafts;
mod statement;

pub use balance::fetch_balance;
pub use drafts::{Draft, revoke_order, sign_order, write_order};
pub use paying::{Issued, Moved, Payee, balance_after_issuing, balance_after_paying, issue, pay};
pub use payment_orders::{End, SignedOrder, end_of, fate_of, proves_settled};
pub use sent_orders::{SentOrder, SentOrders};
pub use statement::Statement;
