//! The way to a server: which servers are known, channels to them, and the audit of every checkpoint that they show.

mod away;
pub mod question;
mod addresses;
mod connection;
mod known_server;
#[cfg(test)]
mod example;
pub mod known_servers;
mod evidence;
mod forgetting;
mod checkpoints;
mod newest;
mod trying;
mod finding;
mod opening;
mod reopen;
mod anonymous;
mod tickets;
mod member;
mod factor;
mod successor;

pub use addresses::Addresses;
pub use anonymous::Anonymous;
pub(crate) use away::{away, no_answer};
pub(super) use checkpoints::{audit, prove_consistent, prove_extends};
pub use connection::{Bell, Connection, NotOpened, Opening, PATIENCE, Waited, get_key};
pub(super) use factor::{say_wrong_codes, server_time_of};
pub use finding::{Found, find_server};
pub use forgetting::{Forgotten, forget_server};
pub use known_server::KnownServer;
pub use member::Member;
pub use opening::pinned;
pub use question::Question;
pub use reopen::Reopen;
pub use successor::{Successor, accept_successor};
