//! What both binaries share at the terminal: arguments, exit codes.

pub mod arguments;
pub mod block_words;
pub mod commands;
pub mod exit;
pub mod words;
