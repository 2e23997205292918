//! From one segment to the next: room, the seal, the spare. Until the new segment has its name, a full disk
//! changes nothing that counts: the log waits, read-only, and goes on where it stopped.

use rand_core::CryptoRng;

use super::super::error::{AppendError, LogError, io_error, is_full};
use super::super::frame::{SEAL_BYTES, SegmentIdentity, seal};
use super::super::segment::{LOG_DIR, SEGMENT_HEADER_BYTES, SPARE, SegmentHeader, bytes_for, path};
use super::super::storage::{Access, StorageFile, write_all_at};
use super::{Current, EventLog, Positions, salt};

impl EventLog {
    /// Sees to it that a frame of this size fits into the current segment, and the seal behind it.
    pub(super) fn make_room(&mut self, frame_bytes: u64, rng: &mut dyn CryptoRng) -> Result<(), AppendError> {
        let needed = self.end() + frame_bytes + SEAL_BYTES as u64;
        if !self.current.sealed && needed <= self.current.file_bytes {
            return Ok(());
        }
        // A segment without blocks, which a crash or a full disk left behind, grows instead: its successor
        // would begin with the same block, so it would have the same name and take its place.
        if self.segments.last().is_some_and(|segment| segment.first_index == self.written) {
            return self.grow(needed);
        }
        self.roll(frame_bytes, rng)
    }

    fn grow(&mut self, file_bytes: u64) -> Result<(), AppendError> {
        let name = self.current_path();
        if let Err(error) = self.current.file.allocate(file_bytes) {
            return Err(self.full_or_fatal(&name, "allocate", error));
        }
        self.current.file_bytes = file_bytes;
        Ok(())
    }

    /// Seals the segment and goes on in the next one. The room for the next is taken first, so that a full disk
    /// changes nothing.
    fn roll(&mut self, frame_bytes: u64, rng: &mut dyn CryptoRng) -> Result<(), AppendError> {
        if let Err(error) = self.prepare_spare(bytes_for(frame_bytes)) {
            return match error {
                LogError::Io { source, .. } if is_full(&source) => Err(self.go_read_only(source.to_string())),
                other => Err(AppendError::Fatal(self.poison(other))),
            };
        }
        self.seal_current()?;
        self.start_next(rng)?;
        self.prepare_spare_early();
        Ok(())
    }

    fn seal_current(&mut self) -> Result<(), AppendError> {
        if self.current.sealed {
            return Ok(());
        }
        let (offset, name) = (self.end(), self.current_path());
        let bytes =
            seal(&self.current.identity, self.current.next_frame, self.written, self.durable, self.head);
        if let Err(error) = write_all_at(self.current.file.as_mut(), &bytes, offset) {
            return Err(self.cut_back(offset, bytes.len(), &name, error));
        }
        self.synced_seal(&name, bytes.len() as u64).map_err(|error| AppendError::Fatal(self.poison(error)))
    }

    /// The seal was written: makes it durable, and the anchor.
    fn synced_seal(&mut self, name: &str, bytes: u64) -> Result<(), LogError> {
        self.current.file.sync_data().map_err(io_error(name, "sync"))?;
        self.figures.syncs += 1;
        self.count_written(bytes);
        if let Some(segment) = self.segments.last_mut() {
            segment.end += bytes;
        }
        self.current.sealed = true;
        self.write_anchor(false)?;
        self.sync_anchor()
    }

    fn start_next(&mut self, rng: &mut dyn CryptoRng) -> Result<(), AppendError> {
        let Some((mut file, file_bytes)) = self.spare.take() else {
            return Err(AppendError::Fatal(self.poison(LogError::Poisoned)));
        };
        let identity = SegmentIdentity {
            ledger_id: self.current.identity.ledger_id,
            number: self.current.identity.number + 1,
            salt: salt(rng),
        };
        let header =
            SegmentHeader { identity, file_bytes, first_index: self.written, hash_before: self.head };
        let name = path(self.written);
        if let Err(error) = write_all_at(file.as_mut(), &header.encode(), 0) {
            self.spare = Some((file, file_bytes));
            return Err(self.full_or_fatal(SPARE, "write", error));
        }
        let synced = file.sync_data().map_err(io_error(SPARE, "sync"));
        synced.map_err(|error| AppendError::Fatal(self.poison(error)))?;
        // A longer name can need room in the directory, too.
        if let Err(error) = self.storage.rename(SPARE, &name) {
            self.spare = Some((file, file_bytes));
            return Err(self.full_or_fatal(SPARE, "rename", error));
        }
        let synced = self.storage.sync_dir(LOG_DIR).map_err(io_error(LOG_DIR, "sync"));
        synced.map_err(|error| AppendError::Fatal(self.poison(error)))?;
        let end = SEGMENT_HEADER_BYTES as u64;
        self.segments.push(Positions { first_index: self.written, offsets: Vec::new(), end });
        self.current = Current { file, identity, file_bytes, next_frame: 0, sealed: false };
        self.figures.segments += 1;
        self.count_written(end);
        Ok(())
    }

    /// A call failed that was not a sync and left nothing to clean up.
    fn full_or_fatal(&mut self, file: &str, operation: &'static str, error: std::io::Error) -> AppendError {
        if is_full(&error) {
            return self.go_read_only(error.to_string());
        }
        AppendError::Fatal(self.poison(io_error(file, operation)(error)))
    }

    /// Has the next segment ready, with its room on disk, of at least this size.
    pub(super) fn prepare_spare(&mut self, least: u64) -> Result<(), LogError> {
        if self.spare.as_ref().is_some_and(|(_, bytes)| *bytes >= least) {
            return Ok(());
        }
        let bytes = self.options.nominal_bytes().max(least);
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
