//! The ledger, which ties chain, domain and log together: it proposes, commits, replays and answers.
//!
//! The state changes when a block is proposed, so that the next command of the same tick sees the change. Nobody outside
//! is told before [`Ledger::commit`] has written and synced the batch: the service holds every reply until then.
//! Nothing that was decided is ever taken back: a command is decided only where its block, at its largest, has room on
//! the disk. When the write or the sync fails all the same, the process ends: nothing is retried and nothing is answered
//! from memory.

mod checkpoint_file;
mod command_index;
mod open;
mod past;
mod proofs;
mod reading;
mod recent;
mod rebuild;
mod replica;
mod transaction;
mod tree_file;

pub use checkpoint_file::{CHECKPOINT_FILE, CheckpointFile, CheckpointFileError};
pub use command_index::CommandIndex;
pub use open::{Demands, VaultDemand};
pub use past::{Line, Past};
pub use proofs::Unproven;
pub use reading::{Reading, ReadingCost};
pub use rebuild::{RebuildError, RebuiltTree, TreeRebuild};
pub use replica::{ReplayError, Replica, Totals};
pub use transaction::{Transaction, TransactionError, context_of};

use std::fmt;

use rand_core::CryptoRng;

use crate::chain::{BLOCK_FIELDS_BYTES, Block, BlockDigests, Checkpoint, Message, TreeRoot, block_hash};
use crate::crypto::{Digest, LedgerId};
use crate::domain::{self, Command, Context, Happened, Rejection};
use crate::eventlog::{Batch, EventLog, LogError, LogReader};
use crate::limits::{ISSUED_AT_FUTURE_MS_MAX, ISSUED_AT_PAST_MS_MAX};
use crate::time::Timestamp;
use recent::Recent;
use tree_file::TreeFile;

/// A ledger that is open for service.
pub struct Ledger {
    /// The sum of all blocks, those of the open batch included.
    replica: Replica,
    /// The sum of all blocks that a start on a full disk found. Some of them may not be durable, and may not be spoken of
    /// before there is room; `replica` is without them until then.
    in_doubt: Option<Box<Replica>>,
    log: EventLog,
    /// The blocks that were proposed since the last commit.
    batch: Batch,
    /// The hashes of the tree, from which proofs are made.
    tree: TreeFile,
    committed: Committed,
    /// The newest durable blocks, kept in memory.
    recent: Recent,
    /// The bytes of the block that is being proposed.
    scratch: Vec<u8>,
}

/// The ledger as of the last synced batch. Nothing newer may be spoken of outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// How many blocks are durable.
    pub size: u64,
    /// The hash of the last durable block.
    pub head: Digest,
    /// The root of the tree over the durable blocks.
    pub root: TreeRoot,
}

impl Committed {
    fn of(replica: &Replica) -> Committed {
        let (size, head) = (replica.link().next_index(), replica.link().head());
        Committed { size, head, root: replica.frontier().root() }
    }
}

/// The place of an accepted command in the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// Index of its block.
    pub index: u64,
    /// Hash of its block.
    pub hash: Digest,
    /// Time of its block.
    pub timestamp: Timestamp,
    /// The event's stored bytes.
    pub event: Vec<u8>,
}

/// The answer to the question whether a command may be decided, before any rule is asked.
#[derive(Clone, Debug)]
pub enum Admission {
    /// The command is new and may be decided.
    Fresh,
    /// The command was accepted before, and its block is in the log.
    Known(Placement),
    /// The command was accepted in the batch that is still open.
    Pending(Placement),
    /// The author has used the command's id for another command.
    Conflict,
    /// The time `issued_at` of the command lies outside the window.
    OutsideWindow,
}

/// The reason for which a proposal did not become a block.
#[derive(Debug)]
pub enum Refused {
    /// A rule of the command's domain refused it.
    Rule(Rejection),
    /// The batch is full; the next batch has room.
    BatchFull,
    /// The disk is full. The rules were not asked.
    ReadOnly,
    /// The process must end and answer nothing.
    Failed(LogError),
}

impl Ledger {
    /// Says whether a command may be decided, by its id and its time, which is measured by `now`. A command that a member
    /// sends again finds its original here.
    ///
    /// # Errors
    /// [`LogError`] when the original cannot be read.
    pub fn admit(&self, message: &Message<'_>, now: Timestamp) -> Result<Admission, LogError> {
        if let Some(index) = self.replica.commands().get(&message.header) {
            return self.admit_known(message, index);
        }
        let now = now.millis();
        let oldest = now.saturating_sub(ISSUED_AT_PAST_MS_MAX);
        let newest = now.saturating_add(ISSUED_AT_FUTURE_MS_MAX);
        let inside = (oldest..=newest).contains(&message.header.issued_at);
        Ok(if inside { Admission::Fresh } else { Admission::OutsideWindow })
    }

