//! The daemon's only look at a clock.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::time::{Monotonic, Now, Timestamp};

/// Both clocks; the monotonic one counts from when it was made.
#[derive(Debug)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// Starts counting.
    #[expect(clippy::disallowed_methods, reason = "the edge at which time enters the daemon")]
    pub fn start() -> Clock {
        Clock { start: Instant::now() }
    }

    /// Reads both clocks.
    #[expect(clippy::disallowed_methods, reason = "the edge at which time enters the daemon")]
    pub fn now(&self) -> Now {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let micros = u64::try_from(wall.as_micros()).unwrap_or(u64::MAX);
        Now { wall: Timestamp::from_micros(micros), mono: Monotonic(self.start.elapsed()) }
    }
}
