//! The shop: opening it and being its till, what it sells, what was bought, and its stock as agents keep it.

pub mod question;
mod consent;
mod input;
mod items;
mod opening;
mod purchases;
mod stock;

pub use consent::TillConsent;
pub use input::{StockLine, price_of, read_stock};
pub use items::{ItemNamed, each_item, each_of_stock, fetch_shop, fetch_stock_item, find_item};
pub use opening::{Opened, consent, leave_till, open_shop};
pub use purchases::{PurchaseText, confirm_shipment, deal, each_purchase, fetch_purchase, fetch_texts, ship};
pub use stock::{Loaded, event_of, keep_stock, load_stock};
