//! Reading a log that nobody trusts: everything that is wrong with its frames is reported, and reading goes on
//! behind it as far as something intact is found. Never writes, needs no lock: the anchor is read first, and
//! what lies beyond it is not judged, so that a live directory and a copy of one can be read like any other.

use std::io;

use super::anchor;
use super::error::LogError;
use super::frame::{FrameError, FrameKind};
use super::reader::{BadFrame, CursorError, Frame, SegmentCursor, list_segments};
use super::segment::{LOG_DIR, path};
use super::storage::Storage;
use crate::crypto::Digest;

/// What to read, and when to stop.
pub struct Scan<'a> {
    /// Blocks to judge at most; the anchor's durable count if none is given.
    pub up_to: Option<u64>,
    /// Told the bytes read and the bytes to read.
    pub progress: &'a mut dyn FnMut(u64, u64),
    /// Asked now and then whether to give up.
    pub cancelled: &'a dyn Fn() -> bool,
}

/// What a scan comes across, in the order of the log.
#[derive(Clone, Debug)]
pub enum Scanned<'a> {
    /// An intact block.
    Block {
        /// Its index, as its frame says.
        index: u64,
        /// Its file.
        file: &'a str,
        /// Where in the file.
        offset: u64,
        /// Its stored bytes.
        bytes: &'a [u8],
    },
    /// A new segment begins, with the hash of the block before it as its header says.
    Segment {
        /// Its file.
        file: &'a str,
        /// Index of its first block.
        first_index: u64,
        /// Hash of the block before.
        hash_before: Digest,
    },
    /// A segment is sealed, with the hash of its last block as the seal says.
    Seal {
        /// Its file.
        file: &'a str,
        /// Where in the file.
        offset: u64,
        /// Index of the block that comes next.
        next_index: u64,
        /// Hash of the last block.
        head: Digest,
    },
    /// Something is wrong.
    Damage(Damage),
}

/// One thing that is wrong with the frames of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The file, relative to the data directory.
    pub file: String,
    /// Where in the file.
    pub offset: u64,
    /// The first block that is affected.
    pub index: u64,
    /// Stable machine name.
    pub name: &'static str,
    /// A sentence.
    pub reason: String,
    /// Only a torn tail beyond the anchor, which was never acknowledged.
    pub torn_tail: bool,
}

/// What was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// Blocks to judge: the bound, or the anchor's durable count.
    pub judged: u64,
    /// Index of the block that would come next.
    pub next_index: u64,
    /// The hash that the anchor has of the last durable block, with their count.
    pub anchor: Option<(u64, Digest)>,
}

/// Reads a whole log.
///
/// # Errors
/// [`LogError::Io`] when the log cannot even be listed; a file that cannot be read is damage like any other.
pub fn scan(
    storage: &dyn Storage,
    mut scan: Scan<'_>,
    visit: &mut dyn FnMut(Scanned<'_>),
) -> Result<Extent, LogError> {
    let anchor = anchor::read(storage).map_err(|error| LogError::io(anchor::PATH, "read", error))?;
    let names = list_segments(storage).map_err(|error| LogError::io(LOG_DIR, "list", error))?;
    let mut walk = Walk {
        judged: scan.up_to.or(anchor.map(|anchor| anchor.durable)).unwrap_or(u64::MAX),
        next_index: 0,
        visit,
    };
    if anchor.is_none() {
        walk.damage(anchor::PATH, 0, 0, "anchor_missing", "neither slot of the anchor can be read");
    }
    let total = total_bytes(storage, &names);
    let mut done = 0;
    for (number, first_index) in names.iter().copied().enumerate() {
        if first_index >= walk.judged && number > 0 {
            break;
        }
        let last = names.len() == number + 1;
        done += walk.segment(storage, number as u64, first_index, last, &mut |bytes| {
            (scan.progress)(done + bytes, total);
            !(scan.cancelled)()
        });
    }
    let file = names.last().map_or_else(|| path(0), |first| path(*first));
    if walk.judged != u64::MAX && walk.next_index < walk.judged {
        let reason = format!("{} blocks were acknowledged, {} are there", walk.judged, walk.next_index);
        let index = walk.next_index;
        walk.damage(&file, 0, index, "anchor_ahead", &reason);
    }
    Ok(Extent {
        judged: walk.judged.min(walk.next_index),
        next_index: walk.next_index,
        anchor: anchor.map(|anchor| (anchor.durable, anchor.head)),
    })
}

fn total_bytes(storage: &dyn Storage, names: &[u64]) -> u64 {
    let len = |first: &u64| storage.open(&path(*first), super::Access::Read).and_then(|file| file.len());
    names.iter().map(|first| len(first).unwrap_or(0)).sum()
}

struct Walk<'a> {
    judged: u64,
    next_index: u64,
    visit: &'a mut dyn FnMut(Scanned<'_>),
}

