//! What the server answers.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::chain::{Consistency, Inclusion};
use crate::crypto::{Digest, KeyId};
use crate::domain::{AccountId, Movement};
use crate::time::Timestamp;

use super::{Figures, StatementPlace};

/// An answer, or news about a request that is still being worked on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// The command stands in a durable block.
    Accepted(Accepted),
    /// Refused; nothing changed.
    Refused(Refusal),
    /// Some of the caller's blocks.
    CopyPage(CopyPage),
    /// Push: how far the verification is.
    Progress(Progress),
    /// The verdict.
    Verification(Verification),
    /// The server's figures.
    Status(Figures),
    /// The caller's account.
    Whoami(Whoami),
    /// The newest signed checkpoint.
    Checkpoint(CheckpointNote),
    /// A proof.
    Inclusion(Inclusion),
    /// A proof.
    Consistency(Consistency),
    /// A block and its proofs.
    Receipt(Proofs),
    /// The caller's money.
    Balance(Balance),
    /// Some lines of the caller's statement.
    Statement(StatementPage),
    /// Somebody's public face.
    Member(Member),
    /// The caller is online: where others are told that it listens.
    Announced(SocketAddr),
    /// Members who are online.
    Online(OnlinePage),
    /// Push to a caller who announced itself: the same member is online somewhere else since, at this address, and
    /// nobody is told of the caller's place any more.
    Displaced(SocketAddr),
}

/// Some of those who are online, by account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnlinePage {
    /// They.
    pub members: Vec<OnlineMember>,
    /// Who comes next; none when these were the last.
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
    /// Names the member's key.
    pub key_id: KeyId,
}

/// An account's money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    /// Minor units.
    pub balance: u64,
    /// The ledger's currency.
    pub currency: String,
    /// Decimals with which amounts are shown.
    pub scale: u8,
}

/// Some lines of an account's statement, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementPage {
    /// The lines.
    pub lines: Vec<StatementLine>,
    /// Where the next one is; none when these were the last.
    pub next: Option<StatementPlace>,
}

/// One movement of an account's money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementLine {
    /// Where it stands.
    pub place: StatementPlace,
    /// Time of the block.
    pub timestamp: Timestamp,
    /// What moved it.
    pub movement: Movement,
    /// Minor units that came, or negative that went.
    pub amount: i64,
    /// What the account has after it, in minor units.
    pub balance: u64,
    /// Who is at the other end: the payer, the payee, or the operator who issued.
    pub counterparty: Option<AccountId>,
    /// The counterparty's public name.
    pub handle: String,
    /// What it was for.
    pub memo: String,
}

/// What everybody may know of a member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Number.
    pub account: AccountId,
    /// Public name.
    pub handle: String,
    /// Names the member's key.
    pub key_id: KeyId,
}

/// What a receipt is made of: see [`crate::chain::Receipt`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proofs {
    /// Stored bytes.
    pub block: ByteBuf,
    /// That it is in the tree of the checkpoint.
    pub inclusion: Inclusion,
    /// The author's registration, if the block is not one itself: stored bytes, and its inclusion.
    pub registration: Option<(ByteBuf, Inclusion)>,
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

/// Why not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// 210 when a rule refused it, 220 when the session may not ask for it.
    pub code: u16,
    /// Stable machine name, such as `handle_taken`.
    pub name: String,
    /// A sentence for people.
    pub message: String,
    /// Which element of the command it is about, counted from 1, where it is about one.
    pub element: Option<u64>,
}

impl Refusal {
    /// Code of what a rule refused.
    pub const FAIL: u16 = 210;
    /// Code of what needs an authenticated session.
    pub const AUTH_FAIL: u16 = 220;

    /// A refusal by a rule.
    pub fn fail(name: &str, message: impl ToString) -> Refusal {
        Refusal { code: Refusal::FAIL, name: name.to_owned(), message: message.to_string(), element: None }
    }

    /// The same about one element of the command, counted from 1.
    pub fn about(self, element: Option<u64>) -> Refusal {
        Refusal { element, ..self }
    }
}

/// Some of the caller's blocks, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyPage {
    /// Stored bytes.
    pub blocks: Vec<ByteBuf>,
    /// Index of the caller's next block; ask from there. None when these were the last.
    pub next: Option<u64>,
}

/// How far a verification is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Bytes of the log checked.
    pub done: u64,
    /// Bytes of the log to check.
    pub total: u64,
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

/// The caller's account as the ledger has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Whoami {
    /// Number.
    pub account: AccountId,
    /// Public name.
    pub handle: String,
    /// Index of the registration's block.
    pub registered_at: u64,
    /// Orders to buy and to sell, placed so far.
    pub orders_buy: u64,
    /// See `orders_buy`.
    pub orders_sell: u64,
    /// Index of the account's last block.
    pub last_block: Option<u64>,
}

/// A signed checkpoint: a C2SP signed note.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckpointNote {
    /// The note's text, signature lines included.
    pub note: String,
}
