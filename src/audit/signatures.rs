//! Signatures, checked beside the walk: one costs as much as everything else about a block taken several times. The
//! walk gathers them in chunks and goes on; threads check the chunks and give them back with what they found. What is
//! reported depends neither on how many threads there are nor on which is faster, because findings carry their place
//! in the order of the log.
//!
//! ```text
//! walk ── chunks, a few under way for each thread ──→ signature threads
//!   ↑                                                        │
//!   └──────────────── the chunks, with verdicts ─────────────┘
//! ```

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;

use super::findings::{Findings, Place};
use crate::crypto::VerifyingKey;

/// Signatures in a chunk: some milliseconds of work, beside which handing it over is nothing.
const CHUNK_COUNT: usize = 128;

/// Bytes of messages in a chunk, beyond the last one.
const CHUNK_BYTES: usize = 256 << 10;

/// Chunks that a thread has at most, so that it does not wait while the walk is held up by a disk or a large block.
/// With the two constants above they bound the memory, and how long a check goes on after the walk has ended.
const CHUNKS_PER_THREAD: usize = 4;

/// Signatures that wait, and the threads that check them.
#[derive(Debug)]
pub(super) struct Signatures {
    /// Threads to start, when there is work for them. Fewer than were asked for if the system gives no more.
    threads_max: usize,
    threads: Vec<Thread>,
    chunk_count: usize,
    gathered: Vec<Waiting>,
    gathered_bytes: usize,
    /// What the threads give back, and where they give it.
    checked_chunks: Receiver<Chunk>,
    outlet: Sender<Chunk>,
    /// Set when nobody wants to know any more.
    abandoned: Arc<AtomicBool>,
    checked: u64,
}

#[derive(Debug)]
struct Thread {
    chunks: SyncSender<Task>,
    /// Chunks handed over and not yet given back.
    under_way: usize,
    handle: thread::JoinHandle<()>,
}

/// Signatures with the verdicts on them, as far as there are any.
#[derive(Debug, Default)]
struct Chunk {
    /// Which thread it went to.
    thread: usize,
    waiting: Vec<Waiting>,
    /// Whether each of `waiting` holds. It is shorter if not all were checked; nobody has vouched for the rest.
    verdicts: Vec<bool>,
}

/// A chunk on its way through a thread. It is given back whatever happens to the thread: when it is dropped.
struct Task {
    chunk: Chunk,
    outlet: Sender<Chunk>,
}

/// One signature with all that is needed to check it, and to say where it stands if it is wrong.
#[derive(Debug)]
struct Waiting {
    step: u64,
    file: String,
    offset: u64,
    index: Option<u64>,
    key: VerifyingKey,
    message: Vec<u8>,
    signature: Vec<u8>,
    what: Signed,
}

/// What a signature stands for, and what is reported where it does not hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signed {
    /// Its turn among the findings of one block.
    pub(super) turn: u8,
    /// The finding's stable name.
    pub(super) name: &'static str,
    /// The finding's sentence.
    pub(super) reason: &'static str,
}

impl Signed {
    /// A command's author signs it.
    pub(super) const AUTHOR: Signed = Signed {
        turn: 1,
        name: "bad_signature",
        reason: "the signature is not the author's over this command",
    };
}

impl Signatures {
    /// Up to so many threads, started when there is a chunk for them.
    pub(super) fn new(threads: NonZeroUsize) -> Signatures {
        Signatures::with_chunks_of(CHUNK_COUNT, threads)
    }

    fn with_chunks_of(chunk_count: usize, threads: NonZeroUsize) -> Signatures {
        let (outlet, checked_chunks) = channel();
        Signatures {
            threads_max: threads.get(),
            threads: Vec::new(),
            chunk_count,
            gathered: Vec::new(),
            gathered_bytes: 0,
            checked_chunks,
            outlet,
            abandoned: Arc::default(),
            checked: 0,
        }
    }

    /// How many were checked so far.
    pub(super) fn checked(&self) -> u64 {
        self.checked
    }

