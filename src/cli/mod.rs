//! What both binaries share at the terminal: arguments, exit codes, text from strangers.

pub mod arguments;
pub mod commands;
pub mod exit;
pub mod text;
