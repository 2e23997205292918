//! Replies that wait for the batch, and how long the batch waits for more.

use std::time::Duration;

use rand_core::CryptoRng;

use super::{ConnectionId, Service, disk_full};
use crate::chain::{Block, Message};
use crate::session::SendError;
use crate::time::{Monotonic, Now};
use crate::wire::{self, Reply};

/// How long a batch is left open for commands whose signatures are being checked: about what a sync takes.
const GATHERING: Duration = Duration::from_millis(1);

/// Blocks of a batch that is not left open for more.
const GATHERED: u64 = 64;

/// Bytes that a reply counts for beside its lists; an empty page takes room as well.
const REPLY_BYTES: usize = 256;

/// A reply that waits for the batch to be durable.
pub(super) struct Held {
    pub(super) connection: ConnectionId,
    request: u32,
    reply: Reply,
    bytes: usize,
}

impl Service {
    /// Whether the batch is left open for a moment: commands are on their way back from their signature checks, and
    /// one sync for all of them is worth more than one for each. Everything that is held waits with it. A checkpoint in
    /// a handshake does not wait, and may not leave before it is kept: then the tick ends at once.
    pub(super) fn awaits_more(&mut self, now: Now) -> bool {
        let blocks = self.ledger.open_batch();
        let wanted = self.checks_under_way > 0 && (1..GATHERED).contains(&blocks);
        if !wanted || self.note_leaves || self.shutting_down || !self.postponed.is_empty() {
            return false;
        }
        let due = *self.commit_due.get_or_insert(Monotonic(now.mono.0 + GATHERING));
        now.mono < due
    }

    /// Whether a batch is left open: then the loop has a deadline, and is not needed before unless somebody else is.
    pub fn gathers(&self) -> bool {
        self.commit_due.is_some()
    }

    /// The batch was not written: what was held for one of its blocks is refused instead. Nothing that was
    /// learnt from those blocks may stay behind.
    pub(super) fn refuse_held(&mut self, thrown_away: &[Vec<u8>]) {
        let durable = self.ledger.committed().size;
        for held in &mut self.held {
            match &held.reply {
                // A duplicate of what is durable stays what it is.
                Reply::Accepted(accepted) if accepted.index < durable => continue,
                Reply::Accepted(accepted) if !accepted.duplicate => self.counters.accepted -= 1,
                // A question that changes nothing and saw only durable blocks.
                Reply::CopyPage(_)
                | Reply::Statement(_)
                | Reply::Receipt(_)
                | Reply::Announced(_)
                | Reply::Online(_)
                | Reply::Checkpoint(_)
                | Reply::Inclusion(_)
                | Reply::Consistency(_) => {
                    continue;
                }
                _ => {}
            }
            held.reply = Reply::Refused(disk_full());
        }
        self.keys.clear();
        self.refusals.take_back(&disk_full());
        for block in thrown_away {
            if let Ok(block) = Block::parse(block)
                && let Ok(message) = Message::parse(block.message)
            {
                self.refusals.remember_copy(&message, disk_full());
            }
        }
    }

    pub(super) fn release_held(&mut self, now: Now, rng: &mut dyn CryptoRng) {
        for held in std::mem::take(&mut self.held) {
            let message = wire::seal(held.request, &held.reply);
            let sent = self.with_env(held.connection, now, rng, |connection, env| {
                connection.held_bytes = connection.held_bytes.saturating_sub(held.bytes);
                connection.session.send_message(&message, env)
            });
            match sent {
                Some(Err(SendError::TooLong)) => {
                    tracing::error!(connection = %held.connection, "a reply is longer than a message may be");
                }
                Some(Err(SendError::NotOpen)) => {
                    tracing::debug!(connection = %held.connection, "a reply came after the end of its session");
                }
                Some(Ok(())) | None => {}
            }
        }
    }

    /// Holds a reply until the batch of this tick is durable.
    pub(super) fn hold(&mut self, connection: ConnectionId, request: u32, reply: Reply) {
        let bytes = match &reply {
            Reply::CopyPage(page) => page.blocks.iter().map(|block| block.len()).sum(),
            Reply::Statement(page) => page.lines.len().saturating_mul(128),
            Reply::Receipt(proofs) => proofs.block.len(),
            Reply::Online(page) => page.members.len().saturating_mul(192),
            Reply::Verification(verdict) => verdict.findings.len().saturating_mul(192),
            _ => 0,
        } + REPLY_BYTES;
        self.note_leaves |=
            matches!(reply, Reply::Checkpoint(_) | Reply::Receipt(_) | Reply::Verification(_));
        if let Some(connection) = self.connections.get_mut(&connection) {
            connection.held_bytes += bytes;
        }
        self.held.push(Held { connection, request, reply, bytes });
    }
}
