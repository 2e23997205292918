//! ledgerd: a tamper-evident, event-sourced back office.
//!
//! The modules stand in reading order, from the words that everything shares to the edges that touch the
//! world. Imports point up this list only.

pub mod codec;
pub mod crypto;
pub mod limits;
pub mod time;

pub mod session;
