//! The encrypted channel LSC/1, without IO: bytes and time go in, bytes and events come out.
//!
//! ```text
//! frame → (server | client: handshake) → transport → messages
//!            │                              │
//!            └ hello, descriptor, ticket    └ record, message
//!                          both: schedule (transcript, keys)
//! ```
//! A session never blocks, never reads a clock and never makes a random number by itself. What takes long (the
//! RSA operations of the server) leaves as an event and comes back as an answer. The bytes are specified in
//! `docs/channel.md`; its second implementation is written from there, not from here.

pub mod client;
pub mod descriptor;
pub mod error;
pub mod frame;
pub mod hello;
pub mod identity;
pub mod message;
pub mod record;
pub mod schedule;
pub mod server;
pub mod ticket;
mod transport;

pub use client::{ClientAuth, ClientEnv, ClientEvent, ClientSession};
pub use descriptor::{Descriptor, DescriptorError};
pub use error::{CloseReason, Fault, SendError, Stage};
pub use hello::{KeyInfo, Params, get_key_frame};
pub use identity::{KeySlot, ServerIdentity};
pub use server::{ChannelSettings, ServerEnv, ServerEvent, ServerSession};
pub use ticket::{ClientTicket, TicketSettings, TicketTable};

use crate::crypto::{KeyId, LedgerId};

/// The bytes that a client signs to authenticate: fixed by server, account, key and everything said before.
pub(crate) fn client_auth_bytes(ledger: &LedgerId, account: u64, key_id: &KeyId, th2: &[u8; 32]) -> Vec<u8> {
    [&b"ledgerd/lsc1/client-auth/1\0"[..], &ledger.0, &account.to_be_bytes(), &key_id.0, th2].concat()
}
