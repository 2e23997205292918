//! Stock orders, as files and streams hold them.

mod fields;
mod csv;
pub mod input;
