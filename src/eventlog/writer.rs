//! The writer, which appends batches to the log. Between the write and the sync of a batch, `written` is ahead of
//! `durable`, and nobody outside may be told of the blocks between the two.
//!
//! Room is made before it is needed. The ledger asks for room before it decides a command, and a disk without room makes
//! the log read-only at that moment, when nothing has to be taken back. A write or a sync that fails ends the log for
//! good, even where the error says that there is no room: only the next start can find out how much of the batch is on
//! disk, and after a failed sync the kernel may have thrown the pages away and report success the next time.

mod roll;
mod room;
mod unmended;

use std::cell::RefCell;
use std::sync::Arc;

use rand_core::CryptoRng;

use super::ahead::Ahead;
use super::anchor::{self, Anchor, AnchorFile};
use super::error::{LogError, OpenError, io_error};
use super::frame::{Batch, SegmentIdentity};
use super::open_segments::OpenSegments;
use super::options::{Figures, Mode, Options};
use super::reader::{LogReader, read_block};
use super::recovery::{BlockRefused, Recovery, Replay, Replaying, Survey, Tail, survey};
use super::segment::{LOG_DIR, SEGMENT_HEADER_BYTES, SegmentHeader, bytes_for, path};
use super::storage::{Access, Storage, StorageFile, write_all_at};
use crate::crypto::{Digest, LedgerId};

/// The positions of a segment's blocks in its file, in four bytes for each block.
#[derive(Debug)]
struct Positions {
    /// The index of the segment's first block.
    first_index: u64,
    /// The offset of every block of the segment.
    offsets: Vec<u32>,
    /// The offset at which the frames of the segment end.
    end: u64,
}

/// The segment that is being written.
#[derive(Debug)]
struct Current {
    file: Box<dyn StorageFile>,
    identity: SegmentIdentity,
    /// The size of the file, which was preallocated.
    file_bytes: u64,
    /// The number of the next frame.
    next_frame: u64,
    /// Whether the segment has ended with a seal and takes no further frame.
    sealed: bool,
}

/// A log that is open for writing.
#[derive(Debug)]
pub struct EventLog {
    storage: Arc<dyn Storage>,
    options: Options,
    /// The positions of all blocks, segment by segment.
    segments: Vec<Positions>,
    current: Current,
    /// A file with room for the next segment, made in advance, and its size.
    spare: Option<(Box<dyn StorageFile>, u64)>,
    anchor: AnchorFile,
    /// How many blocks are written.
    written: u64,
    /// How many of the written blocks are synced.
    durable: u64,
    /// The hash of the last written block.
    head: Digest,
    mode: Mode,
    figures: Figures,
    /// Whether a write or a sync has failed, after which nothing may be asked of the log.
    poisoned: bool,
    /// The end of the log as the start found it, where there was no room to put that end right.
    unmended: Option<Box<Tail>>,
    /// The segments that were read from last, which stay open.
    reading: RefCell<OpenSegments>,
}

/// Makes a log of one block in a directory that has no log, and syncs it. The caller sees to it that a log which is only
/// half made never counts as one.
///
/// # Errors
/// [`LogError::Io`] with what the file system says.
pub fn create(
    storage: &dyn Storage,
    ledger_id: LedgerId,
    genesis: &[u8],
    options: Options,
    rng: &mut dyn CryptoRng,
) -> Result<(), LogError> {
    match storage.create_dir(LOG_DIR) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            return Err(io_error(LOG_DIR, "create")(error));
        }
        _ => {}
    }
    // The first segment, with a frame that holds the genesis block.
    let mut batch = Batch::new();
    batch.push(genesis, Digest(ledger_id.0));
    let identity = SegmentIdentity { ledger_id, number: 0, salt: salt(rng) };
    let file_bytes = options.nominal_bytes().max(bytes_for(batch.frame_bytes()));
    let header = SegmentHeader { identity, file_bytes, first_index: 0, hash_before: Digest::ZERO };
    let name = path(0);
    let mut file = storage.open(&name, Access::CreateNew).map_err(io_error(&name, "create"))?;
    file.allocate(file_bytes).map_err(io_error(&name, "allocate"))?;
    write_all_at(file.as_mut(), &header.encode(), 0).map_err(io_error(&name, "write"))?;
    let offset = SEGMENT_HEADER_BYTES as u64;
    let frame = batch.finish(&identity, 0, 0, 0);
    write_all_at(file.as_mut(), frame, offset).map_err(io_error(&name, "write"))?;
    let offset = offset + frame.len() as u64;
    file.sync_data().map_err(io_error(&name, "sync"))?;
    storage.sync_dir(LOG_DIR).map_err(io_error(LOG_DIR, "sync"))?;
    // The anchor comes last: it says that the genesis block is durable.
    let anchor =
        Anchor { ledger_id, durable: 1, segment: 0, offset, head: batch.head(), generation: 0, clean: true };
    AnchorFile::create(storage, anchor).map_err(io_error(anchor::PATH, "create"))?;
    storage.sync_dir("").map_err(io_error("", "sync"))
}

