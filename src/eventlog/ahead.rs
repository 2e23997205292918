//! Reading ahead of replay. Much of what replay needs to know of a block is a function of its stored bytes alone
//! (its hashes), and other threads compute it while the blocks before are checked and applied.
//!
//! ```text
//! this thread   read frames → a pack ─┬ a helper has room: prepare its blocks there ┬→ replay, in order
//!                                     └ none has: prepare each here, in its turn ───┘
//! ```
//!
//! Helpers get owned bytes and hand them back. All reading, in the order of the log, and every verdict stay on the
//! calling thread, and what it finds behind the blocks of a pack comes after them: so the outcome is the same with
//! any number of helpers, none included. Packs and their memory are bounded, whatever the log says.

use std::collections::VecDeque;
use std::io;
use std::ops::Range;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::{self, Scope};

use super::frame::FrameKind;
use super::reader::{BadFrame, CursorError, Frame, SegmentCursor};
use crate::crypto::Digest;
use crate::limits::BATCH_BYTES_MAX;

/// Helpers at most: more hash faster than one thread can check and apply.
const HELPERS_MAX: usize = 3;

/// Bytes of frames after which a pack is closed: few enough to stay in a core's cache, and so many that handing
/// them over costs nothing.
const PACK_BYTES: usize = 256 << 10;

/// Bytes under way after which no further pack is read, beyond the two without which nothing happens at once.
const UNDER_WAY_BYTES: usize = 2 * BATCH_BYTES_MAX;

/// Memory of a pack that is used again. What a larger batch needed is given back.
const KEPT_BYTES: usize = 4 * PACK_BYTES;

/// Blocks of a pack that are prepared beforehand. Real ones have more than 512 bytes; only made-up ones, which
/// will be refused, are so many more.
const PREPARED_MAX: usize = BATCH_BYTES_MAX / 512;

/// How far, and on how many threads, replay may be prepared. Changes nothing but the time that it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ahead {
    /// Threads beside the calling one.
    pub helpers: usize,
    /// Bytes of frames that are handed over at once.
    pub pack_bytes: usize,
}

impl Ahead {
    /// No thread but the calling one.
    pub const ALONE: Ahead = Ahead { helpers: 0, pack_bytes: PACK_BYTES };

    /// As this machine has cores.
    pub fn here() -> Ahead {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Ahead { helpers: (cores - 1).min(HELPERS_MAX), ..Ahead::ALONE }
    }

    /// Packs under way: for each helper one in work and one next to it, and two for the calling thread.
    fn packs(self) -> usize {
        if self.helpers == 0 { 1 } else { self.helpers.saturating_mul(2).saturating_add(2) }
    }
}

/// What follows the last block of a pack, if no further pack does.
pub(super) enum End {
    /// The seal, with the hash that it names.
    Seal { offset: u64, head: Option<Digest> },
    /// Nothing.
    Over,
    /// Something else than the next frame.
    Bad(BadFrame),
    /// Nothing that can be read.
    Io(io::Error),
}

/// Frames that follow each other, and what is known of their blocks.
pub(super) struct Pack<P> {
    payloads: Vec<u8>,
    frames: Vec<(Frame, Range<usize>)>,
    /// Of the first blocks: none before a helper had the pack.
    prepared: VecDeque<P>,
    pub(super) end: Option<End>,
}

impl<P> Pack<P> {
    /// Reads the next frames, into this memory.
    fn read(cursor: &mut SegmentCursor, pack_bytes: usize, memory: Vec<u8>) -> Pack<P> {
        drop(cursor.swap_payloads(memory));
        let (mut frames, mut frame_bytes, mut at) = (Vec::new(), 0, 0);
        let end = loop {
            match cursor.next_frame_behind() {
                Ok(Some(frame)) if frame.header.kind == FrameKind::Seal => {
                    break Some(End::Seal { offset: frame.offset, head: cursor.sealed() });
                }
                Ok(Some(frame)) => {
                    let payload = at..at + frame.header.payload_bytes as usize;
                    at = payload.end;
                    frame_bytes += frame.header.frame_bytes();
                    frames.push((frame, payload));
                }
                Ok(None) => break Some(End::Over),
                Err(CursorError::Bad(bad)) => break Some(End::Bad(bad)),
                Err(CursorError::Io(error)) => break Some(End::Io(error)),
            }
            if frame_bytes >= pack_bytes as u64 {
                break None;
            }
        };
        Pack { payloads: cursor.swap_payloads(Vec::new()), frames, prepared: VecDeque::new(), end }
    }

    /// All blocks, each with its offset in the file.
    fn blocks(&self) -> impl Iterator<Item = (u64, &[u8])> {
        let payload = |range: &Range<usize>| self.payloads.get(range.clone()).unwrap_or_default();
        self.frames.iter().flat_map(move |(frame, range)| frame.blocks(payload(range)))
    }

    fn prepare(&mut self, prepare: fn(&[u8]) -> P) {
        self.prepared = self.blocks().take(PREPARED_MAX).map(|(_, block)| prepare(block)).collect();
    }

