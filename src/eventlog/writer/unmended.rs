//! A start on a disk that has no room for what a start has to write. Where a file system writes to new places only
//! (btrfs, ZFS), even the anchor needs room, and so do the bytes of the last batch, which are written again.
//!
//! Such a log is opened read-only and nothing on disk is changed. Only blocks count as durable that the anchor knows to
//! be: what lies behind them may be in the page cache alone, and nobody may be told of it. They are put right, and
//! served, as soon as there is room.

use std::sync::Arc;

use super::super::anchor::{self, AnchorFile};
use super::super::error::{LogError, OpenError, io_error};
use super::super::options::{Mode, Options};
use super::super::recovery::{Recovery, Survey, Tail, mend_tail};
use super::super::segment::SPARE;
use super::super::storage::Storage;
use super::EventLog;

impl EventLog {
    /// Puts right what a crash left; where there is no room for that, waits for it, read-only.
    pub(super) fn open_found(
        storage: Arc<dyn Storage>,
        options: Options,
        found: Survey,
    ) -> Result<(EventLog, Recovery), OpenError> {
        let tail = found.tail();
        let anchor =
            AnchorFile::open(storage.as_ref(), found.anchor).map_err(io_error(anchor::PATH, "open"))?;
        let mut log = EventLog::from_survey(storage, options, found, anchor)?;
        match log.mend(&tail) {
            Err(error) if error.is_want_of_room() => {
                let recovery = log.wait_for_room(tail, error)?;
                Ok((log, recovery))
            }
            mended => mended.map(|recovery| (log, recovery)),
        }
    }

    /// Does everything that has to be durable before the first batch.
    fn mend(&mut self, tail: &Tail) -> Result<Recovery, LogError> {
        let recovery = mend_tail(self.storage.as_ref(), tail)?;
        (self.written, self.durable, self.head) = (tail.next_index, tail.next_index, tail.head);
        self.write_anchor(false)?;
        self.sync_anchor()?;
        match self.storage.remove(SPARE) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(io_error(SPARE, "remove")(error));
            }
            _ => {}
        }
        self.prepare_first_spare()?;
        Ok(recovery)
    }

    /// Counts for durable what the anchor knows to be, and leaves the rest for later. Where the log itself proves that
    /// the anchor is not its newest, because the power failed, somebody may have been told of more: such a log is not
    /// served before there is room.
    fn wait_for_room(&mut self, tail: Tail, error: LogError) -> Result<Recovery, LogError> {
        if tail.proven(self.storage.as_ref())? > tail.anchor.durable {
            return Err(error);
        }
        let waiting = tail.next_index - tail.anchor.durable;
        tracing::error!(%error, waiting, "the disk is full: read-only, without blocks that may not be durable, until there is room");
        self.cover(&tail, error.to_string());
        let recovery = Recovery { blocks: self.durable, clean: tail.anchor.clean, ..Recovery::default() };
        self.unmended = Some(Box::new(tail));
        Ok(recovery)
    }

    fn cover(&mut self, tail: &Tail, reason: String) {
        (self.written, self.durable, self.head) =
            (tail.anchor.durable, tail.anchor.durable, tail.anchor.head);
        self.mode = Mode::ReadOnly { reason };
    }

    /// Whether a start found no room to put right what a crash left.
    pub fn is_unmended(&self) -> bool {
        self.unmended.is_some()
    }

    /// Puts right what the start had no room for, if there is room now. True when that was done: all blocks of the log
    /// count as durable from then on.
    ///
    /// # Errors
    /// [`LogError`]: the process must end and answer nothing.
    pub fn try_mend(&mut self) -> Result<bool, LogError> {
        self.alive()?;
        let Some(tail) = self.unmended.take() else { return Ok(false) };
        match self.mend(&tail) {
            Ok(recovery) => {
                tracing::info!(
                    blocks = recovery.blocks,
                    "there is room again: the end of the log was put right"
                );
                Ok(true)
            }
            Err(error) if error.is_want_of_room() => {
                self.cover(&tail, error.to_string());
                self.unmended = Some(tail);
                Ok(false)
            }
            Err(error) => Err(self.poison(error)),
        }
    }
}
