//! stub

mod checker;
mod findings;
mod signatures;

pub use checker::{Checker, Outcome};
pub use findings::Place;
