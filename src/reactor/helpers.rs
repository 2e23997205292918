//! Helper threads: they are handed owned bytes, compute, and hand back a result. They own nothing and decide
//! nothing. Three lanes, each with its own threads and its own bounded channels, so that no kind of work can
//! hold up another:
//!
//! ```text
//! private      1 thread                      → grid thread → results     RSA private operations
//! signatures   1 per spare core, at least 1  ──────────────→ results     members' signatures
//! log          1 thread, asleep until asked  ──────────────→ results     reading the whole log
//! ```
//!
//! The grid thread passes results of private operations on only at multiples of 2 ms, so that what an observer
//! can time depends on the queue and not on the operation.

use std::collections::VecDeque;
use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread;
use std::time::Duration;

use mio::Waker;

use super::clock::Clock;
use crate::crypto::random;
use crate::service::{Job, JobResult, Keys, Lane};
use crate::time::Monotonic;

/// Jobs given to one thread and not finished: enough that it never waits for the loop.
const JOBS_PER_WORKER_MAX: usize = 32;
/// Answers under way to the loop; a helper that finds no room waits.
const ANSWERS_MAX: usize = 256;
/// Answers handed to the loop in one tick.
const ANSWERS_PER_TICK_MAX: usize = 1_024;
/// The grid on which results of private operations are released.
const GRID: Duration = Duration::from_millis(2);
/// How often the check of the log tells how far it is.
const PROGRESS_EVERY: Duration = Duration::from_millis(100);

/// All helpers, as the loop sees them.
pub(super) struct Helpers {
    lanes: Vec<LaneHelpers>,
    answers: Receiver<Answer>,
}

/// The threads of one lane, and the jobs that none of them has room for.
struct LaneHelpers {
    lane: Lane,
    workers: Vec<Worker>,
    waiting: VecDeque<Job>,
}

struct Worker {
    jobs: SyncSender<Job>,
    /// Jobs handed over and not finished.
    unfinished: usize,
}

/// What a helper says.
enum Answer {
    Result(JobResult),
    /// A worker has finished a job.
    Finished(Lane, usize),
}

/// Where a helper puts its answers.
#[derive(Clone)]
struct Outlet {
    answers: SyncSender<Answer>,
    /// None where another helper, and not the loop, takes the answers.
    waker: Option<Arc<Waker>>,
}

impl Helpers {
    /// Starts the threads.
    ///
    /// # Errors
    /// What the system says when it starts a thread.
    pub(super) fn start(keys: &Keys, clock: Clock, waker: Waker) -> io::Result<Helpers> {
        let (sender, answers) = sync_channel(ANSWERS_MAX);
        let outlet = Outlet { answers: sender, waker: Some(Arc::new(waker)) };
        let grid = start_grid(clock, outlet.clone())?;
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let signature_workers = cores.saturating_sub(1).max(1);
        let lanes = [
            (Lane::Private, 1, &grid),
            (Lane::Signatures, signature_workers, &outlet),
            (Lane::Log, 1, &outlet),
        ];
        let lanes = lanes.into_iter().map(|(lane, count, outlet)| {
            let workers =
                (0..count).map(|number| Worker::start(lane, number, keys.clone(), clock, outlet.clone()));
            Ok(LaneHelpers { lane, workers: workers.collect::<io::Result<_>>()?, waiting: VecDeque::new() })
        });
        Ok(Helpers { lanes: lanes.collect::<io::Result<_>>()?, answers })
    }

    /// Gives jobs to their lanes. Those that find no room wait here; the service bounds how many there are.
    pub(super) fn submit(&mut self, jobs: Vec<Job>) {
        for job in jobs {
            let lane = job.lane();
            if let Some(helpers) = self.lanes.iter_mut().find(|helpers| helpers.lane == lane) {
                helpers.waiting.push_back(job);
            }
        }
        self.lanes.iter_mut().for_each(LaneHelpers::hand_out);
    }

    /// The results that are there. True when there may be more, which the caller must come back for.
    pub(super) fn collect(&mut self, mut take: impl FnMut(JobResult)) -> bool {
        for _ in 0..ANSWERS_PER_TICK_MAX {
            match self.answers.try_recv() {
                Ok(Answer::Result(result)) => take(result),
                Ok(Answer::Finished(lane, number)) => self.finished(lane, number),
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => return false,
            }
        }
        true
    }

    fn finished(&mut self, lane: Lane, number: usize) {
        let Some(helpers) = self.lanes.iter_mut().find(|helpers| helpers.lane == lane) else { return };
        if let Some(worker) = helpers.workers.get_mut(number) {
            worker.unfinished = worker.unfinished.saturating_sub(1);
        }
        helpers.hand_out();
    }
}

impl LaneHelpers {
    /// Gives waiting jobs to the workers that have the least to do.
    fn hand_out(&mut self) {
        while !self.waiting.is_empty() {
            let least = self.workers.iter_mut().min_by_key(|worker| worker.unfinished);
            let Some(worker) = least.filter(|worker| worker.unfinished < JOBS_PER_WORKER_MAX) else { return };
            let Some(job) = self.waiting.pop_front() else { return };
            // There is room: the channel holds as many as may be unfinished. A worker that is gone has
            // panicked, which ends the process.
            if let Err(refused) = worker.jobs.try_send(job) {
                tracing::error!(lane = ?self.lane, "a helper takes no job: {refused}");
                return;
            }
            worker.unfinished += 1;
        }
    }
}

