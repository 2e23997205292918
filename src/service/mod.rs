//! The daemon without its sockets: its connections, the messages that come over them, and the answers.
//!
//! ```text
//! door         the callers who are there: connections, sessions, shares, deadlines, tickets
//! turns        the order in which messages are looked at
//! dispatch     the way from a message to the file that answers it
//! commands     the way of a command: earlier answers, signatures, guards, rules
//! guards       the guards of a command, in their order
//! signers      the keys that its signatures are checked with
//! answers      the answers to questions of the domains, and pages of blocks
//! following    blocks for members who follow them       allowance  what they may cost
//! presence     members who are online
//! passwords    log-ins by e-mail and password
//! factors      the second factor, and what nobody may do without
//! erasures     the proof that an account was erased
//! receipts, proofs, checkpoints, cosigned, verification, figures   the answers to everything else
//! outbox, held, note   replies, which wait until what they have seen is durable
//! journaling   what is noted of sessions, questions and refusals, and looks into that
//! secrets      the vault, and what the commands of a batch bring for it; credentials: whose passwords lie in it
//! rewrap       the vault's way from its key to the next
//! sealed_check, sealed_fields   whether sealed texts open, and what follows
//! tick         the service as a loop drives it: one turn, one batch
//! ```

mod admission;
mod allowance;
mod answers;
mod checkpoints;
mod clock;
mod commands;
mod cosigned;
mod credentials;
mod dispatch;
mod door;
mod enrolling;
mod erasures;
mod factors;
mod fair_queue;
mod figures;
mod following;
mod guards;
mod held;
mod holdings;
mod job;
mod journaling;
mod key_cache;
mod leaving;
mod lines;
mod note;
mod outbox;
mod party;
mod log_in;
mod passwords;
mod throttle;
mod presence;
mod proofs;
mod quota;
mod receipts;
mod refusals;
mod rewrap;
mod sealed_check;
mod sealed_fields;
mod secrets;
mod signers;
mod turns;
mod tick;
mod verification;

pub use clock::ClockReference;
pub use figures::described_figures;
pub use job::{
    CheckingKey, CommandCheck, EndorsementCheck, Job, JobResult, Keys, Lane, LookIntoJournal, PasswordAnswer,
    PasswordJob, PasswordStep, SignatureVerdict,
};
pub use secrets::{Secrets, SecretsBug};

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use rand_core::CryptoRng;

use crate::crypto::ed25519;
use crate::crypto::note::LogKey;
use crate::driven::{ConnectionId, ProcessFigures};
use crate::eventlog::{LogError, Storage};
use crate::journal::Journal;
use crate::ledger::{CheckpointFile, Ledger};
use crate::limits::{Limits, REFUSALS_REMEMBERED_MAX, REFUSALS_REMEMBERED_PER_AUTHOR_MAX};
use crate::session::{ServerEnv, ServerIdentity, Stage};
use crate::time::{Monotonic, Now, Timestamp};
use clock::ClockWatch;
use cosigned::Cosigned;
use door::{Connection, Door};
use factors::Factors;
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
use throttle::Throttle;
use verification::Verifications;

/// How many handshakes there were since the start.
#[derive(Clone, Copy, Debug, Default)]
struct Handshakes {
    /// Full handshakes, each of which costs the server an RSA private operation.
    full: u64,
    /// Handshakes that resumed a session with a ticket.
    resumed: u64,
    /// Handshakes that failed.
    failed: u64,
}

/// The counts of the service since it started.
#[derive(Clone, Copy, Debug, Default)]
struct Counters {
    handshakes: Handshakes,
    /// Commands that became a block.
    accepted: u64,
    /// Commands that were refused.
    refused: u64,
    /// Commands that were in the ledger already and were answered with their block.
    duplicate: u64,
}