    /// Whether a command stands in a block that may not be durable, because the start had no room to make the block
    /// durable. The outcome of such a command is not known.
    pub fn is_in_doubt(&self, message: &Message<'_>) -> bool {
        self.in_doubt.as_ref().is_some_and(|replica| {
            let size = self.committed.size;
            replica.commands().get(&message.header).is_some_and(|index| index >= size)
        })
    }

    /// Looks whether a disk that was full has room again, and if so lets the ledger take commands.
    ///
    /// # Errors
    /// [`LogError`]: the process must end and answer nothing.
    pub fn try_resume(&mut self) -> Result<(), LogError> {
        if self.log.try_mend()?
            && let Some(replica) = self.in_doubt.take()
        {
            self.replica = *replica;
            self.committed = Committed::of(&self.replica);
        }
        self.log.try_resume();
        Ok(())
    }

    /// The time that has surely come, as far as the log says: the time of its newest block, or an earlier time that an
    /// operator vouched for because block times are ahead of the clock.
    pub fn known_time(&self) -> Timestamp {
        let link = self.replica.link();
        let (newest, block_time) = (link.next_index().saturating_sub(1), link.timestamp());
        self.replica.state().vouched_time(newest, block_time).unwrap_or(block_time)
    }

    /// Compares a command with the block in which its id stands.
    fn admit_known(&self, message: &Message<'_>, index: u64) -> Result<Admission, LogError> {
        // The block is in the open batch, or in the log.
        let pending = index.checked_sub(self.log.written_count());
        let bytes = match pending.and_then(|n| self.batch.block(n)) {
            Some(bytes) => bytes.to_vec(),
            None => self.log.read(index)?,
        };
        let original = Block::parse(&bytes).ok();
        let same = original
            .and_then(|block| Message::parse(block.message).ok())
            .is_some_and(|original| original.is_same_request(message));
        let (Some(block), true) = (original, same) else { return Ok(Admission::Conflict) };
        let placement = Placement {
            index,
            hash: block_hash(&bytes),
            timestamp: block.timestamp,
            event: block.event.to_vec(),
        };
        Ok(if pending.is_some() { Admission::Pending(placement) } else { Admission::Known(placement) })
    }

    /// Makes sure that there is room for a block of this size: in the batch, and on the disk behind everything that is in
    /// the batch already. As long as there is room, that takes a few comparisons. The disk is asked for more room only
    /// while the batch is empty, so that no block which was decided ever finds the ledger read-only.
    fn make_room(&mut self, block_bytes: usize) -> Result<(), Refused> {
        if self.log.mode().is_read_only() {
            return Err(Refused::ReadOnly);
        }
        let frame_bytes = self.batch.frame_bytes_with(block_bytes);
        if self.batch.has_room(block_bytes) && self.log.has_room(frame_bytes) {
            return Ok(());
        }
        if self.batch.count() > 0 {
            return Err(Refused::BatchFull);
        }
        match self.log.make_room(frame_bytes) {
            Ok(true) => Ok(()),
            Ok(false) => Err(Refused::ReadOnly),
            Err(error) => Err(Refused::Failed(error)),
        }
    }

    /// Lets the rules decide a command whose signature was checked, and makes the block of the command. The placement may be
    /// told to nobody before [`Ledger::commit`].
    ///
    /// # Errors
    /// [`Refused`], and then nothing has changed.
    pub fn propose(
        &mut self,
        message: Message<'_>,
        signature: &[u8],
        command: Command,
        wall: Timestamp,
    ) -> Result<Placement, Refused> {
        self.propose_telling(message, signature, command, wall, &mut |_, _| ())
    }

