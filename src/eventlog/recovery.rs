//! From what is on disk to a verdict. Everything is read before anything is written, so that a refused start
//! leaves every file as it was.
//!
//! The first bad frame, at block `s`:
//!
//! | where and what                                       | verdict                              |
//! |------------------------------------------------------|--------------------------------------|
//! | not in the last segment                              | damage: refuse                       |
//! | `s` is below the anchor's durable count              | damage of acknowledged data: refuse  |
//! | the log was closed cleanly, and it is not the end    | damage: refuse                       |
//! | a later intact frame knows block `s` to be durable   | damage: refuse                       |
//! | more bytes follow than the largest batch has         | damage: refuse                       |
//! | nothing but zeros                                    | the normal end                       |
//! | anything else                                        | a torn batch, never acknowledged: cut|

use super::ahead::{Ahead, End, Pack, read_ahead};
use super::anchor::{self, Anchor};
use super::error::{LogError, io_error};
use super::frame::FrameError;
use super::reader::{BadFrame, SegmentCursor, list_segments};
use super::segment::path;
use super::storage::{Access, Storage, read_exact_at, write_all_at};
use crate::crypto::Digest;
use crate::limits::BATCH_BYTES_MAX;

/// Bytes that are read and written again at a time, where the anchor does not know them to be durable.
const MEND_BYTES: usize = 1 << 20;

/// What opening a log has found and done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Blocks in the log.
    pub blocks: u64,
    /// Blocks that the anchor did not know to be durable, and that were written again.
    pub unanchored_blocks: u64,
    /// Bytes of a torn batch that were cut off and zeroed.
    pub torn_bytes: u64,
    /// Whether the log was closed cleanly the last time.
    pub clean: bool,
}

/// One segment as recovery found it.
#[derive(Debug)]
pub(super) struct FoundSegment {
    pub(super) first_index: u64,
    /// Offset of every block's bytes.
    pub(super) positions: Vec<u32>,
    /// Where the last good frame ends.
    pub(super) end: u64,
    pub(super) file_bytes: u64,
}

/// The whole verdict: nothing was written yet.
#[derive(Debug)]
pub(super) struct Survey {
    pub(super) anchor: Anchor,
    pub(super) segments: Vec<FoundSegment>,
    pub(super) identity: super::frame::SegmentIdentity,
    pub(super) next_frame: u64,
    pub(super) next_index: u64,
    pub(super) head: Digest,
    pub(super) sealed: bool,
    /// Where the last segment's bytes that are not zeros end; its good frames end before if it is torn.
    pub(super) data_end: u64,
}

/// What a crash left at the end of a log, and what has to be done about it before the log is written to.
#[derive(Clone, Debug)]
pub(super) struct Tail {
    pub(super) anchor: Anchor,
    /// Of each segment the first index, and where its last good frame ends.
    segments: Vec<(u64, u64)>,
    pub(super) next_index: u64,
    pub(super) head: Digest,
    data_end: u64,
}

impl Survey {
    pub(super) fn tail(&self) -> Tail {
        Tail {
            anchor: self.anchor,
            segments: self.segments.iter().map(|segment| (segment.first_index, segment.end)).collect(),
            next_index: self.next_index,
            head: self.head,
            data_end: self.data_end,
        }
    }
}

impl Tail {
    /// How many blocks the log itself proves to have been durable: all before the last segment, and before the batch
    /// that was written last.
    pub(super) fn proven(&self, storage: &dyn Storage) -> Result<u64, LogError> {
        let Some(&(first_index, end)) = self.segments.last() else { return Ok(0) };
        let file = path(first_index);
        let cursor = SegmentCursor::open(storage, first_index).map_err(io_error(&file, "open"))?;
        let Ok(mut cursor) = cursor else { return Ok(first_index) };
        let number = (self.segments.len() as u64).saturating_sub(1);
        let mut from = if self.anchor.segment == number { self.anchor.offset } else { 0 };
        let mut proven = first_index;
        while let Some(frame) = cursor.find_frame(from).map_err(io_error(&file, "read"))? {
            if frame.offset >= end {
                break;
            }
            proven = proven.max(frame.header.durable_before);
            from = frame.offset + frame.header.frame_bytes();
        }
        Ok(proven)
    }
}

/// Why a block does not follow from those before it.
#[derive(Debug)]
pub struct BlockRefused {
    /// Stable machine name.
    pub name: &'static str,
    /// A sentence.
    pub reason: String,
}

/// Takes a block and gives its hash, or says why it does not follow.
pub type Replay<'a> = dyn FnMut(u64, &[u8]) -> Result<Digest, BlockRefused> + 'a;

/// Takes a block together with what was prepared of it, and gives its hash, or says why it does not follow.
pub type ReplayPrepared<'a, P> = dyn FnMut(u64, &[u8], P) -> Result<Digest, BlockRefused> + 'a;

