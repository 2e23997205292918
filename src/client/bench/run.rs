//! The clocked part: one thread drives all connections. Each keeps as many commands under way as was asked, and
//! sends the next one when an answer comes. One thread costs the generator least: on a machine that it shares
//! with the server, whatever it uses is missing there.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::time::Duration;

use hdrhistogram::Histogram;
use mio::{Events, Poll, Token};
use rustix::time::{ClockId, clock_gettime};

use crate::client::{ClientError, Member, Reopen, Signed, clock};
use crate::time::Monotonic;
use crate::wire::{Refusal, Reply};

/// Silence on all connections after which the server is given up.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// Latencies are right to three digits.
const LATENCY_DIGITS: u8 = 3;

/// An hour: a longer latency counts as one.
const LATENCY_US_MAX: u64 = 3_600_000_000;

/// What came of a run.
#[derive(Debug)]
pub struct Outcome {
    /// From the first command to the last answer.
    pub elapsed: Duration,
    /// Commands that stand in the ledger.
    pub accepted: u64,
    /// Commands that do not.
    pub refused: u64,
    /// Why the first of those does not.
    pub first_refusal: Option<Refusal>,
    /// Microseconds from handing a command to its connection to its answer.
    pub latencies: Histogram<u64>,
    /// CPU time of the thread that drove the connections.
    pub generator_cpu: Duration,
}

/// One connection with what it has to send.
struct Lane {
    member: Member,
    waiting: std::vec::IntoIter<Signed>,
    /// When each command under way was sent, by its request.
    under_way: BTreeMap<u32, Monotonic>,
}

/// Sends every load over its connection, `inflight` commands at once, and waits for all answers.
///
/// # Errors
/// [`ClientError::Unknown`] when a connection is lost before all its commands are answered.
pub fn run(members: Vec<Member>, loads: Vec<Vec<Signed>>, inflight: usize) -> Result<Outcome, ClientError> {
    let system = |error: std::io::Error| ClientError::Unexpected(format!("waiting for connections: {error}"));
    let mut poll = Poll::new().map_err(system)?;
    let mut events = Events::with_capacity(members.len().max(1));
    let mut lanes = Vec::with_capacity(members.len());
    for (number, (mut member, load)) in members.into_iter().zip(loads).enumerate() {
        member.connection().watch_with(poll.registry(), Token(number))?;
        lanes.push(Lane { member, waiting: load.into_iter(), under_way: BTreeMap::new() });
    }
    let mut outcome = Outcome::new()?;
    let (cpu, start) = (thread_cpu(), clock::now().mono);
    for lane in &mut lanes {
        lane.fill(inflight)?;
    }
    let mut open = lanes.iter().filter(|lane| !lane.is_done()).count();
    while open > 0 {
        match poll.poll(&mut events, Some(SILENCE_MAX)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            other => other.map_err(system)?,
        }
        if events.is_empty() {
            return Err(unknown("not a word from the server for 60 seconds"));
        }
        for event in &events {
            let Some(lane) = lanes.get_mut(event.token().0).filter(|lane| !lane.is_done()) else { continue };
            lane.turn(inflight, &mut outcome)?;
            open -= usize::from(lane.is_done());
        }
    }
    outcome.elapsed = clock::now().mono.0.saturating_sub(start.0);
    outcome.generator_cpu = thread_cpu().saturating_sub(cpu);
    Ok(outcome)
}

impl Outcome {
    /// Nothing came yet.
    ///
    /// # Errors
    /// [`ClientError::Unexpected`] when latencies cannot be counted.
    pub fn new() -> Result<Outcome, ClientError> {
        let latencies = Histogram::new_with_max(LATENCY_US_MAX, LATENCY_DIGITS);
        let latencies = latencies.map_err(|error| ClientError::Unexpected(error.to_string()))?;
        let (elapsed, generator_cpu) = (Duration::ZERO, Duration::ZERO);
        Ok(Outcome { elapsed, accepted: 0, refused: 0, first_refusal: None, latencies, generator_cpu })
    }

    /// Counts an answer to a command.
    ///
    /// # Errors
    /// [`ClientError::Unexpected`] when it is none.
    pub fn answered(&mut self, reply: Reply, latency: Duration) -> Result<(), ClientError> {
        self.latencies.saturating_record(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX));
        match reply {
            Reply::Accepted(_) => self.accepted += 1,
            Reply::Refused(refusal) => {
                self.refused += 1;
                self.first_refusal.get_or_insert(refusal);
            }
            _ => return Err(ClientError::other_answer()),
        }
        Ok(())
    }
}

impl Lane {
    /// Takes the answers that are there and sends as many commands.
    fn turn(&mut self, inflight: usize, outcome: &mut Outcome) -> Result<(), ClientError> {
        let connection = self.member.connection();
        connection.progress();
        let now = clock::now().mono;
        while let Some((request, reply)) = connection.take_reply() {
            let Some(sent) = self.under_way.remove(&request) else { continue };
            outcome.answered(reply, now.0.saturating_sub(sent.0))?;
        }
        if connection.is_closed() && !self.is_done() {
            return Err(lost());
        }
        self.fill(inflight)
    }

    fn fill(&mut self, inflight: usize) -> Result<(), ClientError> {
        while self.under_way.len() < inflight
            && let Some(signed) = self.waiting.next()
        {
            let sent = clock::now().mono;
            let Ok(request) = self.member.connection().queue(&signed.request()) else {
                return Err(lost());
            };
            self.under_way.insert(request, sent);
        }
        self.member.connection().write_queued();
        Ok(())
    }

    fn is_done(&self) -> bool {
        self.under_way.is_empty() && self.waiting.len() == 0
    }
}

fn lost() -> ClientError {
    unknown("a connection was lost before all its commands were answered")
}

fn unknown(what: &str) -> ClientError {
    ClientError::Unknown(format!("{what}; whether they stand is not known, and nothing is sent again"))
}

/// CPU time of this thread.
fn thread_cpu() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}
