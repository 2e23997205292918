//! What both binaries share at the terminal: arguments, exit codes.

pub mod arguments;
pub mod commands;
pub mod exit;

pub use crate::text;
