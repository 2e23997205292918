//! stub

mod checker;
mod checkpoint;
mod findings;
mod signatures;

pub use checker::{Checker, Outcome};
pub use checkpoint::Kept;
pub use findings::Place;
