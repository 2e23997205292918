//! The encrypted channel LSC/1, without IO: bytes and time go in, bytes and events come out.
//!
//! ```text
//! frame → engine → (server | client | peer: handshake) → transport → messages
//!                          │                                │
//!                          └ hello, descriptor, ticket      └ record, message
//!                                        all: schedule (transcript, keys)
//! ```
//! The engine is what every session has in common; server and client are the two ends of a channel, and members who
//! speak to each other directly use the same frames, records and keys: `peer`.
//!
//! A session never blocks, never reads a clock and never makes a random number by itself. What takes long (the
//! operations of the server with private and public keys) leaves as an event and comes back as an answer. The bytes are specified in
//! `docs/channel.md`; its second implementation is written from there, not from here.

pub mod client;
pub mod descriptor;
mod engine;
mod ephemeral;
pub mod error;
pub mod frame;
pub mod hello;
pub mod identity;
pub mod message;
pub mod peer;
pub mod record;
pub mod schedule;
pub mod server;
pub mod ticket;
mod transport;

pub use client::{ClientAuth, ClientEnv, ClientEvent, ClientSession};
pub use descriptor::{Descriptor, DescriptorError, fingerprint};
pub use engine::Session;
pub use error::{CloseReason, Fault, SendError, Stage};
pub use hello::{KeyInfo, Params, get_key_frame};
pub use identity::{KeySlot, ServerIdentity};
pub use peer::{PeerEnv, PeerEvent, PeerIdentity, PeerSession};
pub use server::{ChannelSettings, ServerEnv, ServerEvent, ServerSession};
pub use ticket::{ClientTicket, TicketSettings, TicketTable};

use crate::crypto::{KeyId, LedgerId};

/// Which end of a connection between peers signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum PeerRole {
    /// The one who connects.
    Dialler = 0,
    /// The one who waits.
    Listener = 1,
}

/// The bytes that a peer signs to authenticate: fixed by its role, ledger, account, key and everything said before.
pub(crate) fn peer_auth_bytes(
    role: PeerRole,
    ledger: &LedgerId,
    account: u64,
    key_id: &KeyId,
    transcript: &[u8; 32],
) -> Vec<u8> {
    let prefix = &b"ledgerd/lsc1/peer-auth/1\0"[..];
    [prefix, &[role as u8], &ledger.0, &account.to_be_bytes(), &key_id.0, transcript].concat()
}

/// The bytes that a client signs to authenticate: fixed by server, account, key and everything said before.
pub(crate) fn client_auth_bytes(ledger: &LedgerId, account: u64, key_id: &KeyId, th2: &[u8; 32]) -> Vec<u8> {
    [&b"ledgerd/lsc1/client-auth/1\0"[..], &ledger.0, &account.to_be_bytes(), &key_id.0, th2].concat()
}
