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
}

impl Outbox {
    /// The commit that everything durable adds up to.
    pub(super) fn durable(&self) -> Commit {
        self.durable
    }

    /// The commit that the open batch will be.
    pub(super) fn open(&self) -> Commit {
        Commit(self.durable.0 + 1)
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
        self.held.push_back(Held { connection, message, seen });
        bytes
    }

    /// All commits up to this one are durable.
    pub(super) fn became_durable(&mut self, commit: Commit) {
        self.durable = commit;
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
    use crate::wire::{Progress, Push};

    fn reply(n: u64) -> Reply {
        Reply::Push(Push::Progress(Progress { done: n, total: n }))
    }

    fn left(outbox: &mut Outbox) -> Vec<(u64, u32)> {
        let request = |held: &Held| wire::open::<Reply>(&held.message).unwrap().0;
        outbox.take_leaving().iter().map(|held| (held.connection.0, request(held))).collect()
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
}
