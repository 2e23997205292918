//! The addresses of a list are tried in their order until one answers.

use std::time::Duration;

use super::addresses::Addresses;
use crate::client::{ClientError, clock};

/// The time that the addresses of a list have together. Each has an equal share of what those before it have left.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shares {
    until: Duration,
    waiting: u32,
}

impl Shares {
    /// Shares out `patience`, beginning now.
    pub(super) fn of(patience: Duration, addresses: &Addresses) -> Shares {
        let waiting = u32::try_from(addresses.iter().count()).unwrap_or(u32::MAX);
        Shares { until: clock::now().mono.0 + patience, waiting }
    }

    /// The share of the next one.
    pub(super) fn next(&mut self) -> Duration {
        self.next_at(clock::now().mono.0)
    }

    fn next_at(&mut self, now: Duration) -> Duration {
        let share = self.until.saturating_sub(now) / self.waiting.max(1);
        self.waiting = self.waiting.saturating_sub(1);
        // No time at all is an error to the system.
        share.max(Duration::from_millis(1))
    }
}

/// Tries each address in turn, within about `patience` for all of them together. One that does not answer, or takes
/// nobody, leaves its turn to the next; anything else ends it. Gives what the first that answers gave, and why those
/// before it did not.
pub(super) fn first_that_answers<T>(
    addresses: &Addresses,
    patience: Duration,
    attempt: &mut dyn FnMut(&str, Duration) -> Result<T, ClientError>,
) -> Result<(T, Vec<ClientError>), ClientError> {
    let mut shares = Shares::of(patience, addresses);
    let mut silent = Vec::new();
    for address in addresses.iter() {
        match attempt(address, shares.next()) {
            Err(error) if error.is_away() => silent.push(named(address, error)),
            Err(error) => return Err(error),
            Ok(answer) => return Ok((answer, silent)),
        }
    }
    Err(nobody_answers(silent))
}

/// The reason of an address that does not answer, with the address in it.
pub(super) fn named(address: &str, error: ClientError) -> ClientError {
    let with_it = |text: String| if text.contains(address) { text } else { format!("{address}: {text}") };
    match error {
        ClientError::Unreachable(text) => ClientError::Unreachable(with_it(text)),
        ClientError::Busy(text) => ClientError::Busy(with_it(text)),
        other => other,
    }
}

/// That none of a list answers, with the reason of each.
pub(super) fn nobody_answers(mut silent: Vec<ClientError>) -> ClientError {
    if silent.len() == 1
        && let Some(only) = silent.pop()
    {
        return only;
    }
    let all_busy = silent.iter().all(|error| matches!(error, ClientError::Busy(_)));
    let reasons: String = silent.iter().map(|error| format!("\n  {error}")).collect();
    let text = format!("the server answers at none of its {} addresses:{reasons}", silent.len());
    if all_busy { ClientError::Busy(text) } else { ClientError::Unreachable(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(12);

    fn list(text: &str) -> Addresses {
        text.parse().unwrap()
    }

    fn refused(address: &str) -> ClientError {
        ClientError::Unreachable(format!("{address}: nobody listens there"))
    }

    fn busy() -> ClientError {
        ClientError::Busy("no room".to_owned())
    }

    #[test]
    fn the_first_that_answers_is_taken_and_none_behind_it_is_asked() {
        let mut asked = Vec::new();
        let (answer, silent) = first_that_answers(&list("a:1,b:2,c:3,d:4"), PATIENCE, &mut |address, _| {
            asked.push(address.to_owned());
            match address {
                "a:1" => Err(refused(address)),
                "b:2" => Err(busy()),
                _ => Ok(address.to_owned()),
            }
        })
        .unwrap();
        assert_eq!((answer.as_str(), asked.join(",")), ("c:3", "a:1,b:2,c:3".to_owned()));
        let silent: Vec<String> = silent.iter().map(ClientError::to_string).collect();
        assert_eq!(silent, ["a:1: nobody listens there", "b:2: no room"]);
    }

    #[test]
    fn what_is_wrong_with_an_address_is_not_got_around_by_the_next() {
        let mut asked = 0;
        let tried = first_that_answers(&list("a:1,b:2"), PATIENCE, &mut |_, _| {
            asked += 1;
            Err::<(), _>(ClientError::Integrity("another one".to_owned()))
        });
        assert!(matches!(tried, Err(ClientError::Integrity(_))), "{tried:?}");
        assert_eq!(asked, 1);
    }

    #[test]
    fn each_that_does_not_answer_is_named_with_its_reason() {
        let all = |text: &str, error: &dyn Fn(&str) -> ClientError| {
            first_that_answers::<()>(&list(text), PATIENCE, &mut |address, _| Err(error(address)))
                .unwrap_err()
        };
        assert_eq!(all("a:1", &refused).to_string(), "a:1: nobody listens there");
        let said = all("a:1,b:2", &refused);
        assert!(matches!(said, ClientError::Unreachable(_)));
        let reasons = "\n  a:1: nobody listens there\n  b:2: nobody listens there";
        assert!(said.to_string().ends_with(reasons), "{said}");
        assert!(matches!(all("a:1,b:2", &|_| busy()), ClientError::Busy(_)));
        let mixed = |address: &str| if address == "a:1" { busy() } else { refused(address) };
        assert!(matches!(all("a:1,b:2", &mixed), ClientError::Unreachable(_)));
    }

    #[test]
    fn the_time_that_one_address_does_not_need_is_left_to_the_others() {
        let start = Duration::from_secs(100);
        let mut shares = Shares { until: start + PATIENCE, waiting: 3 };
        assert_eq!(shares.next_at(start), PATIENCE / 3);
        assert_eq!(shares.next_at(start), PATIENCE / 2, "the first was refused at once");
        assert_eq!(shares.next_at(start + PATIENCE / 2), PATIENCE / 2);
        assert!(shares.next_at(start + PATIENCE * 2) > Duration::ZERO);
    }
}
