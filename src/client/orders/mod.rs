//! Stock orders, as files and streams hold them.

mod fields;
mod csv;
pub mod input;
mod placing;
mod signing;
mod streaming;

pub use placing::{Input, Placed, PlacingTold, place};
pub use streaming::{LineAnswer, StreamTold, Tally, place_each};
