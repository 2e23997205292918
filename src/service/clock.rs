//! Whether the wall clock can be believed. Blocks carry its time for ever, and the window of `issued_at` follows the
//! newest block: one block of a time that has not come yet would keep everybody's commands out until it has.
//!
//! ```text
//! at the start       the newest block is ahead of the clock by more than 5 minutes,
//!                    or the clock is ahead, by more than 12 hours, of the time that passed since a start on the
//!                    same boot of the machine
//! while it runs      the clock is ahead of the time that passed since the start by more than 12 hours,
//!                    or the newest block is ahead of the clock by more than 24 hours
//! ```
//!
//! Each of them makes the ledger read-only, `clock_jumped`, until it is over. A clock far ahead of the newest block is
//! a pause and says nothing, and so is a long time between two turns: the time since boot goes on while a machine
//! sleeps and while a process stands still.

use std::fmt;

use super::Service;
use crate::limits::{CLOCK_JUMP_MS_MAX, ISSUED_AT_FUTURE_MS_MAX, ISSUED_AT_PAST_MS_MAX};
use crate::time::{Now, SinceBoot, Timestamp};
use crate::wire::Refusal;

/// The name of the refusal, and of the reason for being read-only.
const CLOCK_JUMPED: &str = "clock_jumped";

/// Why the clock is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doubt {
    /// The newest block, or the time that an operator vouched for, is ahead of the clock.
    Behind { clock: Timestamp, known: Timestamp },
    /// The clock went forward by more than the time that passed.
    Ahead { clock: Timestamp, expected: Timestamp },
}

/// What two clocks said at one moment, when the wall clock was believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockReference {
    /// The wall clock.
    pub wall: Timestamp,
    /// The time since the machine was started.
    pub boot: SinceBoot,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct ClockWatch {
    /// The operator says that the clock was right when the process was started.
    accepted: bool,
    /// The reference of a process that served this ledger before, since the machine was started.
    earlier: Option<ClockReference>,
    /// What the wall clock is compared with: the clocks when it was believed first.
    reference: Option<ClockReference>,
    doubt: Option<Doubt>,
}

impl ClockWatch {
    /// Looks at the clocks. Says whether that changes whether the wall clock is believed.
    fn look(&mut self, now: Now, known: Timestamp) -> bool {
        let was_believed = self.doubt.is_none();
        self.doubt = self.judge(now, known);
        was_believed != self.doubt.is_none()
    }

    fn judge(&mut self, now: Now, known: Timestamp) -> Option<Doubt> {
        let clock = now.wall;
        let behind_ms = match self.reference {
            None => ISSUED_AT_FUTURE_MS_MAX,
            Some(_) => ISSUED_AT_PAST_MS_MAX,
        };
        if !self.accepted && known > clock.plus_micros(behind_ms * 1_000) {
            return Some(Doubt::Behind { clock, known });
        }
        let first = if self.accepted { None } else { self.earlier };
        let first = first.unwrap_or(ClockReference { wall: clock, boot: now.boot });
        let reference = *self.reference.get_or_insert(first);
        let passed = now.boot.0.saturating_sub(reference.boot.0);
        let expected = reference.wall.plus_micros(u64::try_from(passed.as_micros()).unwrap_or(u64::MAX));
        let jumped = clock > expected.plus_micros(CLOCK_JUMP_MS_MAX * 1_000);
        jumped.then_some(Doubt::Ahead { clock, expected })
    }

    /// The time by which `issued_at` is measured.
    pub(super) fn measure(&self, wall: Timestamp, known: Timestamp) -> Timestamp {
        if self.accepted { wall } else { wall.max(known) }
    }

    /// The refusal of every new command while the clock is not believed.
    pub(super) fn refusal(&self) -> Option<Refusal> {
        self.doubt.map(|doubt| Refusal::fail(CLOCK_JUMPED, doubt))
    }

    /// Why nothing can be changed, for those who ask how the ledger is.
    pub(super) fn reason(&self) -> Option<String> {
        self.doubt.map(|doubt| format!("{CLOCK_JUMPED}: {doubt}"))
    }
}

