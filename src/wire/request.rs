//! The requests of a client.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::chain::CommandId;
use crate::crypto::KeyId;
use crate::crypto::sealed::ScopeId;
use crate::domain::{AccountId, Query};

use super::{FactorGiven, JournalPlace, LoginProof, LoginRequest, SideCredential};

/// A question or a command. Only [`Request::Submit`] can change what the ledger says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request<'a> {
    /// A signed command. Anonymous sessions may submit registrations, members everything else.
    Submit(#[serde(borrow)] Submission<'a>),
    /// A question of a domain.
    Ask(#[serde(borrow)] Query<'a>),
    /// Asks for the blocks from `from` on, those that there are and those that come. They arrive as pushes under the id of
    /// this request, for as long as the connection lasts.
    Follow {
        /// The smallest index that is wanted.
        from: u64,
        /// The blocks that are wanted.
        of: Followed,
    },
    /// Asks for a page of the caller's blocks, with an index of at least `from`, at most `limit` of them.
    Copy {
        /// The smallest index that is wanted.
        from: u64,
        /// The most blocks that are wanted.
        limit: u64,
        /// Whether blocks that concern the caller are wanted beside the caller's own.
        concerning: bool,
    },
    /// Asks for a block with everything that proves it to a stranger.
    Receipt(ReceiptOf),
    /// Asks for proofs that the blocks with these indexes are in the tree of `size` blocks: at most
    /// [`super::INCLUSIONS_MAX`] of them.
    Inclusions {
        /// The number of blocks of the tree.
        size: u64,
        /// The indexes of the blocks.
        indexes: Vec<u64>,
    },
    /// Asks for the proof that the tree of `size` blocks extends that of `old_size`.
    Consistency {
        /// The number of blocks of the older tree.
        old_size: u64,
        /// The number of blocks of the newer tree.
        size: u64,
    },
    /// Asks for the newest signed checkpoint.
    Checkpoint,
    /// Asks for the newest checkpoint that all these witnesses have cosigned. If no witness is named, it is the newest
    /// that any witness has cosigned.
    Cosigned(#[serde(borrow)] Vec<&'a str>),
    /// Hands in a witness's cosignature of the checkpoint over `size` blocks.
    Cosign {
        /// The number of blocks that the checkpoint is over.
        size: u64,
        /// The witness's verifier key.
        vkey: &'a str,
        /// The signature line, newline included.
        line: &'a str,
    },
    /// Asks what the ledger knows of the caller's account.
    Whoami,
    /// Asks for the server's figures.
    Status,
    /// Asks for a check of the whole log from disk. Pushes of progress come first, then the verdict.
    Verify,
    /// Says that the caller is online, for as long as this connection lasts and is heard of.
    Announce {
        /// The address at which the caller listens. An unspecified IP address stands for the one that the server sees.
        address: SocketAddr,
        /// Whether the address is told only to those who ask for this caller.
        hidden: bool,
    },
    /// Asks for the members who are online and not hidden, ordered by account from `from` on, at most `limit` of them.
    Online {
        /// The smallest account that is wanted.
        from: AccountId,
        /// The most members that are wanted.
        limit: u64,
    },
    /// Asks where this member listens, hidden or not.
    Locate(AccountId),
    /// A signed command with something beside it that may not stand in a block.
    SubmitWith {
        /// The command.
        #[serde(borrow)]
        submission: Submission<'a>,
        /// The canonical postcard of a [`Side`], of 8 KiB at most. The side of a command that is known already is not read.
        #[serde(with = "serde_bytes")]
        side: &'a [u8],
    },
    /// Asks for the keys of these scopes, at most [`super::SCOPES_MAX`] of them.
    ScopeKeys(Vec<ScopeId>),
    /// Asks for the proof that this account was erased. Anybody may: whoever lost the answer has no key any more.
    Erasure(AccountId),
    /// The first message of the registration of a password: by somebody without an account who joins, or by a member who sets
    /// one.
    PasswordRegister {
        /// The e-mail with which to log in.
        e_mail: &'a str,
        /// The message of the protocol.
        request: [u8; 32],
    },
    /// The first message of a log-in.
    PasswordStart {
        /// The e-mail.
        e_mail: &'a str,
        /// The message of the protocol, KE1.
        ke1: LoginRequest,
    },
    /// The message that proves the password.
    PasswordFinish {
        /// The message of the protocol, KE3.
        ke3: LoginProof,
    },
    /// Asks for what roams with the recovery code instead of the password.
    Recover {
        /// The e-mail.
        e_mail: &'a str,
        /// What the code stands for before the server: A.
        shown: [u8; 32],
    },
    /// Says that the caller comes back with a key only: its tickets are forgotten.
    LogOut {
        /// Whether those of every key of the account are, and all of its sessions end.
        all: bool,
    },
    /// Asks for a page of the server's journal. Operators and agents may.
    Journal {
        /// The account whose records are wanted; those of all accounts, if none is named.
        account: Option<AccountId>,
        /// The time from which on records are wanted, in milliseconds since the Unix epoch.
        since_ms: u64,
        /// The place of the first record that is wanted.
        from: JournalPlace,
        /// The most records that are wanted.
        limit: u64,
    },
    /// Asks for a new second factor, which lives in this session until a command with a code of it is accepted.
    SecondFactorBegin {
        /// Whether the secret of the one before stays, and only new spare codes are wanted.
        keep_secret: bool,
    },
    /// Gives a second factor: for the log-in that is under way on this connection, or for all that descends from the
    /// authentication of this session.
    SecondFactor(#[serde(borrow)] FactorGiven<'a>),
}

/// The blocks that a follower is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Followed {
    /// The blocks of which the caller is the author.
    Own,
    /// The caller's own blocks, and the blocks that concern the caller.
    Concerning,
    /// All blocks that the caller's roles may read.
    Readable,
}

/// The block of which a receipt is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReceiptOf {
    /// The block with this index: one of the caller's own, one that concerns the caller, or block 0.
    Block(u64),
    /// The block that holds the caller's command with this id.
    Command(CommandId),
    /// The block in which this member was registered. Every member may see it, because it says whose the first key is.
    Registration(AccountId),
    /// The block that introduced this key. Everybody may see it, so that a member who has only the key left finds the account
    /// again.
    Key(KeyId),
}

/// A signed command on its way to the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submission<'a> {
    /// The signed bytes, M: see `chain::message`.
    #[serde(with = "serde_bytes")]
    pub message: &'a [u8],
    /// The author's signature over M.
    #[serde(with = "serde_bytes")]
    pub signature: &'a [u8],
}

/// What comes beside a command and is bound by it: the command commits itself to every part. Each command says which parts
/// it needs; it comes with these and no others.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Side {
    /// The key of the scope that the command opens.
    pub scope_key: Option<[u8; 32]>,
    /// The credential whose commit the command carries.
    pub credential: Option<SideCredential>,
    /// A code of the second factor that the command brings.
    pub code: Option<String>,
}

impl std::fmt::Debug for Side {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Side([redacted])")
    }
}
