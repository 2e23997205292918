//! The work that a listener has done for it on other threads, and the results.

use std::net::SocketAddr;

use super::news::Incoming;
use crate::client::{ClientError, SignedCheque};
use crate::crypto::{KeyId, Signature};
use crate::domain::AccountId;
use crate::driven::ConnectionId;
use crate::wire::Refusal;

/// Work that takes longer than the loop may wait.
#[derive(Debug)]
pub enum Job {
    /// Signs the handshake of a connection.
    Sign {
        /// The connection.
        id: ConnectionId,
        /// The bytes to sign.
        signed: Vec<u8>,
    },
    /// Has the ledger prove whose key this is, and checks that the key signed the handshake.
    Verify {
        /// The connection.
        id: ConnectionId,
        /// The account that the other side claims to be.
        account: AccountId,
        /// The id of the key that the other side claims to hold.
        key_id: KeyId,
        /// The bytes that were signed.
        signed: Vec<u8>,
        /// The signature.
        signature: Signature,
    },
    /// Checks a cheque and settles it.
    Settle {
        /// The connection over which the cheque came.
        id: ConnectionId,
        /// The number of the request.
        request: u32,
        /// The dialler's newest checkpoint.
        note: String,
        /// The cheque.
        cheque: Box<SignedCheque>,
    },
    /// Tells the server where this member listens, and that it still does, and looks for money that came in without having been
    /// handed over here.
    Announce,
    /// Looks whether this member has begun to listen somewhere else.
    Look,
}

impl Job {
    /// The number of the lane that the job goes to, as [`super::lanes`] makes them.
    pub(super) fn lane(&self) -> usize {
        match self {
            Job::Sign { .. } => 0,
            Job::Verify { .. } | Job::Settle { .. } | Job::Announce | Job::Look => 1,
        }
    }
}

/// The result of a job.
#[derive(Debug)]
pub enum Answer {
    /// The handshake of a connection is signed.
    Signed {
        /// The connection.
        id: ConnectionId,
        /// The signature.
        signature: Signature,
    },
    /// The answer to who the other side is.
    Verified {
        /// The connection.
        id: ConnectionId,
        /// The public name of the other side; none if it did not prove to be who it claims to be.
        handle: Option<String>,
    },
    /// The end of a cheque that was to be settled.
    Settled {
        /// The connection over which the cheque came.
        id: ConnectionId,
        /// The number of the request.
        request: u32,
        /// The cheque.
        cheque: Box<SignedCheque>,
        /// The outcome of the cheque.
        settlement: Settlement,
    },
    /// The server knows where this member listens.
    Announced {
        /// The address at which others are told that this member listens.
        address: SocketAddr,
        /// The newest checkpoint, proven to extend all before it.
        note: String,
        /// Whether the server had to be told over a new connection, because the one before was lost.
        again: bool,
        /// The money that came in since the time before without having been handed over here, in the order of the ledger.
        came: Vec<Incoming>,
    },
    /// This member has not begun to listen somewhere else.
    Looked,
    /// The server could not be reached; another attempt follows.
    NotAnnounced(String),
    /// Listening has to end, because the server contradicts itself or does not know this member.
    Failed(ClientError),
}

/// The outcome of a cheque that was to be settled.
#[derive(Debug)]
pub enum Settlement {
    /// The cheque has become money.
    Done {
        /// The text of the receipt.
        receipt: String,
        /// The index of the block in which the cheque was settled.
        index: u64,
        /// Whether the cheque was settled before it was handed over this time.
        already: bool,
    },
    /// The cheque was refused.
    Refused(Refusal),
    /// Nobody knows the outcome yet. This member finds it out when it next speaks to the server.
    Unknown,
}