    /// Takes one that `key` should have made over `message`. Waits while the threads have all that they may have.
    pub(super) fn push(
        &mut self,
        findings: &mut Findings,
        (step, place): (u64, Place<'_>),
        what: Signed,
        key: VerifyingKey,
        (message, signature): (&[u8], &[u8]),
    ) {
        self.gathered.push(Waiting {
            step,
            file: place.file.to_owned(),
            offset: place.offset,
            index: place.index,
            key,
            message: message.to_vec(),
            signature: signature.to_vec(),
            what,
        });
        self.gathered_bytes = self.gathered_bytes.saturating_add(message.len());
        if self.gathered.len() >= self.chunk_count || self.gathered_bytes >= CHUNK_BYTES {
            let chunk = self.take_gathered();
            match self.thread_with_room(findings) {
                Some(thread) => self.hand_over(thread, chunk),
                None => self.check_here(chunk, findings),
            }
        }
    }

    /// Ends only when every signature is checked.
    pub(super) fn finish(&mut self, findings: &mut Findings) {
        let chunk = self.take_gathered();
        // What does not fill a single chunk is not worth a thread.
        if self.threads.is_empty() {
            self.check_here(chunk, findings);
        } else if let Some(thread) = self.thread_with_room(findings) {
            self.hand_over(thread, chunk);
        }
        while self.threads.iter().any(|thread| thread.under_way > 0) {
            self.wait_for_one(findings);
        }
    }

    fn take_gathered(&mut self) -> Chunk {
        self.gathered_bytes = 0;
        let empty = Vec::with_capacity(self.gathered.len());
        Chunk { waiting: std::mem::replace(&mut self.gathered, empty), ..Chunk::default() }
    }

    /// The thread that has the least to do, a new one if all have something. None if there is no thread at all.
    fn thread_with_room(&mut self, findings: &mut Findings) -> Option<usize> {
        while let Ok(chunk) = self.checked_chunks.try_recv() {
            self.take_back(chunk, findings);
        }
        loop {
            let least = self.threads.iter().enumerate().min_by_key(|(_, thread)| thread.under_way);
            let least = least.map(|(number, thread)| (number, thread.under_way));
            match least {
                Some((number, 0)) => return Some(number),
                _ if self.threads.len() < self.threads_max => self.start_thread(),
                Some((number, under_way)) if under_way < CHUNKS_PER_THREAD => return Some(number),
                Some(_) => self.wait_for_one(findings),
                None => return None,
            }
        }
    }

    fn start_thread(&mut self) {
        let (sender, tasks) = sync_channel::<Task>(CHUNKS_PER_THREAD);
        let abandoned = Arc::clone(&self.abandoned);
        // A signature thread's whole life; it ends when the walk drops its end of the channel.
        let life = move || {
            while let Ok(mut task) = tasks.recv() {
                task.chunk.check(&abandoned, Waiting::holds);
            }
        };
        match thread::Builder::new().name("log-signatures".to_owned()).spawn(life) {
            Ok(handle) => self.threads.push(Thread { chunks: sender, under_way: 0, handle }),
            Err(error) => {
                tracing::warn!(%error, threads = self.threads.len(), "no further thread for signatures");
                self.threads_max = self.threads.len();
            }
        }
    }

    fn hand_over(&mut self, number: usize, chunk: Chunk) {
        let Some(thread) = self.threads.get_mut(number) else { return };
        let chunk = Chunk { thread: number, ..chunk };
        thread.under_way += 1;
        // A thread that is gone refuses the task, which drops it, which gives the chunk back without a verdict.
        drop(thread.chunks.send(Task { chunk, outlet: self.outlet.clone() }));
    }

    /// Waits until a chunk comes back. Every one that was handed over does.
    fn wait_for_one(&mut self, findings: &mut Findings) {
        // There is always a sender: `outlet`.
        if let Ok(chunk) = self.checked_chunks.recv() {
            self.take_back(chunk, findings);
        }
    }

    fn take_back(&mut self, chunk: Chunk, findings: &mut Findings) {
        if let Some(thread) = self.threads.get_mut(chunk.thread) {
            thread.under_way = thread.under_way.saturating_sub(1);
        }
        self.conclude(&chunk, findings);
    }

    fn check_here(&mut self, mut chunk: Chunk, findings: &mut Findings) {
        chunk.check(&self.abandoned, Waiting::holds);
        self.conclude(&chunk, findings);
    }

    /// Counts what was checked, and reports what nobody vouches for.
    fn conclude(&mut self, chunk: &Chunk, findings: &mut Findings) {
        let verdicts = chunk.verdicts.iter().copied().chain(std::iter::repeat(false));
        for (waiting, _) in chunk.waiting.iter().zip(verdicts).filter(|(_, holds)| !holds) {
            waiting.report(findings);
        }
        self.checked = self.checked.saturating_add(chunk.verdicts.len() as u64);
    }
}

impl Drop for Signatures {
    /// Leaves no thread behind: each ends after the signature that it is checking.
    fn drop(&mut self) {
        self.abandoned.store(true, Ordering::Relaxed);
        for Thread { chunks, handle, .. } in self.threads.drain(..) {
            drop(chunks);
            if handle.join().is_err() {
                tracing::error!("a thread that checked signatures has panicked");
            }
        }
    }
}

impl Chunk {
    /// Gives a verdict on one signature after the other, until all are done or nobody wants to know.
    fn check(&mut self, abandoned: &AtomicBool, holds: impl Fn(&Waiting) -> bool) {
        self.verdicts.reserve_exact(self.waiting.len());
        for waiting in &self.waiting {
            if abandoned.load(Ordering::Relaxed) {
                return;
            }
            self.verdicts.push(holds(waiting));
        }
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        // When the walk is gone there is nobody to tell.
        drop(self.outlet.send(std::mem::take(&mut self.chunk)));
    }
}

impl Waiting {
    fn holds(&self) -> bool {
        self.key.verify(&[&self.message], &self.signature).is_ok()
    }

