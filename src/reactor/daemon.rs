//! The threads that work for the daemon's service.
//!
//! ```text
//! private      1 thread                      → grid thread → results     RSA private operations
//! signatures   1 per spare core, at least 2  ──────────────→ results     members' signatures
//! log          1 thread, asleep until asked  ──────────────→ results     reading the whole log
//! tree         1 thread, asleep until asked  ──────────────→ results     the stored hashes, if they are damaged
//! passwords    1 thread                      → grid thread → results     log-ins by password
//! journal      1 thread, asleep until asked  ──────────────→ results     the journal, once a second
//! ```
//!
//! A check of the log has its own threads for signatures, one per spare core. They and the one that reads run where
//! nothing else wants to (`SCHED_IDLE`, sched(7)): a check has time, and nobody's order waits for it.

use std::num::NonZeroUsize;
use std::thread;
use std::time::Duration;

use super::clock::Clock;
use super::helpers::{Lane, Work};
use crate::crypto::random;
use crate::service::{self, Job, JobResult, Keys};
use crate::time::Monotonic;

/// How often the check of the log tells how far it is.
const PROGRESS_EVERY: Duration = Duration::from_millis(100);

/// On two cores the loop and its clients leave about half of theirs, and the second thread takes it; the loop is awake
/// for so short that the system lets it go first.
const SIGNATURE_THREADS_MIN: usize = 2;

/// The lanes of the daemon, in the order of [`service::Lane`].
pub fn lanes(keys: &Keys, clock: Clock) -> Vec<Lane<Job, JobResult>> {
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let spare = NonZeroUsize::new(cores.saturating_sub(1)).unwrap_or(NonZeroUsize::MIN);
    let lanes = [
        (service::Lane::Private, "rsa", 1),
        (service::Lane::Signatures, "signatures", spare.get().max(SIGNATURE_THREADS_MIN)),
        (service::Lane::Log, "log-check", 1),
        (service::Lane::Tree, "tree", 1),
        (service::Lane::Passwords, "passwords", 1),
        (service::Lane::Journal, "journal", 1),
    ];
    let lanes = lanes.into_iter().map(|(lane, name, workers)| Lane {
        name,
        on_grid: matches!(lane, service::Lane::Private | service::Lane::Passwords),
        workers: (0..workers).map(|_| worker(keys.clone(), clock, spare)).collect(),
    });
    lanes.collect()
}

fn worker(keys: Keys, clock: Clock, spare: NonZeroUsize) -> Work<Job, JobResult> {
    Box::new(move |mut job, emit| {
        if let Job::VerifyLog { threads, .. } = &mut job {
            *threads = spare;
            give_way();
        }
        let mut told_at: Option<Monotonic> = None;
        job.run(&keys, &mut random::os(), &mut |result| {
            if let JobResult::LogProgress { .. } = result {
                let now = clock.monotonic();
                if told_at.is_some_and(|at| now.0.saturating_sub(at.0) < PROGRESS_EVERY) {
                    return;
                }
                told_at = Some(now);
            }
            emit(result);
        });
    })
}

/// Has this thread, and those that it starts, run only where nobody else wants to. Niceness is not enough: a nice thread
/// still finishes its share of time before one that wakes up, and a single client felt that (p99 0.4 → 2 ms).
fn give_way() {
    #[cfg(target_os = "linux")]
    {
        use thread_priority::{NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy};
        let idle = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
        let this = thread_priority::thread_native_id();
        if let Err(error) = thread_priority::set_thread_priority_and_policy(this, ThreadPriority::Min, idle) {
            tracing::warn!(?error, "a check of the log runs with the priority of the service");
        }
    }
}