/// How blocks are replayed of which something can be said beforehand.
pub struct Replaying<'a, P> {
    /// On how many threads.
    pub ahead: Ahead,
    /// What is said of a block's bytes, whatever came before them: any thread may be asked, in any order.
    pub prepare: fn(&[u8]) -> P,
    /// Takes the blocks, in order, on the calling thread.
    pub replay: &'a mut ReplayPrepared<'a, P>,
}

/// Reads the whole log.
pub(super) fn survey<P: Send + 'static>(
    storage: &dyn Storage,
    replaying: Replaying<'_, P>,
) -> Result<Survey, LogError> {
    let anchor = anchor::read(storage).map_err(io_error(anchor::PATH, "read"))?;
    let anchor = anchor.ok_or(LogError::AnchorMissing)?;
    let names = list_segments(storage).map_err(io_error(super::segment::LOG_DIR, "list"))?;
    let Some(last) = names.last().copied() else { return Err(LogError::Empty) };
    let mut walk = Walk { anchor, next_index: 0, head: Digest::ZERO, replaying };
    let mut segments = Vec::with_capacity(names.len());
    let mut end = None;
    for (number, first_index) in names.iter().copied().enumerate() {
        let mut cursor = walk.open(storage, number as u64, first_index)?;
        let mut positions = Vec::new();
        let bad = walk.frames(&mut cursor, &mut positions)?;
        let file = path(first_index);
        let mut data_end = cursor.offset();
        if let Some(bad) = bad {
            data_end = walk.judge(&mut cursor, &file, bad, first_index == last)?;
        }
        segments.push(FoundSegment {
            first_index,
            positions,
            end: cursor.offset(),
            file_bytes: cursor.bytes(),
        });
        end = Some((*cursor.identity(), cursor.next_number(), cursor.sealed().is_some(), data_end));
    }
    let Some((identity, next_frame, sealed, data_end)) = end else { return Err(LogError::Empty) };
    let (next_index, head) = (walk.next_index, walk.head);
    if next_index < anchor.durable {
        return Err(LogError::AnchorAhead { anchor: anchor.durable, log: next_index });
    }
    if anchor.clean && next_index > anchor.durable {
        let reason = "blocks follow although the log was closed cleanly before them";
        return Err(LogError::corrupt(&path(last), 0, anchor.durable, "after_clean_close", reason));
    }
    Ok(Survey { anchor, segments, identity, next_frame, next_index, head, sealed, data_end })
}

struct Walk<'a, P> {
    anchor: Anchor,
    next_index: u64,
    head: Digest,
    replaying: Replaying<'a, P>,
}

impl<P: Send + 'static> Walk<'_, P> {
    /// Opens a segment and checks that it is the one that comes next.
    fn open(&self, storage: &dyn Storage, number: u64, first: u64) -> Result<SegmentCursor, LogError> {
        let file = path(first);
        let bad = |reason: &str| LogError::corrupt(&file, 0, self.next_index, "segment_header", reason);
        let cursor = SegmentCursor::open(storage, first).map_err(io_error(&file, "open"))?;
        let cursor = cursor.map_err(bad)?;
        let header = cursor.header();
        if header.identity.ledger_id != self.anchor.ledger_id {
            return Err(LogError::corrupt(&file, 0, first, "segment_foreign", "a segment of another ledger"));
        }
        if first != self.next_index {
            let reason = format!("a segment is missing: block {} comes next", self.next_index);
            return Err(LogError::corrupt(&file, 0, self.next_index, "segment_missing", reason));
        }
        if header.identity.number != number || header.first_index != first {
            let reason = "the segment's header says another place than its name";
            return Err(LogError::corrupt(&file, 0, first, "segment_misplaced", reason));
        }
        if header.hash_before != self.head {
            let reason = "the segment does not follow the block before it";
            return Err(LogError::corrupt(&file, 0, first, "segment_misplaced", reason));
        }
        Ok(cursor)
    }

    /// Replays the good frames of a segment; gives what stands where the next one should, if it has no seal.
    fn frames(
        &mut self,
        cursor: &mut SegmentCursor,
        positions: &mut Vec<u32>,
    ) -> Result<Option<BadFrame>, LogError> {
        let file = path(cursor.header().first_index);
        let (ahead, prepare) = (self.replaying.ahead, self.replaying.prepare);
        read_ahead(cursor, ahead, prepare, |packs| {
            while let Some(mut pack) = packs.next() {
                self.blocks(&file, &mut pack, positions)?;
                match pack.end.take() {
                    None => packs.give_back(pack),
                    Some(End::Seal { offset, head }) => return self.seal(&file, offset, head).map(|()| None),
                    Some(End::Over) => return Ok(None),
                    Some(End::Bad(bad)) => return Ok(Some(bad)),
                    Some(End::Io(error)) => return Err(io_error(&file, "read")(error)),
                }
            }
            Ok(None)
        })
    }

