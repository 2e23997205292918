//! Reads all frames of a log and goes on behind damage. What a good frame is, the log's own cursor says; what
//! a bad one means is said here, in the words that recovery uses when it refuses to open the log.
//!
//! The anchor is read first and bounds what is judged, because a live directory grows under the reader:
//!
//! | what is bad                                             | verdict                                 |
//! |---------------------------------------------------------|-----------------------------------------|
//! | a frame below the anchor's count                        | finding; on to the next intact frame    |
//! | a frame beyond it, and zeros only                       | the normal end                          |
//! | a frame beyond it, in a segment that is not the last    | finding                                 |
//! | a frame beyond it that a later one knows to be durable  | finding                                 |
//! | more bytes beyond it than the largest batch             | finding                                 |
//! | anything beyond it after a clean close                  | finding, unless the anchor has moved on |
//! | anything else beyond it                                 | `torn_tail`, a warning                  |

use std::io;

use super::findings::Place;
use crate::crypto::{Digest, LedgerId};
use crate::eventlog::anchor::{self, Anchor};
use crate::eventlog::frame::{FrameError, FrameKind};
use crate::eventlog::reader::{BadFrame, CursorError, Frame, SegmentCursor, list_segments};
use crate::eventlog::segment::{LOG_DIR, path};
use crate::eventlog::{LogError, Storage};
use crate::limits::BATCH_BYTES_MAX;
use crate::wire::Finding;

/// No log has an index as large as this; what claims one would overflow sums of indexes.
pub(super) const INDEX_MAX: u64 = 1 << 62;

/// Who wants to know what is in a log.
pub(super) trait Visitor {
    /// The next intact block. Returns its hash.
    fn block(&mut self, place: Place<'_>, bytes: &[u8]) -> Digest;
    /// A finding or a warning. After a finding, blocks are missing or stand where they do not belong.
    fn report(&mut self, finding: Finding);
    /// Asked before every frame, with bytes read and bytes to read: whether to go on.
    fn go_on(&mut self, done: u64, total: u64) -> bool;
}

/// How far to read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bounds {
    /// Judge this many blocks and no more, even if the anchor knows more to be durable.
    pub(super) up_to: Option<u64>,
    /// Read, if they are there, this many blocks, even if the anchor knows fewer to be durable.
    pub(super) reach: u64,
}

/// What a scan knows at its end, beside what it has told its visitor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Scanned {
    /// The ledger that anchor and frames name.
    pub(super) ledger_id: Option<LedgerId>,
    /// Blocks that the log has or had: read, damaged, or known to the anchor.
    pub(super) length: u64,
    /// Whether the visitor wanted no more.
    pub(super) stopped: bool,
}

/// Reads the log.
///
/// # Errors
/// [`LogError::Io`] when a file cannot be opened or the anchor not be read, which says nothing about the log. A
/// segment that opens and does not read is damaged, and damage is never an error here.
pub(super) fn scan(
    storage: &dyn Storage,
    bounds: Bounds,
    visitor: &mut dyn Visitor,
) -> Result<Scanned, LogError> {
    let anchor = anchor::read(storage).map_err(at(anchor::PATH))?;
    let names = match list_segments(storage) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        other => other.map_err(at(LOG_DIR))?,
    };
    // Without an anchor nothing is known to be acknowledged, and everything is read.
    let (acknowledged, readable) = anchor.map_or((0, INDEX_MAX), |anchor| (anchor.durable, anchor.durable));
    let judged = bounds.up_to.map_or(acknowledged, |up_to| up_to.min(acknowledged));
    let reach = bounds.up_to.map_or(readable, |up_to| up_to.min(readable)).max(bounds.reach);
    let total = bytes_to_read(storage, &names, anchor.as_ref())?;
    let mut scan = Scan {
        storage,
        visitor,
        anchor,
        judged,
        reach,
        until: bounds.up_to.map_or(INDEX_MAX, |_| reach),
        ledger_id: anchor.map(|anchor| anchor.ledger_id),
        expected: Some(0),
        number: 0,
        head: Some(Digest::ZERO),
        end: 0,
        misplaced: false,
        done: 0,
        total,
        stopped: false,
        finished: false,
    };
    scan.check_anchor(bounds.up_to);
    for (nth, first) in names.iter().enumerate() {
        if scan.end >= scan.until || scan.stopped || scan.finished {
            break;
        }
        scan.segment(*first, nth + 1 == names.len())?;
    }
    scan.check_end(&names);
    let length = scan.end.max(anchor.map_or(0, |anchor| anchor.durable));
    Ok(Scanned { ledger_id: scan.ledger_id, length, stopped: scan.stopped })
}

