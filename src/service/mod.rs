//! The daemon without its sockets: who is connected, what they ask, what they are answered.
//!
//! A loop drives the service as [`Handler`] says: it hands over what happened outside, then ends the tick. All blocks
//! of the tick become one batch, and only when that is durable do the held replies leave.

mod admission;
mod answers;
mod checkpoints;
mod clock;
mod commands;
mod connection;
mod cosigned;
mod deadlines;
mod dispatch;
mod fair_queue;
mod figures;
mod following;
mod held;
mod holdings;
mod job;
mod key_cache;
mod lines;
mod note;
mod outbox;
mod party;
mod presence;
mod proofs;
mod quota;
mod receipts;
mod refusals;
mod sessions;
mod shares;
mod turns;
mod verification;

pub use clock::ClockReference;
pub use figures::described_figures;
pub use job::{CheckingKey, CommandCheck, EndorsementCheck, Job, JobResult, Keys, Lane, SignatureVerdict};

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rand_core::CryptoRng;

use crate::crypto::note::LogKey;
use crate::driven::{ConnectionId, Handler, ProcessFigures};
use crate::eventlog::{LogError, Storage};
use crate::ledger::{CheckpointFile, Ledger};
use crate::limits::{
    ANCHOR_SYNC_MS_MAX, Limits, REFUSALS_REMEMBERED_MAX, REFUSALS_REMEMBERED_PER_AUTHOR_MAX,
};
use crate::session::{ChannelSettings, ServerEnv, ServerIdentity, Stage, TicketSettings, TicketTable};
use crate::time::{Monotonic, Now, Timestamp};
use admission::{Bucket, Buckets};
use clock::ClockWatch;
use connection::Connection;
use cosigned::Cosigned;
use deadlines::Deadlines;
use fair_queue::FairQueue;
use following::Following;
use key_cache::KeyCache;
use lines::Lines;
use note::NewestNote;
use outbox::Outbox;
use party::{Party, Prefix};
use presence::Presence;
use proofs::StoredHashes;
use quota::Quota;
use refusals::Refusals;
use shares::Shares;
use verification::Verifications;

/// Handshakes since the start.
#[derive(Clone, Copy, Debug, Default)]
struct Handshakes {
    /// With an RSA private operation of the server.
    full: u64,
    /// With a ticket.
    resumed: u64,
    /// That failed.
    failed: u64,
}

/// What the service counts since it started.
#[derive(Clone, Copy, Debug, Default)]
struct Counters {
    handshakes: Handshakes,
    accepted: u64,
    refused: u64,
    duplicate: u64,
}

/// See the module.
pub struct Service {
    limits: Limits,
    ledger: Ledger,
    storage: Arc<dyn Storage>,
    identity: ServerIdentity,
    log_key: LogKey,
    tickets: TicketTable,
    settings: ChannelSettings,
    connections: BTreeMap<ConnectionId, Connection>,
    shares: Shares,
    deadlines: Deadlines,
    touched: BTreeSet<ConnectionId>,
    /// Connections with messages that nobody has looked at yet.
    turns: FairQueue<Party, ConnectionId>,
    /// What the party whose turn it is has cost the loop, in microseconds, as far as that can be estimated.
    work: u64,
    /// Connections whose first command was checked but found the batch full.
    postponed: VecDeque<ConnectionId>,
    /// Full handshakes that wait for the RSA helper.
    handshakes: FairQueue<Prefix, Job>,
    decaps_with_helper: u64,
    jobs: Vec<Job>,
    outbox: Outbox,
    refusals: Refusals,
    clock: ClockWatch,
    registrations: Bucket,
    registrations_by_prefix: Buckets,
    lines: Lines,
    verifications: Verifications,
    stored_hashes: StoredHashes,
    keys: KeyCache,
    note: NewestNote,
    /// Where it is kept before it leaves.
    checkpoint_file: CheckpointFile,
    /// The newest checkpoint could not be kept, for want of room on the disk, and that was said.
    checkpoint_unkept: bool,
    /// What witnesses have cosigned.
    cosigned: Cosigned,
    /// Who is online.
    presence: Presence,
    /// Who is sent blocks.
    following: Following,
    /// When the anchor is to be synced, or room on the disk to be looked for.
    maintenance_due: Option<Monotonic>,
    counters: Counters,
    process: ProcessFigures,
    /// Connections to be closed at the end of the tick.
    to_close: Vec<ConnectionId>,
    shutting_down: bool,
    fatal: Option<LogError>,
    /// Signatures that no helper has been given yet.
    checks: FairQueue<Party, CommandCheck>,
    /// What the helpers have been given of them, by weight.
    checks_with_helpers: u64,
    /// Commands whose signatures are being checked, by a helper or soon.
    checks_under_way: u64,
    /// What each member has written today.
    quota: Quota,
    /// Blocks of the newest batch.
    newest_batch: u64,
    /// When the open batch is committed at the latest, while it is left open.
    commit_due: Option<Monotonic>,
    previous_key_until: Option<Timestamp>,
}

