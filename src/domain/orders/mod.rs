//! Orders to buy and to sell.
//!
//! Rules. A member places 1 to 8,192 orders with one command, all or nothing. An order names a stock (1 to 32 of
//! `A–Z a–z 0–9 . - ^ / = & : _ +`), a quantity of more than nothing, and perhaps a price with perhaps a currency of 2
//! to 8 letters; quantity and price have at most eight decimals. Orders are numbered 0, 1, … through the whole ledger.
//!
//! The first schema, [`v1`], knew whole quantities, prices of at most four decimals, currencies of three letters and
//! shorter names. It is taken as it ever was.

mod asked;
mod command;
mod decide;
mod event;
mod happened;
mod show;
mod state;
mod types;
pub mod v1;

pub use crate::domain::decimal::{Decimal, InvalidDecimal, SCALE_MAX};
pub use command::{Command, PLACE_ORDERS, PLACE_ORDERS_V1, PlaceOrders};
pub use decide::{Rejection, decide};
pub use event::{Event, ORDERS_PLACED, OrdersPlaced};
pub use happened::Happened;
pub use state::{State, Tally, apply};
pub use types::{Currency, InvalidCurrencyName, InvalidStockName, Operation, Order, Price, StockName};
