//! What a client asks.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::chain::CommandId;
use crate::crypto::KeyId;
use crate::domain::{AccountId, Query};

/// A question or a command. Only [`Request::Submit`] can change what the ledger says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request<'a> {
    /// A signed command. Anonymous sessions may submit registrations, members everything else.
    Submit(#[serde(borrow)] Submission<'a>),
    /// A question of a domain.
    Ask(#[serde(borrow)] Query<'a>),
    /// Blocks from `from` on, those that there are and those that come, as pushes under this request's id, for as long as
    /// the connection lasts.
    Follow {
        /// Smallest wanted index.
        from: u64,
        /// Which blocks.
        of: Followed,
    },
    /// Blocks that the caller may read with an index of at least `from`, at most `limit` of them.
    Copy {
        /// Smallest wanted index.
        from: u64,
        /// Most blocks wanted.
        limit: u64,
        /// Whether those are wanted that concern the caller, beside the caller's own.
        concerning: bool,
    },
    /// A block with everything that proves it to a stranger.
    Receipt(ReceiptOf),
    /// Proofs that the blocks with these indexes are in the tree of `size` blocks: at most
    /// [`super::INCLUSIONS_MAX`] of them.
    Inclusions {
        /// Which tree.
        size: u64,
        /// Which blocks.
        indexes: Vec<u64>,
    },
    /// Proof that the tree of `size` blocks extends that of `old_size`.
    Consistency {
        /// The older tree.
        old_size: u64,
        /// The newer tree.
        size: u64,
    },
    /// The newest signed checkpoint.
    Checkpoint,
    /// The newest checkpoint that all these witnesses cosigned; any, if none is named.
    Cosigned(#[serde(borrow)] Vec<&'a str>),
    /// A witness hands in its cosignature of the checkpoint over `size` blocks.
    Cosign {
        /// Which checkpoint.
        size: u64,
        /// The witness's verifier key.
        vkey: &'a str,
        /// The signature line, newline included.
        line: &'a str,
    },
    /// What the ledger knows of the caller's account.
    Whoami,
    /// The server's figures.
    Status,
    /// Check the whole log from disk; answered with pushes of progress, then the verdict.
    Verify,
    /// The caller is online, for as long as this connection lasts and is heard of.
    Announce {
        /// Where the caller listens. An unspecified IP address stands for the one that the server sees.
        address: SocketAddr,
        /// Whether only those who ask for the caller by name are told.
        hidden: bool,
    },
    /// Who is online and not hidden, by account from `from` on, at most `limit` of them.
    Online {
        /// Smallest wanted account.
        from: AccountId,
        /// Most members wanted.
        limit: u64,
    },
    /// Where this member listens, hidden or not.
    Locate(AccountId),
}

/// Which blocks a follower is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Followed {
    /// The caller's own.
    Own,
    /// The caller's own, and those that concern the caller.
    Concerning,
    /// All that the caller's roles may read.
    Readable,
}

/// Which block a receipt is wanted of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReceiptOf {
    /// The one with this index: the caller's own, one that concerns the caller, or block 0.
    Block(u64),
    /// The one that holds the caller's command with this id.
    Command(CommandId),
    /// The one in which this member was registered, which every member may see: it says whose key is whose.
    Registration(AccountId),
    /// The one that introduced this key, which everybody may see: how a member finds the account again of whom only the key
    /// is left.
    Key(KeyId),
}

/// A signed command on its way to the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submission<'a> {
    /// M: see `chain::message`.
    #[serde(with = "serde_bytes")]
    pub message: &'a [u8],
    /// The author's signature over M.
    #[serde(with = "serde_bytes")]
    pub signature: &'a [u8],
}
