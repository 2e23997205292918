//! Reading segments. Nothing here ever writes; recovery, the readers of other threads and the audit all come
//! through this cursor, so that they cannot disagree about what a good frame is.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use super::error::{LogError, io_error};
use super::frame::{
    FRAME_HEADER_BYTES, FrameError, FrameHeader, FrameKind, SEAL_BYTES, SegmentIdentity, split_blocks,
};
use super::segment::{LOG_DIR, SEGMENT_HEADER_BYTES, SegmentHeader, parse_name, path};
use super::storage::{Access, Storage, StorageFile, read_exact_at, read_up_to};
use crate::crypto::Digest;
use crate::limits::BATCH_BYTES_MAX;

/// Reads one segment, frame by frame.
#[derive(Debug)]
pub struct SegmentCursor {
    file: Box<dyn StorageFile>,
    header: SegmentHeader,
    bytes: u64,
    offset: u64,
    next_number: u64,
    next_index: u64,
    sealed: Option<Digest>,
    /// What was read, and kept, of frames before, and then the payload of the last one.
    payload: Vec<u8>,
    /// Where in `payload` that of the last frame begins.
    payload_at: usize,
}

/// A frame that was read and checked; its payload is in the cursor.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    /// The header.
    pub header: FrameHeader,
    /// Where the frame begins in the file.
    pub offset: u64,
}

impl Frame {
    /// Its blocks, each with its offset in the file; `payload` is what the cursor read of it.
    pub(super) fn blocks<'a>(&self, payload: &'a [u8]) -> impl Iterator<Item = (u64, &'a [u8])> + use<'a> {
        let base = self.offset + FRAME_HEADER_BYTES as u64;
        // The lengths were checked when the frame was read.
        let blocks = split_blocks(payload, self.header.count).ok();
        blocks.into_iter().flatten().map(move |(at, block)| (base + at as u64, block))
    }
}

/// What stands where a frame should.
#[derive(Clone, Copy, Debug)]
pub struct BadFrame {
    /// Where in the file.
    pub offset: u64,
    /// What is wrong.
    pub error: FrameError,
}

/// Failing to get on in a segment.
#[derive(Debug)]
pub enum CursorError {
    /// The bytes are not the next frame.
    Bad(BadFrame),
    /// The file cannot be read.
    Io(io::Error),
}