    /// Visits all blocks in order, each with its offset in the file and what was prepared, or is now, while its
    /// bytes are at hand.
    pub(super) fn visit<E>(
        &mut self,
        prepare: fn(&[u8]) -> P,
        mut visit: impl FnMut(u64, &[u8], P) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut prepared = std::mem::take(&mut self.prepared).into_iter();
        self.blocks().try_for_each(|(offset, block)| {
            visit(offset, block, prepared.next().unwrap_or_else(|| prepare(block)))
        })
    }
}

struct Helper<P> {
    jobs: SyncSender<Pack<P>>,
    done: Receiver<Pack<P>>,
}

/// Where a pack is that has not had its turn.
enum Slot<P> {
    Here(Pack<P>),
    /// With the helper of this number, which hands back what it gets in order.
    With(usize),
}

/// The packs of one segment, in order, some of them ahead of their turn.
pub(super) struct Packs<'a, 'scope, 'env, P> {
    cursor: &'a mut SegmentCursor,
    ahead: Ahead,
    prepare: fn(&[u8]) -> P,
    scope: &'scope Scope<'scope, 'env>,
    helpers: Vec<Helper<P>>,
    started: bool,
    slots: VecDeque<Slot<P>>,
    under_way_bytes: usize,
    over: bool,
    memory: Vec<Vec<u8>>,
}

/// Lets `work` take the packs of a segment, from where the cursor is.
pub(super) fn read_ahead<P: Send + 'static, R>(
    cursor: &mut SegmentCursor,
    ahead: Ahead,
    prepare: fn(&[u8]) -> P,
    work: impl FnOnce(&mut Packs<'_, '_, '_, P>) -> R,
) -> R {
    thread::scope(|scope| {
        let (helpers, slots, memory) = (Vec::new(), VecDeque::new(), Vec::new());
        let (started, under_way_bytes, over) = (false, 0, false);
        work(&mut Packs {
            cursor,
            ahead,
            prepare,
            scope,
            helpers,
            started,
            slots,
            under_way_bytes,
            over,
            memory,
        })
    })
}

impl<P: Send + 'static> Packs<'_, '_, '_, P> {
    /// The next pack, once it is prepared or has its turn on this thread; none after the one with an end.
    pub(super) fn next(&mut self) -> Option<Pack<P>> {
        self.fill();
        let pack = match self.slots.pop_front()? {
            Slot::Here(pack) => pack,
            Slot::With(helper) => self.wait_for(helper),
        };
        self.under_way_bytes = self.under_way_bytes.saturating_sub(pack.payloads.len());
        Some(pack)
    }

    /// Takes back a pack's memory, to read into it again.
    pub(super) fn give_back(&mut self, pack: Pack<P>) {
        if pack.payloads.capacity() <= KEPT_BYTES {
            self.memory.push(pack.payloads);
        }
    }

    fn fill(&mut self) {
        while !self.over
            && self.slots.len() < self.ahead.packs()
            && (self.slots.len() < 2 || self.under_way_bytes < UNDER_WAY_BYTES)
        {
            let memory = self.memory.pop().unwrap_or_default();
            let pack = Pack::read(self.cursor, self.ahead.pack_bytes, memory);
            self.over = pack.end.is_some();
            self.under_way_bytes = self.under_way_bytes.saturating_add(pack.payloads.len());
            // The first pack has its turn now; a log that has no other needs no thread.
            let slot = if self.slots.is_empty() { Slot::Here(pack) } else { self.hand_over(pack) };
            self.slots.push_back(slot);
        }
    }

    /// Gives a pack to a helper that has room, if there is one.
    fn hand_over(&mut self, mut pack: Pack<P>) -> Slot<P> {
        if !self.started {
            self.started = true;
            self.start();
        }
        for (number, helper) in self.helpers.iter().enumerate() {
            match helper.jobs.try_send(pack) {
                Ok(()) => return Slot::With(number),
                Err(TrySendError::Full(back) | TrySendError::Disconnected(back)) => pack = back,
            }
        }
        Slot::Here(pack)
    }

    /// Starts the helpers, or as many as the system allows: none is needed.
    fn start(&mut self) {
        for _ in 0..self.ahead.helpers {
            let (jobs, given) = sync_channel::<Pack<P>>(1);
            let (give, done) = sync_channel(self.ahead.packs());
            let prepare = self.prepare;
            let work = move || {
                for mut pack in given {
                    pack.prepare(prepare);
                    if give.send(pack).is_err() {
                        return;
                    }
                }
            };
            let thread = thread::Builder::new().name("replay".to_owned()).spawn_scoped(self.scope, work);
            if let Err(error) = thread {
                tracing::warn!(%error, "no thread to hash on; replay goes on without");
                return;
            }
            self.helpers.push(Helper { jobs, done });
        }
    }

    /// What a helper is done with next; this thread prepares another pack rather than wait.
    #[expect(clippy::expect_used, reason = "a helper ends when it is no longer wanted, or with the process")]
    fn wait_for(&mut self, helper: usize) -> Pack<P> {
        let done = self.helpers.get(helper).map(|helper| &helper.done).expect("a pack is with a helper");
        if let Ok(pack) = done.try_recv() {
            return pack;
        }
        let waits = |slot: &mut Slot<P>| match slot {
            Slot::Here(pack) if pack.prepared.is_empty() => {
                pack.prepare(self.prepare);
                true
            }
            _ => false,
        };
        self.slots.iter_mut().any(waits);
        done.recv().expect("a helper hands back what it was given")
    }
}
