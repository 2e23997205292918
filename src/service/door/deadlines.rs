//! When which connection has to be looked at: the earliest first, and each noted once, so that nothing is done for
//! those whose time has not come, and nothing is kept of those who are gone.

use std::collections::{BTreeMap, BTreeSet};

use rand_core::CryptoRng;

use crate::service::{ConnectionId, ROOM_CHECK_EVERY, Service};
use crate::time::{Monotonic, Now};

/// See the module.
#[derive(Debug, Default)]
pub(in crate::service) struct Deadlines {
    in_order: BTreeSet<(Monotonic, ConnectionId)>,
    by_connection: BTreeMap<ConnectionId, Monotonic>,
}

impl Deadlines {
    /// Has a connection looked at when its deadline comes. One that has moved away since it was noted stays where
    /// it is: that is seen when it comes up, and input need not move it every time.
    pub(in crate::service) fn note(&mut self, id: ConnectionId, deadline: Monotonic) {
        if self.by_connection.get(&id).is_some_and(|noted| *noted <= deadline) {
            return;
        }
        self.forget(id);
        self.by_connection.insert(id, deadline);
        self.in_order.insert((deadline, id));
    }

    /// The connection is gone.
    pub(in crate::service) fn forget(&mut self, id: ConnectionId) {
        if let Some(deadline) = self.by_connection.remove(&id) {
            self.in_order.remove(&(deadline, id));
        }
    }

    /// When the first is due.
    pub(in crate::service) fn first(&self) -> Option<Monotonic> {
        self.in_order.first().map(|(deadline, _)| *deadline)
    }

    /// Takes out one that is due.
    pub(in crate::service) fn take_due(&mut self, now: Monotonic) -> Option<ConnectionId> {
        let (_, id) = *self.in_order.first().filter(|(deadline, _)| *deadline <= now)?;
        self.forget(id);
        Some(id)
    }
}

impl Service {
    /// Does what is due.
    pub(in crate::service) fn run_deadlines(&mut self, now: Now, rng: &mut dyn CryptoRng) {
        if self.door.previous_key_until.is_some_and(|until| now.wall >= until) {
            self.door.previous_key_until = None;
            self.door.identity.forget_previous();
            tracing::info!("the previous key is no longer accepted");
        }
        if self.maintenance_due.is_some_and(|due| due <= now.mono) {
            self.maintenance_due = None;
            self.maintain(now);
        }
        if self.lines.due().is_some_and(|due| due <= now.mono) {
            self.sum_up_lines(now.mono);
        }
        while let Some(id) = self.door.deadlines.take_due(now.mono) {
            let Some(connection) = self.door.connections.get(&id) else { continue };
            if connection.deadline(&self.limits) <= now.mono && connection.is_to_be_pinged() {
                self.ping(id, now, rng);
            } else if connection.deadline(&self.limits) <= now.mono {
                tracing::debug!(connection = %id, "closed: nothing happened in time");
                self.forget(id);
            } else {
                self.schedule(id);
            }
        }
    }

    /// Asks a client that only listens whether it is still there: what it answers counts as being heard.
    fn ping(&mut self, id: ConnectionId, now: Now, rng: &mut dyn CryptoRng) {
        let sent = self.with_env(id, now, rng, |connection, env| {
            connection.pinged_at = Some(now.mono);
            connection.session.ping(*b"follower", env)
        });
        if let Some(Err(error)) = sent {
            tracing::debug!(connection = %id, %error, "a follower could not be asked whether it is still there");
        }
        self.schedule(id);
    }

    /// Has a connection looked at when its deadline comes.
    pub(in crate::service) fn schedule(&mut self, id: ConnectionId) {
        if let Some(connection) = self.door.connections.get(&id) {
            self.door.deadlines.note(id, connection.deadline(&self.limits));
        }
    }

    /// Syncs the anchor, and looks for room when the disk was full.
    fn maintain(&mut self, now: Now) {
        if self.ledger.log().anchor_pending()
            && let Err(error) = self.ledger.log_mut().sync_anchor()
        {
            self.fatal.get_or_insert(error);
        }
        if let Err(error) = self.ledger.try_resume() {
            self.fatal.get_or_insert(error);
        }
        if self.ledger.log().mode().is_read_only() {
            self.look_for_room_later(now.mono);
        }
    }

    /// The disk is full: room is looked for again and again until there is some.
    pub(in crate::service) fn look_for_room_later(&mut self, now: Monotonic) {
        self.maintenance_due.get_or_insert(Monotonic(now.0 + ROOM_CHECK_EVERY));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(seconds: u64) -> Monotonic {
        Monotonic(Duration::from_secs(seconds))
    }

    #[test]
    fn nothing_is_kept_of_connections_that_are_gone() {
        let mut deadlines = Deadlines::default();
        for number in 0..1_000 {
            deadlines.note(ConnectionId(number), at(5));
            deadlines.note(ConnectionId(number), at(600));
            deadlines.forget(ConnectionId(number));
        }
        assert_eq!((deadlines.in_order.len(), deadlines.by_connection.len()), (0, 0));
        assert_eq!((deadlines.first(), deadlines.take_due(at(1_000))), (None, None));
    }

    #[test]
    fn each_is_noted_once_at_the_earliest_of_its_times() {
        let mut deadlines = Deadlines::default();
        let (one, other) = (ConnectionId(1), ConnectionId(2));
        deadlines.note(one, at(10));
        deadlines.note(other, at(7));
        deadlines.note(one, at(20));
        assert_eq!(deadlines.first(), Some(at(7)));
        deadlines.note(one, at(3));
        assert_eq!((deadlines.take_due(at(2)), deadlines.first()), (None, Some(at(3))));
        assert_eq!(deadlines.take_due(at(9)), Some(one));
        assert_eq!(deadlines.take_due(at(9)), Some(other));
        assert_eq!(deadlines.take_due(at(100)), None, "the later ones of the first were not kept");
    }
}