    fn report(&self, findings: &mut Findings) {
        let place = Place { file: &self.file, offset: self.offset, index: self.index };
        let Signed { turn, name, reason } = self.what;
        findings.push_late((self.step, turn), place.finding(name, reason));
    }
}

#[cfg(test)]
mod tests {
    use super::super::findings::Sorted;
    use super::*;
    use crate::crypto::SigningKey;
    use crate::crypto::random::Seeded;
    use crate::wire::FINDINGS_MAX;

    /// A further signature of the same block.
    const OTHER: Signed = Signed { turn: 2, name: "bad_cheque_signature", reason: "not the payer's" };

    const MESSAGE: &[u8] = b"signed";

    fn key() -> SigningKey {
        SigningKey::from_pkcs8_pem(include_str!("../../fixtures/keys/client.pem"), None).unwrap()
    }

    /// Checks so many signatures, of which those are wrong that `is_wrong` says.
    fn check(
        (chunk_count, threads): (usize, usize),
        count: u64,
        signature: &[u8],
        is_wrong: impl Fn(u64) -> bool,
    ) -> (Sorted, u64) {
        let key = key().public().clone();
        let mut signatures = Signatures::with_chunks_of(chunk_count, NonZeroUsize::new(threads).unwrap());
        let mut findings = Findings::default();
        for n in 0..count {
            // Two in a step, as with a cheque and the command that it stands in.
            let what = if n % 2 == 0 { Signed::AUTHOR } else { OTHER };
            let place = Place { file: "log/0.seg", offset: n, index: Some(n / 2) };
            if n % 10 == 0 {
                findings.push(n / 2, place.finding("met_at_once", n));
            }
            let signed = (MESSAGE, if is_wrong(n) { &[][..] } else { signature });
            signatures.push(&mut findings, (n / 2, place), what, key.clone(), signed);
        }
        signatures.finish(&mut findings);
        assert!(signatures.threads.len() <= threads);
        (findings.finish(), signatures.checked())
    }