/// Handshakes given to the private lane at once: enough that it is never idle, few enough that the fair
/// queue, and not the lane's own, decides who is next.
const DECAPS_WITH_HELPER_MAX: u64 = 2;

/// How often room is looked for while the disk is full.
const ROOM_CHECK_EVERY: Duration = Duration::from_secs(1);

impl Service {
    /// A service over an open ledger.
    pub fn new(
        ledger: Ledger,
        storage: Arc<dyn Storage>,
        identity: ServerIdentity,
        log_key: LogKey,
        checkpoint_file: CheckpointFile,
        limits: Limits,
    ) -> Service {
        let tickets = TicketTable::new(TicketSettings {
            tickets_max: limits.tickets_max as usize,
            per_account_max: limits.tickets_per_account_max as usize,
            lifetime: Duration::from_millis(limits.ticket_lifetime_ms),
            ..TicketSettings::default()
        });
        let settings = ChannelSettings {
            handshake_bytes_max: limits.handshake_bytes_max as usize,
            ..ChannelSettings::default()
        };
        let registrations = Bucket::new(limits.registrations_per_second, limits.registrations_burst);
        let (per_second, burst) =
            (limits.registrations_per_prefix_per_second, limits.registrations_per_prefix_burst);
        let mut service = Service {
            limits,
            ledger,
            storage,
            identity,
            log_key,
            tickets,
            settings,
            connections: BTreeMap::new(),
            shares: Shares::default(),
            deadlines: Deadlines::default(),
            touched: BTreeSet::new(),
            turns: FairQueue::default(),
            work: 0,
            postponed: VecDeque::new(),
            handshakes: FairQueue::default(),
            decaps_with_helper: 0,
            jobs: Vec::new(),
            outbox: Outbox::default(),
            refusals: Refusals::new(REFUSALS_REMEMBERED_MAX, REFUSALS_REMEMBERED_PER_AUTHOR_MAX),
            clock: ClockWatch::default(),
            registrations,
            registrations_by_prefix: Buckets::new(per_second, burst),
            lines: Lines::default(),
            verifications: Verifications::default(),
            stored_hashes: StoredHashes::default(),
            keys: KeyCache::default(),
            note: NewestNote::default(),
            checkpoint_file,
            checkpoint_unkept: false,
            cosigned: Cosigned::default(),
            presence: Presence::default(),
            following: Following::default(),
            maintenance_due: None,
            counters: Counters::default(),
            process: ProcessFigures::default(),
            to_close: Vec::new(),
            shutting_down: false,
            fatal: None,
            checks: FairQueue::default(),
            checks_with_helpers: 0,
            checks_under_way: 0,
            quota: Quota::default(),
            newest_batch: 0,
            commit_due: None,
            previous_key_until: None,
        };
        // A start on a full disk waits for room.
        service.maintenance_due = service.ledger.log().mode().is_read_only().then(Monotonic::default);
        service.sign_checkpoint();
        service.recall_cosigned();
        service
    }

    fn job_done(&mut self, result: JobResult, now: Now, rng: &mut dyn CryptoRng) {
        match result {
            JobResult::Decapped { connection, secret } => self.decapped(connection, &secret, now, rng),
            JobResult::ClientVerified { connection, key } => self.client_verified(connection, key, now, rng),
            JobResult::CommandVerified { check, verdict } => self.command_verified(check, verdict, now),
            JobResult::LogProgress { done, total } => self.log_progress(done, total),
            JobResult::LogVerified(report) => self.log_verified(report, now),
            JobResult::TreeRebuilt(result) => self.tree_rebuilt(result, now),
        }
    }

    /// Says goodbye on connections that are ended from this side, after their last replies.
    fn close_ended(&mut self, now: Now, rng: &mut dyn CryptoRng) {
        for id in std::mem::take(&mut self.to_close) {
            self.with_env(id, now, rng, |connection, env| connection.session.close(env));
        }
    }

