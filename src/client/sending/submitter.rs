//! Signed commands under way over a connection that may be lost.
//!
//! There are three outcomes, and the third is said as such: done, refused, unknown. A command without an answer
//! is sent again over a new connection, under its own id, until its deadline: the server answers a copy with
//! the acknowledgement of the original. After the deadline its outcome is *unknown*, and never *failed*.
//!
//! A command whose id stands in another block is refused with `conflict`. That block is asked for: it may hold the same
//! command, signed with a key that the home had before.

use std::collections::BTreeMap;
use std::time::Duration;

use super::standing::stands_in;
use crate::chain::Message;
use crate::client::link::{Reopen, Waited};
use crate::client::{ClientError, Signed, clock};
use crate::refusal;
use crate::time::Monotonic;
use crate::wire::{Accepted, ReceiptOf, Refusal, Reply, Request};

/// Seconds for which a command without an answer is tried again, where nobody says otherwise.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// The pause before the first attempt to connect again; each further one is twice as long, up to [`PAUSE_MAX`].
const PAUSE_MIN: Duration = Duration::from_millis(50);
/// See [`PAUSE_MIN`].
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// What became of a command.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It stands in a block.
    Done(Accepted),
    /// It was refused and changed nothing.
    Refused(Refusal),
    /// Not known: no answer came in time. The next invocation resolves it.
    Unknown,
}

/// What ended a wait.
#[derive(Debug)]
pub enum News {
    /// The outcome of the command with this number.
    Outcome(u64, Outcome),
    /// Another thread rang the bell.
    Rung,
    /// Nothing is under way.
    Idle,
}

struct UnderWay {
    number: u64,
    signed: Signed,
    until: Monotonic,
    /// The refusal of a command whose id stands in another block, which is being asked for.
    conflict: Option<Refusal>,
    /// Copies that were sent and not answered: each may be accepted.
    unanswered: u32,
}

impl UnderWay {
    /// What is asked of the server next.
    fn request(&self) -> Request<'_> {
        let UnderWay { signed, conflict, .. } = self;
        match Message::parse(&signed.message) {
            Ok(message) if conflict.is_some() => {
                Request::Receipt(ReceiptOf::Command(message.header.command_id))
            }
            _ => signed.request(),
        }
    }
}

/// When to connect again.
struct Lost {
    at: Monotonic,
    pause: Duration,
}

/// See the module.
pub struct Submitter<'a> {
    link: &'a mut dyn Reopen,
    deadline: Duration,
    /// By place: what was submitted first is first, and first again on a new connection.
    under_way: BTreeMap<u64, UnderWay>,
    next_place: u64,
    /// Places by the number of their request on this connection.
    by_request: BTreeMap<u32, u64>,
    lost: Option<Lost>,
}