    /// Whether a number is one of some fifth that a seed picks.
    fn picked(seed: u64, n: u64) -> bool {
        (n.wrapping_add(seed)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32 & 0xff < 0x33
    }

    #[test]
    fn what_is_found_depends_neither_on_threads_nor_on_the_size_of_a_chunk() {
        let signature = key().sign(&mut Seeded::new("a signature"), &[MESSAGE]);
        for seed in 0..3 {
            let wrong = (0..301).filter(|n| picked(seed, *n)).count() as u64;
            let expected = check((1_000, 1), 301, &signature, |n| picked(seed, n));
            assert_eq!((expected.0.total, expected.1), (wrong + 31, 301));
            for threads in [1, 2, 5] {
                for chunk_count in [1, 3, 64] {
                    let found = check((chunk_count, threads), 301, &signature, |n| picked(seed, n));
                    assert_eq!(found, expected, "seed {seed}, {threads} threads, chunks of {chunk_count}");
                }
            }
        }
    }

    #[test]
    fn more_findings_than_are_listed_are_counted_and_the_first_are_listed() {
        let count = 3 * FINDINGS_MAX as u64;
        let expected = check((usize::MAX, 1), count, &[], |_| true);
        assert_eq!((expected.0.total, expected.1), (count + count / 10, count));
        assert_eq!(expected.0.findings.len(), FINDINGS_MAX);
        assert!(expected.0.findings.iter().all(|finding| finding.offset < FINDINGS_MAX as u64));
        for threads in [1, 2, 5] {
            assert_eq!(check((7, threads), count, &[], |_| true), expected, "{threads} threads");
        }
    }

    #[test]
    fn whoever_loses_interest_leaves_no_thread_behind() {
        let key = key();
        let signature = key.sign(&mut Seeded::new("a signature"), &[MESSAGE]);
        let mut signatures = Signatures::with_chunks_of(8, NonZeroUsize::new(3).unwrap());
        let place = Place { file: "log/0.seg", offset: 0, index: None };
        for step in 0..80 {
            let signed = (MESSAGE, &signature[..]);
            let what = Signed::AUTHOR;
            signatures.push(&mut Findings::default(), (step, place), what, key.public().clone(), signed);
        }
        assert_eq!(signatures.threads.len(), 3);
        // Each thread holds a share of the flag as long as it lives.
        let flag = Arc::clone(&signatures.abandoned);
        drop(signatures);
        assert_eq!(Arc::strong_count(&flag), 1);
    }

    fn chunk(count: u64) -> Chunk {
        let waiting = |step| Waiting {
            step,
            file: "log/0.seg".to_owned(),
            offset: step,
            index: Some(step),
            key: key().public().clone(),
            message: MESSAGE.to_vec(),
            signature: Vec::new(),
            what: Signed::AUTHOR,
        };
        Chunk { waiting: (0..count).map(waiting).collect(), ..Chunk::default() }
    }

    #[test]
    fn a_thread_that_panics_has_vouched_for_what_it_checked_and_for_nothing_else() {
        let mut signatures = Signatures::with_chunks_of(8, NonZeroUsize::MIN);
        let mut task = Task { chunk: chunk(5), outlet: signatures.outlet.clone() };
        let life = move || {
            task.chunk.check(&AtomicBool::new(false), |waiting| {
                assert!(waiting.step < 2, "as if a check went wrong");
                true
            });
        };
        assert!(thread::spawn(life).join().is_err());
        let mut findings = Findings::default();
        signatures.wait_for_one(&mut findings);
        let found: Vec<_> = findings.finish().findings.iter().map(|finding| finding.index).collect();
        assert_eq!((found, signatures.checked()), (vec![Some(2), Some(3), Some(4)], 2));
    }

    #[test]
    fn a_thread_that_is_gone_vouches_for_nothing() {
        let mut signatures = Signatures::with_chunks_of(8, NonZeroUsize::MIN);
        let handle = thread::spawn(|| ());
        signatures.threads.push(Thread { chunks: sync_channel(1).0, under_way: 0, handle });
        signatures.hand_over(0, chunk(4));
        let mut findings = Findings::default();
        signatures.finish(&mut findings);
        assert_eq!((findings.finish().total, signatures.checked()), (4, 0));
    }
}
