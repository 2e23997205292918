//! The only reader of clocks in the daemon: everything below is handed the time.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::time::{Monotonic, Now, SinceBoot, Timestamp};

/// The clocks of the process. Copies agree with one another.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    started: Instant,
}

impl Clock {
    /// A clock whose monotonic time starts now.
    #[expect(clippy::disallowed_methods, reason = "this is the place that reads clocks")]
    pub fn start() -> Clock {
        Clock { started: Instant::now() }
    }

    /// What all clocks say. A wall clock before 1970 counts as 1970: blocks never go back in time anyway.
    #[expect(clippy::disallowed_methods, reason = "this is the place that reads clocks")]
    pub fn now(&self) -> Now {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let micros = u64::try_from(wall.as_micros()).unwrap_or(u64::MAX);
        Now { wall: Timestamp::from_micros(micros), mono: self.monotonic(), boot: self.since_boot() }
    }

    /// How long the machine has been up, asleep or not. Elsewhere than on Linux the time in which it slept is
    /// missing, and a wall clock that went on through a long sleep looks like one that jumped.
    fn since_boot(&self) -> SinceBoot {
        #[cfg(target_os = "linux")]
        {
            let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
            SinceBoot(Duration::try_from(time).unwrap_or_default())
        }
        #[cfg(not(target_os = "linux"))]
        {
            SinceBoot(self.started.elapsed())
        }
    }

    /// What the monotonic clock says.
    pub fn monotonic(&self) -> Monotonic {
        Monotonic(self.started.elapsed())
    }

    /// Sleeps until the next multiple of `step` since the clock was started.
    pub fn sleep_to_grid(&self, step: Duration) {
        std::thread::sleep(until_grid(self.started.elapsed(), step));
    }
}

/// How long it is from `elapsed` to the next multiple of `step`, never nothing.
fn until_grid(elapsed: Duration, step: Duration) -> Duration {
    let past = elapsed.as_nanos().checked_rem(step.as_nanos()).unwrap_or(0);
    step.saturating_sub(Duration::from_nanos(u64::try_from(past).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grid_is_always_ahead() {
        let step = Duration::from_millis(2);
        for (elapsed_us, wait_us) in [(0, 2_000), (1, 1_999), (1_999, 1), (2_000, 2_000), (7_500, 500)] {
            let wait = until_grid(Duration::from_micros(elapsed_us), step);
            assert_eq!(wait, Duration::from_micros(wait_us), "{elapsed_us}");
        }
    }
}