impl SegmentCursor {
    /// Opens the segment whose name says this first index. The inner error says what is wrong with its header.
    ///
    /// # Errors
    /// The outer error is that of reading.
    pub fn open(storage: &dyn Storage, first_index: u64) -> io::Result<Result<SegmentCursor, &'static str>> {
        let file = storage.open(&path(first_index), Access::Read)?;
        let bytes = file.len()?;
        let mut header = [0; SEGMENT_HEADER_BYTES];
        if read_up_to(file.as_ref(), &mut header, 0)? < SEGMENT_HEADER_BYTES {
            return Ok(Err("the file is shorter than a segment's header"));
        }
        Ok(SegmentHeader::decode(&header).map(|header| SegmentCursor {
            file,
            header,
            bytes,
            offset: SEGMENT_HEADER_BYTES as u64,
            next_number: 0,
            next_index: header.first_index,
            sealed: None,
            payload: Vec::new(),
            payload_at: 0,
        }))
    }

    /// The segment's header.
    pub fn header(&self) -> &SegmentHeader {
        &self.header
    }

    /// Which segment this is.
    pub fn identity(&self) -> &SegmentIdentity {
        &self.header.identity
    }

    /// Where the next frame begins.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Number of the next frame.
    pub fn next_number(&self) -> u64 {
        self.next_number
    }

    /// Index of the next block.
    pub fn next_index(&self) -> u64 {
        self.next_index
    }

    /// Bytes of the file.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The hash in the seal, once the seal was read.
    pub fn sealed(&self) -> Option<Digest> {
        self.sealed
    }

    /// Reads the next frame; none after the seal.
    ///
    /// # Errors
    /// [`CursorError`]; the cursor stays where it is.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, CursorError> {
        self.payload.clear();
        self.next_frame_behind()
    }

    /// The same, keeping the payloads that are there: the next one lies behind them.
    ///
    /// # Errors
    /// As for [`SegmentCursor::next_frame`]; what was kept is still there.
    pub(super) fn next_frame_behind(&mut self) -> Result<Option<Frame>, CursorError> {
        if self.sealed.is_some() {
            return Ok(None);
        }
        self.payload_at = self.payload.len();
        let frame = self.read_frame(self.offset)?;
        let follows = frame.header.number == self.next_number && frame.header.first_index == self.next_index;
        if !follows || frame.header.durable_before > frame.header.first_index {
            self.payload.truncate(self.payload_at);
            return Err(self.bad(self.offset, FrameError::Sequence));
        }
        self.step_over(&frame);
        Ok(Some(frame))
    }

    /// Moves behind a frame, wherever it was found.
    pub fn step_over(&mut self, frame: &Frame) {
        self.offset = frame.offset + frame.header.frame_bytes();
        self.next_number = frame.header.number.saturating_add(1);
        self.next_index = frame.header.first_index.saturating_add(u64::from(frame.header.count));
        if frame.header.kind == FrameKind::Seal {
            let hash = self.last_payload().first_chunk::<32>().copied().unwrap_or_default();
            self.sealed = Some(Digest(hash));
        }
    }

    /// The blocks of the frame that was read last, each with its offset in the file.
    pub fn blocks(&self, frame: &Frame) -> impl Iterator<Item = (u64, &[u8])> {
        frame.blocks(self.last_payload())
    }

    fn last_payload(&self) -> &[u8] {
        self.payload.get(self.payload_at..).unwrap_or_default()
    }

    /// Hands over the payloads that were read, one behind the other, for other memory to read the next ones into.
    pub(super) fn swap_payloads(&mut self, mut other: Vec<u8>) -> Vec<u8> {
        other.clear();
        self.payload_at = 0;
        std::mem::replace(&mut self.payload, other)
    }

    /// Reads and checks whatever frame begins at `offset`, without regard to what came before.
    fn read_frame(&mut self, offset: u64) -> Result<Frame, CursorError> {
        let frame = self.try_frame(offset);
        if frame.is_err() {
            self.payload.truncate(self.payload_at);
        }
        frame
    }

    fn try_frame(&mut self, offset: u64) -> Result<Frame, CursorError> {
        let mut header = [0; FRAME_HEADER_BYTES];
        let read = read_up_to(self.file.as_ref(), &mut header, offset).map_err(CursorError::Io)?;
        if read < FRAME_HEADER_BYTES {
            let zeros = header.iter().take(read).all(|byte| *byte == 0);
            return Err(self.bad(offset, if zeros { FrameError::Zeros } else { FrameError::Cut }));
        }
        let header =
            FrameHeader::decode(&header, &self.header.identity).map_err(|error| self.bad(offset, error))?;
        let length = header.payload_bytes as usize;
        let (start, end) = (self.payload_at, self.payload_at + length);
        self.payload.truncate(start);
        self.payload.reserve_exact(length + 4);
        self.payload.resize(end + 4, 0);
        let room = self.payload.get_mut(start..).unwrap_or_default();
        let read = read_up_to(self.file.as_ref(), room, offset + FRAME_HEADER_BYTES as u64);
        if read.map_err(CursorError::Io)? < length + 4 {
            return Err(self.bad(offset, FrameError::Cut));
        }
        let checksum = self.payload.last_chunk::<4>().copied();
        self.payload.truncate(end);
        if checksum != Some(crc32c::crc32c(self.last_payload()).to_be_bytes()) {
            return Err(self.bad(offset, FrameError::PayloadChecksum));
        }
        if header.kind == FrameKind::Batch {
            let lengths = split_blocks(self.last_payload(), header.count).map(drop);
            lengths.map_err(|error| self.bad(offset, error))?;
        }
        Ok(Frame { header, offset })
    }

    fn bad(&self, offset: u64, error: FrameError) -> CursorError {
        CursorError::Bad(BadFrame { offset, error })
    }

    /// Looks for an intact frame of this segment behind `from`. What is found is in the cursor's payload.
    ///
    /// # Errors
    /// That of reading.
    pub fn find_frame(&mut self, from: u64) -> io::Result<Option<Frame>> {
        self.payload.clear();
        self.payload_at = 0;
        let mut window = vec![0; 64 << 10];
        let mut at = from;
        loop {
            let read = read_up_to(self.file.as_ref(), &mut window, at)?;
            let seen = window.get(..read).unwrap_or_default();
            for place in seen.windows(4).enumerate().filter(|(_, four)| four == b"LDGB").map(|(n, _)| n) {
                match self.read_frame(at + place as u64) {
                    Ok(frame) => return Ok(Some(frame)),
                    Err(CursorError::Bad(_)) => {}
                    Err(CursorError::Io(error)) => return Err(error),
                }
            }
            if read < window.len() {
                return Ok(None);
            }
            at += (read - 3) as u64;
        }
    }

    /// Where the last byte behind `from` that is not zero ends, or `from` if all are.
    ///
    /// # Errors
    /// That of reading.
    pub fn end_of_data(&self, from: u64) -> io::Result<u64> {
        let (mut window, zeros) = (vec![0; 64 << 10], vec![0; 64 << 10]);
        let (mut at, mut end) = (from, from);
        loop {
            let read = read_up_to(self.file.as_ref(), &mut window, at)?;
            let seen = window.get(..read).unwrap_or_default();
            // Nearly all of a new segment is zeros, and whether two blocks of memory are the same is told faster than
            // where one differs.
            if zeros.get(..read) != Some(seen) {
                end = seen.iter().rposition(|byte| *byte != 0).map_or(end, |last| at + last as u64 + 1);
            }
            if read < window.len() {
                return Ok(end);
            }
            at += read as u64;
        }
    }
}

