//! From one segment to the next: the seal, and the spare that takes its name. The spare has its room on the disk since
//! before the first block for it was decided; whatever fails here ends the log.

use rand_core::CryptoRng;

use super::super::error::{LogError, io_error};
use super::super::frame::{SegmentIdentity, seal};
use super::super::segment::{LOG_DIR, SEGMENT_HEADER_BYTES, SPARE, SegmentHeader, path};
use super::super::storage::write_all_at;
use super::{Current, EventLog, Positions, salt};

impl EventLog {
    /// Seals the segment and goes on in the next one.
    pub(super) fn roll(&mut self, rng: &mut dyn CryptoRng) -> Result<(), LogError> {
        self.seal_current()?;
        self.start_next(rng)?;
        self.prepare_spare_early();
        Ok(())
    }

    fn seal_current(&mut self) -> Result<(), LogError> {
        if self.current.sealed {
            return Ok(());
        }
        let (offset, name) = (self.end(), self.current_path());
        let bytes =
            seal(&self.current.identity, self.current.next_frame, self.written, self.durable, self.head);
        write_all_at(self.current.file.as_mut(), &bytes, offset).map_err(io_error(&name, "write"))?;
        self.current.file.sync_data().map_err(io_error(&name, "sync"))?;
        self.figures.syncs += 1;
        self.count_written(bytes.len() as u64);
        if let Some(segment) = self.segments.last_mut() {
            segment.end += bytes.len() as u64;
        }
        self.current.sealed = true;
        self.write_anchor(false)?;
        self.sync_anchor()
    }

    fn start_next(&mut self, rng: &mut dyn CryptoRng) -> Result<(), LogError> {
        let Some((mut file, file_bytes)) = self.spare.take() else { return Err(LogError::Poisoned) };
        let identity = SegmentIdentity {
            ledger_id: self.current.identity.ledger_id,
            number: self.current.identity.number + 1,
            salt: salt(rng),
        };
        let header =
            SegmentHeader { identity, file_bytes, first_index: self.written, hash_before: self.head };
        let name = path(self.written);
        write_all_at(file.as_mut(), &header.encode(), 0).map_err(io_error(SPARE, "write"))?;
        file.sync_data().map_err(io_error(SPARE, "sync"))?;
        self.storage.rename(SPARE, &name).map_err(io_error(SPARE, "rename"))?;
        self.storage.sync_dir(LOG_DIR).map_err(io_error(LOG_DIR, "sync"))?;
        let end = SEGMENT_HEADER_BYTES as u64;
        self.segments.push(Positions { first_index: self.written, offsets: Vec::new(), end });
        self.current = Current { file, identity, file_bytes, next_frame: 0, sealed: false };
        self.figures.segments += 1;
        self.count_written(end);
        Ok(())
    }
}
