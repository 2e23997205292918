//! What happened to money.

use serde::{Deserialize, Serialize};

use crate::codec;
use crate::domain::{Tag, Undecodable};

/// The tag of [`Paid`].
pub const PAID: Tag = Tag { schema: 1, kind: 32 };

/// The tag of [`Issued`].
pub const ISSUED: Tag = Tag { schema: 1, kind: 33 };

/// The tag of [`Settled`].
pub const SETTLED: Tag = Tag { schema: 1, kind: 34 };

/// The tag of [`ChequeRevoked`].
pub const CHEQUE_REVOKED: Tag = Tag { schema: 1, kind: 35 };

/// The tag of [`PaidOut`].
pub const PAID_OUT: Tag = Tag { schema: 1, kind: 36 };

/// The events of this domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Payments were made.
    Paid(Paid),
    /// Money was made.
    Issued(Issued),
    /// A cheque became money.
    Settled(Settled),
    /// A cheque was taken back.
    ChequeRevoked(ChequeRevoked),
    /// Money of an erased account was paid out.
    PaidOut(PaidOut),
}

/// The payments of the command were made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paid {
    /// What the payer has left.
    pub balance: u64,
}

/// The money of the command was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issued {
    /// What the receiver has now.
    pub balance: u64,
}

/// The cheque of the command was settled. No balance stands here, because both sides see the block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    /// Its number among all settlements of the ledger, from 0.
    pub settlement: u64,
}

/// The cheque of the command can never be settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChequeRevoked {
    /// Its number among all revocations of the ledger, from 0.
    pub revocation: u64,
}

/// The money of the command was paid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaidOut {
    /// What the receiver has now.
    pub balance: u64,
}

impl Paid {
    /// Bytes of its longest encoding.
    pub(in crate::domain) const BYTES_MAX: usize = codec::U64_BYTES_MAX;
}

impl Issued {
    /// Bytes of its longest encoding.
    pub(in crate::domain) const BYTES_MAX: usize = codec::U64_BYTES_MAX;
}

impl Settled {
    /// Bytes of its longest encoding.
    pub(in crate::domain) const BYTES_MAX: usize = codec::U64_BYTES_MAX;
}

impl ChequeRevoked {
    /// Bytes of its longest encoding.
    pub(in crate::domain) const BYTES_MAX: usize = codec::U64_BYTES_MAX;
}

impl PaidOut {
    /// Bytes of its longest encoding.
    pub(in crate::domain) const BYTES_MAX: usize = codec::U64_BYTES_MAX;
}

impl Event {
    pub(in crate::domain) fn decode(tag: Tag, bytes: &[u8]) -> Result<Event, Undecodable> {
        match tag {
            PAID => Ok(Event::Paid(codec::strict(bytes)?)),
            ISSUED => Ok(Event::Issued(codec::strict(bytes)?)),
            SETTLED => Ok(Event::Settled(codec::strict(bytes)?)),
            CHEQUE_REVOKED => Ok(Event::ChequeRevoked(codec::strict(bytes)?)),
            PAID_OUT => Ok(Event::PaidOut(codec::strict(bytes)?)),
            _ => Err(Undecodable::UnknownKind(tag)),
        }
    }

    pub(in crate::domain) fn encode(&self) -> (Tag, Vec<u8>) {
        match self {
            Event::Paid(paid) => (PAID, codec::encode(paid)),
            Event::Issued(issued) => (ISSUED, codec::encode(issued)),
            Event::Settled(settled) => (SETTLED, codec::encode(settled)),
            Event::ChequeRevoked(revoked) => (CHEQUE_REVOKED, codec::encode(revoked)),
            Event::PaidOut(paid_out) => (PAID_OUT, codec::encode(paid_out)),
        }
    }
}
