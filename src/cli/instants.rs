//! Times as people write them in an argument.

use jiff::Timestamp as Time;

use crate::client::ClientError;

/// A time as RFC 3339, or a day, which begins at midnight in UTC; in microseconds since the Unix epoch.
///
/// # Errors
/// [`ClientError::Usage`] names the option, and says what was expected.
pub(super) fn instant(text: &str, option: &str) -> Result<i64, ClientError> {
    let whole: Result<Time, _> = text.parse().or_else(|_| format!("{text}T00:00:00Z").parse());
    let bad = |_| {
        ClientError::Usage(format!(
            "{option} {text:?}: expected a time such as 2026-01-31 or 2026-01-31T12:00:00Z"
        ))
    };
    whole.map(Time::as_microsecond).map_err(bad)
}
