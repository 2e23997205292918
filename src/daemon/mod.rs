//! The daemon around the reactor: configuration, data directory, keys, start and end.

pub mod config;
mod directory;
mod keys;
mod run;

pub use directory::{DirectoryError, Opened};
pub use run::main;