/// The daemon without its sockets: an implementation of [`crate::driven::Handler`], which a loop drives.
pub struct Service {
    limits: Limits,
    ledger: Ledger,
    storage: Arc<dyn Storage>,
    /// The secrets of members, in the vault or on their way there.
    secrets: Secrets,
    /// How often passwords may be guessed.
    throttle: Throttle,
    /// Who has given a second factor, and how often one was guessed at.
    factors: Factors,
    /// The key that signs checkpoints.
    log_key: LogKey,
    /// The callers who are there.
    door: Door,
    /// Connections with messages that nobody has looked at yet.
    turns: FairQueue<Party, ConnectionId>,
    /// An estimate of the time that the party whose turn it is has cost the loop, in microseconds.
    work: u64,
    /// Connections whose first command was checked but found the batch full.
    postponed: VecDeque<ConnectionId>,
    /// Work that the helper threads are to be given at the end of the tick.
    jobs: Vec<Job>,
    /// Replies that wait until what they have seen is durable.
    outbox: Outbox,
    /// Refusals that are answered again to whoever sends the same command again.
    refusals: Refusals,
    /// The watch over the machine's clock, which may jump.
    clock: ClockWatch,
    /// The lines of the daemon's log that each party may still cause.
    lines: Lines,
    /// Checks of the whole log that members have asked for.
    verifications: Verifications,
    stored_hashes: StoredHashes,
    /// Keys of members that are ready to check signatures with.
    keys: KeyCache,
    /// The newest signed checkpoint.
    note: NewestNote,
    /// The file in which the newest checkpoint is kept before it leaves.
    checkpoint_file: CheckpointFile,
    /// Whether the newest checkpoint could not be kept, for want of room on the disk, and the log says so already.
    checkpoint_unkept: bool,
    /// The checkpoints that witnesses have cosigned.
    cosigned: Cosigned,
    /// The members who are online.
    presence: Presence,
    /// The members who follow blocks.
    following: Following,
    /// The server's own record of sessions, questions and refusals.
    journal: Journal,
    /// Looks into the journal that wait for a helper, or are with one.
    journal_looks: u32,
    /// The time at which the anchor is to be synced, or room on the disk to be looked for.
    maintenance_due: Option<Monotonic>,
    /// The time at which a piece of the vault's way to its next key is to be done, or looked whether that is due.
    rewrap_due: Option<Monotonic>,
    counters: Counters,
    process: ProcessFigures,
    shutting_down: bool,
    /// The error of the log for which the process ends with this tick.
    fatal: Option<LogError>,
    /// Commands whose signatures no helper has been given yet.
    checks: FairQueue<Party, CommandCheck>,
    /// The weight of the commands whose signatures the helpers are checking.
    checks_with_helpers: u64,
    /// How many commands have signatures that are being checked or wait for that.
    checks_under_way: u64,
    /// The bytes that each member has written to the log today.
    quota: Quota,
    /// How many blocks the newest batch had.
    newest_batch: u64,
    /// The time at which the open batch is committed at the latest, while it is left open.
    commit_due: Option<Monotonic>,
}

/// How often room is looked for while the disk is full.
const ROOM_CHECK_EVERY: Duration = Duration::from_secs(1);

impl Service {
    /// A service over an open ledger and its vault.
    pub fn new(
        ledger: Ledger,
        secrets: Secrets,
        storage: Arc<dyn Storage>,
        identity: ServerIdentity,
        log_key: LogKey,
        checkpoint_file: CheckpointFile,
        limits: Limits,
    ) -> Service {
        let decoy = ed25519::PublicKey::of_bytes(log_key.public().bytes());
        let decoy = decoy.map_or_else(|_| Vec::new(), |key| key.spki().to_vec());
        let door = Door::new(identity, decoy, &limits);
        let journal = Journal::new(limits.journal_bytes_max);
        let mut service = Service {
            throttle: Throttle::new(&limits),
            factors: Factors::new(&limits),
            limits,
            ledger,
            storage,
            secrets,
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
            journal,
            journal_looks: 0,
            maintenance_due: None,
            rewrap_due: None,
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
        let goes_over = service.limits.vault_rewrap_days > 0 || service.secrets.are_going_over();
        service.rewrap_due = goes_over.then(Monotonic::default);
        service.sign_checkpoint();
        service.recall_cosigned();
        service
    }

    /// Takes the answer of a helper thread to the part of the service that has asked.
    fn job_done(&mut self, result: JobResult, now: Now, rng: &mut dyn CryptoRng) {
        match result {
            JobResult::Decapped { connection, secret } => self.decapped(connection, &secret, now, rng),
            JobResult::ClientVerified { connection, key } => self.client_verified(connection, key, now, rng),
            JobResult::CommandVerified { check, verdict } => self.command_verified(check, verdict, now),
            JobResult::PasswordAnswered { connection, request, answer } => {
                self.password_answered(connection, request, answer);
            }
            JobResult::LogProgress { done, total } => self.log_progress(done, total),
            JobResult::LogVerified(report) => self.log_verified(report, now),
            JobResult::TreeRebuilt(result) => self.tree_rebuilt(result, now),
            JobResult::JournalWritten(written) => self.journal_written(written),
            JobResult::JournalRead { connection, request, page } => {
                self.journal_read(connection, request, page);
            }
        }
    }

    /// Closes the sessions of connections that the service ends, after their last replies.
    fn close_ended(&mut self, now: Now, rng: &mut dyn CryptoRng) {
        for id in std::mem::take(&mut self.door.to_close) {
            self.with_env(id, now, rng, |connection, env| connection.session.close(env));
        }
    }

    /// Lets `work` have a connection and what its session needs of the world: clocks, randomness, keys, tickets and the
    /// newest checkpoint.
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
        // The session sees the world through this value alone.
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
        // A session that has told the checkpoint says so, because a checkpoint that was told has to be kept first.
        if env.note_told {
            self.note.was_told();
        }
        connection.output_moved(now.mono, false);
        self.door.touched.insert(id);
        Some(done)
    }

    /// Has a helper check the whole log, if somebody waits for that and no check is under way.
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

    /// Accepts hellos for the key before the current one until this time, and no longer.
    pub fn accept_previous_key_until(&mut self, until: Timestamp) {
        self.door.previous_key_until = Some(until);
    }

    /// The ledger that the service serves.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }
}
