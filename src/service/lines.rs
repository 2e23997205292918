//! Lines of the log that anybody can cause. A few of each party are written, the others counted and summed up now and
//! then, so that nobody fills a disk with their own story, or hides in a flood of it what others did.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Service;
use super::admission::Bucket;
use super::party::Party;
use crate::time::Monotonic;

/// Lines of one party: a second on average, and at once.
const OF_ONE: (u64, u64) = (1, 30);

/// Lines of all parties together.
const OF_ALL: (u64, u64) = (50, 500);

/// Parties that are told apart; further ones share what is left.
const PARTIES_MAX: usize = 1_024;

/// How long lines are counted before they are summed up.
const SUM_UP_AFTER: Duration = Duration::from_secs(10);

/// Parties that a summary names; those with fewer lines are summed up together.
const SUMS_MAX: usize = 16;

/// What a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A command was refused.
    Refused,
    /// A session was opened.
    Opened,
    /// A handshake failed.
    Failed,
    /// A connection was closed because others need its room.
    Displaced,
    /// The log was checked.
    Verified,
}

/// How many lines were left out, by what they are about.
pub(super) type LeftOut = [u64; 5];

/// See the module.
pub(super) struct Lines {
    by_party: BTreeMap<Party, Tally>,
    /// Those who find no place among them.
    others: Tally,
    all: Bucket,
    due: Option<Monotonic>,
}

struct Tally {
    bucket: Bucket,
    left_out: LeftOut,
}

impl Default for Tally {
    fn default() -> Tally {
        Tally { bucket: Bucket::new(OF_ONE.0, OF_ONE.1), left_out: LeftOut::default() }
    }
}

impl Default for Lines {
    fn default() -> Lines {
        let all = Bucket::new(OF_ALL.0, OF_ALL.1);
        Lines { by_party: BTreeMap::new(), others: Tally::default(), all, due: None }
    }
}

impl Lines {
    /// Whether a line that this party has caused is written. It is counted otherwise.
    pub(super) fn take(&mut self, party: Party, line: Line, now: Monotonic) -> bool {
        self.due.get_or_insert(Monotonic(now.0 + SUM_UP_AFTER));
        let has_place = self.by_party.len() < PARTIES_MAX || self.by_party.contains_key(&party);
        let tally = if has_place { self.by_party.entry(party).or_default() } else { &mut self.others };
        let written = tally.bucket.take(now) && self.all.take(now);
        if !written && let Some(count) = tally.left_out.get_mut(line as usize) {
            *count += 1;
        }
        written
    }

    /// When the next summary is due.
    pub(super) fn due(&self) -> Option<Monotonic> {
        self.due
    }

    /// What was left out since the last summary: of those with most of it by name, of the others together. Whoever was
    /// quiet for a while is forgotten.
    pub(super) fn sum_up(&mut self, now: Monotonic) -> Vec<(Option<Party>, LeftOut)> {
        let mut sums = Vec::new();
        self.by_party.retain(|party, tally| {
            let left_out = std::mem::take(&mut tally.left_out);
            if left_out != LeftOut::default() {
                sums.push((Some(*party), left_out));
            }
            !tally.bucket.is_full(now)
        });
        sums.sort_by_key(|(_, left_out)| std::cmp::Reverse(left_out.iter().sum::<u64>()));
        let mut others = std::mem::take(&mut self.others.left_out);
        for (_, left_out) in sums.drain(SUMS_MAX.min(sums.len())..) {
            others.iter_mut().zip(left_out).for_each(|(sum, count)| *sum += count);
        }
        if others != LeftOut::default() {
            sums.push((None, others));
        }
        self.due = (!self.by_party.is_empty()).then_some(Monotonic(now.0.saturating_add(SUM_UP_AFTER)));
        sums
    }
}

impl Service {
    /// Says how many lines were left out of the log.
    pub(super) fn sum_up_lines(&mut self, now: Monotonic) {
        for (party, [refused, opened, failed, displaced, verified]) in self.lines.sum_up(now) {
            let of = party.map_or_else(|| "others".to_owned(), |party| party.to_string());
            tracing::info!(%of, refused, opened, failed, displaced, verified, "lines left out of the log");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::AccountId;

    fn at(seconds: u64) -> Monotonic {
        Monotonic(Duration::from_secs(seconds))
    }

    fn member(account: u64) -> Party {
        Party::Member(AccountId(account))
    }

    #[test]
    fn a_flood_is_counted_and_a_quiet_member_is_heard_beside_it() {
        let mut lines = Lines::default();
        let written = (0..5_000).filter(|_| lines.take(member(1), Line::Refused, at(1))).count();
        assert_eq!(written as u64, OF_ONE.1);
        assert!(lines.take(member(2), Line::Opened, at(1)));
        assert!(!lines.take(member(1), Line::Opened, at(1)));
        assert_eq!(lines.due(), Some(at(11)));
        let sums = lines.sum_up(at(11));
        assert_eq!(sums, [(Some(member(1)), [5_000 - OF_ONE.1, 1, 0, 0, 0])], "every line is accounted for");
        assert!(lines.sum_up(at(50)).is_empty());
        assert_eq!((lines.due(), lines.by_party.len()), (None, 0), "nothing is kept of those who are quiet");
    }

    #[test]
    fn so_many_parties_that_they_cannot_be_told_apart_are_counted_together() {
        let mut lines = Lines::default();
        let all = 3 * PARTIES_MAX as u64;
        let written =
            (0..all).filter(|account| lines.take(member(*account), Line::Failed, at(1))).count() as u64;
        assert!(written <= OF_ALL.1 && lines.by_party.len() == PARTIES_MAX, "{written}");
        let sums = lines.sum_up(at(11));
        assert_eq!(sums.len(), SUMS_MAX + 1);
        let left_out: u64 = sums.iter().map(|(_, left_out)| left_out[Line::Failed as usize]).sum();
        assert_eq!(written + left_out, all);
    }
}
