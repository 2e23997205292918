//! How often a password may be guessed: for each e-mail, each network, and both together, the same for e-mails that are known
//! and for those that are not.
//!
//! What was used is kept in arrays of a fixed size. Two e-mails that fall on one place of an array are counted together, which
//! delays somebody and forgets nobody. A restart forgets all of it.

use std::hash::{BuildHasher as _, Hash, RandomState};

use super::admission::Bucket;
use super::party::Prefix;
use crate::limits::Limits;
use crate::time::Monotonic;

/// Places of an array.
const PLACES: usize = 1 << 20;

/// Places whose memory is taken together.
const PAGE_PLACES: usize = 1 << 10;

/// Why somebody has to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// Too many log-ins by all together.
    Busy,
    /// This e-mail or this network has had its tries, for so many milliseconds.
    Milliseconds(u64),
}

/// One try, as it was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Charge {
    pair: usize,
    prefix: Option<usize>,
    e_mail: usize,
    recovery: Option<usize>,
}

/// See the module.
pub(super) struct Throttle {
    hasher: RandomState,
    by_pair: Tries,
    by_prefix: Tries,
    by_e_mail: Tries,
    recoveries: Tries,
    registrations: Tries,
    all: Bucket,
}

impl Throttle {
    /// Nobody has tried anything yet.
    pub(super) fn new(limits: &Limits) -> Throttle {
        let hour = 60 * 60 * 1_000;
        let hourly = |count: u64| Tries::new(count, hour / count.max(1));
        Throttle {
            hasher: RandomState::new(),
            by_pair: Tries::new(limits.logins_per_e_mail_and_prefix, limits.login_pair_refill_ms),
            by_prefix: Tries::new(
                limits.logins_per_prefix_per_minute,
                60_000 / limits.logins_per_prefix_per_minute.max(1),
            ),
            by_e_mail: Tries::new(limits.logins_per_e_mail, limits.login_e_mail_refill_ms),
            recoveries: hourly(limits.recoveries_per_e_mail_per_hour),
            registrations: hourly(limits.password_changes_per_hour),
            all: Bucket::new(limits.logins_per_second, limits.logins_burst),
        }
    }

    /// Counts a try with an e-mail, in its normalised form, from a network.
    ///
    /// # Errors
    /// [`Wait`]; nothing was counted then.
    pub(super) fn charge(
        &mut self,
        e_mail: &str,
        prefix: Prefix,
        recovers: bool,
        now: Monotonic,
    ) -> Result<Charge, Wait> {
        // Whoever sits at this machine shares it with the daemon anyway.
        let by_prefix = (!prefix.is_loopback()).then(|| self.place(prefix));
        let charge = Charge {
            pair: self.place((e_mail, prefix)),
            prefix: by_prefix,
            e_mail: self.place(e_mail),
            recovery: recovers.then(|| self.place(e_mail)),
        };
        let now_ms = millis(now);
        let waits = self.arrays(&charge).into_iter().map(|(tries, place)| tries.wait(place, now_ms));
        match waits.max().unwrap_or_default() {
            0 if self.all.take(now) => {}
            0 => return Err(Wait::Busy),
            wait => return Err(Wait::Milliseconds(wait)),
        }
        for (tries, place) in self.arrays(&charge) {
            tries.take(place, now_ms);
        }
        Ok(charge)
    }

    /// Forgets a try: the password was right.
    pub(super) fn give_back(&mut self, charge: &Charge) {
        for (tries, place) in self.arrays(charge) {
            tries.give_back(place);
        }
    }

    /// Counts a change of the password by a member.
    ///
    /// # Errors
    /// [`Wait`].
    pub(super) fn charge_member(&mut self, account: u64, now: Monotonic) -> Result<(), Wait> {
        let place = self.place(account);
        match self.registrations.wait(place, millis(now)) {
            0 => {
                self.registrations.take(place, millis(now));
                Ok(())
            }
            wait => Err(Wait::Milliseconds(wait)),
        }
    }

    fn arrays(&mut self, charge: &Charge) -> Vec<(&mut Tries, usize)> {
        let Charge { pair, prefix, e_mail, recovery } = *charge;
        let arrays = [
            Some((&mut self.by_pair, pair)),
            prefix.map(|place| (&mut self.by_prefix, place)),
            Some((&mut self.by_e_mail, e_mail)),
            recovery.map(|place| (&mut self.recoveries, place)),
        ];
        arrays.into_iter().flatten().collect()
    }

    fn place(&self, of: impl Hash) -> usize {
        (self.hasher.hash_one(of) as usize) % PLACES
    }
}

/// How much was used of something of which there is so much at once, and then one in each interval: the time at which all of it
/// will have come back, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Level(u64);

impl Level {
    /// Milliseconds until there is another one; none if there is one now.
    pub(super) fn wait(self, now: u64, burst: u64, interval_ms: u64) -> u64 {
        (self.0.max(now) + interval_ms).saturating_sub(now + burst.saturating_mul(interval_ms))
    }

    /// The level after one more was used.
    pub(super) fn taken(self, now: u64, interval_ms: u64) -> Level {
        Level(self.0.max(now) + interval_ms)
    }

    /// The level before the last one was used.
    fn given_back(self, interval_ms: u64) -> Level {
        Level(self.0.saturating_sub(interval_ms))
    }

