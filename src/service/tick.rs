//! The service as a loop drives it: what happens outside is handed over, then the turn ends. All blocks of a turn become one
//! batch, and only when that is durable do the held replies leave.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use rand_core::CryptoRng;

use super::Service;
use super::job::{Job, JobResult};
use crate::driven::{ConnectionId, Handler, ProcessFigures};
use crate::eventlog::LogError;
use crate::limits::ANCHOR_SYNC_MS_MAX;
use crate::time::{Monotonic, Now};

impl Handler for Service {
    type Job = Job;
    type Answer = JobResult;
    type Failure = LogError;

    fn connected(&mut self, id: ConnectionId, address: SocketAddr, now: Now, rng: &mut dyn CryptoRng) {
        self.watch_clock(now);
        self.take_in(id, address, now, rng);
    }

    fn received(&mut self, id: ConnectionId, bytes: &[u8], now: Now, rng: &mut dyn CryptoRng) {
        self.watch_clock(now);
        self.read(id, bytes, now, rng);
    }

    fn hung_up(&mut self, id: ConnectionId, now: Now, _: &mut dyn CryptoRng) {
        self.watch_clock(now);
        self.forget(id);
    }

    fn answered(&mut self, answer: JobResult, now: Now, rng: &mut dyn CryptoRng) {
        self.watch_clock(now);
        self.job_done(answer, now, rng);
    }

    fn end_tick(&mut self, now: Now, rng: &mut dyn CryptoRng) -> Result<(), LogError> {
        self.watch_clock(now);
        self.run_deadlines(now, rng);
        self.share_reading_anew();
        self.serve(now, rng);
        self.hand_out_checks();
        self.check_at_once(now);
        if let Some(error) = self.fatal.take() {
            return Err(error);
        }
        if self.awaits_more(now) {
            self.release_held(now, rng);
            self.top_up_followers(0, now, rng);
            return Ok(());
        }
        self.commit_due = None;
        let mut notices = BTreeSet::new();
        // What the blocks need goes to the vault first.
        self.secrets.put(&self.ledger, rng)?;
        let blocks = self.ledger.commit(rng)?;
        // What the blocks erase is destroyed before anybody hears of it.
        let owed = self.secrets.owed() > 0;
        let destroyed = self.secrets.destroy(self.ledger.replica().state())?;
        if destroyed && (blocks > 0 || owed) {
            self.outbox.became_durable(self.outbox.open());
        } else if !destroyed {
            self.look_for_room_later(now.mono);
        }
        if blocks > 0 {
            self.newest_batch = blocks;
            notices = self.following.became_durable();
            let due = Monotonic(now.mono.0 + Duration::from_millis(ANCHOR_SYNC_MS_MAX));
            self.maintenance_due.get_or_insert(due);
        }
        self.keep_checkpoint()?;
        self.keep_cosigned(now.mono);
        self.release_held(now, rng);
        self.top_up_followers(blocks, now, rng);
        self.send_notices(notices, now, rng);
        self.end_follows_over(now);
        self.rewrap_vault(now, rng)?;
        self.close_leaving();
        self.close_ended(now, rng);
        self.start_verification();
        self.start_rebuild(now);
        self.write_journal();
        // Commands that found this batch full are the first of the next.
        for id in std::mem::take(&mut self.postponed) {
            self.run_commands(id, now);
        }
        Ok(())
    }

    fn take_jobs(&mut self) -> Vec<Job> {
        std::mem::take(&mut self.jobs)
    }

    fn lane(job: &Job) -> usize {
        job.lane() as usize
    }

    fn touched(&mut self) -> Vec<ConnectionId> {
        std::mem::take(&mut self.door.touched).into_iter().collect()
    }

    fn output(&self, id: ConnectionId) -> &[u8] {
        self.door.connections.get(&id).map_or(&[], |connection| connection.session.output())
    }

    fn written(&mut self, id: ConnectionId, count: usize, now: Now) {
        self.watch_clock(now);
        if let Some(connection) = self.door.connections.get_mut(&id) {
            connection.session.written(count);
            connection.output_moved(now.mono, count > 0);
            if connection.session.output().is_empty() {
                connection.rest();
            } else {
                self.schedule(id);
            }
            self.following.drained(id);
            self.await_turn(id);
        }
    }

    fn input_room(&self, id: ConnectionId) -> usize {
        let Some(connection) = self.door.connections.get(&id) else { return 0 };
        let has_room = connection.inbox.is_empty() && connection.has_room(&self.limits);
        let reads = !connection.ending
            && !self.is_leaving(id)
            && has_room
            && self.door.shares.may_read(connection.party());
        if reads { connection.session.room() } else { 0 }
    }

    fn is_finished(&self, id: ConnectionId) -> bool {
        self.door.connections.get(&id).is_none_or(|connection| connection.ending)
    }

    fn next_deadline(&self) -> Option<Monotonic> {
        let connections = self.door.deadlines.first();
        let left_over = !self.postponed.is_empty()
            || !self.outbox.is_empty() && self.secrets.owed() == 0
            || !self.door.to_close.is_empty()
            || self.ledger.open_batch() > 0;
        // What is left over waits for an open batch, if there is one that is left open.
        let left_over = left_over.then(|| self.commit_due.unwrap_or_default());
        let more = !self.jobs.is_empty()
            || !self.turns.is_empty()
            || self.following.is_ready() && !self.commands_wait();
        let at_once = more.then_some(Monotonic::default()).or(left_over);
        let files = [self.cosigned.write_due(), self.rebuild_due(), self.journal.due()];
        let due = [
            connections,
            self.maintenance_due,
            self.rewrap_due,
            self.lines.due(),
            at_once,
            self.following.over_at(),
        ]
        .into_iter()
        .chain(files);
        due.flatten().min()
    }

    fn gathers(&self) -> bool {
        self.commit_due.is_some()
    }

    fn shut_down(&mut self) {
        self.shutting_down = true;
        let ids: Vec<ConnectionId> = self.door.connections.keys().copied().collect();
        for id in ids {
            self.end(id, "the server is shutting down");
        }
    }

    fn set_process_figures(&mut self, figures: ProcessFigures) {
        self.process = figures;
    }

    fn close(mut self) -> Result<(), LogError> {
        self.sum_up_lines(Monotonic(Duration::MAX));
        self.note.was_told();
        self.keep_checkpoint()?;
        self.keep_cosigned(self.cosigned.write_due().unwrap_or_default());
        // The journal is no reason to end otherwise.
        while let Some(write) = self.journal.end() {
            if let Err(error) = write.run(self.storage.as_ref()) {
                tracing::warn!(%error, "the end of the journal could not be written");
                break;
            }
        }
        let committed = self.ledger.committed();
        self.ledger.close()?;
        self.secrets.close(committed)
    }
}
