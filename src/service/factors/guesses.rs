//! How often codes may be guessed: counted for each account, over all of its connections, log-ins and sessions, and for each
//! account and network together. A right code does not count. A restart forgets all of it.
//!
//! Whoever guesses knows the password or has the key: an account that somebody guesses at is delayed, and never locked. A
//! network from which a good code came lately is not delayed by what others guess.

use std::collections::BTreeMap;

use crate::domain::AccountId;
use crate::limits::Limits;
use crate::service::party::Prefix;
use crate::service::throttle::{Level, Wait, millis};
use crate::time::{Monotonic, Now};
use crate::wire::WrongCodes;

/// For how long a network from which a good code came is not delayed by others' guesses: 30 days.
const GOOD_MS: u64 = 30 * 24 * 60 * 60 * 1_000;

/// Such networks of an account that are remembered.
const GOOD_PREFIXES_MAX: usize = 16;

/// Networks of an account whose wrong codes are told apart. Those that come when there are as many are counted as one.
const PREFIXES_MAX: usize = 256;

/// See the module.
pub(super) struct Guesses {
    per_pair: u64,
    per_account: u64,
    refill_ms: u64,
    wait_ms_max: u64,
    /// Of accounts with a second factor only.
    by_account: BTreeMap<AccountId, Account>,
}

/// What was guessed of one account.
#[derive(Default)]
struct Account {
    wrong: WrongCodes,
    all: Level,
    by_prefix: BTreeMap<Prefix, Level>,
    others: Level,
    /// When the next one is looked at, in milliseconds.
    next_at: u64,
    /// Until when each of these networks is exempt, in milliseconds.
    good: BTreeMap<Prefix, u64>,
}

impl Guesses {
    pub(super) fn new(limits: &Limits) -> Guesses {
        Guesses {
            per_pair: limits.codes_per_account_and_prefix,
            per_account: limits.codes_per_account,
            refill_ms: limits.code_refill_ms,
            wait_ms_max: limits.code_wait_ms_max,
            by_account: BTreeMap::new(),
        }
    }

    /// Whether a code may be looked at now.
    ///
    /// # Errors
    /// [`Wait`].
    pub(super) fn may_try(&self, account: AccountId, prefix: Prefix, now: Monotonic) -> Result<(), Wait> {
        let Some(known) = self.by_account.get(&account) else { return Ok(()) };
        let now = millis(now);
        let pair = known.by_prefix.get(&prefix).copied().unwrap_or(known.others);
        let of_pair = pair.wait(now, self.per_pair, self.refill_ms);
        let is_exempt = known.good.get(&prefix).is_some_and(|until| now < *until);
        let of_account = if is_exempt { 0 } else { known.next_at.saturating_sub(now) };
        match of_pair.max(of_account) {
            0 => Ok(()),
            wait => Err(Wait::Milliseconds(wait)),
        }
    }

    /// Counts a wrong code.
    pub(super) fn wrong(&mut self, account: AccountId, prefix: Prefix, now: Now) {
        let (per_account, interval, wait_max) = (self.per_account, self.refill_ms, self.wait_ms_max);
        let known = self.by_account.entry(account).or_default();
        let now_ms = millis(now.mono);
        if known.wrong.count == 0 {
            known.wrong.since_ms = now.wall.millis();
        }
        known.wrong.count = known.wrong.count.saturating_add(1);
        known.by_prefix.retain(|_, level| level.used(now_ms, interval) > 0);
        let has_place = known.by_prefix.len() < PREFIXES_MAX || known.by_prefix.contains_key(&prefix);
        let pair = if has_place { known.by_prefix.entry(prefix).or_default() } else { &mut known.others };
        *pair = pair.taken(now_ms, interval);
        known.all = known.all.taken(now_ms, interval);
        if let Some(beyond) = known.all.used(now_ms, interval).checked_sub(per_account + 1) {
            // A second, then twice as long each time.
            let wait = 1_000_u64 << beyond.min(16);
            known.next_at = now_ms + wait.min(wait_max);
        }
    }