    /// How many were used and have not come back.
    pub(super) fn used(self, now: u64, interval_ms: u64) -> u64 {
        self.0.saturating_sub(now).div_ceil(interval_ms.max(1))
    }
}

/// An array of counters: at each place `burst` tries at once, then one in each interval.
struct Tries {
    burst: u64,
    interval_ms: u64,
    /// In pages of [`PAGE_PLACES`]. A page where nothing was used is empty: an allocator may hand out memory that it has to
    /// clear first, and forty megabytes of it take longer than the rest of a start.
    pages: Vec<Vec<Level>>,
}

impl Tries {
    fn new(burst: u64, interval_ms: u64) -> Tries {
        Tries { burst, interval_ms, pages: vec![Vec::new(); PLACES / PAGE_PLACES] }
    }

    /// Milliseconds until there is a try at a place; none if there is one now.
    fn wait(&self, place: usize, now: u64) -> u64 {
        let page = self.pages.get(place / PAGE_PLACES);
        let level = page.and_then(|page| page.get(place % PAGE_PLACES)).copied().unwrap_or_default();
        level.wait(now, self.burst, self.interval_ms)
    }

    fn take(&mut self, place: usize, now: u64) {
        let interval_ms = self.interval_ms;
        self.change(place, |level| level.taken(now, interval_ms));
    }

    fn give_back(&mut self, place: usize) {
        let interval_ms = self.interval_ms;
        self.change(place, |level| level.given_back(interval_ms));
    }

    fn change(&mut self, place: usize, to: impl FnOnce(Level) -> Level) {
        let Some(page) = self.pages.get_mut(place / PAGE_PLACES) else { return };
        if page.is_empty() {
            *page = vec![Level::default(); PAGE_PLACES];
        }
        if let Some(level) = page.get_mut(place % PAGE_PLACES) {
            *level = to(*level);
        }
    }
}

/// Milliseconds of the monotonic clock.
pub(super) fn millis(now: Monotonic) -> u64 {
    u64::try_from(now.0.as_millis()).unwrap_or(u64::MAX / 2)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const HOME: &str = "192.0.2.7";
    const ELSEWHERE: &str = "198.51.100.7";

    fn at(seconds: u64) -> Monotonic {
        Monotonic(Duration::from_secs(seconds))
    }

    fn from(address: &str) -> Prefix {
        Prefix::of(address.parse().unwrap())
    }

    #[test]
    fn five_tries_at_once_then_one_in_three_minutes_and_right_ones_do_not_count() {
        let mut throttle = Throttle::new(&Limits::default());
        let mut last = None;
        for _ in 0..5 {
            last = Some(throttle.charge("a@b", from(HOME), false, at(0)).unwrap());
        }
        let wait = throttle.charge("a@b", from(HOME), false, at(0));
        assert_eq!(wait, Err(Wait::Milliseconds(180_000)));
        assert_eq!(throttle.charge("a@b", from(HOME), false, at(60)), Err(Wait::Milliseconds(120_000)));
        assert!(throttle.charge("c@d", from(HOME), false, at(0)).is_ok(), "another e-mail");
        assert!(throttle.charge("a@b", from(ELSEWHERE), false, at(0)).is_ok(), "another network");
        throttle.give_back(&last.unwrap());
        assert!(throttle.charge("a@b", from(HOME), false, at(0)).is_ok());
        assert!(throttle.charge("a@b", from(HOME), false, at(179)).is_err());
        assert!(throttle.charge("a@b", from(HOME), false, at(180)).is_ok());
    }

    #[test]
    fn a_network_and_an_e_mail_have_bounds_of_their_own_and_recoveries_one_more() {
        let mut throttle = Throttle::new(&Limits::default());
        for number in 0..30 {
            assert!(throttle.charge(&format!("{number}@b"), from(HOME), false, at(0)).is_ok(), "{number}");
        }
        let wait = throttle.charge("31@b", from(HOME), false, at(0));
        assert_eq!(wait, Err(Wait::Milliseconds(2_000)));
        for number in 0..100 {
            let network = from(&format!("203.0.{number}.1"));
            assert!(throttle.charge("a@b", network, false, at(100)).is_ok(), "{number}");
        }
        let wait = throttle.charge("a@b", from(ELSEWHERE), false, at(100));
        assert_eq!(wait, Err(Wait::Milliseconds(60_000)));
        for number in 0..5 {
            let network = from(&format!("203.0.{number}.1"));
            assert!(throttle.charge("c@d", network, true, at(200)).is_ok());
        }
        assert_eq!(throttle.charge("c@d", from(ELSEWHERE), true, at(200)), Err(Wait::Milliseconds(720_000)));
        assert!(throttle.charge("c@d", from(ELSEWHERE), false, at(200)).is_ok(), "a log-in is none");
    }

    #[test]
    fn all_together_are_busy_where_each_by_itself_is_not() {
        let mut throttle = Throttle::new(&Limits::default());
        let mut charge = |number: u64| {
            let network = from(&format!("10.{}.{}.1", number / 200, number % 200));
            throttle.charge(&format!("{number}@b"), network, false, at(0))
        };
        assert!((0..200).all(|number| charge(number).is_ok()));
        assert_eq!(charge(200), Err(Wait::Busy));
    }
}
