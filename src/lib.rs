//! ledgerd: a tamper-evident, event-sourced back office.
//!
//! The modules stand in reading order, from the words that everything shares to the edges that touch the
//! world. A module imports from the modules above it in this list and never from those below it; `tests/tidy.rs` reads
//! the list and holds the code to it. `rustfmt.toml` keeps the formatter from sorting the list. `ARCHITECTURE.md` says
//! of each module what lives there.

// Words and tools that every other module may use.
pub mod limits;
pub mod time;
pub mod codec;
mod cutter;
pub mod text;
pub mod refusal;
pub mod crypto;
mod typed_code;
pub mod password;
pub mod second_factor;

// The rules, and the format of the blocks in which their outcome is kept.
pub mod domain;
pub mod chain;

// The channel, the messages in it, the log on disk, and what ties rules and log together. None of these reads a clock or
// opens a socket.
pub mod session;
pub mod wire;
pub mod eventlog;
pub mod vault;
pub mod journal;
pub mod ledger;
pub mod audit;

// The daemon without its sockets.
pub mod driven;
pub mod service;

// The edges, which read clocks, sockets, files and arguments.
pub mod reactor;
pub mod lock_file;
pub mod client;
pub mod peer;
pub mod terminal;
pub mod daemon;
pub mod cli;