    /// Takes note of a good code; gives the wrong ones before it, which are told once.
    pub(super) fn good(&mut self, account: AccountId, prefix: Prefix, now: Monotonic) -> WrongCodes {
        let now = millis(now);
        let known = self.by_account.entry(account).or_default();
        known.good.retain(|_, until| now < *until);
        if known.good.len() >= GOOD_PREFIXES_MAX
            && let Some(oldest) =
                known.good.iter().min_by_key(|(_, until)| **until).map(|(prefix, _)| *prefix)
        {
            known.good.remove(&oldest);
        }
        known.good.insert(prefix, now + GOOD_MS);
        std::mem::take(&mut known.wrong)
    }

    /// Forgets an account: it has no second factor any more, or another one.
    pub(super) fn forget(&mut self, account: AccountId) {
        self.by_account.remove(&account);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::time::{SinceBoot, Timestamp};

    const ADA: AccountId = AccountId(7);

    fn at(seconds: u64) -> Now {
        let since = Duration::from_secs(seconds);
        Now {
            wall: Timestamp::from_millis(1_700_000_000_000 + seconds * 1_000),
            mono: Monotonic(since),
            boot: SinceBoot(since),
        }
    }

    fn from(network: u64) -> Prefix {
        Prefix::of(format!("10.{}.{}.1", network / 200, network % 200).parse().unwrap())
    }

    fn wait(guesses: &Guesses, network: u64, seconds: u64) -> u64 {
        match guesses.may_try(ADA, from(network), at(seconds).mono) {
            Ok(()) => 0,
            Err(Wait::Milliseconds(wait)) => wait,
            Err(Wait::Busy) => panic!(),
        }
    }

    #[test]
    fn a_network_has_five_wrong_codes_of_an_account_and_then_one_in_three_minutes() {
        let mut guesses = Guesses::new(&Limits::default());
        for _ in 0..5 {
            assert_eq!(wait(&guesses, 1, 0), 0);
            guesses.wrong(ADA, from(1), at(0));
        }
        assert_eq!(wait(&guesses, 1, 0), 180_000);
        assert_eq!(wait(&guesses, 1, 180), 0);
        assert_eq!(wait(&guesses, 2, 0), 0, "another network");
        assert!(guesses.may_try(AccountId(8), from(1), at(0).mono).is_ok(), "another account");
    }

    #[test]
    fn an_account_that_is_guessed_at_from_everywhere_is_delayed_by_a_minute_at_most_but_not_its_owner() {
        let mut guesses = Guesses::new(&Limits::default());
        assert_eq!(guesses.good(ADA, from(9_999), at(0).mono), WrongCodes::default());
        for network in 0..20 {
            assert_eq!(wait(&guesses, network, 0), 0);
            guesses.wrong(ADA, from(network), at(0));
        }
        assert_eq!(wait(&guesses, 20, 0), 0, "twenty are free");
        let (mut seconds, mut waits) = (0, Vec::new());
        for network in 20..30 {
            guesses.wrong(ADA, from(network), at(seconds));
            let wait = wait(&guesses, 500, seconds);
            waits.push(wait / 1_000);
            seconds += wait / 1_000;
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60, 60]);
        assert_eq!(wait(&guesses, 9_999, 0), 0, "a good code came from there");
        let told = guesses.good(ADA, from(9_999), at(seconds).mono);
        assert_eq!(told, WrongCodes { count: 30, since_ms: at(0).wall.millis() });
        assert_eq!(guesses.good(ADA, from(9_999), at(seconds).mono).count, 0, "told once");
    }

    #[test]
    fn what_is_kept_of_an_account_has_a_bound() {
        let mut guesses = Guesses::new(&Limits::default());
        for network in 0..2_000 {
            guesses.wrong(ADA, from(network), at(0));
            guesses.good(ADA, from(network), at(0).mono);
        }
        let known = &guesses.by_account[&ADA];
        assert_eq!((known.by_prefix.len(), known.good.len()), (PREFIXES_MAX, GOOD_PREFIXES_MAX));
    }
}
