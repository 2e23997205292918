//! What a client asks.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::chain::CommandId;
use crate::crypto::KeyId;
use crate::domain::{AccountId, ChequeId};

/// A question or a command. Only [`Request::Submit`] can change anything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request<'a> {
    /// A signed command. Anonymous sessions may submit registrations, members everything else.
    Submit(#[serde(borrow)] Submission<'a>),
    /// The caller's own blocks with an index of at least `from`, at most `limit` of them.
    Copy {
        /// Smallest wanted index.
        from: u64,
        /// Most blocks wanted.
        limit: u64,
    },
    /// Check the whole log from disk; answered with pushes of progress, then the verdict.
    Verify,
    /// The server's figures.
    Status,
    /// The caller's account as the ledger has it.
    Whoami,
    /// The newest signed checkpoint.
    Checkpoint,
    /// Proof that block `index` is in the tree of `size` blocks.
    Inclusion {
        /// Which block.
        index: u64,
        /// Which tree.
        size: u64,
    },
    /// Proof that the tree of `size` blocks extends that of `old_size`.
    Consistency {
        /// The older tree.
        old_size: u64,
        /// The newer tree.
        size: u64,
    },
    /// A block of the caller's with everything that proves it to a stranger.
    Receipt(ReceiptOf),
    /// A witness hands in its cosignature of the checkpoint over `size` blocks.
    Cosign {
        /// Which checkpoint.
        size: u64,
        /// The witness's verifier key.
        vkey: &'a str,
        /// The signature line, newline included.
        line: &'a str,
    },
    /// The newest checkpoint that all these witnesses cosigned; any, if none is named.
    Cosigned(#[serde(borrow)] Vec<&'a str>),
    /// The caller's money, and what money is called here.
    Balance,
    /// What moved the caller's money, from this place on, at most `limit` lines of it.
    Statement {
        /// Where to begin.
        from: StatementPlace,
        /// Most lines wanted.
        limit: u64,
    },
    /// The member with this public name.
    Member(&'a str),
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
    /// The block in which a member was registered, with everything that proves it.
    Registration(AccountId),
    /// The same, of whoever has this key: how a member finds the account again of whom only the key is left.
    RegistrationOfKey(KeyId),
}

/// A place in an account's statement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StatementPlace {
    /// Index of a block.
    pub index: u64,
    /// Which payment of it.
    pub element: u64,
}

impl StatementPlace {
    /// The place behind this one, in the same block.
    #[must_use]
    pub fn next(self) -> StatementPlace {
        StatementPlace { element: self.element.saturating_add(1), ..self }
    }
}

/// Which block a receipt is wanted of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReceiptOf {
    /// The one with this index.
    Block(u64),
    /// The one that holds the caller's command with this id.
    Command(CommandId),
    /// The one that settled or revoked a cheque: for its payer, and for whoever settled it.
    Cheque {
        /// Whose cheque.
        payer: AccountId,
        /// Which one.
        cheque_id: ChequeId,
    },
}

/// A signed command on its way to the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submission<'a> {
    /// M: see `chain::message`.
    #[serde(with = "serde_bytes")]
    pub message: &'a [u8],
    /// RSASSA-PSS over M.
    #[serde(with = "serde_bytes")]
    pub signature: &'a [u8],
}
