//! Room on the disk, which is allocated before anybody needs it: in the current segment up to its end, and in the spare,
//! the segment that is made ahead. Whether a batch will find room is a comparison of numbers; the disk is asked only
//! where both are used up, and only while no batch is open, so that a disk without room is a refusal and never a batch
//! that has to be taken back.

use super::super::error::{LogError, io_error, is_full};
use super::super::frame::{SEAL_BYTES, frame_bytes_of};
use super::super::options::Mode;
use super::super::segment::{SPARE, bytes_for};
use super::super::storage::{Access, StorageFile};
use super::EventLog;

impl EventLog {
    /// Whether a frame of this size has its room already, and the seal behind it: in the current segment or in the next.
    pub fn has_room(&self, frame_bytes: u64) -> bool {
        self.fits_current(frame_bytes) || self.may_roll() && self.fits_spare(frame_bytes)
    }

    pub(super) fn fits_current(&self, frame_bytes: u64) -> bool {
        !self.current.sealed && self.end() + frame_bytes + SEAL_BYTES as u64 <= self.current.file_bytes
    }

    fn fits_spare(&self, frame_bytes: u64) -> bool {
        self.spare.as_ref().is_some_and(|(_, file_bytes)| bytes_for(frame_bytes) <= *file_bytes)
    }

    /// Whether another segment may follow the current one. One without blocks, which a crash left behind, grows instead:
    /// its successor would begin with the same block, so it would have the same name and take its place.
    fn may_roll(&self) -> bool {
        self.segments.last().is_none_or(|segment| segment.first_index != self.written)
    }

    /// Allocates room for a frame of this size, if it has none. False means that the disk has none either: the log is
    /// read-only from then on, until [`EventLog::try_resume`] finds some.
    ///
    /// # Errors
    /// [`LogError`] when the disk fails in another way: the process must end.
    pub fn make_room(&mut self, frame_bytes: u64) -> Result<bool, LogError> {
        self.alive()?;
        if self.mode.is_read_only() {
            return Ok(false);
        }
        if self.has_room(frame_bytes) {
            return Ok(true);
        }
        match self.allocate(frame_bytes) {
            Ok(()) => Ok(true),
            Err(error) if error.is_want_of_room() => {
                tracing::error!(%error, "the disk is full: the log is read-only until there is room");
                self.mode = Mode::ReadOnly { reason: error.to_string() };
                Ok(false)
            }
            Err(error) => Err(self.poison(error)),
        }
    }

    fn allocate(&mut self, frame_bytes: u64) -> Result<(), LogError> {
        if self.may_roll() { self.prepare_spare(bytes_for(frame_bytes)) } else { self.grow(frame_bytes) }
    }

    fn grow(&mut self, frame_bytes: u64) -> Result<(), LogError> {
        let file_bytes = self.end() + frame_bytes + SEAL_BYTES as u64;
        let name = self.current_path();
        self.current.file.allocate(file_bytes).map_err(io_error(&name, "allocate"))?;
        self.current.file_bytes = file_bytes;
        Ok(())
    }

    /// Leaves the read-only mode if the next segment can be allocated again. Costs a few calls of the disk; when it is
    /// tried is for the caller to say, who has a clock.
    pub fn try_resume(&mut self) {
        let waits = self.mode.is_read_only() && !self.poisoned && self.unmended.is_none();
        if waits && self.make_next().is_ok() {
            tracing::info!("there is room again: the log takes batches");
            self.mode = Mode::ReadWrite;
        }
    }

    /// Has room for one block at its largest in a segment without blocks, which nothing may follow, and the spare ready.
    fn make_next(&mut self) -> Result<(), LogError> {
        let largest = frame_bytes_of(self.options.block_bytes_max);
        if !self.may_roll() && !self.fits_current(largest) {
            self.grow(largest)?;
        }
        self.prepare_spare(0)
    }

    /// Believes that there is room without end: a bug, for the simulator to find. Nothing else calls this.
    #[doc(hidden)]
    pub fn take_room_for_granted(&mut self) {
        self.current.file_bytes = u64::MAX;
    }

    /// Has the next segment ready, with its room on disk, of at least this size.
    fn prepare_spare(&mut self, least: u64) -> Result<(), LogError> {
        if self.spare.as_ref().is_some_and(|(_, bytes)| *bytes >= least) {
            return Ok(());
        }
        let bytes = self.options.spare_bytes().max(least);
        let mut file = match self.spare.take() {
            Some((file, _)) => file,
            None => self.create_spare()?,
        };
        if let Err(error) = file.allocate(bytes) {
            // What it has taken of a full disk is more useful to everybody else.
            if let Err(error) = self.storage.remove(SPARE) {
                tracing::warn!(%error, "the unfinished next segment stays on the disk");
            }
            return Err(io_error(SPARE, "allocate")(error));
        }
        self.spare = Some((file, bytes));
        Ok(())
    }

    fn create_spare(&self) -> Result<Box<dyn StorageFile>, LogError> {
        match self.storage.open(SPARE, Access::CreateNew) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                self.storage.remove(SPARE).map_err(io_error(SPARE, "remove"))?;
                self.storage.open(SPARE, Access::CreateNew).map_err(io_error(SPARE, "create"))
            }
            other => other.map_err(io_error(SPARE, "create")),
        }
    }

    /// The same ahead of time: that there is no room for the next segment matters only when it is needed.
    pub(super) fn prepare_spare_early(&mut self) {
        if let Err(error) = self.prepare_spare(0) {
            tracing::warn!(%error, "no room yet for the next segment");
        }
    }

    /// The same before the first batch: whoever may not make a segment is told now, and not when the current one
    /// is full.
    pub(super) fn prepare_first_spare(&mut self) -> Result<(), LogError> {
        match self.prepare_spare(0) {
            Err(LogError::Io { source, .. }) if is_full(&source) => {
                tracing::warn!(error = %source, "no room yet for the next segment");
                Ok(())
            }
            other => other,
        }
    }
}