impl Worker {
    fn start(lane: Lane, number: usize, keys: Keys, clock: Clock, outlet: Outlet) -> io::Result<Worker> {
        let (jobs, queue) = sync_channel(JOBS_PER_WORKER_MAX);
        let name = match lane {
            Lane::Private => "rsa".to_owned(),
            Lane::Signatures => format!("signatures-{number}"),
            Lane::Log => "log-check".to_owned(),
        };
        let work = move || work(&queue, lane, number, &keys, clock, &outlet);
        thread::Builder::new().name(name).spawn(work)?;
        Ok(Worker { jobs, unfinished: 0 })
    }
}

/// A helper's whole life; it ends when the loop does.
fn work(queue: &Receiver<Job>, lane: Lane, number: usize, keys: &Keys, clock: Clock, outlet: &Outlet) {
    while let Ok(job) = queue.recv() {
        let mut told_at: Option<Monotonic> = None;
        job.run(keys, &mut random::os(), &mut |result| {
            if let JobResult::LogProgress { .. } = result {
                let now = clock.monotonic();
                if told_at.is_some_and(|at| now.0.saturating_sub(at.0) < PROGRESS_EVERY) {
                    return;
                }
                told_at = Some(now);
            }
            outlet.put(Answer::Result(result));
        });
        outlet.put(Answer::Finished(lane, number));
    }
}

/// Starts the thread that passes answers on at multiples of [`GRID`]; returns its inlet.
fn start_grid(clock: Clock, outlet: Outlet) -> io::Result<Outlet> {
    let (sender, arrived) = sync_channel(ANSWERS_MAX);
    let inlet = Outlet { answers: sender, waker: None };
    let pass_on = move || {
        while let Ok(first) = arrived.recv() {
            clock.sleep_to_grid(GRID);
            outlet.put(first);
            arrived.try_iter().for_each(|answer| outlet.put(answer));
        }
    };
    thread::Builder::new().name("rsa-grid".to_owned()).spawn(pass_on)?;
    Ok(inlet)
}

impl Outlet {
    /// Hands an answer on and wakes the loop. When the loop is gone there is nobody to tell.
    fn put(&self, answer: Answer) {
        if self.answers.send(answer).is_ok()
            && let Some(waker) = &self.waker
            && let Err(error) = waker.wake()
        {
            tracing::error!(%error, "a helper cannot wake the loop");
        }
    }
}

#[cfg(test)]
mod tests {
    use mio::{Events, Poll, Token};
    use zeroize::Zeroizing;

    use super::*;
    use crate::crypto::rsa::{MODULUS_BYTES, PrivateKey};
    use crate::service::ConnectionId;
    use crate::session::KeySlot;

    #[test]
    fn every_job_comes_back_once_and_a_flood_in_one_lane_holds_up_no_other() {
        const FLOOD: u64 = 500;
        let pem = include_str!("../../fixtures/keys/server.pem");
        let key = PrivateKey::from_pkcs8_pem(pem, None).unwrap();
        let public = key.public().clone();
        let keys = Keys { current: key, previous: None, reject: Zeroizing::new([1; 32]) };
        let mut poll = Poll::new().unwrap();
        let waker = Waker::new(poll.registry(), Token(0)).unwrap();
        let mut helpers = Helpers::start(&keys, Clock::start(), waker).unwrap();

        let check = |n| Job::VerifyClient {
            connection: ConnectionId(n),
            key: public.clone(),
            signed: b"signed".to_vec(),
            signature: vec![0; MODULUS_BYTES],
        };
        helpers.submit((1..=FLOOD).map(check).collect());
        let ciphertext = Box::new([7; MODULUS_BYTES]);
        helpers.submit(vec![Job::Decap { connection: ConnectionId(0), slot: KeySlot::Current, ciphertext }]);

        let mut events = Events::with_capacity(8);
        let (mut checked, mut checked_before_decap) = (Vec::new(), None);
        while checked.len() < FLOOD as usize || checked_before_decap.is_none() {
            poll.poll(&mut events, Some(Duration::from_secs(60))).unwrap();
            assert!(!events.is_empty(), "a helper has forgotten to wake the loop");
            let mut take = |result| match result {
                JobResult::ClientVerified { connection, valid: false } => checked.push(connection),
                JobResult::Decapped { connection: ConnectionId(0), .. } => {
                    checked_before_decap = Some(checked.len());
                }
                _ => panic!("nobody asked for this"),
            };
            while helpers.collect(&mut take) {}
        }
        assert!(checked_before_decap.is_some_and(|count| count < FLOOD as usize), "{checked_before_decap:?}");
        checked.sort_unstable();
        assert!(checked.into_iter().eq((1..=FLOOD).map(ConnectionId)));
    }
}
