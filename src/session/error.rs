//! How a session ends, and what the other side is told about it.
//!
//! Everything that depends on a secret is one value, [`Fault::Crypto`]: not which check failed, not where.
//! A distinguishable answer to a forged ciphertext is how decryption oracles are built.

use std::fmt;

/// What was wrong with what the other side sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A record, a finished message, a client's authentication or a key exchange that is not right.
    Crypto,
    /// There is no room in the queue of handshakes.
    Busy,
    /// A version, suite or server key that is not supported (any more).
    Unsupported,
    /// A ticket that is unknown, expired, or not proven to be held.
    UnknownTicket,
    /// Bytes out of place: an unknown frame, a wrong length, a message too long, the wrong moment.
    Protocol,
}

impl Fault {
    /// The body of the plaintext alert that goes with it before the channel is open, if any. 2 to 4 depend on
    /// public data only; bytes out of place get no answer at all.
    pub const fn alert(self) -> Option<u8> {
        match self {
            Fault::Crypto => Some(1),
            Fault::Busy => Some(2),
            Fault::Unsupported => Some(3),
            Fault::UnknownTicket => Some(4),
            Fault::Protocol => None,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Fault::Crypto => "authentication failed",
            Fault::Busy => "too many handshakes at once",
            Fault::Unsupported => "unsupported version, suite or server key",
            Fault::UnknownTicket => "unknown ticket",
            Fault::Protocol => "bytes out of place",
        })
    }
}

impl std::error::Error for Fault {}

/// The body of an encrypted alert: the other side broke the protocol. There is no other.
pub(super) const ALERT_ENCRYPTED: u8 = 1;

/// How far a session had come. Numbers for the log line "handshake failed at stage n".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Nothing whole has arrived.
    Start = 0,
    /// A hello has arrived, or was sent.
    Hello = 1,
    /// Both have the handshake keys.
    Handshake = 2,
    /// The client's signature is being checked, or has been.
    ClientAuth = 3,
    /// Messages flow.
    Open = 4,
    /// Nothing more is read.
    Closed = 5,
}

/// Why a session is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// This side asked for it.
    Local,
    /// The other side said so in a close record.
    Remote,
    /// The connection ended without a close record: what was under way may be cut off.
    Truncated,
    /// The server sent a plaintext alert; its meaning is that of [`Fault::alert`].
    Alert(u8),
    /// The other side said, under encryption, that this side broke the protocol.
    GaveUp(u8),
    /// The other side broke the rules at this stage.
    Failed(Fault, Stage),
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CloseReason::Local => f.write_str("closed here"),
            CloseReason::Remote => f.write_str("closed by the other side"),
            CloseReason::Truncated => f.write_str("the connection ended without a close record"),
            CloseReason::Alert(code) => write!(f, "the server refused with alert {code}"),
            CloseReason::GaveUp(code) => write!(f, "the other side gave up with alert {code}"),
            CloseReason::Failed(fault, stage) => write!(f, "{fault} at stage {}", *stage as u8),
        }
    }
}

/// Why a message was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendError {
    /// The channel is not open, or not any more.
    NotOpen,
    /// The message is longer than the channel carries.
    TooLong,
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SendError::NotOpen => "the channel is not open",
            SendError::TooLong => "the message is longer than the channel carries",
        })
    }
}

impl std::error::Error for SendError {}
