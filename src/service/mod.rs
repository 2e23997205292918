//! The daemon without its sockets: who is there, what they ask, what they are answered.
//!
//! ```text
//! door         who is there: connections, sessions, shares, deadlines, tickets
//! turns        whose message is looked at next          dispatch   from a message to whoever answers it
//! commands     a command: what was answered before, its signatures, its guards, the rules
//! answers      questions: those of the domains, and pages of blocks
//! following    blocks for those who follow them         presence   who is online
//! receipts, proofs, checkpoints, cosigned, verification, figures   what else is asked for
//! outbox, held, note   replies wait until what they have seen is durable
//! tick         the service as a loop drives it: one turn, one batch
//! ```

mod admission;
mod answers;
mod checkpoints;
mod clock;
mod commands;
mod cosigned;
mod dispatch;
mod door;
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
mod turns;
mod tick;
mod verification;

pub use clock::ClockReference;
pub use figures::described_figures;
pub use job::{CheckingKey, CommandCheck, EndorsementCheck, Job, JobResult, Keys, Lane, SignatureVerdict};

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use rand_core::CryptoRng;

use crate::crypto::note::LogKey;
use crate::driven::{ConnectionId, ProcessFigures};
use crate::eventlog::{LogError, Storage};
use crate::ledger::{CheckpointFile, Ledger};
use crate::limits::{Limits, REFUSALS_REMEMBERED_MAX, REFUSALS_REMEMBERED_PER_AUTHOR_MAX};
use crate::session::{ServerEnv, ServerIdentity, Stage};
use crate::time::{Monotonic, Now, Timestamp};
use clock::ClockWatch;
use cosigned::Cosigned;
use door::{Connection, Door};
use fair_queue::FairQueue;
use following::Following;
use key_cache::KeyCache;
use lines::Lines;
use note::NewestNote;
use outbox::Outbox;
use party::Party;
use presence::Presence;
use proofs::StoredHashes;
use quota::Quota;
use refusals::Refusals;
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
    log_key: LogKey,
    /// Who is there.
    door: Door,
    /// Connections with messages that nobody has looked at yet.
    turns: FairQueue<Party, ConnectionId>,
    /// What the party whose turn it is has cost the loop, in microseconds, as far as that can be estimated.
    work: u64,
    /// Connections whose first command was checked but found the batch full.
    postponed: VecDeque<ConnectionId>,
    jobs: Vec<Job>,
    outbox: Outbox,
    refusals: Refusals,
    clock: ClockWatch,
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
}

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
        let door = Door::new(identity, &limits);
        let mut service = Service {
            limits,
            ledger,
            storage,
            log_key,
            door,
            turns: FairQueue::default(),
            work: 0,
            postponed: VecDeque::new(),
            jobs: Vec::new(),
            outbox: Outbox::default(),
            refusals: Refusals::new(REFUSALS_REMEMBERED_MAX, REFUSALS_REMEMBERED_PER_AUTHOR_MAX),
            clock: ClockWatch::default(),
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
            shutting_down: false,
            fatal: None,
            checks: FairQueue::default(),
            checks_with_helpers: 0,
            checks_under_way: 0,
            quota: Quota::default(),
            newest_batch: 0,
            commit_due: None,
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
        for id in std::mem::take(&mut self.door.to_close) {
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
        if self.door.connections.get(&id)?.session.stage() < Stage::Open {
            // A hello is answered with the newest checkpoint.
            self.sign_checkpoint();
        }
        let connection = self.door.connections.get_mut(&id)?;
        let mut env = ServerEnv {
            now,
            rng,
            tickets: &mut self.door.tickets,
            identity: &self.door.identity,
            settings: &self.door.settings,
            checkpoint_note: self.note.lend(),
            note_told: false,
        };
        let done = work(connection, &mut env);
        if env.note_told {
            self.note.was_told();
        }
        connection.output_moved(now.mono, false);
        self.door.touched.insert(id);
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
        self.door.touched.insert(id);
    }

    /// Stops accepting hellos for the key before the current one at this time.
    pub fn accept_previous_key_until(&mut self, until: Timestamp) {
        self.door.previous_key_until = Some(until);
    }

    /// The ledger, for its figures.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }
}
