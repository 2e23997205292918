//! Replies on their way out. Each has seen the state after some commit, and leaves when that commit is durable: nobody is
//! told of what a power cut could still take away.
//!
//! A *commit* is a number of this process: one more with each batch. Commits become durable in their order.

use std::collections::{BTreeSet, VecDeque};

use super::ConnectionId;
use crate::wire::{self, Reply};

/// Names a commit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Commit(u64);

/// A reply that waits, as the bytes that will be sent.
pub(super) struct Held {
    /// Whose it is.
    pub(super) connection: ConnectionId,
    request: u32,
    /// Sealed in its envelope.
    pub(super) message: Vec<u8>,
    /// The newest commit that it has seen.
    seen: Commit,
}

/// See the module.
#[derive(Default)]
pub(super) struct Outbox {
    held: VecDeque<Held>,
    /// The newest durable commit.
    durable: Commit,
    /// The newest commit that became durable or was thrown away: its number is not used again.
    ended: Commit,
}

impl Outbox {
    /// The commit that everything durable adds up to.
    pub(super) fn durable(&self) -> Commit {
        self.durable
    }

    /// The commit that the open batch will be.
    pub(super) fn open(&self) -> Commit {
        Commit(self.ended.0 + 1)
    }

    /// Puts a reply in that has seen this commit. Gives the bytes that it takes.
    pub(super) fn put(
        &mut self,
        connection: ConnectionId,
        request: u32,
        reply: &Reply,
        seen: Commit,
    ) -> usize {
        let message = wire::seal(request, reply);
        let bytes = message.len();
        self.held.push_back(Held { connection, request, message, seen });
        bytes
    }

    /// All commits up to this one are durable.
    pub(super) fn became_durable(&mut self, commit: Commit) {
        (self.durable, self.ended) = (commit, commit);
    }

    /// A commit was thrown away: what has seen it is answered with `instead`. Says of each by how many bytes it takes
    /// more, or less, now.
    pub(super) fn threw_away(
        &mut self,
        commit: Commit,
        instead: &Reply,
        resized: &mut dyn FnMut(ConnectionId, usize, usize),
    ) {
        for held in self.held.iter_mut().filter(|held| held.seen == commit) {
            let message = wire::seal(held.request, instead);
            resized(held.connection, held.message.len(), message.len());
            (held.message, held.seen) = (message, self.durable);
        }
        self.ended = commit;
    }

    /// Takes out what may leave, in the order of each connection: a reply never overtakes one before it.
    pub(super) fn take_leaving(&mut self) -> Vec<Held> {
        if self.held.iter().all(|held| held.seen <= self.durable) {
            return std::mem::take(&mut self.held).into();
        }
        let mut waits = BTreeSet::new();
        let (mut leaving, mut held) = (Vec::new(), VecDeque::new());
        for one in std::mem::take(&mut self.held) {
            if one.seen > self.durable || waits.contains(&one.connection) {
                waits.insert(one.connection);
                held.push_back(one);
            } else {
                leaving.push(one);
            }
        }
        self.held = held;
        leaving
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refusal;
    use crate::wire::{Progress, Push, Refusal};

    fn reply(n: u64) -> Reply {
        Reply::Push(Push::Progress(Progress { done: n, total: n }))
    }

    fn left(outbox: &mut Outbox) -> Vec<(u64, u32)> {
        outbox.take_leaving().into_iter().map(|held| (held.connection.0, held.request)).collect()
    }

    #[test]
    fn a_reply_leaves_when_what_it_has_seen_is_durable_and_never_overtakes_one_of_its_connection() {
        let mut outbox = Outbox::default();
        let (durable, open) = (outbox.durable(), outbox.open());
        let put = |outbox: &mut Outbox, connection, request, seen| {
            outbox.put(ConnectionId(connection), request, &reply(u64::from(request)), seen);
        };
        put(&mut outbox, 1, 1, durable);
        put(&mut outbox, 1, 2, open);
        put(&mut outbox, 1, 3, durable);
        put(&mut outbox, 2, 4, durable);
        assert_eq!(left(&mut outbox), [(1, 1), (2, 4)]);
        outbox.became_durable(open);
        assert_eq!(left(&mut outbox), [(1, 2), (1, 3)]);
        assert!(outbox.open() > open && outbox.is_empty());
    }

    #[test]
    fn what_has_seen_a_commit_that_was_thrown_away_is_answered_with_that_and_nothing_else_is() {
        let mut outbox = Outbox::default();
        let (durable, open) = (outbox.durable(), outbox.open());
        outbox.put(ConnectionId(1), 1, &reply(1), durable);
        let bytes = outbox.put(ConnectionId(2), 2, &reply(2), open);
        let refused = Reply::Refused(Refusal::fail(refusal::DISK_FULL, "no room"));
        let mut resized = Vec::new();
        outbox.threw_away(open, &refused, &mut |id, before, now| resized.push((id.0, before, now)));
        let messages: Vec<Vec<u8>> = outbox.take_leaving().into_iter().map(|held| held.message).collect();
        assert_eq!(messages, [wire::seal(1, &reply(1)), wire::seal(2, &refused)]);
        assert_eq!(resized, [(2, bytes, messages[1].len())]);
        assert!(outbox.open() > open, "the number is not used again");
    }
}
