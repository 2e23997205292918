//! What both programs share at the terminal: arguments and exit codes.

pub mod arguments;
pub mod exit;
pub mod words;
