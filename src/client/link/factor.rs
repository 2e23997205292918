//! Giving a code of the second factor, where the server asks for one. Whoever runs the program is asked for it
//! ([`Home::asking_codes`]); a code counts for the session, and for those that its tickets resume.

use super::member::Member;
use super::question::{CodeGiven, Whoami};
use super::reopen::Reopen as _;
use crate::client::{ClientError, Home, clock};
use crate::domain::{Fact, Value};
use crate::refusal;
use crate::time::Timestamp;
use crate::wire::{Refusal, WrongCodes};

/// Milliseconds by which a clock has to differ before it is worth a word: a code of three steps ago is not taken any more.
const CLOCK_DIFFERS_MS: u64 = 90_000;

/// Codes that are asked for at most, one after the other: the server ends the session with the fifth wrong one.
const CODES_MAX: u32 = 5;

impl Member {
    /// Makes an attempt at something that may want a second factor first: where the server asks for one, it is given, if somebody
    /// is there to give it, and the attempt is made once more.
    ///
    /// # Errors
    /// Those of the attempt, and those of [`Member::give_code`].
    pub(in crate::client) fn with_second_factor<T>(
        &mut self,
        mut attempt: impl FnMut(&mut Member) -> Result<T, ClientError>,
    ) -> Result<T, ClientError> {
        match attempt(self) {
            Err(ClientError::Refused(needed)) if needed.name == refusal::SECOND_FACTOR_NEEDED => {
                self.give_code(needed)?;
                attempt(self)
            }
            done => done,
        }
    }

    /// Gives the server the code that it has asked for with this refusal.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with the same refusal when the account has no second factor or nobody is there to give a code, with
    /// `invalid_code` when none was right, with `try_later` after too many.
    pub fn give_code(&mut self, needed: Refusal) -> Result<(), ClientError> {
        let me = self.connection().ask(&Whoami)?;
        if !me.0.iter().any(|figure| figure.name == "second_factor_at" && figure.value != Value::None) {
            return Err(ClientError::Refused(needed));
        }
        let mut refused = needed;
        for _ in 0..CODES_MAX {
            let Some(code) = self.home().ask_code("Code of your second factor: ") else { break };
            match self.connection().ask(&CodeGiven(code)) {
                Ok(wrong) => {
                    self.say_wrong_codes(wrong);
                    return Ok(());
                }
                Err(ClientError::Refused(refusal)) if refusal.name == refusal::INVALID_CODE => {
                    server_time_of(self.home(), &refusal);
                    refused = refusal;
                }
                Err(error) => return Err(error),
            }
        }
        Err(ClientError::Refused(refused))
    }
}

impl Member {
    /// Says that wrong codes came before the good one that was just given.
    pub fn say_wrong_codes(&self, wrong: WrongCodes) {
        say_wrong_codes(self.home(), wrong);
    }
}

/// Says that wrong codes came before a good one.
pub(in crate::client) fn say_wrong_codes(home: &Home, WrongCodes { count, since_ms }: WrongCodes) {
    if count > 0 {
        let since = Timestamp::from_millis(since_ms);
        home.tell(&format!(
            "{count} wrong codes since {since}: if they were not yours, somebody has your password or your key"
        ));
    }
}

/// Says that a code was not right, and whether this machine's clock is one that differs from the server's.
pub(in crate::client) fn server_time_of(home: &Home, refusal: &Refusal) {
    home.tell(&refusal.message);
    let server = refusal.facts.iter().find_map(|(fact, value)| match (fact, value) {
        (Fact::Until, Value::Time(time)) => Some(*time),
        _ => None,
    });
    let own = clock::now().wall;
    if let Some(server) = server.filter(|server| server.millis().abs_diff(own.millis()) > CLOCK_DIFFERS_MS) {
        home.tell(&format!("the clock here says {own}, and the server's says {server}"));
    }
}
