//! Questions: requests that change nothing, one at a time or many on their way at once.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use zeroize::Zeroizing;

use super::{Connection, Waited};
use crate::client::link::question::Question;
use crate::client::{ClientError, clock};
use crate::refusal;
use crate::session::ClientEnv;
use crate::time::Monotonic;
use crate::wire::{Progress, Push, Reply};

/// Silence after which a server that owes an answer is asked whether it is still there.
const PING_AFTER: Duration = Duration::from_secs(15);

/// Silence, pings included, after which the server is given up.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// Questions on their way at once.
const IN_FLIGHT_MAX: usize = 64;

impl Connection {
    /// The secret by which a log-in is bound to this channel; only one of an anonymous session has it.
    pub(in crate::client) fn exporter(&self) -> Option<Zeroizing<[u8; 32]>> {
        self.session.exporter().cloned()
    }

    /// Asks a question and waits for its answer. There is no deadline, because a verification takes as long as the log is,
    /// but a server that falls silent and does not even answer a ping is given up.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with what the server says, or [`ClientError::Unreachable`].
    pub fn ask<Q: Question>(&mut self, question: &Q) -> Result<Q::Answer, ClientError> {
        self.ask_with_progress(question, &mut |_| ())
    }

    /// Does the same as [`Connection::ask`], and hears meanwhile how far the server is.
    ///
    /// # Errors
    /// As for [`Connection::ask`].
    pub fn ask_with_progress<Q: Question>(
        &mut self,
        question: &Q,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Q::Answer, ClientError> {
        let asked = self.queue(&question.request())?;
        self.heard = clock::now().mono;
        let mut others = VecDeque::new();
        let answered = loop {
            match self.listen(&mut others) {
                Ok((id, Reply::Push(Push::Progress(done)))) if id == asked => progress(done),
                Ok((id, reply)) if id == asked => break answer::<Q>(reply),
                Ok(_) => {}
                Err(error) => break Err(error),
            }
        };
        self.put_back(others);
        answered
    }

    /// Asks several questions in as few round trips as they take; gives the answers in the order of the
    /// questions.
    ///
    /// # Errors
    /// As for [`Connection::ask`]; the first refusal ends it.
    pub fn ask_all<Q: Question>(&mut self, questions: &[Q]) -> Result<Vec<Q::Answer>, ClientError> {
        let mut others = VecDeque::new();
        let answered = self.answers_to(questions, &mut others);
        self.put_back(others);
        answered
    }

    fn answers_to<Q: Question>(
        &mut self,
        questions: &[Q],
        others: &mut VecDeque<(u32, Reply)>,
    ) -> Result<Vec<Q::Answer>, ClientError> {
        let mut answers = BTreeMap::new();
        let mut asked = BTreeMap::new();
        let mut waiting = questions.iter().enumerate();
        self.heard = clock::now().mono;
        while answers.len() < questions.len() {
            while asked.len() < IN_FLIGHT_MAX
                && let Some((number, question)) = waiting.next()
            {
                asked.insert(self.queue(&question.request())?, number);
            }
            let (id, reply) = self.listen(others)?;
            if let Some(number) = asked.remove(&id) {
                answers.insert(number, answer::<Q>(reply)?);
            }
        }
        Ok(answers.into_values().collect())
    }

    /// What came for requests that somebody else waits for is there when they wait.
    fn put_back(&mut self, mut others: VecDeque<(u32, Reply)>) {
        others.append(&mut self.inbox);
        self.inbox = others;
    }

    /// The next reply to a question; those that are awaited go to `others`.
    fn listen(&mut self, others: &mut VecDeque<(u32, Reply)>) -> Result<(u32, Reply), ClientError> {
        loop {
            let until = Monotonic(clock::now().mono.0 + PING_AFTER);
            match self.wait_for_any(Some(until))? {
                Waited::Reply(id, reply) if self.awaited.contains(&id) => others.push_back((id, reply)),
                Waited::Reply(id, reply) => return Ok((id, reply)),
                Waited::TimedOut => self.knock(SILENCE_MAX)?,
                Waited::Woken => {}
            }
        }
    }

    /// Asks a silent server whether it is still there, and gives it up after so much silence.
    pub(super) fn knock(&mut self, silence_max: Duration) -> Result<(), ClientError> {
        let now = clock::now();
        if now.mono.0.saturating_sub(self.heard.0) >= silence_max {
            let seconds = silence_max.as_secs();
            let text = format!("{}: not a word from the server for {seconds} seconds", self.address);
            return Err(ClientError::Unreachable(text));
        }
        let mut env = ClientEnv { now, rng: &mut self.rng };
        let asked = self.session.ping(*b"ledgerct", &mut env);
        asked.map_err(|error| ClientError::Unreachable(format!("{}: {error}", self.address)))?;
        self.write_out();
        Ok(())
    }
}

fn answer<Q: Question>(reply: Reply) -> Result<Q::Answer, ClientError> {
    match reply {
        // Nothing is wrong with what was asked, nor is it known that anything is wrong with the server: later.
        Reply::Refused(refusal) if refusal.name == refusal::UNAVAILABLE => {
            Err(ClientError::Unreachable(format!(
                "the server has no proof at the moment, so nothing was believed: {} ({})",
                refusal.message, refusal.name
            )))
        }
        // The server has more to do than it takes on. It has said nothing of what was asked.
        Reply::Refused(refusal) if refusal.name == refusal::BUSY => {
            Err(ClientError::Busy(format!("{} ({})", refusal.message, refusal.name)))
        }
        Reply::Refused(refusal) => Err(ClientError::Refused(refusal)),
        reply => Q::answer(reply).ok_or_else(ClientError::other_answer),
    }
}
