//! ledgerd: a tamper-evident, event-sourced back office.
//!
//! The modules stand in reading order, from the words that everything shares to the edges that touch the
//! world. Imports point up this list only; `tests/tidy.rs` holds the code to it.

pub mod driven;
pub mod limits;
pub mod peer;
pub mod time;

pub mod codec;
pub mod crypto;
pub mod text;

pub mod chain;
pub mod domain;

pub mod session;
pub mod wire;

pub mod eventlog;

pub mod ledger;

pub mod audit;
pub mod service;

pub mod cli;
pub mod client;
pub mod daemon;
pub mod lock_file;
pub mod reactor;
