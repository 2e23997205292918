//! Who may come in: the rate of registrations, of each network and of all.

use std::collections::{BTreeMap, BTreeSet};

use super::party::Prefix;
use crate::time::Monotonic;

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

    /// Whether nothing was taken for so long that all is there again.
    pub(super) fn is_full(&self, now: Monotonic) -> bool {
        self.full_at_ns <= now.0.as_nanos()
    }
}

/// A bucket for each network, a bounded number of them: when there are more, those that are fullest are forgotten, which
/// loses least.
#[derive(Debug)]
pub(super) struct Buckets {
    per_second: u64,
    burst: u64,
    by_prefix: BTreeMap<Prefix, Bucket>,
    /// The fullest first.
    in_order: BTreeSet<(u128, Prefix)>,
}

/// Networks of which a bucket is kept.
const BUCKETS_MAX: usize = 4_096;

impl Buckets {
    pub(super) fn new(per_second: u64, burst: u64) -> Buckets {
        Buckets { per_second, burst, by_prefix: BTreeMap::new(), in_order: BTreeSet::new() }
    }

    /// Takes one token of this network if there is one.
    pub(super) fn take(&mut self, prefix: Prefix, now: Monotonic) -> bool {
        let bucket = self.by_prefix.entry(prefix).or_insert_with(|| Bucket::new(self.per_second, self.burst));
        self.in_order.remove(&(bucket.full_at_ns, prefix));
        let taken = bucket.take(now);
        self.in_order.insert((bucket.full_at_ns, prefix));
        while let Some(&(full_at_ns, fullest)) = self.in_order.first()
            && (full_at_ns <= now.0.as_nanos() || self.by_prefix.len() > BUCKETS_MAX)
        {
            self.in_order.remove(&(full_at_ns, fullest));
            self.by_prefix.remove(&fullest);
        }
        taken
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

    #[test]
    fn each_network_has_its_own_and_a_bounded_number_of_them_is_kept() {
        let mut buckets = Buckets::new(1, 2);
        let at = |ms| Monotonic(Duration::from_millis(ms));
        let prefix = |n: u32| {
            let [_, a, b, c] = n.to_be_bytes();
            Prefix::V4([a, b, c])
        };
        let taken: Vec<bool> = (0..4).map(|_| buckets.take(prefix(1), at(1))).collect();
        assert_eq!(taken, [true, true, false, false]);
        assert!(buckets.take(prefix(2), at(1)));
        for n in 0..3 * BUCKETS_MAX as u32 {
            buckets.take(prefix(10 + n), at(1));
        }
        assert_eq!((buckets.by_prefix.len(), buckets.in_order.len()), (BUCKETS_MAX, BUCKETS_MAX));
        assert!(
            !buckets.take(prefix(1), at(1)),
            "who has used it up is not forgotten for those who have not"
        );
        assert!(buckets.take(prefix(1), at(1_001)));
        assert!(buckets.take(prefix(3), at(60_000)));
        assert_eq!(buckets.by_prefix.len(), 1, "who was quiet is");
    }
}
