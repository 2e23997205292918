//! The shop: opening it and being its till, what it sells, and its stock as agents keep it.

pub mod question;
mod consent;
mod input;
mod items;
mod opening;
mod stock;

pub use consent::TillConsent;
pub use input::{StockLine, price_of, read_stock};
pub use items::{ItemNamed, each_item, each_of_stock, fetch_shop, fetch_stock_item, find_item};
pub use opening::{Opened, consent, leave_till, open_shop};
pub use stock::{Loaded, event_of, keep_stock, load_stock};