impl<'a> Submitter<'a> {
    /// Submits over `link`; each command has `deadline` from its submission.
    pub fn new(link: &'a mut dyn Reopen, deadline: Duration) -> Submitter<'a> {
        Submitter {
            link,
            deadline,
            under_way: BTreeMap::new(),
            next_place: 0,
            by_request: BTreeMap::new(),
            lost: None,
        }
    }

    /// Number of commands under way.
    pub fn len(&self) -> usize {
        self.under_way.len()
    }

    /// Whether nothing is under way.
    pub fn is_empty(&self) -> bool {
        self.under_way.is_empty()
    }

    /// Whether there is no connection at the moment.
    pub fn is_lost(&self) -> bool {
        self.lost.is_some()
    }

    /// Sends a signed command that stands in a run book. Its outcome comes with `number`.
    pub fn submit(&mut self, number: u64, signed: Signed) {
        let until = Monotonic(clock::now().mono.0.saturating_add(self.deadline));
        let place = self.next_place;
        self.next_place += 1;
        self.under_way.insert(place, UnderWay { number, signed, until, conflict: None, unanswered: 0 });
        if self.lost.is_none() {
            self.send(place);
        }
    }

    fn send(&mut self, place: u64) {
        let Some(command) = self.under_way.get_mut(&place) else { return };
        command.unanswered = command.unanswered.saturating_add(1);
        match self.link.connection().send(&command.request()) {
            Ok(request) => drop(self.by_request.insert(request, place)),
            Err(_) => self.lose(),
        }
    }

    fn lose(&mut self) {
        self.by_request.clear();
        self.lost.get_or_insert(Lost { at: clock::now().mono, pause: PAUSE_MIN });
    }

    /// Waits for the next outcome or for the bell.
    ///
    /// # Errors
    /// What makes further waiting useless, such as [`ClientError::Integrity`]; the outcome of everything under
    /// way is unknown then.
    pub fn wait(&mut self) -> Result<News, ClientError> {
        loop {
            // All have the same deadline, so the first in place is the first to reach it.
            let Some((&place, first)) = self.under_way.first_key_value() else { return Ok(News::Idle) };
            let (number, until) = (first.number, first.until);
            let now = clock::now().mono;
            if until <= now {
                self.under_way.remove(&place);
                return Ok(News::Outcome(number, Outcome::Unknown));
            }
            if let Some(lost) = self.lost.take() {
                self.connect_again(lost, until, now)?;
                continue;
            }
            match self.link.connection().wait(Some(until)) {
                Ok(Waited::Reply(request, reply)) => {
                    if let Some(news) = self.answered(request, reply)? {
                        return Ok(news);
                    }
                }
                Ok(Waited::Woken) => return Ok(News::Rung),
                Ok(Waited::TimedOut) => {}
                Err(error) if error.is_away() => self.lose(),
                Err(error) => return Err(error),
            }
        }
    }

    /// Takes an answer; one that came too late is of nothing under way.
    fn answered(&mut self, request: u32, reply: Reply) -> Result<Option<News>, ClientError> {
        let Some(place) = self.by_request.remove(&request) else { return Ok(None) };
        let Some(command) = self.under_way.remove(&place) else { return Ok(None) };
        if matches!(&reply, Reply::Refused(refusal) if refusal.name == refusal::BUSY)
            && command.unanswered > 1
        {
            self.try_later(place, command);
            return Ok(None);
        }
        let number = command.number;
        let outcome = match (reply, command.conflict) {
            (Reply::Accepted(accepted), None) => Outcome::Done(accepted),
            (Reply::Refused(refusal), None) if refusal.name == refusal::CONFLICT => {
                self.under_way.insert(place, UnderWay { conflict: Some(refusal), ..command });
                self.send(place);
                return Ok(None);
            }
            (Reply::Refused(refusal), None) => Outcome::Refused(refusal),
            (Reply::Receipt(proofs), Some(conflict)) => {
                match stands_in(&proofs.block, &command.signed.message) {
                    Some(accepted) => Outcome::Done(accepted),
                    None => Outcome::Refused(conflict),
                }
            }
            (Reply::Refused(_), Some(conflict)) => Outcome::Refused(conflict),
            _ => return Err(ClientError::other_answer()),
        };
        if let Outcome::Done(accepted) = &outcome {
            self.link.note_receipt(accepted.index, accepted.hash);
        }
        Ok(Some(News::Outcome(number, outcome)))
    }

    /// The server had no time for this copy of a command, and may have accepted one before it.
    fn try_later(&mut self, place: u64, command: UnderWay) {
        let unanswered = command.unanswered - 1;
        self.under_way.insert(place, UnderWay { unanswered, ..command });
        self.by_request.clear();
        let at = Monotonic(clock::now().mono.0 + PAUSE_MAX);
        self.lost.get_or_insert(Lost { at, pause: PAUSE_MAX });
    }

    /// Waits for the next attempt, or makes it and sends everything again in its order.
    fn connect_again(&mut self, lost: Lost, until: Monotonic, now: Monotonic) -> Result<(), ClientError> {
        if now < lost.at {
            std::thread::sleep(lost.at.min(until).0.saturating_sub(now.0));
            self.lost = Some(lost);
            return Ok(());
        }
        match self.link.reopen(until.0.saturating_sub(now.0)) {
            Ok(()) => {
                let places: Vec<u64> = self.under_way.keys().copied().collect();
                for place in places {
                    if self.lost.is_some() {
                        break;
                    }
                    self.send(place);
                }
                Ok(())
            }
            Err(error) if error.is_away() => {
                let at = Monotonic(clock::now().mono.0 + lost.pause);
                self.lost = Some(Lost { at, pause: (lost.pause * 2).min(PAUSE_MAX) });
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}

/// Submits one command and waits for its outcome.
///
/// # Errors
/// As for [`Submitter::wait`].
pub fn submit_one(link: &mut dyn Reopen, signed: Signed, deadline: Duration) -> Result<Outcome, ClientError> {
    let mut submitter = Submitter::new(link, deadline);
    submitter.submit(0, signed);
    loop {
        match submitter.wait()? {
            News::Outcome(_, outcome) => return Ok(outcome),
            News::Rung => {}
            News::Idle => return Ok(Outcome::Unknown),
        }
    }
}
