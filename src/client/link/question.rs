//! Questions that tie an answer to themselves: what is asked for a balance gives a balance, and no caller has to say what
//! else the server might have answered.

use std::net::SocketAddr;

use zeroize::Zeroizing;

use crate::chain::{Consistency, Inclusion};
use crate::crypto::sealed::ScopeId;
use crate::domain::AccountId;
use crate::wire::{self, JournalPlace, ReceiptOf, Reply, Request};

/// A request that changes nothing, with the shape of its answer.
pub trait Question {
    /// What the server says when it answers.
    type Answer;

    /// The request as it is sent.
    fn request(&self) -> Request<'_>;

    /// The answer in a reply; none in a reply to another question.
    fn answer(reply: Reply) -> Option<Self::Answer>;
}

/// Makes a question of a type, for this room and for those of the domains: its answer, its request, and where in a reply the answer is.
macro_rules! question {
    ($question:ty, $answer:ty, |$self:ident| $request:expr, $reply:pat => $found:expr) => {
        impl Question for $question {
            type Answer = $answer;

            fn request(&self) -> Request<'_> {
                let $self = self;
                $request
            }

            fn answer(reply: Reply) -> Option<$answer> {
                match reply {
                    $reply => Some($found),
                    _ => None,
                }
            }
        }
    };
}

pub(in crate::client) use question;

/// The server's figures.
#[derive(Clone, Copy, Debug)]
pub struct Figures;
question!(Figures, wire::Figures, |_q| Request::Status, Reply::Status(figures) => figures);

/// The caller's account as the ledger has it.
#[derive(Clone, Copy, Debug)]
pub struct Whoami;
question!(Whoami, wire::Figures, |_q| Request::Whoami, Reply::Whoami(whoami) => whoami);

/// A code of the second factor, which counts for all that descends from the authentication of the session.
pub struct CodeGiven(pub Zeroizing<String>);
question!(
    CodeGiven,
    wire::WrongCodes,
    |q| Request::SecondFactor(wire::FactorGiven::Code(&q.0)),
    Reply::FactorTaken(wrong) => wrong
);

/// What a log-in with a code has brought, for the session with the fetched key.
pub struct CarriedOver(pub [u8; 32]);
question!(
    CarriedOver,
    wire::WrongCodes,
    |q| Request::SecondFactor(wire::FactorGiven::Carry(q.0)),
    Reply::FactorTaken(wrong) => wrong
);

/// A new second factor, or new spare codes for the one that is there.
#[derive(Clone, Copy, Debug)]
pub struct FactorWanted {
    /// Whether the secret stays.
    pub keep_secret: bool,
}
question!(
    FactorWanted,
    wire::FactorOffer,
    |q| Request::SecondFactorBegin { keep_secret: q.keep_secret },
    Reply::FactorOffer(offer) => *offer
);

/// Some of the blocks that the caller may read.
#[derive(Clone, Copy, Debug)]
pub struct Copy {
    /// Smallest wanted index.
    pub from: u64,
    /// Most blocks wanted.
    pub limit: u64,
    /// Whether those are wanted that concern the caller, beside the caller's own.
    pub concerning: bool,
}
question!(
    Copy,
    wire::CopyPage,
    |q| Request::Copy { from: q.from, limit: q.limit, concerning: q.concerning },
    Reply::CopyPage(page) => page
);

/// The verdict on the whole log, after pushes that tell how far it is.
#[derive(Clone, Copy, Debug)]
pub struct Verify;
question!(Verify, wire::Verification, |_q| Request::Verify, Reply::Verification(verdict) => verdict);

/// The newest signed checkpoint: its note.
#[derive(Clone, Copy, Debug)]
pub struct Checkpoint;
question!(Checkpoint, String, |_q| Request::Checkpoint, Reply::Checkpoint(checkpoint) => checkpoint.note);

/// The newest checkpoint that all these witnesses have cosigned, named by their verifier keys: its note.
#[derive(Clone, Debug)]
pub struct CosignedBy(pub Vec<String>);
question!(
    CosignedBy,
    String,
    |q| Request::Cosigned(q.0.iter().map(String::as_str).collect()),
    Reply::Checkpoint(checkpoint) => checkpoint.note
);

