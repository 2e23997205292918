//! Helper threads: they own nothing, take jobs, and send results back through a channel and a waker. Each lane
//! has threads of its own, so that a flood of handshakes holds up no command and a verification holds up
//! neither.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, TrySendError, channel, sync_channel};
use std::thread;
use std::time::Duration;

use mio::Waker;

use super::clock::Clock;
use crate::crypto::random;
use crate::service::{Job, JobResult, Keys, Lane};

/// Jobs that wait in a lane's channel; more wait with the reactor.
const LANE_JOBS_MAX: usize = 1_024;

/// Results of private operations leave on this grid, so that their time of arrival tells of queueing and not of
/// the operation.
const GRID: Duration = Duration::from_millis(2);

/// The lanes as the reactor sees them.
pub(super) struct Helpers {
    private: LaneQueue,
    signatures: Vec<LaneQueue>,
    log: LaneQueue,
    next: usize,
    results: Receiver<JobResult>,
}

/// A lane's channel, and what did not fit into it.
struct LaneQueue {
    sender: SyncSender<Job>,
    waiting: VecDeque<Job>,
}

impl LaneQueue {
    fn push(&mut self, job: Job) {
        self.waiting.push_back(job);
        self.flush();
    }

    fn flush(&mut self) {
        while let Some(job) = self.waiting.pop_front() {
            match self.sender.try_send(job) {
                Ok(()) => {}
                Err(TrySendError::Full(job) | TrySendError::Disconnected(job)) => {
                    self.waiting.push_front(job);
                    break;
                }
            }
        }
    }
}

/// What every helper thread has.
#[derive(Clone)]
struct Desk {
    keys: Arc<Keys>,
    results: Sender<JobResult>,
    waker: Arc<Waker>,
}

impl Helpers {
    /// Starts the threads: one for private operations, one less than there are cores for signatures, one for
    /// the log.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub(super) fn start(keys: Keys, waker: Arc<Waker>) -> io::Result<Helpers> {
        let (results, receiver) = channel();
        let desk = Desk { keys: Arc::new(keys), results, waker };
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let signatures = (0..cores.saturating_sub(1).max(1))
            .map(|_| desk.open_lane("signatures", Lane::Signatures))
            .collect::<io::Result<_>>()?;
        Ok(Helpers {
            private: desk.open_lane("private", Lane::Private)?,
            signatures,
            log: desk.open_lane("log", Lane::Log)?,
            next: 0,
            results: receiver,
        })
    }

    /// Gives a job to its lane.
    pub(super) fn give(&mut self, job: Job) {
        match job.lane() {
            Lane::Private => self.private.push(job),
            Lane::Log => self.log.push(job),
            Lane::Signatures => {
                self.next = (self.next + 1) % self.signatures.len().max(1);
                if let Some(lane) = self.signatures.get_mut(self.next) {
                    lane.push(job);
                }
            }
        }
    }

    /// The next result, if there is one.
    pub(super) fn result(&mut self) -> Option<JobResult> {
        let result = self.results.try_recv().ok();
        if result.is_some() {
            self.private.flush();
            self.log.flush();
            self.signatures.iter_mut().for_each(LaneQueue::flush);
        }
        result
    }
}

impl Desk {
    fn open_lane(&self, name: &str, lane: Lane) -> io::Result<LaneQueue> {
        let (sender, jobs) = sync_channel(LANE_JOBS_MAX);
        let desk = self.clone();
        thread::Builder::new().name(name.to_owned()).spawn(move || desk.work(&jobs, lane))?;
        Ok(LaneQueue { sender, waiting: VecDeque::new() })
    }

    /// Works until the reactor is gone.
    fn work(&self, jobs: &Receiver<Job>, lane: Lane) {
        let clock = Clock::start();
        let mut rng = random::os();
        while let Ok(job) = jobs.recv() {
            job.run(&self.keys, &mut rng, &mut |result| {
                if lane == Lane::Private {
                    wait_for_grid(&clock);
                }
                self.answer(result);
            });
        }
    }

    fn answer(&self, result: JobResult) {
        // A reactor that is gone needs no answer.
        if self.results.send(result).is_ok()
            && let Err(error) = self.waker.wake()
        {
            tracing::error!(%error, "a helper cannot wake the reactor");
        }
    }
}

fn wait_for_grid(clock: &Clock) {
    let into = clock.now().mono.0.as_nanos() % GRID.as_nanos();
    let left = GRID.as_nanos() - into;
    thread::sleep(Duration::from_nanos(u64::try_from(left).unwrap_or(0)));
}
