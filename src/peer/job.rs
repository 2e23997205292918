//! What a listener has done for it, and what comes of it.

use std::net::SocketAddr;

use super::news::Incoming;
use crate::client::{ClientError, SignedCheque};
use crate::crypto::{KeyId, Signature};
use crate::domain::AccountId;
use crate::driven::ConnectionId;
use crate::wire::Refusal;

/// Something that takes longer than the loop may wait.
#[derive(Debug)]
pub enum Job {
    /// Sign the handshake of a connection.
    Sign {
        /// Which connection.
        id: ConnectionId,
        /// What to sign.
        signed: Vec<u8>,
    },
    /// Have the ledger prove whose key this is, and check that it signed the handshake.
    Verify {
        /// Which connection.
        id: ConnectionId,
        /// Who the other side claims to be.
        account: AccountId,
        /// With which key.
        key_id: KeyId,
        /// What was signed.
        signed: Vec<u8>,
        /// The signature.
        signature: Signature,
    },
    /// Check a cheque and settle it.
    Settle {
        /// Who brought it.
        id: ConnectionId,
        /// The number of the request.
        request: u32,
        /// The dialler's newest checkpoint.
        note: String,
        /// The cheque.
        cheque: Box<SignedCheque>,
    },
    /// Tell the server where this member listens, and that it still does; and see what money came by itself.
    Announce,
    /// See whether this member listens somewhere else since.
    Look,
}

impl Job {
    /// The number of the lane that it goes to, as [`super::lanes`] makes them.
    pub(super) fn lane(&self) -> usize {
        match self {
            Job::Sign { .. } => 0,
            Job::Verify { .. } | Job::Settle { .. } | Job::Announce | Job::Look => 1,
        }
    }
}

/// What came of a job.
#[derive(Debug)]
pub enum Answer {
    /// The handshake of a connection is signed.
    Signed {
        /// Which connection.
        id: ConnectionId,
        /// The signature.
        signature: Signature,
    },
    /// Who the other side is; none when it did not prove it.
    Verified {
        /// Which connection.
        id: ConnectionId,
        /// Its public name.
        handle: Option<String>,
    },
    /// What became of a cheque.
    Settled {
        /// Who brought it.
        id: ConnectionId,
        /// The number of the request.
        request: u32,
        /// The cheque.
        cheque: Box<SignedCheque>,
        /// What became of it.
        settlement: Settlement,
    },
    /// The server knows where this member listens.
    Announced {
        /// Where others are told that it does.
        address: SocketAddr,
        /// The newest checkpoint, proven to extend all before it.
        note: String,
        /// Whether it had to be told over a new connection, because the one before was lost.
        again: bool,
        /// What came without having been handed over here since the time before, in the order of the ledger.
        came: Vec<Incoming>,
    },
    /// Nobody has taken this member's place.
    Looked,
    /// The server could not be reached; another attempt follows.
    NotAnnounced(String),
    /// Listening on would be wrong: the server contradicts itself, or does not know this member.
    Failed(ClientError),
}

/// What became of a cheque.
#[derive(Debug)]
pub enum Settlement {
    /// It is money.
    Done {
        /// The receipt's text.
        receipt: String,
        /// In which block.
        index: u64,
        /// Whether it was before.
        already: bool,
    },
    /// It was refused.
    Refused(Refusal),
    /// Nobody knows yet: the outcome comes out when this member next speaks to the server.
    Unknown,
}
