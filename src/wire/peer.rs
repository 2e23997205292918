//! What two members say to each other, in the same envelopes as everything else.

use serde::{Deserialize, Serialize};

use super::Refusal;

/// What a dialler asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PeerRequest<'a> {
    /// Settle this cheque.
    Settle(#[serde(borrow)] Handover<'a>),
}

/// A cheque from hand to hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handover<'a> {
    /// The newest checkpoint that the dialler has: a signed note.
    pub note: &'a str,
    /// What the payer signed.
    #[serde(with = "serde_bytes")]
    pub cheque: &'a [u8],
    /// The payer's signature.
    #[serde(with = "serde_bytes")]
    pub signature: &'a [u8],
}

/// What a listener answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PeerReply {
    /// It is settled: the receipt of the block, as text. Believe nothing but what it proves.
    Settled(String),
    /// The ledger or the listener refused it.
    Refused(Refusal),
    /// The listener does not know: the ledger could not be reached. It may be settled later.
    Unknown,
}
