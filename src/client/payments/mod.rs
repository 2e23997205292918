//! Money: payments as files hold them, payment orders, and the statement.

pub mod input;
mod payment_orders;
mod sent_orders;
mod statement;

pub use payment_orders::{End, SignedOrder, conflict, end_of, fate_of, proves_settled};
pub use sent_orders::{SentOrder, SentOrders};
pub use statement::Statement;