/// Takes a cosignature, and says which checkpoint is cosigned by this witness now: its note.
#[derive(Clone, Debug)]
pub struct Cosign {
    /// Blocks of the checkpoint.
    pub size: u64,
    /// The witness's verifier key.
    pub vkey: String,
    /// The signature line, newline included.
    pub line: String,
}
question!(
    Cosign,
    String,
    |q| Request::Cosign { size: q.size, vkey: &q.vkey, line: &q.line },
    Reply::Checkpoint(checkpoint) => checkpoint.note
);

/// The proofs that blocks are in a tree, in the order of their indexes.
#[derive(Clone, Debug)]
pub struct AreIncluded {
    /// Which blocks: at most [`wire::INCLUSIONS_MAX`].
    pub indexes: Vec<u64>,
    /// Blocks of the tree.
    pub size: u64,
}
question!(
    AreIncluded,
    Vec<Inclusion>,
    |q| Request::Inclusions { size: q.size, indexes: q.indexes.clone() },
    Reply::Inclusions(proofs) => proofs
);

/// The proof that a tree extends an older one.
#[derive(Clone, Copy, Debug)]
pub struct Extends {
    /// Blocks of the older tree.
    pub old_size: u64,
    /// Blocks of the newer one.
    pub size: u64,
}
question!(
    Extends,
    Consistency,
    |q| Request::Consistency { old_size: q.old_size, size: q.size },
    Reply::Consistency(proof) => proof
);

/// A block with all that proves it to a stranger.
#[derive(Clone, Copy, Debug)]
pub struct Receipt(pub ReceiptOf);
question!(Receipt, wire::Proofs, |q| Request::Receipt(q.0), Reply::Receipt(proofs) => proofs);

/// That the caller is online, and where others are told that it listens.
#[derive(Clone, Copy, Debug)]
pub struct Announce {
    /// Where the caller listens.
    pub address: SocketAddr,
    /// Whether only those who ask for the caller by name are told.
    pub hidden: bool,
}
question!(
    Announce,
    SocketAddr,
    |q| Request::Announce { address: q.address, hidden: q.hidden },
    Reply::Announced(address) => address
);

/// Members who are online and not hidden.
#[derive(Clone, Copy, Debug)]
pub struct Online {
    /// Smallest wanted account.
    pub from: AccountId,
    /// Most members wanted.
    pub limit: u64,
}
question!(
    Online,
    wire::OnlinePage,
    |q| Request::Online { from: q.from, limit: q.limit },
    Reply::Online(page) => page
);

/// Where one member listens, hidden or not: a page of at most one.
#[derive(Clone, Copy, Debug)]
pub struct Locate(pub AccountId);
question!(Locate, wire::OnlinePage, |q| Request::Locate(q.0), Reply::Online(page) => page);

/// The keys of scopes, in the order of their ids.
#[derive(Clone, Debug)]
pub struct ScopeKeysOf(pub Vec<ScopeId>);
question!(
    ScopeKeysOf,
    wire::ScopeKeys,
    |q| Request::ScopeKeys(q.0.clone()),
    Reply::ScopeKeys(keys) => keys
);

/// The proof that an account was erased.
#[derive(Clone, Copy, Debug)]
pub struct ErasureOf(pub AccountId);
question!(ErasureOf, wire::ErasureProof, |q| Request::Erasure(q.0), Reply::Erasure(proof) => proof);

/// A page of the server's journal.
#[derive(Clone, Copy, Debug)]
pub struct Journal {
    /// Whose records are wanted; everybody's if nobody is named.
    pub account: Option<AccountId>,
    /// From when on, in milliseconds since the Unix epoch.
    pub since_ms: u64,
    /// Where the page begins.
    pub from: JournalPlace,
    /// Most records wanted.
    pub limit: u64,
}
question!(
    Journal,
    wire::JournalPage,
    |q| Request::Journal { account: q.account, since_ms: q.since_ms, from: q.from, limit: q.limit },
    Reply::Journal(page) => page
);
