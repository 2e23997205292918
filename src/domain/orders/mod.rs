//! Orders to buy and to sell.
//!
//! Rules. A member places 1 to 8,192 orders with one command, all or nothing. An order names a stock (1 to 16
//! of `A–Z 0–9 . -`), a quantity of at least 1, and perhaps a price of at most four decimals with perhaps a
//! currency. Orders are numbered 0, 1, … through the whole ledger.

mod command;
mod decide;
mod event;
mod state;
mod types;

pub use command::{Command, PLACE_ORDERS, PlaceOrders};
pub use decide::{Rejection, decide};
pub use event::{Event, ORDERS_PLACED, OrdersPlaced};
pub use state::{State, Tally, apply};
pub use types::{Currency, InvalidStockName, Operation, Order, PRICE_SCALE, Price, StockName};
