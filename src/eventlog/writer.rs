//! Appending. `written` runs ahead of `durable` between the write and the sync, and nothing outside may be told
//! of what lies between them.
//!
//! Room is made before it is needed: whoever fills a batch asks first whether it will find some, and a disk without any
//! makes the log read-only then, when nothing has to be taken back. A write or a sync that fails ends the log for
//! good, even where it says that there is no room: what of it is on disk only the next start can find out, and after a
//! failed sync the kernel may have thrown the pages away and report success the next time.

mod roll;
mod room;
mod unsettled;

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

/// A segment's blocks: where each stands in the file. Four bytes a block.
#[derive(Debug)]
struct Positions {
    first_index: u64,
    offsets: Vec<u32>,
    /// Where its frames end.
    end: u64,
}

/// The segment that is being written.
#[derive(Debug)]
struct Current {
    file: Box<dyn StorageFile>,
    identity: SegmentIdentity,
    file_bytes: u64,
    next_frame: u64,
    sealed: bool,
}

/// An open log.
#[derive(Debug)]
pub struct EventLog {
    storage: Arc<dyn Storage>,
    options: Options,
    segments: Vec<Positions>,
    current: Current,
    spare: Option<(Box<dyn StorageFile>, u64)>,
    anchor: AnchorFile,
    written: u64,
    durable: u64,
    head: Digest,
    mode: Mode,
    figures: Figures,
    poisoned: bool,
    /// What the start found and had no room to put right.
    unsettled: Option<Box<Tail>>,
    /// The segment that was read from last, kept open.
    reading: RefCell<OpenSegments>,
}

/// Makes a log of one block in a directory without one, and syncs it. The caller sees to it that a log that is half
/// made never counts.
///
/// # Errors
/// [`LogError::Io`].
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
    let anchor =
        Anchor { ledger_id, durable: 1, segment: 0, offset, head: batch.head(), generation: 0, clean: true };
    AnchorFile::create(storage, anchor).map_err(io_error(anchor::PATH, "create"))?;
    storage.sync_dir("").map_err(io_error("", "sync"))
}

impl EventLog {
    /// Opens a log: reads all of it, hands every block to `replay`, and only then settles what a crash left.
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

    /// The same with blocks that are prepared beforehand, if `approve` has nothing against a log of so many blocks,
    /// after all of them were replayed.
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
            unsettled: None,
            reading: RefCell::default(),
        })
    }

    /// Writes a batch. It is not durable before [`EventLog::sync`], which comes before the next batch: no more
    /// than one batch is ever torn.
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

    /// Makes everything written durable, and notes it in the anchor.
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

    /// Whether the anchor was written and not synced; due at most 100 ms later.
    pub fn anchor_pending(&self) -> bool {
        self.anchor.is_unsynced()
    }

    /// Makes the anchor durable.
    ///
    /// # Errors
    /// [`LogError`]: fatal like every failed sync.
    pub fn sync_anchor(&mut self) -> Result<(), LogError> {
        self.alive()?;
        if let Err(error) = self.anchor.sync() {
            return Err(self.poison(io_error(anchor::PATH, "sync")(error)));
        }
        Ok(())
    }

    /// Marks the log as cleanly closed, if there is room for that; syncs what was not.
    ///
    /// # Errors
    /// [`LogError`] when the log or the anchor cannot be written or synced.
    pub fn close(mut self) -> Result<(), LogError> {
        self.alive()?;
        if self.unsettled.is_some() {
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

    /// The stored bytes of a block that was written. The caller knows what it must hash to; the place was noted
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

    /// The figures.
    pub fn figures(&self) -> Figures {
        self.figures
    }

    fn end(&self) -> u64 {
        self.segments.last().map_or(0, |segment| segment.end)
    }

    fn current_path(&self) -> String {
        path(self.segments.last().map_or(0, |segment| segment.first_index))
    }

    fn count_written(&mut self, bytes: u64) {
        self.figures.bytes_written += bytes;
        self.figures.log_bytes += bytes;
    }

    fn alive(&self) -> Result<(), LogError> {
        if self.poisoned { Err(LogError::Poisoned) } else { Ok(()) }
    }

    fn poison(&mut self, error: LogError) -> LogError {
        self.poisoned = true;
        error
    }
}

fn salt(rng: &mut dyn CryptoRng) -> [u8; 16] {
    let mut salt = [0; 16];
    rng.fill_bytes(&mut salt);
    salt
}
