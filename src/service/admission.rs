//! Who may come in: fair waiting for the RSA helper, and the rate of registrations.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;

use super::{ConnectionId, Job};
use crate::time::Monotonic;

/// Full handshakes that wait for the RSA helper: the oldest of every address in turn, so that one address that
/// floods waits behind itself.
#[derive(Default)]
pub(super) struct HandshakeQueue {
    by_address: BTreeMap<IpAddr, VecDeque<Job>>,
    turns: VecDeque<IpAddr>,
    length: usize,
}

impl HandshakeQueue {
    /// Number of handshakes waiting.
    pub(super) fn len(&self) -> usize {
        self.length
    }

    pub(super) fn push(&mut self, address: IpAddr, job: Job) {
        let queue = self.by_address.entry(address).or_default();
        if queue.is_empty() {
            self.turns.push_back(address);
        }
        queue.push_back(job);
        self.length += 1;
    }

    /// Takes out what belongs to a connection that is gone.
    pub(super) fn forget(&mut self, address: IpAddr, id: ConnectionId) {
        let Some(queue) = self.by_address.get_mut(&address) else { return };
        let before = queue.len();
        queue.retain(|job| !matches!(job, Job::Decap { connection, .. } if *connection == id));
        self.length -= before - queue.len();
        if queue.is_empty() {
            self.by_address.remove(&address);
            self.turns.retain(|turn| *turn != address);
        }
    }

    pub(super) fn pop(&mut self) -> Option<Job> {
        let address = self.turns.pop_front()?;
        let queue = self.by_address.get_mut(&address)?;
        let job = queue.pop_front();
        if queue.is_empty() {
            self.by_address.remove(&address);
        } else {
            self.turns.push_back(address);
        }
        self.length -= usize::from(job.is_some());
        job
    }
}

/// A token bucket: `per_second` on average, `burst` at once.
#[derive(Debug)]
pub(super) struct Bucket {
    per_second: u64,
    burst_ns: u128,
    /// When the bucket will be full again if nothing is taken; in the past when it is full.
    full_at_ns: u128,
}

impl Bucket {
    pub(super) fn new(per_second: u64, burst: u64) -> Bucket {
        let per_second = per_second.max(1);
        let burst_ns = u128::from(burst) * 1_000_000_000 / u128::from(per_second);
        Bucket { per_second, burst_ns, full_at_ns: 0 }
    }

    /// Takes one token if there is one.
    pub(super) fn take(&mut self, now: Monotonic) -> bool {
        let now = now.0.as_nanos();
        let cost = 1_000_000_000 / u128::from(self.per_second);
        let full_at = self.full_at_ns.max(now) + cost;
        let has_token = full_at <= now + self.burst_ns;
        if has_token {
            self.full_at_ns = full_at;
        }
        has_token
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_bucket_gives_its_burst_at_once_and_its_rate_afterwards() {
        let mut bucket = Bucket::new(10, 3);
        let at = |ms| Monotonic(Duration::from_millis(ms));
        let taken = |bucket: &mut Bucket, ms| (0..5).filter(|_| bucket.take(at(ms))).count();
        assert_eq!(taken(&mut bucket, 0), 3);
        assert_eq!(taken(&mut bucket, 99), 0);
        assert_eq!(taken(&mut bucket, 100), 1);
        assert_eq!(taken(&mut bucket, 300), 2);
        assert_eq!(taken(&mut bucket, 60_000), 3);
    }
}
