//! Why nobody answers, in words: what the system says of a socket has a number in it and speaks of resources.

use std::fmt;
use std::io::{self, ErrorKind};
use std::time::Duration;

use crate::client::ClientError;
use crate::text::cause;

/// What came of a connection to `address` that had to answer within `patience`.
pub(crate) fn away(address: impl fmt::Display, patience: Duration, error: &io::Error) -> ClientError {
    let sentence = match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => return no_answer(address, patience),
        ErrorKind::ConnectionRefused => "the connection was refused: nobody listens there".to_owned(),
        ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe
        | ErrorKind::UnexpectedEof
        | ErrorKind::NotConnected => "the connection was cut off".to_owned(),
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => {
            "there is no way to this address".to_owned()
        }
        ErrorKind::NetworkDown => "the network is down".to_owned(),
        _ => cause(error),
    };
    ClientError::Unreachable(format!("{address}: {sentence}"))
}

/// Nothing came in time.
pub(crate) fn no_answer(address: impl fmt::Display, patience: Duration) -> ClientError {
    let seconds = patience.as_millis().div_ceil(1_000).max(1);
    let plural = if seconds == 1 { "" } else { "s" };
    ClientError::Unreachable(format!("no answer from {address} within {seconds} second{plural}"))
}

/// A name that leads to no address.
pub(super) fn no_such_name(address: &str, error: &io::Error) -> ClientError {
    let said = cause(error);
    let said = said.strip_prefix("failed to lookup address information: ").unwrap_or(&said);
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    ClientError::Unreachable(format!("{address}: the name {host} leads nowhere: {said}"))
}

/// The server is there and has no room.
pub(super) fn busy(address: &str) -> ClientError {
    ClientError::Busy(format!("{address} is busy: it takes nobody else at the moment; try again later"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_says_of_a_connection_is_a_sentence_without_numbers() {
        // EAGAIN, ENETDOWN, ENETUNREACH, ECONNABORTED, ECONNRESET, ETIMEDOUT, ECONNREFUSED, EHOSTUNREACH, EMFILE.
        for number in [11, 100, 101, 103, 104, 110, 111, 113, 24] {
            let error = io::Error::from_raw_os_error(number);
            let said = away("example:1", Duration::from_secs(15), &error);
            assert!(matches!(said, ClientError::Unreachable(_)), "{said:?}");
            let said = said.to_string();
            assert!(said.contains("example:1") && !said.contains("os error"), "{said}");
        }
        let silent = io::Error::from_raw_os_error(11);
        assert_eq!(
            away("example:1", Duration::from_secs(15), &silent).to_string(),
            "no answer from example:1 within 15 seconds"
        );
    }

    #[test]
    fn a_name_that_nobody_knows_is_named() {
        let error = io::Error::other("failed to lookup address information: Name or service not known");
        assert_eq!(
            no_such_name("nowhere.example:1", &error).to_string(),
            "nowhere.example:1: the name nowhere.example leads nowhere: Name or service not known"
        );
    }
}
