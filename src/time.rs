//! Points in time as the ledger writes them. Nothing here reads a clock: time arrives as an argument.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Microseconds since the Unix epoch (UTC): the resolution of a block's timestamp.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Timestamp(u64);

impl Timestamp {
    /// A point in time from microseconds since the Unix epoch.
    pub const fn from_micros(micros: u64) -> Timestamp {
        Timestamp(micros)
    }

    /// A point in time from milliseconds since the Unix epoch; saturates at the far end.
    pub const fn from_millis(millis: u64) -> Timestamp {
        Timestamp(millis.saturating_mul(1_000))
    }

    /// Microseconds since the Unix epoch.
    pub const fn micros(self) -> u64 {
        self.0
    }

    /// Whole milliseconds since the Unix epoch.
    pub const fn millis(self) -> u64 {
        self.0 / 1_000
    }

    /// This point moved `micros` later; saturates at the far end.
    #[must_use]
    pub const fn plus_micros(self, micros: u64) -> Timestamp {
        Timestamp(self.0.saturating_add(micros))
    }
}

/// RFC 3339 in UTC with six digits of fraction: `2023-02-15T17:36:11.051068Z`. What lies past the year 9999
/// is shown as bare microseconds, for a block from a stranger may say anything.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match i64::try_from(self.0).ok().and_then(|micros| jiff::Timestamp::from_microsecond(micros).ok()) {
            Some(instant) => write!(f, "{instant:.6}"),
            None => write!(f, "{}us", self.0),
        }
    }
}

/// Elapsed time on the monotonic clock since the process started: what timeouts are measured with, because the
/// wall clock can be set back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Monotonic(pub std::time::Duration);

/// Elapsed time since the machine was started, the time included in which it was suspended: what the wall clock's
/// progress is compared with. Nobody sets this clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct SinceBoot(pub std::time::Duration);

/// All clocks, read once per turn of the event loop and handed down.
#[derive(Clone, Copy, Debug, Default)]
pub struct Now {
    /// The wall clock: block times, `issued_at` windows.
    pub wall: Timestamp,
    /// The monotonic clock: deadlines.
    pub mono: Monotonic,
    /// The time since the machine was started: whether the wall clock jumped.
    pub boot: SinceBoot,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_is_shown_with_six_digits_in_utc() {
        assert_eq!(Timestamp::from_micros(1_676_482_571_051_068).to_string(), "2023-02-15T17:36:11.051068Z");
        assert_eq!(Timestamp::default().to_string(), "1970-01-01T00:00:00.000000Z");
        assert_eq!(Timestamp::from_micros(u64::MAX).to_string(), "18446744073709551615us");
    }
}
