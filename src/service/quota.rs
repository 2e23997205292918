//! How many bytes of the log each member has written today. Counted since the daemon started: a restart begins anew.

use std::collections::BTreeMap;

use crate::domain::AccountId;
use crate::time::Timestamp;

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

/// See the module. A day is one of UTC, by the time that blocks carry.
#[derive(Debug, Default)]
pub(super) struct Quota {
    day: u64,
    written: BTreeMap<AccountId, u64>,
}

impl Quota {
    /// What an account has written on the day of this time.
    pub(super) fn written(&mut self, account: AccountId, time: Timestamp) -> u64 {
        let day = time.millis() / DAY_MS;
        if day > self.day {
            self.day = day;
            self.written.clear();
        }
        self.written.get(&account).copied().unwrap_or(0)
    }

    /// A block of this account holds so many bytes.
    pub(super) fn add(&mut self, account: AccountId, bytes: u64) {
        let written = self.written.entry(account).or_default();
        *written = written.saturating_add(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_day_begins_anew_and_a_clock_that_goes_back_begins_none() {
        let at = |day: u64| Timestamp::from_millis(day * DAY_MS + 5);
        let (one, other) = (AccountId(1), AccountId(2));
        let mut quota = Quota::default();
        assert_eq!(quota.written(one, at(9)), 0);
        quota.add(one, 70);
        quota.add(one, 7);
        assert_eq!((quota.written(one, at(9)), quota.written(other, at(9))), (77, 0));
        assert_eq!(quota.written(one, at(8)), 77);
        assert_eq!((quota.written(one, at(10)), quota.written.len()), (0, 0));
    }
}