impl Walk<'_> {
    fn damage(&mut self, file: &str, offset: u64, index: u64, name: &'static str, reason: &str) {
        self.report(Damage {
            file: file.to_owned(),
            offset,
            index,
            name,
            reason: reason.to_owned(),
            torn_tail: false,
        });
    }

    fn report(&mut self, damage: Damage) {
        (self.visit)(Scanned::Damage(damage));
    }

    /// Reads a segment; returns its length in bytes.
    fn segment(
        &mut self,
        storage: &dyn Storage,
        number: u64,
        first_index: u64,
        last: bool,
        go_on: &mut dyn FnMut(u64) -> bool,
    ) -> u64 {
        let file = path(first_index);
        if first_index != self.next_index {
            let reason = format!("a segment is missing: block {} comes next", self.next_index);
            self.damage(&file, 0, self.next_index, "segment_missing", &reason);
            self.next_index = first_index;
        }
        let mut cursor = match SegmentCursor::open(storage, first_index) {
            Ok(Ok(cursor)) => cursor,
            Ok(Err(reason)) => {
                self.damage(&file, 0, first_index, "segment_header", reason);
                return 0;
            }
            Err(error) => {
                self.damage(&file, 0, first_index, "unreadable", &error.to_string());
                return 0;
            }
        };
        let header = *cursor.header();
        if header.identity.number != number || header.first_index != first_index {
            let reason = "the segment's header says another place than its name";
            self.damage(&file, 0, first_index, "segment_misplaced", reason);
        }
        (self.visit)(Scanned::Segment { file: &file, first_index, hash_before: header.hash_before });
        self.frames(&mut cursor, &file, last, go_on);
        cursor.bytes()
    }

    fn frames(
        &mut self,
        cursor: &mut SegmentCursor,
        file: &str,
        last: bool,
        go_on: &mut dyn FnMut(u64) -> bool,
    ) {
        while cursor.next_index() < self.judged && go_on(cursor.offset()) {
            match cursor.next() {
                Ok(Some(frame)) => self.frame(cursor, file, &frame),
                Ok(None) => break,
                Err(CursorError::Io(error)) => {
                    return self.damage(
                        file,
                        cursor.offset(),
                        self.next_index,
                        "unreadable",
                        &error.to_string(),
                    );
                }
                Err(CursorError::Bad(bad)) => match self.bad(cursor, file, bad, last) {
                    Ok(Some(frame)) => {
                        cursor.step_over(&frame);
                        self.frame(cursor, file, &frame);
                    }
                    Ok(None) => break,
                    Err(error) => {
                        return self.damage(
                            file,
                            bad.offset,
                            self.next_index,
                            "unreadable",
                            &error.to_string(),
                        );
                    }
                },
            }
        }
        self.beyond(cursor, file, last);
    }

    /// What was never acknowledged is not judged, but worth a word if it is torn.
    fn beyond(&mut self, cursor: &mut SegmentCursor, file: &str, last: bool) {
        if !last || cursor.next_index() < self.judged {
            return;
        }
        if let Err(CursorError::Bad(bad)) = cursor.next()
            && cursor.end_of_data(bad.offset).is_ok_and(|end| end > bad.offset)
        {
            self.report(Damage {
                file: file.to_owned(),
                offset: bad.offset,
                index: cursor.next_index(),
                name: "torn_tail",
                reason: "a batch that was never acknowledged is torn".to_owned(),
                torn_tail: true,
            });
        }
    }

    fn frame(&mut self, cursor: &SegmentCursor, file: &str, frame: &Frame) {
        let mut index = frame.header.first_index;
        if frame.header.kind == FrameKind::Seal {
            let head = cursor.sealed().unwrap_or_default();
            (self.visit)(Scanned::Seal { file, offset: frame.offset, next_index: index, head });
        }
        for (offset, bytes) in cursor.blocks(frame) {
            if index < self.judged {
                (self.visit)(Scanned::Block { index, file, offset, bytes });
            }
            index += 1;
        }
        self.next_index = index;
    }

    /// Reports a bad frame, and finds the next intact one behind it.
    fn bad(
        &mut self,
        cursor: &mut SegmentCursor,
        file: &str,
        bad: BadFrame,
        last: bool,
    ) -> io::Result<Option<Frame>> {
        let index = self.next_index;
        let later = cursor.find_frame(bad.offset + 1)?;
        let normal_end = bad.error == FrameError::Zeros && later.is_none();
        if !(normal_end && last) {
            self.damage(file, bad.offset, index, bad.error.name(), &bad.error.to_string());
        }
        Ok(later)
    }
}
