//! Proofs for whoever asks, and the stored hashes that they are made of. Those are derived: when one of them turns out
//! to be wrong, the file of them is made anew by a helper, and meanwhile what cannot be proven is `unavailable`.

use std::sync::Arc;
use std::time::Duration;

use super::turns::PROOF_WORK;
use super::{ConnectionId, Job, Service};
use crate::eventlog::LogError;
use crate::ledger::{RebuildError, RebuiltTree, Unproven};
use crate::refusal;
use crate::time::{Monotonic, Now};
use crate::wire::{INCLUSIONS_MAX, Refusal, Reply};

/// How long after a file could not be written it is tried again.
const RETRY_AFTER: Duration = Duration::from_secs(30);

/// How the file of stored hashes is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum StoredHashes {
    /// As far as anybody has noticed, it is right.
    #[default]
    Good,
    /// It is not, and is to be made anew at this time.
    Damaged(Monotonic),
    /// It is being made anew.
    Rebuilding,
}

/// Why there is no answer with a proof in it.
pub(super) enum NoProof {
    /// The log cannot be read.
    Log(LogError),
    /// A stored hash is wrong.
    Unavailable,
}

impl From<LogError> for NoProof {
    fn from(error: LogError) -> NoProof {
        NoProof::Log(error)
    }
}

impl Service {
    pub(super) fn inclusions(&mut self, id: ConnectionId, request: u32, size: u64, indexes: &[u64]) {
        if indexes.len() > INCLUSIONS_MAX {
            let sentence = format!("{INCLUSIONS_MAX} proofs at most are in one answer");
            let refusal = Refusal::fail(refusal::NO_SUCH_PROOF, sentence);
            return self.hold_durable(id, request, Reply::Refused(refusal));
        }
        self.work += PROOF_WORK * indexes.len().max(1) as u64;
        let proofs = indexes.iter().map(|index| self.ledger.inclusion(*index, size));
        let proofs = proofs.collect::<Result<_, _>>().map(Reply::Inclusions);
        self.hold_proof(id, request, proofs);
    }

    pub(super) fn consistency(&mut self, id: ConnectionId, request: u32, old_size: u64, size: u64) {
        self.work += PROOF_WORK;
        let proof = self.ledger.consistency(old_size, size).map(Reply::Consistency);
        self.hold_proof(id, request, proof);
    }

    fn hold_proof(&mut self, id: ConnectionId, request: u32, proof: Result<Reply, Unproven>) {
        let reply = proof.unwrap_or_else(|unproven| match unproven {
            Unproven::NoSuch => Reply::Refused(Refusal::fail(refusal::NO_SUCH_PROOF, unproven)),
            Unproven::Unavailable => Reply::Refused(self.unavailable()),
        });
        self.hold_durable(id, request, reply);
    }

    /// Notes that a stored hash is wrong, and says to whoever needed it that there is no proof at the moment.
    pub(super) fn unavailable(&mut self) -> Refusal {
        if self.stored_hashes == StoredHashes::Good {
            tracing::error!(
                "tree/hashes is damaged: what it holds does not fit the blocks, or cannot be read. The blocks are not \
                 concerned; the file is made anew from them, and until then proofs are refused as unavailable"
            );
            self.stored_hashes = StoredHashes::Damaged(Monotonic::default());
        }
        Refusal::fail(
            refusal::UNAVAILABLE,
            "the server makes its stored hashes anew and cannot prove this until then",
        )
    }

    /// Has the file made anew when it is time. Called between two batches.
    pub(super) fn start_rebuild(&mut self, now: Now) {
        if matches!(self.stored_hashes, StoredHashes::Damaged(due) if due <= now.mono) {
            self.stored_hashes = StoredHashes::Rebuilding;
            self.jobs.push(Job::RebuildTree(self.ledger.rebuild_tree(&self.storage)));
        }
    }

    /// When [`Service::start_rebuild`] has to be called.
    pub(super) fn rebuild_due(&self) -> Option<Monotonic> {
        match self.stored_hashes {
            StoredHashes::Damaged(due) => Some(due),
            StoredHashes::Good | StoredHashes::Rebuilding => None,
        }
    }

    /// A helper has made the file anew, or could not.
    pub(super) fn tree_rebuilt(&mut self, result: Result<RebuiltTree, RebuildError>, now: Now) {
        let storage = Arc::clone(&self.storage);
        let used = result.and_then(|rebuilt| {
            self.ledger.use_rebuilt_tree(storage.as_ref(), &rebuilt).map_err(RebuildError::File)
        });
        match used {
            Ok(()) => {
                tracing::info!("tree/hashes was made anew");
                self.stored_hashes = StoredHashes::Good;
            }
            Err(RebuildError::Log(error)) => {
                self.fatal.get_or_insert(error);
            }
            Err(error @ RebuildError::File(_)) => {
                tracing::error!(%error, "tree/hashes could not be made anew; it is tried again in a while");
                self.stored_hashes = StoredHashes::Damaged(Monotonic(now.mono.0 + RETRY_AFTER));
            }
        }
    }
}
