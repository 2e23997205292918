//! An audit while it reads: every block goes through the checker, everything else that is met is noted.

use super::checker::{Checker, Outcome};
use super::findings::Place;
use super::scan::Visitor;
use super::stored_hashes::StoredHashes;
use crate::crypto::Digest;
use crate::wire::Finding;

pub(super) struct Walk<'a> {
    checker: Checker,
    stored_hashes: StoredHashes,
    progress: &'a mut dyn FnMut(u64, u64),
    cancelled: &'a dyn Fn() -> bool,
    /// Progress is told again when so many bytes are done.
    tell_at: u64,
}

/// How often progress is told at most: what is drawn or pushed for each must not cost more than the check.
const TOLD_MAX: u64 = 512;

impl<'a> Walk<'a> {
    pub(super) fn new(
        checker: Checker,
        stored_hashes: StoredHashes,
        progress: &'a mut dyn FnMut(u64, u64),
        cancelled: &'a dyn Fn() -> bool,
    ) -> Walk<'a> {
        Walk { checker, stored_hashes, progress, cancelled, tell_at: 0 }
    }

    /// What the checker says in the end.
    pub(super) fn finish(mut self) -> Outcome {
        if let Some(warning) = self.stored_hashes.finish() {
            self.checker.report(warning);
        }
        self.checker.finish()
    }
}

impl Visitor for Walk<'_> {
    fn block(&mut self, place: Place<'_>, bytes: &[u8]) -> Digest {
        let stored = &mut self.stored_hashes;
        self.checker.block(place, bytes, |hash| stored.push(hash))
    }

    fn report(&mut self, finding: Finding) {
        // Behind damage, the next block stands on nothing that was read. The anchor only speaks about the log.
        if !finding.warning && finding.file != crate::eventlog::anchor::PATH {
            self.checker.gap();
        }
        self.checker.report(finding);
    }

    fn go_on(&mut self, done: u64, total: u64) -> bool {
        if done >= self.tell_at {
            (self.progress)(done, total);
            self.tell_at = done
                .saturating_add(total / TOLD_MAX)
                .saturating_add(1)
                .min(total.max(done.saturating_add(1)));
        }
        !(self.cancelled)()
    }
}
