//! ledgerd: a tamper-evident, event-sourced back office.
//!
//! The modules stand in reading order, from the words that everything shares to the edges that touch the
//! world. A module imports from those above it in this list and never from those below; `tests/tidy.rs` reads the
//! list and holds the code to it. `rustfmt.toml` keeps the formatter from sorting it.

pub mod limits;
pub mod time;
pub mod codec;
pub mod text;
pub mod refusal;
pub mod crypto;

pub mod domain;
pub mod chain;

pub mod session;
pub mod wire;
pub mod eventlog;
pub mod ledger;
pub mod audit;

pub mod driven;
pub mod service;

pub mod reactor;
pub mod lock_file;
pub mod client;
pub mod peer;
pub mod terminal;
pub mod daemon;
pub mod cli;
