//! The answers of the server.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::chain::{Consistency, Inclusion};
use crate::crypto::{Digest, KeyId};
use crate::domain::{AccountId, Answer};
use crate::time::Timestamp;

use super::{
    FactorOffer, Figures, JournalPage, LoginChallenge, Push, Refusal, RegistrationResponse, Unlocked,
    WrongCodes,
};

/// An answer to a request, or news for a request that stays open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// The command stands in a durable block.
    Accepted(Accepted),
    /// The request was refused, and nothing has changed.
    Refused(Refusal),
    /// The answer of a domain to its question.
    Answer(Answer),
    /// News for a request that stays open, under the id of that request. A push is no answer.
    Push(Push),
    /// Some of the blocks that the caller may read.
    CopyPage(CopyPage),
    /// A block with everything that proves it to a stranger.
    Receipt(Proofs),
    /// An inclusion proof for each index, in the order in which they were asked for.
    Inclusions(Vec<Inclusion>),
    /// The proof that a tree extends an older one.
    Consistency(Consistency),
    /// A signed checkpoint.
    Checkpoint(CheckpointNote),
    /// The caller's account, as a list of figures, so that a further figure needs no new message.
    Whoami(Figures),
    /// The server's figures.
    Status(Figures),
    /// The verdict of a check of the whole log.
    Verification(Verification),
    /// The address at which others are told that the caller listens. The caller is online from here on.
    Announced(SocketAddr),
    /// A page of members who are online.
    Online(OnlinePage),
    /// The key of each scope, in the order in which they were asked for.
    ScopeKeys(ScopeKeys),
    /// The proof of an erasure.
    Erasure(ErasureProof),
    /// The answer to the first message of the registration of a password.
    PasswordResponse(RegistrationResponse),
    /// The answer to the first message of a log-in, KE2.
    LoginChallenge(Box<LoginChallenge>),
    /// What roams: the password or the code was right.
    Unlocked(Box<Unlocked>),
    /// The tickets are forgotten.
    LoggedOut,
    /// A page of the server's journal.
    Journal(JournalPage),
    /// A new second factor.
    FactorOffer(Box<FactorOffer>),
    /// The second factor was right.
    FactorTaken(WrongCodes),
}

/// What proves that an account was erased, and that the server says that its secrets are destroyed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasureProof {
    /// The stored bytes of the block that erased the account.
    pub block: ByteBuf,
    /// The proof that the block is in the tree of the checkpoint.
    pub inclusion: Inclusion,
    /// The newest signed checkpoint, as a note.
    pub note: String,
    /// The erasure note: see [`crate::chain::Erasure`].
    pub erasure: String,
}

/// Keys of scopes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeKeys(pub Vec<[u8; 32]>);

impl std::fmt::Debug for ScopeKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ScopeKeys([redacted; {}])", self.0.len())
    }
}

/// A page of the members who are online, ordered by account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnlinePage {
    /// The members of this page.
    pub members: Vec<OnlineMember>,
    /// The account from which to ask for the next page; none if this page is the last.
    pub next: Option<AccountId>,
}

/// A member who is online.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnlineMember {
    /// The number of the member's account.
    pub account: AccountId,
    /// The public name of the member.
    pub handle: String,
    /// The address at which the member listens.
    pub address: SocketAddr,
    /// The ids of the member's keys that stand.
    pub keys: Vec<KeyId>,
}

/// The parts of a receipt: see [`crate::chain::Receipt`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proofs {
    /// The stored bytes of the block.
    pub block: ByteBuf,
    /// The proof that the block is in the tree of the checkpoint.
    pub inclusion: Inclusion,
    /// The blocks that say how the key that signed the block came to its author, if the block does not do so itself, in the
    /// order of the log: stored bytes of each, and its inclusion. The first is the author's registration.
    pub keys: Vec<(ByteBuf, Inclusion)>,
    /// The newest signed checkpoint, as a note.
    pub note: String,
}

/// The acknowledgement of a command, code 100: it says in which durable block the command stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// The index of the block.
    pub index: u64,
    /// The hash of the block.
    pub hash: Digest,
    /// The time of the block.
    pub timestamp: Timestamp,
    /// The event of the block, as it is stored: schema u16 ‖ kind u16 ‖ postcard.
    pub event: ByteBuf,
    /// Whether the command was in the ledger before this submission.
    pub duplicate: bool,
}

/// A page of the blocks that the caller may read, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyPage {
    /// The stored bytes of each block.
    pub blocks: Vec<ByteBuf>,
    /// The index from which to ask for the next page; none if this page is the last.
    pub next: Option<u64>,
}

/// The verdict of a check of the whole log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    /// The number of blocks that were checked.
    pub blocks: u64,
    /// The number of signatures that were checked.
    pub signatures: u64,
    /// The findings, of which at most [`super::FINDINGS_MAX`] are listed.
    pub findings: Vec<Finding>,
    /// The number of findings, listed or not.
    pub findings_total: u64,
    /// The signed checkpoint over the blocks that were checked; empty if there are findings.
    pub checkpoint: String,
}

/// One thing that a check of the log has found wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The path of the damaged file, relative to the data directory.
    pub file: String,
    /// The offset in the file, in bytes.
    pub offset: u64,
    /// The index of the damaged block, where it is known.
    pub index: Option<u64>,
    /// The stable machine name of the finding.
    pub name: String,
    /// A sentence for people.
    pub reason: String,
    /// Whether the finding is only a warning: a torn tail that was never acknowledged.
    pub warning: bool,
}

/// A signed checkpoint: a C2SP signed note.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckpointNote {
    /// The note's text, signature lines included.
    pub note: String,
}
