//! Helper threads: they are handed owned bytes, compute, and hand back answers. They own nothing of the loop's and
//! decide nothing. Each lane has its own threads and its own bounded channels, so that no kind of work can hold up
//! another.
//!
//! A lane may be on the grid: a thread of its own passes its answers on only at multiples of 2 ms, so that what an
//! observer can time depends on the queue and not on the operation.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread;
use std::time::Duration;

use mio::Waker;

use super::clock::Clock;

/// Jobs given to one thread and not finished: enough that it never waits for the loop.
const JOBS_PER_WORKER_MAX: usize = 32;
/// Answers under way to the loop; a helper that finds no room waits.
const ANSWERS_MAX: usize = 256;
/// Answers handed to the loop in one tick.
const ANSWERS_PER_TICK_MAX: usize = 1_024;
/// Messages that wait for a loop that gathers answers before it is woken all the same.
const GATHERED_MAX: usize = 64;
/// The grid on which answers of a lane that is on it are released.
const GRID: Duration = Duration::from_millis(2);

/// What one thread does with a job: computes, and hands every answer to the function that it is given.
pub type Work<J, A> = Box<dyn FnMut(J, &mut dyn FnMut(A)) + Send>;

/// A kind of work, and the threads that do it.
pub struct Lane<J, A> {
    /// What its threads are called.
    pub name: &'static str,
    /// Whether answers leave on the grid only.
    pub on_grid: bool,
    /// One for each thread.
    pub workers: Vec<Work<J, A>>,
}

/// All helpers, as the loop sees them.
pub(super) struct Helpers<J, A> {
    lanes: Vec<LaneHelpers<J>>,
    answers: Receiver<Answer<A>>,
    bell: Arc<Bell>,
}

/// The threads of one lane, and the jobs that none of them has room for.
struct LaneHelpers<J> {
    name: &'static str,
    workers: Vec<Worker<J>>,
    waiting: VecDeque<J>,
}

struct Worker<J> {
    jobs: SyncSender<J>,
    /// Jobs handed over and not finished.
    unfinished: usize,
}

/// What a helper says.
enum Answer<A> {
    Answer(A),
    /// A worker of this lane has finished a job.
    Finished(usize, usize),
}

/// Where a helper puts its answers.
struct Outlet<A> {
    answers: SyncSender<Answer<A>>,
    /// None where another helper, and not the loop, takes the answers.
    bell: Option<Arc<Bell>>,
}

/// Wakes the loop, once for all answers that it has not come for yet: a wake is a system call on either side, and a
/// turn of the loop.
struct Bell {
    waker: Waker,
    rung: AtomicBool,
    /// The loop comes by itself soon: it is woken only by who has nothing more to do, or for many answers.
    gathers: AtomicBool,
    /// Messages that the loop has not come for yet.
    waiting: AtomicUsize,
}

impl<A> Clone for Outlet<A> {
    fn clone(&self) -> Outlet<A> {
        Outlet { answers: self.answers.clone(), bell: self.bell.clone() }
    }
}

impl<J: Send + 'static, A: Send + 'static> Helpers<J, A> {
    /// Starts the threads.
    ///
    /// # Errors
    /// What the system says when it starts a thread.
    pub(super) fn start(lanes: Vec<Lane<J, A>>, clock: Clock, waker: Waker) -> io::Result<Helpers<J, A>> {
        let (sender, answers) = sync_channel(ANSWERS_MAX);
        let bell = Arc::new(Bell::new(waker));
        let outlet = Outlet { answers: sender, bell: Some(Arc::clone(&bell)) };
        let mut started = Vec::with_capacity(lanes.len());
        for (place, lane) in lanes.into_iter().enumerate() {
            let outlet =
                if lane.on_grid { start_grid(lane.name, clock, outlet.clone())? } else { outlet.clone() };
            let several = lane.workers.len() > 1;
            let workers = lane.workers.into_iter().enumerate().map(|(number, work)| {
                let name = if several { format!("{}-{number}", lane.name) } else { lane.name.to_owned() };
                Worker::start(name, (place, number), work, outlet.clone())
            });
            let workers = workers.collect::<io::Result<_>>()?;
            started.push(LaneHelpers { name: lane.name, workers, waiting: VecDeque::new() });
        }
        Ok(Helpers { lanes: started, answers, bell })
    }

    /// Gives jobs to their lanes. Those that find no room wait here; the handler bounds how many there are.
    pub(super) fn submit(&mut self, jobs: Vec<(usize, J)>) {
        for (lane, job) in jobs {
            if let Some(helpers) = self.lanes.get_mut(lane) {
                helpers.waiting.push_back(job);
            }
        }
        self.lanes.iter_mut().for_each(LaneHelpers::hand_out);
    }

    /// Says whether the loop waits for several answers rather than for the next; it has a deadline then. True when it
    /// does not and some are there, for which nobody may ring any more.
    pub(super) fn gather(&self, gathers: bool) -> bool {
        self.bell.gathers.store(gathers, Ordering::SeqCst);
        !gathers && self.bell.waiting.load(Ordering::SeqCst) > 0
    }