    fn blocks(&mut self, file: &str, pack: &mut Pack<P>, positions: &mut Vec<u32>) -> Result<(), LogError> {
        pack.visit(self.replaying.prepare, |offset, block, prepared| {
            let index = self.next_index;
            self.head = (self.replaying.replay)(index, block, prepared)
                .map_err(|refused| LogError::corrupt(file, offset, index, refused.name, refused.reason))?;
            if index == 0 && self.head.0 != self.anchor.ledger_id.0 {
                let reason = "the first block is that of another ledger";
                return Err(LogError::corrupt(file, offset, 0, "genesis_mismatch", reason));
            }
            positions.push(offset as u32);
            self.next_index += 1;
            if self.next_index == self.anchor.durable && self.head != self.anchor.head {
                let reason = "the block is another one than the anchor knows";
                return Err(LogError::corrupt(file, offset, index, "anchor_mismatch", reason));
            }
            Ok(())
        })
    }

    fn seal(&self, file: &str, offset: u64, head: Option<Digest>) -> Result<(), LogError> {
        if head == Some(self.head) {
            return Ok(());
        }
        let reason = "the seal names another last block";
        Err(LogError::corrupt(file, offset, self.next_index, "seal_mismatch", reason))
    }

    /// The table at the top: gives where the bytes that are not zeros end, if the log may be opened.
    fn judge(
        &self,
        cursor: &mut SegmentCursor,
        file: &str,
        bad: BadFrame,
        is_last: bool,
    ) -> Result<u64, LogError> {
        let s = self.next_index;
        let refuse = |reason: String| Err(LogError::corrupt(file, bad.offset, s, bad.error.name(), reason));
        let read = |error| io_error(file, "read")(error);
        if !is_last {
            return refuse(format!("{} in a segment that is not the last", bad.error));
        }
        if s < self.anchor.durable {
            return refuse(format!("{}; {} blocks were acknowledged", bad.error, self.anchor.durable));
        }
        let end = cursor.end_of_data(bad.offset).map_err(read)?;
        if end == bad.offset {
            return Ok(end);
        }
        if self.anchor.clean {
            return refuse(format!("{}, although the log was closed cleanly", bad.error));
        }
        if let FrameError::Version(version) = bad.error {
            return refuse(format!("a frame of version {version}, which this program does not know"));
        }
        let mut from = bad.offset + 1;
        while let Some(later) = cursor.find_frame(from).map_err(read)? {
            if later.header.durable_before > s {
                return refuse(format!("{}; a later batch knows this block to be durable", bad.error));
            }
            from = later.offset + 1;
        }
        if end - bad.offset > BATCH_BYTES_MAX as u64 {
            return refuse(format!("{}; more bytes follow than one batch has", bad.error));
        }
        Ok(end)
    }
}

/// Cuts off a torn batch, and writes again what the anchor does not know to be durable: after a failed sync the
/// page cache can show bytes that the disk does not have.
pub(super) fn mend_tail(storage: &dyn Storage, tail: &Tail) -> Result<Recovery, LogError> {
    let first = usize::try_from(tail.anchor.segment).unwrap_or(usize::MAX);
    let last = tail.segments.len().saturating_sub(1);
    for (number, &(first_index, end)) in tail.segments.iter().enumerate().skip(first) {
        let from = if number == first { tail.anchor.offset.min(end) } else { 0 };
        let file = path(first_index);
        let mut open = storage.open(&file, Access::ReadWrite).map_err(io_error(&file, "open"))?;
        let mut chunk =
            vec![0; usize::try_from(end.saturating_sub(from)).unwrap_or(MEND_BYTES).min(MEND_BYTES)];
        let mut at = from;
        while at < end {
            let length = usize::try_from(end - at).unwrap_or(chunk.len()).min(chunk.len());
            let part = chunk.get_mut(..length).unwrap_or_default();
            read_exact_at(open.as_ref(), part, at).map_err(io_error(&file, "read"))?;
            write_all_at(open.as_mut(), part, at).map_err(io_error(&file, "write"))?;
            at += length as u64;
        }
        if number == last && tail.data_end > end {
            let torn = tail.data_end - end;
            tracing::warn!(file, offset = end, bytes = torn, "cutting off a torn, never acknowledged batch");
            let zeros = vec![0; usize::try_from(torn).unwrap_or(0)];
            write_all_at(open.as_mut(), &zeros, end).map_err(io_error(&file, "write"))?;
        }
        open.sync_data().map_err(io_error(&file, "sync"))?;
    }
    storage.sync_dir(super::segment::LOG_DIR).map_err(io_error(super::segment::LOG_DIR, "sync"))?;
    let end = tail.segments.last().map_or(0, |(_, end)| *end);
    Ok(Recovery {
        blocks: tail.next_index,
        unanchored_blocks: tail.next_index - tail.anchor.durable,
        torn_bytes: tail.data_end.saturating_sub(end),
        clean: tail.anchor.clean,
    })
}
