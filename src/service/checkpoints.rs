//! The newest checkpoint, and what witnesses have said about older ones.

use std::io;

use super::cosigned::{Cosignature, Cosigned, Taken};
use super::{ConnectionId, Service};
use crate::crypto::cosignature::WitnessPublicKey;
use crate::domain::AccountId;
use crate::domain::Role;
use crate::eventlog::{self, LogError, read_small, replace};
use crate::ledger::{CHECKPOINT_FILE, Unproven};
use crate::limits::COSIGNERS_MAX;
use crate::refusal;
use crate::text;
use crate::time::{Monotonic, Now};
use crate::wire::{CheckpointNote, Refusal, Reply};

/// Where cosignatures are kept over a restart; without it they are gone until the witnesses come again.
const FILE: &str = "cosigned";

/// More than the file can have by the limits.
const FILE_BYTES_MAX: u64 = 1 << 20;

impl Service {
    /// The checkpoint over the last batch, signed once.
    pub(super) fn sign_checkpoint(&mut self) {
        if self.note.size() != self.ledger.committed().size {
            let checkpoint = self.ledger.checkpoint();
            self.note.renew(checkpoint.size, self.log_key.sign_note(&checkpoint.text()));
        }
    }

    /// The newest checkpoint, for a reply that leaves: how many blocks it is over, and the signed note.
    pub(super) fn hand_out_note(&mut self) -> (u64, String) {
        self.sign_checkpoint();
        (self.note.size(), self.note.hand_out())
    }

    /// Whoever is shown a checkpoint must find that a later start still stands by it.
    pub(super) fn keep_checkpoint(&mut self) -> Result<(), LogError> {
        if !self.note.take_leaving() {
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
        match self.checkpoint_file.keep(self.ledger.checkpoint(), self.note.to_keep()) {
            // On a full disk nothing new is signed for but what came since the file was last written.
            Err(error) if eventlog::is_full(&error) => {
                // Once, and not at every handshake until there is room.
                if !std::mem::replace(&mut self.checkpoint_unkept, true) {
                    tracing::warn!(%error, "the newest checkpoint could not be kept");
                }
                Ok(())
            }
            other => {
                self.checkpoint_unkept = false;
                other
            }
        }
    }

    /// Takes a witness's cosignature of a checkpoint, if it holds.
    pub(super) fn cosign(
        &mut self,
        account: AccountId,
        size: u64,
        vkey: &str,
        line: &str,
        now: Now,
    ) -> Reply {
        if let Err(refusal) = self.check_cosignature(size, vkey, line) {
            return Reply::Refused(refusal);
        }
        let cosignature = Cosignature { vkey: vkey.to_owned(), line: line.to_owned() };
        let state = self.ledger.replica().state();
        let has_role = |account| state.has_role(account, Role::Witness);
        match self.cosigned.take(account, size, cosignature, now.wall, &has_role) {
            Taken::New | Taken::Known => self.newest_cosigned(&[vkey]),
            Taken::NoPlace => Reply::Refused(Refusal::fail(
                refusal::NO_PLACE,
                "there are as many witnesses as this server keeps; an operator can give an account a place: grant \
                 USER witness",
            )),
        }
    }

    /// Writes down what witnesses handed in, if something has changed and enough time has passed since the last time.
    pub(super) fn keep_cosigned(&mut self, now: Monotonic) {
        if self.cosigned.write_due().is_some_and(|due| due <= now) {
            let bytes = self.cosigned.take_changes(now);
            if let Err(error) = replace(self.storage.as_ref(), FILE, &bytes) {
                tracing::warn!(%error, "cosignatures could not be kept over a restart");
            }
        }
    }

    fn check_cosignature(&mut self, size: u64, vkey: &str, line: &str) -> Result<(), Refusal> {
        let bad = |text: &str| Refusal::fail(refusal::BAD_COSIGNATURE, text);
        let key: WitnessPublicKey =
            vkey.parse().map_err(|_| bad("the key is not a verifier key for cosignatures"))?;
        let text = match self.ledger.checkpoint_at(size) {
            Ok(checkpoint) if checkpoint.size > 0 => checkpoint.text(),
            Ok(_) | Err(Unproven::NoSuch) => return Err(bad("there is no such checkpoint")),
            Err(Unproven::Unavailable) => return Err(self.unavailable()),
        };
        if key.name() == self.log_key.public().origin() {
            return Err(bad("a witness does not bear the ledger's name"));
        }
        if text::first_hidden(key.name()).is_some() {
            return Err(bad("the name of a witness holds a character that nobody can see"));
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
    pub(super) fn newest_cosigned(&mut self, keys: &[&str]) -> Reply {
        let found = self.cosigned.newest(keys);
        let not_cosigned = || {
            let text = "there is no checkpoint that was cosigned by all of these witnesses";
            Reply::Refused(Refusal::fail(refusal::NOT_COSIGNED, text))
        };
        let Some((size, lines)) = found else { return not_cosigned() };
        match self.ledger.checkpoint_at(size) {
            Ok(checkpoint) => {
                let note = format!("{}{lines}", self.log_key.sign_note(&checkpoint.text()));
                Reply::Checkpoint(CheckpointNote { note })
            }
            Err(Unproven::NoSuch) => not_cosigned(),
            Err(Unproven::Unavailable) => Reply::Refused(self.unavailable()),
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
        let holds = |size, one: &Cosignature| self.check_cosignature(size, &one.vkey, &one.line).is_ok();
        match Cosigned::recall(&bytes, holds) {
            Ok(cosigned) => self.cosigned = cosigned,
            Err(_) => forgotten(&io::ErrorKind::InvalidData.into()),
        }
    }

    /// Holds the answer to a request about cosignatures.
    pub(super) fn hold_cosigned(&mut self, id: ConnectionId, request: u32, keys: &[&str]) {
        let reply = self.newest_cosigned(keys.get(..COSIGNERS_MAX).unwrap_or(keys));
        self.hold_durable(id, request, reply);
    }
}

fn forgotten(error: &io::Error) {
    tracing::warn!(%error, "the cosignatures of before the start cannot be read");
}