    /// Lends a connection's session what it needs of the world.
    fn with_env<T>(
        &mut self,
        id: ConnectionId,
        now: Now,
        rng: &mut dyn CryptoRng,
        work: impl FnOnce(&mut Connection, &mut ServerEnv<'_>) -> T,
    ) -> Option<T> {
        if self.connections.get(&id)?.session.stage() < Stage::Open {
            // A hello is answered with the newest checkpoint.
            self.sign_checkpoint();
        }
        let connection = self.connections.get_mut(&id)?;
        let mut env = ServerEnv {
            now,
            rng,
            tickets: &mut self.tickets,
            identity: &self.identity,
            settings: &self.settings,
            checkpoint_note: self.note.lend(),
            note_told: false,
        };
        let done = work(connection, &mut env);
        if env.note_told {
            self.note.was_told();
        }
        connection.output_moved(now.mono, false);
        self.touched.insert(id);
        Some(done)
    }

    fn start_verification(&mut self) {
        if self.verifications.is_due() {
            let expected = self.ledger.replica().totals();
            let (size, note) = self.hand_out_note();
            let job = self.verifications.start(Arc::clone(&self.storage), size, expected, note);
            self.jobs.push(job);
        }
    }

    /// Has a connection looked at again at the end of the tick.
    pub fn touch(&mut self, id: ConnectionId) {
        self.touched.insert(id);
    }

    /// Stops accepting hellos for the key before the current one at this time.
    pub fn accept_previous_key_until(&mut self, until: Timestamp) {
        self.previous_key_until = Some(until);
    }

    /// The ledger, for its figures.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }
}

impl Handler for Service {
    type Job = Job;
    type Answer = JobResult;
    type Failure = LogError;

    fn connected(&mut self, id: ConnectionId, peer: SocketAddr, now: Now, rng: &mut dyn CryptoRng) {
        self.watch_clock(now);
        self.take_in(id, peer, now, rng);
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
        self.serve(now);
        self.hand_out_checks();
        self.check_at_once(now);
        if let Some(error) = self.fatal.take() {
            return Err(error);
        }
        if self.awaits_more(now) {
            self.release_held(now, rng);
            self.top_up_followers(now, rng);
            return Ok(());
        }
        self.commit_due = None;
        let mut notices = Vec::new();
        let blocks = self.ledger.commit(rng)?;
        if blocks > 0 {
            self.newest_batch = blocks;
            self.outbox.became_durable(self.outbox.open());
            notices = self.following.became_durable();
            let due = Monotonic(now.mono.0 + Duration::from_millis(ANCHOR_SYNC_MS_MAX));
            self.maintenance_due.get_or_insert(due);
        }
        self.keep_checkpoint()?;
        self.keep_cosigned(now.mono);
        self.release_held(now, rng);
        self.top_up_followers(now, rng);
        self.send_notices(notices, now, rng);
        self.close_ended(now, rng);
        self.start_verification();
        self.start_rebuild(now);
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
        std::mem::take(&mut self.touched).into_iter().collect()
    }

    fn output(&self, id: ConnectionId) -> &[u8] {
        self.connections.get(&id).map_or(&[], |connection| connection.session.output())
    }

    fn written(&mut self, id: ConnectionId, count: usize, now: Now) {
        self.watch_clock(now);
        if let Some(connection) = self.connections.get_mut(&id) {
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
        let Some(connection) = self.connections.get(&id) else { return 0 };
        let has_room = connection.inbox.is_empty() && connection.has_room(&self.limits);
        let reads = !connection.ending && has_room && self.shares.may_read(connection.party());
        if reads { connection.session.room() } else { 0 }
    }

    fn is_finished(&self, id: ConnectionId) -> bool {
        self.connections.get(&id).is_none_or(|connection| connection.ending)
    }

    fn next_deadline(&self) -> Option<Monotonic> {
        let connections = self.deadlines.first();
        let left_over = !self.postponed.is_empty()
            || !self.outbox.is_empty()
            || !self.to_close.is_empty()
            || self.ledger.open_batch() > 0;
        // What is left over waits for an open batch, if there is one that is left open.
        let left_over = left_over.then(|| self.commit_due.unwrap_or_default());
        let more = !self.jobs.is_empty() || !self.turns.is_empty() || self.following.is_ready();
        let at_once = more.then_some(Monotonic::default()).or(left_over);
        let files = [self.cosigned.write_due(), self.rebuild_due()];
        let due = [connections, self.maintenance_due, self.lines.due(), at_once].into_iter().chain(files);
        due.flatten().min()
    }

    fn gathers(&self) -> bool {
        self.commit_due.is_some()
    }

    fn shut_down(&mut self) {
        self.shutting_down = true;
        let ids: Vec<ConnectionId> = self.connections.keys().copied().collect();
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
        self.ledger.close()
    }
}