    /// Does the same as [`Ledger::propose`], and calls `tell` with what happened. The listener has to wait for
    /// [`Ledger::commit`] as well before it speaks of that.
    ///
    /// # Errors
    /// As for [`Ledger::propose`].
    pub fn propose_telling(
        &mut self,
        message: Message<'_>,
        signature: &[u8],
        command: Command,
        wall: Timestamp,
        tell: &mut dyn FnMut(&Happened, &Context<'_>),
    ) -> Result<Placement, Refused> {
        // Room first: nothing is decided that could not be written down.
        let event_bytes_max = command.event_bytes_max();
        self.make_room(BLOCK_FIELDS_BYTES + message.bytes.len() + signature.len() + event_bytes_max)?;
        // The rules decide, and know the time and the index that the block will carry.
        let link = self.replica.link();
        let author = message.header.account;
        let context = context_of(&message, link.next_timestamp(wall), link.next_index());
        let event = domain::decide(self.replica.state(), &command, &context).map_err(Refused::Rule)?;
        let event_bytes = event.encode();
        assert!(event_bytes.len() <= event_bytes_max, "an event is no larger than its command promises");
        // The block is linked to the one before it, and the state follows.
        let block = Block {
            index: context.index,
            timestamp: context.timestamp,
            previous_hash: link.head(),
            author,
            author_previous: link.last_of(author),
            message: message.bytes,
            signature,
            event: &event_bytes,
        };
        self.scratch.clear();
        block.encode_into(&mut self.scratch);
        let hash = match Happened::of(command, event) {
            Some(happened) => {
                let transaction = Transaction { message, happened, context };
                let hash = self.take_in(&block, &transaction);
                tell(&transaction.happened, &transaction.context);
                hash
            }
            None => panic!("the rules led from block {}'s command to another command's event", context.index),
        };
        Ok(Placement { index: context.index, hash, timestamp: context.timestamp, event: event_bytes })
    }

    /// Takes a block that the rules have just allowed into the state, the tree and the batch. A block that turns out to be
    /// impossible is therefore a mistake of this program: the process ends before anything wrong is written down.
    fn take_in(&mut self, block: &Block<'_>, transaction: &Transaction<'_>) -> Digest {
        let (tree, digests) = (&mut self.tree, BlockDigests::of(&self.scratch));
        if let Err(impossible) = self.replica.absorb(&digests, block, transaction, |hash| tree.push(hash)) {
            panic!("the rules allowed block {}, which is impossible: {impossible}", block.index);
        }
        self.batch.push(&self.scratch, digests.hash());
        digests.hash()
    }

    /// Writes and syncs all blocks that were proposed since the last commit, as one batch. Returns how many blocks there
    /// were.
    ///
    /// # Errors
    /// [`LogError`]: the process must end, and nothing may be asked of the ledger any more.
    pub fn commit(&mut self, rng: &mut dyn CryptoRng) -> Result<u64, LogError> {
        let count = self.batch.count();
        if count == 0 {
            return Ok(0);
        }
        self.log.append(&mut self.batch, rng)?;
        self.log.sync()?;
        // The blocks are durable from here on. The newest blocks stay in memory for those who follow them.
        let first = self.committed.size;
        for (index, block) in (first..).zip((0..count).filter_map(|n| self.batch.block(n))) {
            self.recent.push(index, block);
        }
        self.batch.clear();
        // The hashes of the tree can be made anew from the blocks, so that an error here does no harm.
        if let Err(error) = self.tree.flush() {
            tracing::warn!(%error, "stored hashes not written; kept in memory until the disk takes them");
        }
        self.committed = Committed::of(&self.replica);
        Ok(count)
    }

    /// The ledger as of the last synced batch.
    pub fn committed(&self) -> Committed {
        self.committed
    }

    /// The checkpoint over the last synced batch, to be signed.
    pub fn checkpoint(&self) -> Checkpoint {
        let origin = self.replica.genesis().origin.clone();
        Checkpoint { origin, size: self.committed.size, root: self.committed.root }
    }

    /// Forgets which commands were accepted: a bug, for the simulator to find. Nothing else calls this.
    #[doc(hidden)]
    pub fn forget_commands(&mut self) {
        self.replica.forget_commands();
    }

    /// Everything that the blocks add up to, those of the open batch included.
    pub fn replica(&self) -> &Replica {
        &self.replica
    }

    /// The id of the ledger, which is the hash of its genesis block.
    pub fn ledger_id(&self) -> LedgerId {
        self.replica.ledger_id()
    }

    /// How many blocks wait for a commit.
    pub fn open_batch(&self) -> u64 {
        self.batch.count()
    }

    /// The log, to be asked for its figures and its mode.
    pub fn log(&self) -> &EventLog {
        &self.log
    }

    /// The log, to have its anchor synced.
    pub fn log_mut(&mut self) -> &mut EventLog {
        &mut self.log
    }

    /// A reader of the log for another thread.
    pub fn reader(&self) -> LogReader {
        self.log.reader()
    }

    /// Begins to read the log for one page of an answer.
    pub fn reading(&self) -> Reading<'_> {
        Reading::of(self)
    }

    /// The stored bytes of a durable block.
    ///
    /// # Errors
    /// [`LogError`] when it cannot be read.
    pub fn block(&self, index: u64) -> Result<Option<Vec<u8>>, LogError> {
        if index >= self.committed.size {
            return Ok(None);
        }
        match self.recent.get(index) {
            Some(block) => Ok(Some(block.to_vec())),
            None => self.log.read(index).map(Some),
        }
    }

    /// The same of a block that was accepted, which may be in the open batch still: for what is decided, never for what is told.
    ///
    /// # Errors
    /// As for [`Ledger::block`].
    pub fn accepted_block(&self, index: u64) -> Result<Option<Vec<u8>>, LogError> {
        match index.checked_sub(self.committed.size) {
            Some(pending) => Ok(self.batch.block(pending).map(<[u8]>::to_vec)),
            None => self.block(index),
        }
    }

    /// Ends the work with the log, and marks it as cleanly closed.
    ///
    /// # Errors
    /// [`LogError`] when the anchor cannot be written or synced.
    pub fn close(self) -> Result<(), LogError> {
        self.log.close()
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::Rule(rejection) => write!(f, "a rule refuses it: {}", rejection.name()),
            Refused::BatchFull => f.write_str("the batch is full"),
            Refused::ReadOnly => f.write_str("the disk is full; the ledger can be read but not changed"),
            Refused::Failed(error) => error.fmt(f),
        }
    }
}