impl EventLog {
    /// Opens a log. All of the log is read and every block is handed to `replay`; only then is put right what a crash left.
    ///
    /// # Errors
    /// [`OpenError`]; unless it is an error of writing, no byte on disk was changed.
    pub fn open(
        storage: Arc<dyn Storage>,
        options: Options,
        replay: &mut Replay<'_>,
    ) -> Result<(EventLog, Recovery), OpenError> {
        let mut replay = |index, bytes: &[u8], ()| replay(index, bytes);
        let replaying = Replaying { ahead: Ahead::ALONE, prepare: |_| (), replay: &mut replay };
        let found = survey(storage.as_ref(), replaying)?;
        EventLog::open_found(storage, options, found)
    }

    /// Opens a log as [`EventLog::open`] does, with blocks that other threads prepare. After all blocks were replayed,
    /// `approve` is asked whether a log of so many blocks may be opened.
    ///
    /// # Errors
    /// As for [`EventLog::open`].
    pub fn open_if<P: Send + 'static>(
        storage: Arc<dyn Storage>,
        options: Options,
        replaying: Replaying<'_, P>,
        approve: impl FnOnce(u64) -> Result<(), BlockRefused>,
    ) -> Result<(EventLog, Recovery), OpenError> {
        let found = survey(storage.as_ref(), replaying)?;
        approve(found.next_index).map_err(|refused| {
            LogError::corrupt(LOG_DIR, 0, found.next_index, refused.name, refused.reason)
        })?;
        EventLog::open_found(storage, options, found)
    }

    /// The open log that a start has found.
    fn from_survey(
        storage: Arc<dyn Storage>,
        options: Options,
        found: Survey,
        anchor: AnchorFile,
    ) -> Result<EventLog, OpenError> {
        let (last, file_bytes) =
            found.segments.last().map(|s| (s.first_index, s.file_bytes)).ok_or(LogError::Empty)?;
        let name = path(last);
        let file = storage.open(&name, Access::ReadWrite).map_err(io_error(&name, "open"))?;
        let segments: Vec<Positions> = found
            .segments
            .into_iter()
            .map(|s| Positions { first_index: s.first_index, offsets: s.positions, end: s.end })
            .collect();
        let figures = Figures {
            segments: segments.len() as u64,
            log_bytes: segments.iter().map(|segment| segment.end).sum(),
            ..Figures::default()
        };
        let current = Current {
            file,
            identity: found.identity,
            file_bytes,
            next_frame: found.next_frame,
            sealed: found.sealed,
        };
        Ok(EventLog {
            storage,
            options,
            segments,
            current,
            spare: None,
            anchor,
            written: found.next_index,
            durable: found.next_index,
            head: found.head,
            mode: Mode::ReadWrite,
            figures,
            poisoned: false,
            unmended: None,
            reading: RefCell::default(),
        })
    }

    /// Writes a batch. The batch is not durable before [`EventLog::sync`], which has to come before the next batch, so that
    /// a crash tears one batch at most.
    ///
    /// # Errors
    /// [`LogError`]: the process must end and answer nothing. There is no second attempt.
    ///
    /// # Panics
    /// When the batch is empty, the one before was not synced, or no room was made for this one.
    pub fn append(&mut self, batch: &mut Batch, rng: &mut dyn CryptoRng) -> Result<(), LogError> {
        self.alive()?;
        assert!(batch.count() > 0, "a frame without blocks would be read as damage");
        assert_eq!(self.written, self.durable, "a batch is synced before the next one is written");
        let frame_bytes = batch.frame_bytes();
        assert!(self.has_room(frame_bytes), "room for a batch is made before its blocks are");
        let written = self.write(batch, frame_bytes, rng);
        written.map_err(|error| self.poison(error))
    }

    /// Writes a batch as one frame, into a new segment if the current one is full.
    fn write(
        &mut self,
        batch: &mut Batch,
        frame_bytes: u64,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), LogError> {
        if !self.fits_current(frame_bytes) {
            self.roll(rng)?;
        }
        let (offset, name) = (self.end(), self.current_path());
        let (identity, number) = (self.current.identity, self.current.next_frame);
        let frame = batch.finish(&identity, number, self.written, self.durable);
        write_all_at(self.current.file.as_mut(), frame, offset).map_err(io_error(&name, "write"))?;
        // The frame is written. The position of each block is noted, and the counts follow.
        let payload_at = offset + super::frame::FRAME_HEADER_BYTES as u64;
        if let Some(segment) = self.segments.last_mut() {
            segment
                .offsets
                .extend(batch.starts().iter().map(|start| (payload_at + u64::from(*start)) as u32));
            segment.end = offset + frame_bytes;
        }
        self.current.next_frame += 1;
        self.written += batch.count();
        self.head = batch.head();
        self.count_written(frame_bytes);
        self.figures.batches += 1;
        Ok(())
    }

    /// Makes everything that was written durable, and writes that into the anchor.
    ///
    /// # Errors
    /// [`LogError`]: the process must end and answer nothing. There is no second attempt.
    pub fn sync(&mut self) -> Result<(), LogError> {
        self.alive()?;
        let name = self.current_path();
        if let Err(error) = self.current.file.sync_data() {
            return Err(self.poison(io_error(&name, "sync")(error)));
        }
        self.figures.syncs += 1;
        self.durable = self.written;
        let noted = self.write_anchor(false);
        noted.map_err(|error| self.poison(error))
    }

    /// Writes into the anchor how far the log is durable. The anchor itself is synced later.
    fn write_anchor(&mut self, clean: bool) -> Result<(), LogError> {
        let anchor = Anchor {
            ledger_id: self.current.identity.ledger_id,
            durable: self.durable,
            segment: self.current.identity.number,
            offset: self.end(),
            head: self.head,
            generation: 0,
            clean,
        };
        self.anchor.write(anchor).map_err(io_error(anchor::PATH, "write"))
    }

    /// Whether the anchor was written and not synced. The sync is due 100 ms after the write at the latest.
    pub fn anchor_pending(&self) -> bool {
        self.anchor.is_unsynced()
    }

    /// Makes the anchor durable.
    ///
    /// # Errors
    /// [`LogError`], after which the process must end, as after every sync that failed.
    pub fn sync_anchor(&mut self) -> Result<(), LogError> {
        self.alive()?;
        if let Err(error) = self.anchor.sync() {
            return Err(self.poison(io_error(anchor::PATH, "sync")(error)));
        }
        Ok(())
    }

    /// Syncs what was not synced, and marks the log as cleanly closed if there is room for that.
    ///
    /// # Errors
    /// [`LogError`] when the log or the anchor cannot be written or synced.
    pub fn close(mut self) -> Result<(), LogError> {
        self.alive()?;
        if self.unmended.is_some() {
            return Ok(());
        }
        if self.written > self.durable {
            self.sync()?;
        }
        match self.write_anchor(true) {
            // The next start finds a log that was not closed cleanly, and nothing else.
            Err(error) if error.is_want_of_room() => {
                tracing::warn!(%error, "no room to mark the log as cleanly closed");
                Ok(())
            }
            other => other.and_then(|()| self.sync_anchor()),
        }
    }

    /// The stored bytes of a block that was written. The caller knows the hash that they must have. The position was noted
    /// when the block was written or replayed.
    ///
    /// # Errors
    /// [`LogError`] when there is no such block or it cannot be read.
    pub fn read(&self, index: u64) -> Result<Vec<u8>, LogError> {
        self.alive()?;
        let place = self.segments.partition_point(|segment| segment.first_index <= index);
        let segment = place.checked_sub(1).and_then(|place| self.segments.get(place));
        let found = segment.and_then(|segment| {
            let nth = usize::try_from(index - segment.first_index).ok()?;
            Some((segment.first_index, u64::from(*segment.offsets.get(nth)?)))
        });
        let Some((first_index, offset)) = found else {
            return Err(LogError::corrupt(LOG_DIR, 0, index, "no_such_block", "there is no such block"));
        };
        let name = path(first_index);
        let open = || self.storage.open(&name, Access::Read).map_err(io_error(&name, "open"));
        self.reading.borrow_mut().with(first_index, open, |file| read_block(file, &name, offset, index))
    }

    /// A reader for another thread.
    pub fn reader(&self) -> LogReader {
        let segments = self.segments.iter().map(|segment| segment.first_index).collect();
        LogReader { storage: Arc::clone(&self.storage), segments }
    }

    /// Blocks written; the index of the next one.
    pub fn written_count(&self) -> u64 {
        self.written
    }

    /// Blocks durable.
    pub fn durable_count(&self) -> u64 {
        self.durable
    }

    /// Whether there is room for further blocks.
    pub fn mode(&self) -> &Mode {
        &self.mode
    }

    /// The figures of the log.
    pub fn figures(&self) -> Figures {
        self.figures
    }

    /// The offset in the current segment at which the next frame is written.
    fn end(&self) -> u64 {
        self.segments.last().map_or(0, |segment| segment.end)
    }

    /// The path of the current segment's file.
    fn current_path(&self) -> String {
        path(self.segments.last().map_or(0, |segment| segment.first_index))
    }

    fn count_written(&mut self, bytes: u64) {
        self.figures.bytes_written += bytes;
        self.figures.log_bytes += bytes;
    }

    /// Refuses everything after an error that ended the log.
    fn alive(&self) -> Result<(), LogError> {
        if self.poisoned { Err(LogError::Poisoned) } else { Ok(()) }
    }

    /// Ends the log for good, for this error.
    fn poison(&mut self, error: LogError) -> LogError {
        self.poisoned = true;
        error
    }
}

/// A random number that tells the frames of this segment from those of every other.
fn salt(rng: &mut dyn CryptoRng) -> [u8; 16] {
    let mut salt = [0; 16];
    rng.fill_bytes(&mut salt);
    salt
}