struct Scan<'a> {
    storage: &'a dyn Storage,
    visitor: &'a mut dyn Visitor,
    anchor: Option<Anchor>,
    /// Blocks from this index on were never acknowledged, as far as is known.
    judged: u64,
    /// Blocks from this index on are not handed out.
    reach: u64,
    /// Frames from this index on are not even looked at: somebody has named an end.
    until: u64,
    ledger_id: Option<LedgerId>,
    /// First index of the next segment, if the one before was read to its end.
    expected: Option<u64>,
    /// Number of the next segment, if `expected` is known.
    number: u64,
    /// Hash of the last block, if it was read.
    head: Option<Digest>,
    /// Blocks up to here were read, or are reported as damaged.
    end: u64,
    /// Whether the segment that is read stands under another one's name.
    misplaced: bool,
    done: u64,
    total: u64,
    stopped: bool,
    /// Whether the end of the log was met: a tail, good or bad.
    finished: bool,
}

/// What to do after a frame that is bad.
enum After {
    /// The cursor holds a later frame that is intact.
    Frame(Frame),
    /// Try the same place again: it was being written when it was read.
    Again,
    /// Nothing more in this segment.
    End,
}

impl Scan<'_> {
    fn check_anchor(&mut self, up_to: Option<u64>) {
        let place = Place { file: anchor::PATH, offset: 0, index: None };
        match self.anchor {
            None => {
                let reason =
                    "neither slot of the anchor can be read: which blocks were acknowledged is not known";
                self.visitor.report(place.finding("anchor_missing", reason));
            }
            Some(anchor) if up_to.is_some_and(|up_to| up_to > anchor.durable) => {
                let wanted = up_to.unwrap_or_default();
                let reason =
                    format!("{wanted} blocks were acknowledged, the anchor knows {} only", anchor.durable);
                self.visitor.report(place.finding("anchor_behind", reason));
            }
            Some(_) => {}
        }
    }

    /// Reads one segment, if it is one of this log.
    fn segment(&mut self, first: u64, is_last: bool) -> Result<(), LogError> {
        let file = path(first);
        let place = |index| Place { file: &file, offset: 0, index };
        let cursor = SegmentCursor::open(self.storage, first).map_err(at(&file))?;
        let mut cursor = match cursor {
            Ok(cursor) if first < INDEX_MAX && cursor.header().first_index < INDEX_MAX => cursor,
            other => {
                let reason = other.err().unwrap_or("no log has so many blocks");
                self.lose(place(Some(first)).finding("segment_header", reason));
                return Ok(());
            }
        };
        let header = *cursor.header();
        if *self.ledger_id.get_or_insert(header.identity.ledger_id) != header.identity.ledger_id {
            self.lose(place(Some(first)).finding("segment_foreign", "a segment of another ledger"));
            return Ok(());
        }
        if let Some(expected) = self.expected.filter(|expected| *expected < first) {
            let reason = format!("a segment is missing: block {expected} comes next");
            self.lose(place(Some(expected)).finding("segment_missing", reason));
        }
        let numbered = self.expected.is_none() || header.identity.number == self.number;
        let follows = self.head.is_none_or(|head| head == header.hash_before);
        let starts = self.expected.is_none_or(|expected| expected == first);
        if header.first_index != first || !numbered || !starts {
            let reason = "the segment's header says another place than its name";
            self.lose(place(Some(first)).finding("segment_misplaced", reason));
        } else if !follows {
            let reason = "the segment does not follow the block before it";
            self.lose(place(Some(first)).finding("segment_misplaced", reason));
        }
        self.misplaced = header.first_index != first;
        self.frames(&mut cursor, &file, is_last)?;
        // A segment in the wrong place says nothing about what comes after it here.
        let misplaced = self.misplaced;
        self.expected = self.expected.filter(|_| !misplaced);
        self.head = self.head.filter(|_| !misplaced);
        self.number = header.identity.number.saturating_add(1);
        Ok(())
    }

    /// Reports a finding after which nothing is known about what comes next.
    fn lose(&mut self, finding: Finding) {
        (self.expected, self.head) = (None, None);
        self.visitor.report(finding);
    }

    fn frames(&mut self, cursor: &mut SegmentCursor, file: &str, is_last: bool) -> Result<(), LogError> {
        let start = self.done;
        let mut again = true;
        while cursor.next_index() < self.until && !self.finished {
            self.done = start.saturating_add(cursor.offset());
            if !self.visitor.go_on(self.done.min(self.total), self.total) {
                self.stopped = true;
                return Ok(());
            }
            let frame = match cursor.next_frame() {
                Ok(Some(frame)) => frame,
                Ok(None) => break,
                Err(CursorError::Io(error)) => {
                    self.unreadable(cursor, file, &error);
                    return Ok(());
                }
                Err(CursorError::Bad(bad)) => match self.bad_frame(cursor, file, bad, is_last, again) {
                    Ok(After::Frame(frame)) => frame,
                    Ok(After::Again) => {
                        again = false;
                        continue;
                    }
                    Ok(After::End) => return Ok(()),
                    Err(error) => {
                        self.unreadable(cursor, file, &error);
                        return Ok(());
                    }
                },
            };
            again = true;
            self.frame(cursor, file, &frame)?;
        }
        self.expected = Some(cursor.next_index());
        self.done = start.saturating_add(cursor.bytes());
        Ok(())
    }

    /// The disk does not give back what was written: the rest of the segment is lost.
    fn unreadable(&mut self, cursor: &SegmentCursor, file: &str, error: &io::Error) {
        let index = cursor.next_index();
        self.end = self.end.max(index.saturating_add(1));
        let place = Place { file, offset: cursor.offset(), index: Some(index) };
        self.lose(place.finding("unreadable", format!("the rest of the segment cannot be read: {error}")));
    }

    /// An intact frame, which the cursor has stepped over.
    fn frame(&mut self, cursor: &SegmentCursor, file: &str, frame: &Frame) -> Result<(), LogError> {
        if frame.header.kind == FrameKind::Seal {
            if self.head.is_some() && cursor.sealed() != self.head {
                let index = Some(frame.header.first_index);
                let place = Place { file, offset: frame.offset, index };
                self.lose(place.finding("seal_mismatch", "the seal names another last block"));
            }
            return Ok(());
        }
        for (index, (offset, block)) in (frame.header.first_index..self.reach).zip(cursor.blocks(frame)) {
            let place = Place { file, offset, index: Some(index) };
            let hash = self.visitor.block(place, block);
            self.head = Some(hash);
            self.end = self.end.max(index.saturating_add(1));
            let anchored = self.anchor.filter(|anchor| anchor.durable == index.saturating_add(1));
            if anchored.is_some_and(|anchor| anchor.head != hash) {
                let reason = "the block is another one than the anchor knows";
                self.visitor.report(place.finding("anchor_mismatch", reason));
            }
        }
        if cursor.next_index() > self.reach {
            self.head = None;
            if self.is_closed().map_err(at(anchor::PATH))? {
                let place = Place { file, offset: frame.offset, index: Some(frame.header.first_index) };
                let reason = "blocks follow although the log was closed cleanly before them";
                self.visitor.report(place.finding("after_clean_close", reason));
                self.finished = true;
            }
        }
        Ok(())
    }

    /// The table at the top.
    fn bad_frame(
        &mut self,
        cursor: &mut SegmentCursor,
        file: &str,
        bad: BadFrame,
        is_last: bool,
        again: bool,
    ) -> io::Result<After> {
        let s = cursor.next_index();
        if self.misplaced && bad.error == FrameError::Zeros {
            // That it stands in the wrong place was said; where it stood it may have been the last.
            return Ok(After::End);
        }
        let acknowledged = s < self.judged;
        let why = if acknowledged || !is_last {
            Some(bad.error.to_string())
        } else {
            self.damage_beyond_anchor(cursor, &bad)?
        };
        let Some(why) = why else {
            (self.finished, self.expected) = (true, Some(s));
            return Ok(After::End);
        };
        if again && !acknowledged {
            return Ok(After::Again);
        }
        let later = self.later_frame(cursor, bad.offset.saturating_add(1))?;
        let lost = later.map(|later| later.header.first_index.saturating_sub(s));
        let lost = match lost {
            Some(lost) => format!("{why}; {lost} blocks cannot be read"),
            None => format!("{why}; nothing from here to the end of the segment can be read"),
        };
        let place = Place { file, offset: bad.offset, index: Some(s) };
        self.lose(place.finding(bad.error.name(), lost));
        self.end = self.end.max(s.saturating_add(1));
        let Some(later) = later else {
            self.finished = is_last;
            return Ok(After::End);
        };
        cursor.step_over(&later);
        Ok(After::Frame(later))
    }

    /// The next intact frame of the segment that holds later blocks.
    fn later_frame(&self, cursor: &mut SegmentCursor, mut from: u64) -> io::Result<Option<Frame>> {
        let s = cursor.next_index();
        while let Some(later) = cursor.find_frame(from)? {
            let header = &later.header;
            if header.first_index >= s && header.first_index < INDEX_MAX && header.number < INDEX_MAX {
                return Ok(Some(later));
            }
            from = later.offset.saturating_add(1);
        }
        Ok(None)
    }

    /// Whether a bad frame that was never acknowledged, as far as the anchor knows, is more than a torn tail.
    fn damage_beyond_anchor(
        &mut self,
        cursor: &mut SegmentCursor,
        bad: &BadFrame,
    ) -> io::Result<Option<String>> {
        let (s, file) = (cursor.next_index(), path(cursor.header().first_index));
        let end = cursor.end_of_data(bad.offset)?;
        if end == bad.offset {
            return Ok(None);
        }
        if self.is_closed()? {
            return Ok(Some(format!("{}, although the log was closed cleanly", bad.error)));
        }
        let mut from = bad.offset.saturating_add(1);
        while let Some(later) = cursor.find_frame(from)? {
            if later.header.durable_before > s {
                return Ok(Some(format!("{}; a later batch knows this block to be durable", bad.error)));
            }
            from = later.offset.saturating_add(1);
        }
        if end - bad.offset > BATCH_BYTES_MAX as u64 {
            return Ok(Some(format!("{}; more bytes follow than one batch has", bad.error)));
        }
        let place = Place { file: &file, offset: bad.offset, index: Some(s) };
        let reason =
            format!("{} bytes of a batch that was never acknowledged: {}", end - bad.offset, bad.error);
        self.visitor.report(place.warning("torn_tail", reason));
        Ok(None)
    }

    /// Whether the log was closed cleanly and nobody has opened it since.
    fn is_closed(&self) -> io::Result<bool> {
        let Some(before) = self.anchor.filter(|anchor| anchor.clean) else { return Ok(false) };
        Ok(anchor::read(self.storage)? == Some(before))
    }

    /// What must hold where reading has stopped: nothing acknowledged is missing.
    fn check_end(&mut self, names: &[u64]) {
        if self.stopped {
            return;
        }
        if names.is_empty() {
            let place = Place { file: LOG_DIR, offset: 0, index: None };
            self.visitor.report(place.finding("log_empty", "the log has no segment"));
        } else if let Some(end) = self.expected.filter(|end| *end < self.judged && self.anchor.is_some()) {
            let place = Place { file: anchor::PATH, offset: 0, index: Some(end) };
            let reason = format!("{} blocks were acknowledged, the log has {end}", self.judged);
            self.visitor.report(place.finding("anchor_ahead", reason));
        }
    }
}

/// Bytes of the segments, the last one up to where the anchor knows it to be written.
fn bytes_to_read(storage: &dyn Storage, names: &[u64], anchor: Option<&Anchor>) -> Result<u64, LogError> {
    let mut total: u64 = 0;
    for (number, first) in names.iter().enumerate() {
        let end = anchor.filter(|anchor| anchor.segment == number as u64).map(|anchor| anchor.offset);
        let file = path(*first);
        let length = || storage.open(&file, crate::eventlog::Access::Read)?.len();
        let bytes = length().map_err(at(&file))?;
        total = total.saturating_add(end.map_or(bytes, |end| end.min(bytes)));
    }
    Ok(total)
}

/// For `map_err` at a file that is read.
fn at(file: &str) -> impl FnOnce(io::Error) -> LogError {
    let file = file.to_owned();
    move |source| LogError::io(&file, "read", source)
}