impl Service {
    /// Takes the wall clock for right as it is now, for as long as the process runs: the operator says so.
    pub fn accept_clock(&mut self) {
        self.clock.accepted = true;
    }

    /// Measures the wall clock by what it said to an earlier process on the same boot of the machine, so that a restart
    /// does not hide a jump. Has no effect after the first look.
    pub fn measure_clock_since(&mut self, earlier: ClockReference) {
        self.clock.earlier = Some(earlier);
    }

    /// What the wall clock is measured by; nothing while it has never been believed.
    pub fn clock_reference(&self) -> Option<ClockReference> {
        self.clock.reference
    }

    /// Looks at the clocks before anything is decided by them. What is found is told once.
    pub fn watch_clock(&mut self, now: Now) {
        self.journal.see(now);
        let is_first = self.clock.reference.is_none() && self.clock.doubt.is_none();
        let known = self.ledger.known_time();
        if self.clock.look(now, known) {
            match &self.clock.doubt {
                Some(doubt) => tracing::error!("clock_jumped: {doubt}"),
                None => tracing::info!(clock = %now.wall, "the clock is in line again: commands are taken"),
            }
        }
        if is_first && self.clock.doubt.is_none() {
            self.tell_first_look(now.wall, known);
        }
    }

    /// Tells what is worth knowing of a clock that is believed although the newest block is ahead of it.
    fn tell_first_look(&self, clock: Timestamp, known: Timestamp) {
        let newest = self.ledger.replica().link().timestamp();
        if newest <= clock.plus_micros(ISSUED_AT_FUTURE_MS_MAX * 1_000) {
            return;
        }
        if known < newest {
            tracing::warn!(%clock, %newest, vouched = %known, "block times are ahead of the clock; an operator has vouched for it in the log");
        } else {
            tracing::warn!(%clock, %newest, "block times are ahead of the clock, which is taken as it is (--accept-clock); `ledgerctl vouch-clock` makes that last");
        }
    }
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ways_out = "or the operator starts the server again with --accept-clock";
        match self {
            Doubt::Behind { clock, known } => write!(
                f,
                "the server's clock says {clock}, which is before the ledger's newest time {known}; the ledger can be \
                 read but not changed until the clock is there, {ways_out}"
            ),
            Doubt::Ahead { clock, expected } => write!(
                f,
                "the server's clock has jumped to {clock}, but by the time that passed it is {expected}; the ledger \
                 can be read but not changed until the clock is put right, {ways_out}"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const HOUR: u64 = 60 * 60;
    /// When the tests begin, in seconds since the Unix epoch and since boot.
    const START: u64 = 1_700_000_000;
    const BOOTED: u64 = 1_000;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(1_000 * (START + seconds))
    }

    /// The clocks when the wall clock has gone on by `wall` seconds, and the time since boot by `boot`.
    fn clocks(wall: u64, boot: u64) -> Now {
        let boot = SinceBoot(Duration::from_secs(BOOTED + boot));
        Now { wall: at(wall), boot, ..Now::default() }
    }

    fn started() -> ClockWatch {
        let mut watch = ClockWatch::default();
        assert!(!watch.look(clocks(0, 0), at(0)));
        watch
    }

    #[test]
    fn a_jump_of_more_than_12_hours_is_told_until_it_is_undone() {
        let mut watch = started();
        assert!(!watch.look(clocks(60 + 12 * HOUR, 60), at(0)), "twelve hours harm nobody");
        assert!(watch.look(clocks(61 + 12 * HOUR, 60), at(0)));
        let expected = Doubt::Ahead { clock: at(61 + 12 * HOUR), expected: at(60) };
        assert_eq!(watch.doubt, Some(expected));
        assert!(!watch.look(clocks(40 * HOUR, 20 * HOUR), at(0)), "time that passes does not undo it");
        assert!(watch.look(clocks(20 * HOUR + 5, 20 * HOUR), at(0)), "it was undone");
        assert_eq!(watch.doubt, None);
    }

    #[test]
    fn many_small_jumps_are_a_large_one() {
        let mut watch = started();
        let told = (1..=20).find(|hours| watch.look(clocks(hours * HOUR + hours, *hours), at(hours * HOUR)));
        assert_eq!(told, Some(13));
    }

    #[test]
    fn a_machine_that_slept_and_a_process_that_stood_still_have_not_jumped() {
        let mut watch = started();
        // Both clocks go on together, however long nobody looked at them.
        assert!(!watch.look(clocks(400 * 24 * HOUR, 400 * 24 * HOUR), at(0)));
        assert_eq!(watch.doubt, None);
    }

    #[test]
    fn a_clock_ahead_of_the_newest_block_is_a_pause() {
        let mut watch = ClockWatch::default();
        assert!(!watch.look(clocks(1_000 * 24 * HOUR, 0), at(0)));
        assert_eq!(watch.doubt, None);
    }

    #[test]
    fn a_jump_between_two_processes_is_told_on_the_same_boot_until_it_is_undone_or_accepted() {
        let earlier = Some(ClockReference { wall: at(0), boot: clocks(0, 0).boot });
        let mut watch = ClockWatch { earlier, ..ClockWatch::default() };
        assert!(watch.look(clocks(400 * 24 * HOUR, 5), at(0)));
        assert_eq!(watch.doubt, Some(Doubt::Ahead { clock: at(400 * 24 * HOUR), expected: at(5) }));
        assert!(watch.look(clocks(10, 10), at(0)), "it was undone");

        let mut watch = ClockWatch { accepted: true, earlier, ..ClockWatch::default() };
        assert!(!watch.look(clocks(400 * 24 * HOUR, 5), at(0)));
        let mut watch = ClockWatch { earlier, ..ClockWatch::default() };
        assert!(!watch.look(clocks(400 * 24 * HOUR, 400 * 24 * HOUR), at(0)), "a long pause is no jump");
    }

    #[test]
    fn a_newest_block_ahead_of_the_clock_is_told_at_the_start_until_the_clock_is_there() {
        let mut watch = ClockWatch::default();
        assert!(watch.look(clocks(0, 0), at(301)));
        assert_eq!(watch.doubt, Some(Doubt::Behind { clock: at(0), known: at(301) }));
        assert!(watch.look(clocks(1, 1), at(301)));
        assert_eq!(watch.doubt, None);

        // A clock that comes there by being put right has not jumped; what it does later is measured from then on.
        let mut watch = ClockWatch::default();
        assert!(watch.look(clocks(0, 0), at(30 * 24 * HOUR)));
        assert!(watch.look(clocks(31 * 24 * HOUR, 5), at(30 * 24 * HOUR)));
        assert_eq!(watch.doubt, None);
        assert!(watch.look(clocks(32 * 24 * HOUR, 6), at(30 * 24 * HOUR)));
    }

    #[test]
    fn while_it_runs_a_clock_that_is_set_back_by_less_than_the_window_harms_nobody() {
        let mut watch = started();
        assert!(!watch.look(clocks(0, 24 * HOUR), at(24 * HOUR)));
        assert!(watch.look(clocks(0, 25 * HOUR), at(25 * HOUR)));
        assert_eq!(watch.doubt, Some(Doubt::Behind { clock: at(0), known: at(25 * HOUR) }));
    }

    #[test]
    fn a_clock_that_the_operator_accepts_measures_alone_and_may_still_not_jump() {
        let mut watch = ClockWatch { accepted: true, ..ClockWatch::default() };
        assert!(!watch.look(clocks(0, 0), at(400 * 24 * HOUR)));
        assert_eq!(watch.measure(at(0), at(400 * 24 * HOUR)), at(0));
        assert_eq!(started().measure(at(0), at(5)), at(5));
        assert!(watch.look(clocks(13 * HOUR, 1), at(400 * 24 * HOUR)));
    }
}