/// The first indexes of all segments, in order, as their names say.
///
/// # Errors
/// That of listing.
pub fn list_segments(storage: &dyn Storage) -> io::Result<Vec<u64>> {
    let mut segments: Vec<u64> = storage.list(LOG_DIR)?.iter().filter_map(|name| parse_name(name)).collect();
    segments.sort_unstable();
    Ok(segments)
}

/// Takes a block with its index, or says why it is refused.
pub type Visit<'a> = dyn FnMut(u64, &[u8]) -> Result<(), String> + 'a;

/// Reads durable blocks on whichever thread it is on, through files of its own.
#[derive(Debug)]
pub struct LogReader {
    pub(super) storage: Arc<dyn Storage>,
    /// First indexes of the segments.
    pub(super) segments: Vec<u64>,
}

impl LogReader {
    /// Visits the blocks with these indexes in order, each frame's checksums checked.
    ///
    /// # Errors
    /// [`LogError`] when a frame is damaged or cannot be read, or the visitor refuses a block.
    pub fn for_each(&self, range: Range<u64>, visit: &mut Visit<'_>) -> Result<(), LogError> {
        let first = self.segments.partition_point(|start| *start <= range.start).saturating_sub(1);
        for start in self.segments.iter().skip(first).take_while(|start| **start < range.end) {
            let file = path(*start);
            let cursor =
                SegmentCursor::open(self.storage.as_ref(), *start).map_err(io_error(&file, "open"))?;
            let mut cursor =
                cursor.map_err(|reason| LogError::corrupt(&file, 0, *start, "segment_header", reason))?;
            while cursor.next_index() < range.end {
                let index = cursor.next_index();
                let frame = match cursor.next_frame() {
                    Ok(Some(frame)) if frame.header.kind == FrameKind::Batch => frame,
                    Ok(_) => break,
                    Err(CursorError::Io(error)) => return Err(io_error(&file, "read")(error)),
                    Err(CursorError::Bad(bad)) => {
                        return Err(LogError::corrupt(&file, bad.offset, index, bad.error.name(), bad.error));
                    }
                };
                for (index, (offset, block)) in (frame.header.first_index..).zip(cursor.blocks(&frame)) {
                    if range.contains(&index) {
                        visit(index, block)
                            .map_err(|reason| LogError::corrupt(&file, offset, index, "block", reason))?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Reads one block of which the place is known.
pub(super) fn read_block(
    file: &dyn StorageFile,
    path: &str,
    offset: u64,
    index: u64,
) -> Result<Vec<u8>, LogError> {
    let mut length = [0; 4];
    let at = offset.saturating_sub(4);
    read_exact_at(file, &mut length, at).map_err(io_error(path, "read"))?;
    let length = u32::from_be_bytes(length) as usize;
    if length > BATCH_BYTES_MAX - SEAL_BYTES {
        return Err(LogError::corrupt(path, at, index, "frame_lengths", FrameError::Lengths));
    }
    let mut bytes = vec![0; length];
    read_exact_at(file, &mut bytes, offset).map_err(io_error(path, "read"))?;
    Ok(bytes)
}
