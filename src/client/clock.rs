//! The client's only look at a clock.

use std::sync::OnceLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::time::{Monotonic, Now, SinceBoot, Timestamp};

/// Both clocks, now.
#[expect(clippy::disallowed_methods, reason = "the edge at which time enters the client")]
pub fn now() -> Now {
    static START: OnceLock<Instant> = OnceLock::new();
    let mono = START.get_or_init(Instant::now).elapsed();
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let micros = u64::try_from(wall.as_micros()).unwrap_or(u64::MAX);
    // Nothing in the client asks whether the wall clock jumped.
    Now { wall: Timestamp::from_micros(micros), mono: Monotonic(mono), boot: SinceBoot::default() }
}