    /// The answers that are there. True when there may be more, which the caller must come back for.
    pub(super) fn collect(&mut self, mut take: impl FnMut(A)) -> bool {
        // Before the answers are looked at: one that comes in between rings again.
        self.bell.rung.store(false, Ordering::SeqCst);
        self.bell.waiting.store(0, Ordering::SeqCst);
        for _ in 0..ANSWERS_PER_TICK_MAX {
            match self.answers.try_recv() {
                Ok(Answer::Answer(answer)) => take(answer),
                Ok(Answer::Finished(lane, number)) => self.finished(lane, number),
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => return false,
            }
        }
        true
    }

    fn finished(&mut self, lane: usize, number: usize) {
        let Some(helpers) = self.lanes.get_mut(lane) else { return };
        if let Some(worker) = helpers.workers.get_mut(number) {
            worker.unfinished = worker.unfinished.saturating_sub(1);
        }
        helpers.hand_out();
    }
}

impl<J> LaneHelpers<J> {
    /// Gives waiting jobs to the workers that have the least to do.
    fn hand_out(&mut self) {
        while !self.waiting.is_empty() {
            let least = self.workers.iter_mut().min_by_key(|worker| worker.unfinished);
            let Some(worker) = least.filter(|worker| worker.unfinished < JOBS_PER_WORKER_MAX) else { return };
            let Some(job) = self.waiting.pop_front() else { return };
            // There is room: the channel holds as many as may be unfinished. A worker that is gone has
            // panicked, which ends the process.
            if let Err(refused) = worker.jobs.try_send(job) {
                tracing::error!(lane = self.name, "a helper takes no job: {refused}");
                return;
            }
            worker.unfinished += 1;
        }
    }
}

impl<J: Send + 'static> Worker<J> {
    fn start<A: Send + 'static>(
        name: String,
        place: (usize, usize),
        mut work: Work<J, A>,
        outlet: Outlet<A>,
    ) -> io::Result<Worker<J>> {
        let (jobs, queue) = sync_channel(JOBS_PER_WORKER_MAX);
        // A helper's whole life; it ends when the loop does.
        let life = move || {
            let mut next = queue.recv().ok();
            while let Some(job) = next {
                work(job, &mut |answer| outlet.put(Answer::Answer(answer)));
                outlet.put(Answer::Finished(place.0, place.1));
                next = queue.try_recv().ok().or_else(|| {
                    outlet.nothing_more_to_do();
                    queue.recv().ok()
                });
            }
        };
        thread::Builder::new().name(name).spawn(life)?;
        Ok(Worker { jobs, unfinished: 0 })
    }
}

/// Starts the thread that passes answers on at multiples of [`GRID`]; returns its inlet.
fn start_grid<A: Send + 'static>(name: &str, clock: Clock, outlet: Outlet<A>) -> io::Result<Outlet<A>> {
    let (sender, arrived) = sync_channel(ANSWERS_MAX);
    let inlet = Outlet { answers: sender, bell: None };
    let pass_on = move || {
        while let Ok(first) = arrived.recv() {
            clock.sleep_to_grid(GRID);
            outlet.put(first);
            arrived.try_iter().for_each(|answer| outlet.put(answer));
            outlet.nothing_more_to_do();
        }
    };
    thread::Builder::new().name(format!("{name}-grid")).spawn(pass_on)?;
    Ok(inlet)
}

impl<A> Outlet<A> {
    /// Hands an answer on. When the loop is gone there is nobody to tell.
    fn put(&self, answer: Answer<A>) {
        if self.answers.send(answer).is_ok()
            && let Some(bell) = &self.bell
        {
            bell.one_more();
        }
    }

    /// Wakes a loop that gathers: nothing more comes from here.
    fn nothing_more_to_do(&self) {
        if let Some(bell) = &self.bell {
            bell.ring();
        }
    }
}

impl Bell {
    fn new(waker: Waker) -> Bell {
        Bell {
            waker,
            rung: AtomicBool::new(false),
            gathers: AtomicBool::new(false),
            waiting: AtomicUsize::new(0),
        }
    }

    /// A message was put down for the loop.
    fn one_more(&self) {
        let waiting = self.waiting.fetch_add(1, Ordering::SeqCst);
        if !self.gathers.load(Ordering::SeqCst) || waiting >= GATHERED_MAX {
            self.ring();
        }
    }

