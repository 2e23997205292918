//! A listener's places and its helpers' time: there are few of either, and whoever takes many stands behind itself.

use std::collections::{BTreeMap, VecDeque};

use crate::driven::ConnectionId;
use crate::time::Monotonic;

/// Connections of diallers who have not proven who they are.
pub(super) const STRANGERS_MAX: usize = 32;
/// Connections of members.
pub(super) const MEMBERS_MAX: usize = 32;
/// Cheques of one member that are being settled.
pub(super) const SETTLING_PER_MEMBER_MAX: usize = 4;
/// Cheques that are being settled.
pub(super) const SETTLING_MAX: usize = 64;
/// Jobs of one kind that a helper has: enough that it is never idle, few enough that whoever hangs up has its job
/// dropped before it is done.
const WITH_HELPER_MAX: usize = 2;

/// The longest held connection of whoever holds most of them: the one that makes room for another.
pub(super) fn oldest_of_most<K: Copy + Ord>(
    held: impl Iterator<Item = (K, Monotonic, ConnectionId)>,
) -> Option<ConnectionId> {
    let mut holders: BTreeMap<K, (usize, Monotonic, ConnectionId)> = BTreeMap::new();
    for (holder, since, id) in held {
        let (count, first, oldest) = holders.entry(holder).or_insert((0, since, id));
        *count += 1;
        if (since, id) < (*first, *oldest) {
            (*first, *oldest) = (since, id);
        }
    }
    let most = |(count, first, _): &(usize, Monotonic, ConnectionId)| (*count, std::cmp::Reverse(*first));
    holders.into_values().max_by_key(most).map(|(_, _, oldest)| oldest)
}

/// Jobs of one kind, in the order in which they came: at most one for each connection.
pub(super) struct Waiting<J> {
    jobs: VecDeque<(ConnectionId, J)>,
    with_helper: usize,
}

impl<J> Default for Waiting<J> {
    fn default() -> Waiting<J> {
        Waiting { jobs: VecDeque::new(), with_helper: 0 }
    }
}

impl<J> Waiting<J> {
    pub(super) fn push(&mut self, id: ConnectionId, job: J) {
        self.jobs.push_back((id, job));
    }

    /// Drops the job of a connection that is gone.
    pub(super) fn forget(&mut self, id: ConnectionId) {
        self.jobs.retain(|(of, _)| *of != id);
    }

    /// A helper has done one.
    pub(super) fn done(&mut self) {
        self.with_helper = self.with_helper.saturating_sub(1);
    }

    /// What a helper may have now.
    pub(super) fn take(&mut self) -> Vec<J> {
        let room = WITH_HELPER_MAX.saturating_sub(self.with_helper).min(self.jobs.len());
        self.with_helper += room;
        self.jobs.drain(..room).map(|(_, job)| job).collect()
    }

    /// Whether a helper may have something now.
    pub(super) fn is_due(&self) -> bool {
        self.with_helper < WITH_HELPER_MAX && !self.jobs.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_oldest_of_whoever_holds_most_makes_room() {
        let victim = |held: &[(u8, u64)]| {
            let held = (0..).zip(held);
            let held =
                held.map(|(n, (who, since))| (*who, Monotonic(Duration::from_secs(*since)), ConnectionId(n)));
            oldest_of_most(held).map(|id| id.0)
        };
        assert_eq!(victim(&[]), None);
        assert_eq!(victim(&[(1, 5), (2, 3), (2, 9), (2, 2)]), Some(3));
        assert_eq!(victim(&[(1, 5), (2, 3)]), Some(1), "of equals, who came first");
    }

    #[test]
    fn a_helper_has_two_jobs_at_most_and_none_of_who_is_gone() {
        let mut waiting = Waiting::default();
        (0..5).for_each(|n| waiting.push(ConnectionId(n), n));
        assert_eq!(waiting.take(), [0, 1]);
        assert!(!waiting.is_due() && waiting.take().is_empty());
        waiting.forget(ConnectionId(2));
        waiting.done();
        assert_eq!(waiting.take(), [3]);
    }
}
