//! The check of the whole log, asked for by members and done by a helper. One runs at a time; who asks while
//! one runs is answered by the next, because the running one does not cover the newest blocks.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{ConnectionId, Job};
use crate::audit::Report;
use crate::crypto::Digest;
use crate::eventlog::Storage;
use crate::wire::{FINDINGS_MAX, Finding, Verification};

/// Who asked, with the id of the request.
pub(super) type Asker = (ConnectionId, u32);

/// Verifications asked for and running.
#[derive(Default)]
pub(super) struct Verifications {
    waiting: Vec<Asker>,
    running: Option<Running>,
}

struct Running {
    askers: Vec<Asker>,
    cancelled: Arc<AtomicBool>,
    /// What a replay of the checked blocks must yield.
    expected: Digest,
    /// The signed checkpoint over them.
    checkpoint: String,
}

impl Verifications {
    pub(super) fn ask(&mut self, asker: Asker) {
        self.waiting.push(asker);
    }

    /// Whether the next verification should start now.
    pub(super) fn is_due(&self) -> bool {
        self.running.is_none() && !self.waiting.is_empty()
    }

    /// Starts the next verification. Called between two batches, when what is served is what is on disk.
    pub(super) fn start(
        &mut self,
        storage: Arc<dyn Storage>,
        up_to: u64,
        expected: Digest,
        checkpoint: String,
    ) -> Job {
        let cancelled = Arc::new(AtomicBool::new(false));
        let askers = std::mem::take(&mut self.waiting);
        self.running = Some(Running { askers, cancelled: Arc::clone(&cancelled), expected, checkpoint });
        Job::VerifyLog { storage, up_to, threads: NonZeroUsize::MIN, cancelled }
    }

    /// Who wants to know how far the running one is.
    pub(super) fn askers(&self) -> &[Asker] {
        self.running.as_ref().map_or(&[], |running| &running.askers)
    }

    /// Forgets a connection that is gone; nobody left cancels the work.
    pub(super) fn forget(&mut self, id: ConnectionId) {
        self.waiting.retain(|(connection, _)| *connection != id);
        if let Some(running) = &mut self.running {
            running.askers.retain(|(connection, _)| *connection != id);
            running.cancelled.store(running.askers.is_empty(), Ordering::Relaxed);
        }
    }

    /// Ends the running one without a verdict: who asked.
    pub(super) fn abandon(&mut self) -> Vec<Asker> {
        self.running.take().map(|running| running.askers).unwrap_or_default()
    }

    /// Ends the running one: who asked, and the verdict.
    pub(super) fn finish(&mut self, report: Report) -> Option<(Vec<Asker>, Verification)> {
        let running = self.running.take()?;
        let mut findings = report.findings;
        let mut findings_total = report.findings_total;
        if findings_total == 0 && report.replica_digest != Some(running.expected) {
            findings_total += 1;
            findings.push(Finding {
                file: String::new(),
                offset: 0,
                index: None,
                name: "state_mismatch".to_owned(),
                reason: "replaying the log does not yield the state that is served".to_owned(),
                warning: false,
            });
        }
        findings.truncate(FINDINGS_MAX);
        let checkpoint = if findings_total == 0 { running.checkpoint } else { String::new() };
        let verdict = Verification {
            blocks: report.blocks,
            signatures: report.signatures,
            findings,
            findings_total,
            checkpoint,
        };
        Some((running.askers, verdict))
    }
}