    /// Wakes the loop, if there is something that it has not come for.
    fn ring(&self) {
        if self.waiting.load(Ordering::SeqCst) > 0
            && !self.rung.swap(true, Ordering::SeqCst)
            && let Err(error) = self.waker.wake()
        {
            tracing::error!(%error, "a helper cannot wake the loop");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use mio::{Events, Poll, Token, Waker};
    use zeroize::Zeroizing;

    use super::{Clock, Duration, Helpers};
    use crate::crypto::rsa::{MODULUS_BYTES, PrivateKey};
    use crate::crypto::{SIGNATURE_BYTES_MAX, Signature};
    use crate::driven::ConnectionId;
    use crate::reactor::daemon::lanes;
    use crate::service::{Job, JobResult, Keys, Lane};
    use crate::session::KeySlot;

    #[test]
    fn every_job_comes_back_once_and_a_flood_in_one_lane_holds_up_no_other() {
        const FLOOD: u64 = 500;
        let pem = include_str!("../../fixtures/keys/server.pem");
        let key = PrivateKey::from_pkcs8_pem(pem, None).unwrap();
        let public = key.public().clone();
        let keys = Keys { current: key, previous: None, reject: Zeroizing::new([1; 32]), passwords: None };
        let mut poll = Poll::new().unwrap();
        let waker = Waker::new(poll.registry(), Token(0)).unwrap();
        let clock = Clock::start();
        // The flood lasts until the other lane has answered, however quickly its jobs are done.
        let dam = Arc::new(Mutex::new(()));
        let mut lanes = lanes(&keys, clock);
        let signatures = Lane::Signatures as usize;
        for work in &mut lanes[signatures].workers {
            let (dam, mut check) = (Arc::clone(&dam), std::mem::replace(work, Box::new(|_, _| ())));
            *work = Box::new(move |job, emit| {
                drop(dam.lock().unwrap());
                check(job, emit);
            });
        }
        let mut held_back = Some(dam.lock().unwrap());
        let mut helpers = Helpers::start(lanes, clock, waker).unwrap();

        let check = |n| Job::VerifyClient {
            connection: ConnectionId(n),
            key: public.spki().to_vec(),
            known: true,
            signed: b"signed".to_vec(),
            signature: Signature::from_bytes(&[0; SIGNATURE_BYTES_MAX]).unwrap(),
        };
        helpers.submit((1..=FLOOD).map(|n| (signatures, check(n))).collect());
        let ciphertext = Box::new([7; MODULUS_BYTES]);
        let decap = Job::Decap { connection: ConnectionId(0), slot: KeySlot::Current, ciphertext };
        helpers.submit(vec![(Lane::Private as usize, decap)]);

        let mut events = Events::with_capacity(8);
        let (mut checked, mut checked_before_decap) = (Vec::new(), None);
        while checked.len() < FLOOD as usize || checked_before_decap.is_none() {
            poll.poll(&mut events, Some(Duration::from_secs(60))).unwrap();
            assert!(!events.is_empty(), "a helper has forgotten to wake the loop");
            let mut take = |result| match result {
                JobResult::ClientVerified { connection, key: None } => checked.push(connection),
                JobResult::Decapped { connection: ConnectionId(0), .. } => {
                    checked_before_decap = Some(checked.len());
                    held_back = None;
                }
                _ => panic!("nobody asked for this"),
            };
            while helpers.collect(&mut take) {}
        }
        assert!(checked_before_decap.is_some_and(|count| count < FLOOD as usize), "{checked_before_decap:?}");
        checked.sort_unstable();
        assert!(checked.into_iter().eq((1..=FLOOD).map(ConnectionId)));
    }

    #[test]
    fn a_loop_that_gathers_is_woken_by_who_has_nothing_more_to_do_and_told_of_what_was_left_waiting() {
        let mut poll = Poll::new().unwrap();
        let waker = Waker::new(poll.registry(), Token(0)).unwrap();
        let (started, is_started) = std::sync::mpsc::channel();
        let (go_on, may_go_on) = std::sync::mpsc::channel();
        let work = Box::new(move |job: u32, emit: &mut dyn FnMut(u32)| {
            started.send(job).unwrap();
            may_go_on.recv().unwrap();
            emit(job);
        });
        let lane = super::Lane { name: "test", on_grid: false, workers: vec![work as super::Work<u32, u32>] };
        let mut helpers = Helpers::start(vec![lane], Clock::start(), waker).unwrap();
        assert!(!helpers.gather(true), "nothing waits");
        helpers.submit(vec![(0, 1), (0, 2), (0, 3)]);
        // The second begins when the answer of the first was put down.
        go_on.send(()).unwrap();
        assert_eq!([is_started.recv(), is_started.recv()], [Ok(1), Ok(2)]);
        let mut events = Events::with_capacity(8);
        poll.poll(&mut events, Some(Duration::ZERO)).unwrap();
        assert!(events.is_empty(), "woken for one answer while more are on their way");
        assert!(helpers.gather(false), "nobody rings for the first answer any more");
        helpers.gather(true);
        go_on.send(()).unwrap();
        go_on.send(()).unwrap();
        poll.poll(&mut events, Some(Duration::from_secs(60))).unwrap();
        assert!(!events.is_empty(), "the helper has nothing more to do and does not say so");
        let mut answers = Vec::new();
        helpers.collect(|answer| answers.push(answer));
        assert_eq!(answers, [1, 2, 3]);
    }
}
