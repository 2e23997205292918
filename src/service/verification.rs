//! The check of the whole log, asked for by members and done by a helper. One runs at a time; who asks while
//! one runs is answered by the next, because the running one does not cover the newest blocks. A member waits for
//! one at a time, over whichever connection.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{ConnectionId, Job};
use crate::audit::Report;
use crate::domain::AccountId;
use crate::eventlog::Storage;
use crate::ledger::Totals;
use crate::limits::VERIFICATIONS_ASKED_MAX;
use crate::refusal;
use crate::wire::{FINDINGS_MAX, Finding, Refusal, Verification};

/// Askers who are told how far it is at once; the others' turn is the next time.
const TOLD_AT_ONCE_MAX: usize = 64;

/// Who asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asker {
    /// The member.
    pub(super) account: AccountId,
    /// Over which connection.
    pub(super) connection: ConnectionId,
    /// Id of the request.
    pub(super) request: u32,
}

/// Verifications asked for and running.
#[derive(Default)]
pub(super) struct Verifications {
    waiting: Vec<Asker>,
    running: Option<Running>,
}

struct Running {
    askers: Vec<Asker>,
    cancelled: Arc<AtomicBool>,
    /// What a replay of the checked blocks must add up to. The digest over the whole state, which takes seconds where there
    /// are a million accounts, is for the simulator and the audit.
    expected: Totals,
    /// The signed checkpoint over them.
    checkpoint: String,
}

impl Verifications {
    /// Takes in who wants the log checked.
    ///
    /// # Errors
    /// The refusal for who waits already, and for who finds that too many do.
    pub(super) fn ask(&mut self, asker: Asker) -> Result<(), Refusal> {
        let running = self.running.as_ref().map_or(&[][..], |running| &running.askers);
        if self.waiting.iter().chain(running).any(|other| other.account == asker.account) {
            let sentence = "a check of the log that this account asked for is not done yet";
            return Err(Refusal::fail(refusal::BUSY, sentence));
        }
        if self.waiting.len() + running.len() >= VERIFICATIONS_ASKED_MAX {
            let sentence = "as many members wait for a check of the log as the server takes; try again later";
            return Err(Refusal::fail(refusal::BUSY, sentence));
        }
        self.waiting.push(asker);
        Ok(())
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
        expected: Totals,
        checkpoint: String,
    ) -> Job {
        let cancelled = Arc::new(AtomicBool::new(false));
        let askers = std::mem::take(&mut self.waiting);
        self.running = Some(Running { askers, cancelled: Arc::clone(&cancelled), expected, checkpoint });
        Job::VerifyLog { storage, up_to, threads: NonZeroUsize::MIN, cancelled }
    }

    /// Who is told now how far the running one is: some of those who asked, others the next time.
    pub(super) fn next_to_tell(&mut self) -> Vec<Asker> {
        let Some(running) = &mut self.running else { return Vec::new() };
        let told: Vec<Asker> = running.askers.iter().take(TOLD_AT_ONCE_MAX).copied().collect();
        running.askers.rotate_left(told.len());
        told
    }

    /// Forgets a connection that is gone; nobody left cancels the work.
    pub(super) fn forget(&mut self, id: ConnectionId) {
        self.waiting.retain(|asker| asker.connection != id);
        if let Some(running) = &mut self.running {
            running.askers.retain(|asker| asker.connection != id);
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
        if findings_total == 0 && report.totals.as_ref() != Some(&running.expected) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::Frontier;
    use crate::crypto::Digest;
    use crate::eventlog::SimDisk;

    fn asker(account: u64, connection: u64) -> Asker {
        Asker { account: AccountId(account), connection: ConnectionId(connection), request: 7 }
    }

    fn start(verifications: &mut Verifications) {
        let expected = Totals {
            size: 0,
            head: Digest::ZERO,
            root: Frontier::default().root(),
            commands: 0,
            counts: Vec::new(),
        };
        drop(verifications.start(Arc::new(SimDisk::new()), 0, expected, String::new()));
    }

    #[test]
    fn a_member_waits_for_one_check_at_a_time_and_a_bounded_number_of_members_do() {
        let mut verifications = Verifications::default();
        assert_eq!(verifications.ask(asker(1, 1)), Ok(()));
        let refused = |verifications: &mut Verifications, account, connection| {
            verifications.ask(asker(account, connection)).unwrap_err().name
        };
        assert_eq!(refused(&mut verifications, 1, 2), "busy", "waiting, over another connection");
        start(&mut verifications);
        assert_eq!(refused(&mut verifications, 1, 1), "busy", "running");
        for account in 2..=VERIFICATIONS_ASKED_MAX as u64 {
            assert_eq!(verifications.ask(asker(account, account)), Ok(()));
        }
        assert_eq!(refused(&mut verifications, 0, 0), "busy");
        verifications.forget(ConnectionId(1));
        assert_eq!(verifications.ask(asker(1, 3)), Ok(()), "who left may ask again");
    }

    #[test]
    fn everybody_is_told_in_turn_how_far_it_is() {
        let mut verifications = Verifications::default();
        let all = TOLD_AT_ONCE_MAX as u64 + 2;
        (0..all).for_each(|account| verifications.ask(asker(account, account)).unwrap());
        start(&mut verifications);
        let mut told: Vec<u64> =
            (0..2).flat_map(|_| verifications.next_to_tell()).map(|one| one.account.0).collect();
        assert_eq!(told.len(), 2 * TOLD_AT_ONCE_MAX);
        told.sort_unstable();
        told.dedup();
        assert!(told.into_iter().eq(0..all));
    }
}
