//! What the server answers.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::chain::{Consistency, Inclusion};
use crate::crypto::{Digest, KeyId};
use crate::domain::{AccountId, Answer};
use crate::time::Timestamp;

use super::{Figures, Push, Refusal};

/// An answer, or news about a request that stays open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// The command stands in a durable block.
    Accepted(Accepted),
    /// Refused; nothing changed.
    Refused(Refusal),
    /// A domain's answer.
    Answer(Answer),
    /// Not an answer: something that the request with this id is told while it stays open.
    Push(Push),
    /// Some of the blocks that the caller may read.
    CopyPage(CopyPage),
    /// A block and its proofs.
    Receipt(Proofs),
    /// A proof for each index, in the order in which they were asked for.
    Inclusions(Vec<Inclusion>),
    /// A proof.
    Consistency(Consistency),
    /// A signed checkpoint.
    Checkpoint(CheckpointNote),
    /// The caller's account, as a list: a further line is no other message.
    Whoami(Figures),
    /// The server's figures.
    Status(Figures),
    /// The verdict.
    Verification(Verification),
    /// The caller is online: where others are told that it listens.
    Announced(SocketAddr),
    /// Members who are online.
    Online(OnlinePage),
}

/// Some of those who are online, by account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnlinePage {
    /// The members.
    pub members: Vec<OnlineMember>,
    /// From which account to ask next; none when these were the last.
    pub next: Option<AccountId>,
}

/// A member who is online.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnlineMember {
    /// Number.
    pub account: AccountId,
    /// Public name.
    pub handle: String,
    /// Where the member listens.
    pub address: SocketAddr,
    /// Names the member's keys.
    pub keys: Vec<KeyId>,
}

/// What a receipt is made of: see [`crate::chain::Receipt`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proofs {
    /// Stored bytes.
    pub block: ByteBuf,
    /// That it is in the tree of the checkpoint.
    pub inclusion: Inclusion,
    /// The blocks that say how the key that signed the block came to its author, if the block does not do so itself, in the
    /// order of the log: stored bytes of each, and its inclusion. The first is the author's registration.
    pub keys: Vec<(ByteBuf, Inclusion)>,
    /// The newest signed checkpoint.
    pub note: String,
}

/// Where a command stands: code 100.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// Index of its block.
    pub index: u64,
    /// Hash of its block.
    pub hash: Digest,
    /// Time of its block.
    pub timestamp: Timestamp,
    /// The block's event, as stored: schema u16 ‖ kind u16 ‖ postcard.
    pub event: ByteBuf,
    /// Whether the command was in the ledger before this submission.
    pub duplicate: bool,
}

/// Some of the blocks that the caller may read, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyPage {
    /// Stored bytes.
    pub blocks: Vec<ByteBuf>,
    /// From which index to ask next. None when these were the last.
    pub next: Option<u64>,
}

/// The verdict over the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    /// Blocks checked.
    pub blocks: u64,
    /// Signatures checked.
    pub signatures: u64,
    /// Everything found wrong, up to [`super::FINDINGS_MAX`].
    pub findings: Vec<Finding>,
    /// Number of findings, listed or not.
    pub findings_total: u64,
    /// Checkpoint over the blocks that were checked, signed; empty if there are findings.
    pub checkpoint: String,
}

/// One damage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// File, relative to the data directory.
    pub file: String,
    /// Offset in the file, in bytes.
    pub offset: u64,
    /// Index of the block, where it is known.
    pub index: Option<u64>,
    /// Stable machine name.
    pub name: String,
    /// A sentence for people.
    pub reason: String,
    /// Whether it is only a warning: a torn tail that was never acknowledged.
    pub warning: bool,
}

/// A signed checkpoint: a C2SP signed note.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckpointNote {
    /// The note's text, signature lines included.
    pub note: String,
}
