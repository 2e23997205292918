//! The newest checkpoint, and what witnesses have said about older ones.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use serde::{Deserialize, Serialize};

use super::{ConnectionId, Service};
use crate::codec;
use crate::crypto::cosignature::WitnessPublicKey;
use crate::domain::AccountId;
use crate::eventlog::{self, LogError, read_small, replace};
use crate::ledger::CHECKPOINT_FILE;
use crate::limits::{COSIGNED_SIZES_MAX, COSIGNERS_MAX};
use crate::wire::{CheckpointNote, Refusal, Reply};

/// Where cosignatures are kept over a restart; without it they are gone until the witnesses come again.
const FILE: &str = "cosigned";

/// More than the file can have by the limits.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// What a witness handed in.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Cosignature {
    vkey: String,
    line: String,
}

/// Cosignatures by the account that handed them in and the size of the checkpoint. Each account pushes out its own
/// only, so that nobody can make another witness's disappear.
#[derive(Debug, Default)]
pub(super) struct Cosigned(BTreeMap<AccountId, BTreeMap<u64, Cosignature>>);

impl Cosigned {
    /// False when too many others cosign already.
    fn insert(&mut self, account: AccountId, size: u64, cosignature: Cosignature) -> bool {
        if self.0.len() >= COSIGNERS_MAX && !self.0.contains_key(&account) {
            return false;
        }
        let own = self.0.entry(account).or_default();
        own.insert(size, cosignature);
        while own.len() > COSIGNED_SIZES_MAX {
            own.pop_first();
        }
        true
    }

    /// The newest size that all these keys have cosigned, with their lines for it, or with everybody's if no key is
    /// named. A key that was made to collide with another one spoils no answer that does not ask for it.
    fn newest(&self, keys: &[&str]) -> Option<(u64, String)> {
        let lines_of = |size: u64| self.0.values().filter_map(move |own| own.get(&size));
        let sizes: BTreeSet<u64> = self.0.values().flat_map(|own| own.keys().copied()).collect();
        let cosigned_by_all =
            |size: &u64| keys.iter().all(|key| lines_of(*size).any(|cosignature| cosignature.vkey == *key));
        let size = sizes.into_iter().rev().find(cosigned_by_all)?;
        let wanted = lines_of(size).filter(|one| keys.is_empty() || keys.contains(&one.vkey.as_str()));
        Some((size, wanted.map(|cosignature| cosignature.line.as_str()).collect()))
    }
}

impl Service {
    /// The checkpoint over the last batch, signed once.
    pub(super) fn sign_checkpoint(&mut self) {
        if self.checkpoint_note.0 != self.ledger.committed().size {
            let checkpoint = self.ledger.checkpoint();
            self.checkpoint_note = (checkpoint.size, self.log_key.sign_note(&checkpoint.text()));
        }
    }

    /// Whoever is shown a checkpoint must find that a later start still stands by it.
    pub(super) fn keep_checkpoint(&mut self) -> Result<(), LogError> {
        if !std::mem::take(&mut self.note_leaves) {
            return Ok(());
        }
        self.keep_newest_checkpoint().map_err(|error| LogError::io(CHECKPOINT_FILE, "write", error))
    }

    /// Keeps the checkpoint over the last batch although nobody was shown it yet. Before serving, this finds out
    /// whether the file can be replaced at all.
    ///
    /// # Errors
    /// What the file system says, but not that the disk is full.
    pub fn keep_newest_checkpoint(&mut self) -> io::Result<()> {
        self.sign_checkpoint();
        match self.checkpoint_file.keep(self.ledger.checkpoint(), &self.checkpoint_note.1) {
            // On a full disk nothing new is signed for but what came since the file was last written.
            Err(error) if eventlog::is_full(&error) => {
                tracing::warn!(%error, "the newest checkpoint could not be kept");
                Ok(())
            }
            other => other,
        }
    }

    /// Takes a witness's cosignature of a checkpoint, if it holds.
    pub(super) fn cosign(&mut self, account: AccountId, size: u64, vkey: &str, line: &str) -> Reply {
        if let Err(refusal) = self.check_cosignature(size, vkey, line) {
            return Reply::Refused(refusal);
        }
        let cosignature = Cosignature { vkey: vkey.to_owned(), line: line.to_owned() };
        if !self.cosigned.insert(account, size, cosignature) {
            return Reply::Refused(Refusal::fail("busy", "there are as many witnesses as this server keeps"));
        }
        if let Err(error) = replace(self.storage.as_ref(), FILE, &codec::encode(&self.cosigned.0)) {
            tracing::warn!(%error, "cosignatures could not be kept over a restart");
        }
        self.newest_cosigned(&[vkey])
    }

    fn check_cosignature(&self, size: u64, vkey: &str, line: &str) -> Result<(), Refusal> {
        let bad = |text: &str| Refusal::fail("bad_cosignature", text);
        let key: WitnessPublicKey =
            vkey.parse().map_err(|_| bad("the key is not a verifier key for cosignatures"))?;
        let checkpoint = self.ledger.checkpoint_at(size).filter(|checkpoint| checkpoint.size > 0);
        let text = checkpoint.ok_or_else(|| bad("there is no such checkpoint"))?.text();
        if key.name() == self.log_key.public().origin() {
            return Err(bad("a witness does not bear the ledger's name"));
        }
        // One line and no more: it is handed out among others.
        let whole = line.ends_with('\n') && line.matches('\n').count() == 1;
        if whole && key.verify_note(&format!("{text}\n{line}")).is_ok() {
            Ok(())
        } else {
            Err(bad("the line is not this key's cosignature of it"))
        }
    }

    /// The newest checkpoint that all these witnesses cosigned; any, if none is named.
    pub(super) fn newest_cosigned(&self, keys: &[&str]) -> Reply {
        let found = self.cosigned.newest(keys);
        let found = found.and_then(|(size, lines)| Some((self.ledger.checkpoint_at(size)?, lines)));
        match found {
            Some((checkpoint, lines)) => {
                let note = format!("{}{lines}", self.log_key.sign_note(&checkpoint.text()));
                Reply::Checkpoint(CheckpointNote { note })
            }
            None => Reply::Refused(Refusal::fail(
                "not_cosigned",
                "there is no checkpoint that was cosigned by all of these witnesses",
            )),
        }
    }

    /// Reads the cosignatures that were handed in before the start; those that do not hold are forgotten.
    pub(super) fn recall_cosigned(&mut self) {
        let read = read_small(self.storage.as_ref(), FILE, FILE_BYTES_MAX);
        let bytes = match read {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return,
            Err(error) => return forgotten(&error),
        };
        let Ok(kept) = codec::strict::<BTreeMap<AccountId, BTreeMap<u64, Cosignature>>>(&bytes) else {
            return forgotten(&io::ErrorKind::InvalidData.into());
        };
        for (account, own) in kept {
            for (size, cosignature) in own {
                if self.check_cosignature(size, &cosignature.vkey, &cosignature.line).is_ok() {
                    self.cosigned.insert(account, size, cosignature);
                }
            }
        }
    }

    /// Holds the answer to a request about cosignatures.
    pub(super) fn hold_cosigned(&mut self, id: ConnectionId, request: u32, keys: &[&str]) {
        let reply = self.newest_cosigned(keys.get(..COSIGNERS_MAX).unwrap_or(keys));
        self.hold(id, request, reply);
    }
}

fn forgotten(error: &io::Error) {
    tracing::warn!(%error, "the cosignatures of before the start cannot be read");
}
