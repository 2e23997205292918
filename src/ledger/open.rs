//! Opening a ledger: its log is replayed, compared with what else is on disk, and served from then on.

use std::cell::Cell;
use std::io;
use std::sync::Arc;

use super::recent::Recent;
use super::tree_file::{Comparison, TreeFile};
use super::{Committed, Ledger, ReplayError, Replica};
use crate::chain::tree::stored_hash_count;
use crate::chain::{BlockDigests, Checkpoint, Frontier, LeafHash};
use crate::crypto::Digest;
use crate::eventlog::{
    Ahead, Batch, BlockRefused, EventLog, LogError, OpenError, Options, Recovery, Replaying, Storage,
};
use crate::vault::{Position, VaultError};

/// What a log has to be for a start to go on. Everything is asked before anything is written, so that a refused start leaves
/// every file as it was.
#[derive(Clone, Copy, Debug, Default)]
pub struct Demands<'a> {
    /// The checkpoint that the log has to extend, because it was shown to somebody.
    pub checkpoint: Option<&'a Checkpoint>,
    /// What the vault demands.
    pub vault: VaultDemand,
}

/// What the vault beside a log demands of it.
#[derive(Clone, Copy, Debug, Default)]
pub enum VaultDemand {
    /// Nothing.
    #[default]
    Nothing,
    /// There is no vault: no block may speak of what lies in one.
    NoScopes,
    /// The log has so many blocks or more, and the last of them has this hash: the vault has seen them.
    Blocks(Position),
}

impl VaultDemand {
    /// Asks a block that was just replayed: its hash, and how many blocks there are with it.
    fn ask_block(&self, blocks: u64, hash: Digest) -> Result<(), BlockRefused> {
        match self {
            VaultDemand::Blocks(Position { durable, head }) if *durable == blocks && *head != hash => {
                Err(refused(&VaultError::Mismatch { blocks }))
            }
            _ => Ok(()),
        }
    }

    /// Asks a log of so many blocks, which have opened so many scopes.
    fn ask_log(&self, blocks: u64, scopes: u64) -> Result<(), BlockRefused> {
        match *self {
            VaultDemand::Blocks(Position { durable, .. }) if durable > blocks => {
                Err(refused(&VaultError::Ahead { vault: durable, log: blocks }))
            }
            VaultDemand::NoScopes if scopes > 0 => Err(refused(&VaultError::Missing)),
            VaultDemand::Blocks(_) | VaultDemand::NoScopes | VaultDemand::Nothing => Ok(()),
        }
    }
}

fn refused(error: &VaultError) -> BlockRefused {
    BlockRefused { name: error.name(), reason: error.to_string() }
}

impl Ledger {
    /// Opens a ledger by replaying its log.
    ///
    /// # Errors
    /// [`OpenError`]; nothing on disk was changed unless the error is one of writing after the verdict.
    pub fn open(storage: &Arc<dyn Storage>, options: Options) -> Result<(Ledger, Recovery), OpenError> {
        Ledger::open_extending(storage, options, None)
    }

    /// The same, if the log extends this checkpoint.
    ///
    /// # Errors
    /// As for [`Ledger::open`]; `checkpoint_rollback` when the log is shorter, `checkpoint_fork` when it has
    /// another root at that size.
    pub fn open_extending(
        storage: &Arc<dyn Storage>,
        options: Options,
        newest: Option<&Checkpoint>,
    ) -> Result<(Ledger, Recovery), OpenError> {
        let demands = Demands { checkpoint: newest, ..Demands::default() };
        Ledger::open_demanding(storage, options, demands, Ahead::here())
    }

    /// The same, if the log is all that is demanded.
    ///
    /// # Errors
    /// As for [`Ledger::open_extending`]; `vault_ahead`, `vault_mismatch` or `vault_missing` when the vault beside the log is not
    /// the one that belongs to it.
    pub fn open_if(
        storage: &Arc<dyn Storage>,
        options: Options,
        demands: Demands<'_>,
    ) -> Result<(Ledger, Recovery), OpenError> {
        Ledger::open_demanding(storage, options, demands, Ahead::here())
    }

    /// The same with so many threads that hash blocks ahead of their replay. They change nothing but the time that
    /// it takes.
    ///
    /// # Errors
    /// As for [`Ledger::open_extending`].
    pub fn open_ahead(
        storage: &Arc<dyn Storage>,
        options: Options,
        newest: Option<&Checkpoint>,
        ahead: Ahead,
    ) -> Result<(Ledger, Recovery), OpenError> {
        let demands = Demands { checkpoint: newest, ..Demands::default() };
        Ledger::open_demanding(storage, options, demands, ahead)
    }

    fn open_demanding(
        storage: &Arc<dyn Storage>,
        options: Options,
        Demands { checkpoint: newest, vault }: Demands<'_>,
        ahead: Ahead,
    ) -> Result<(Ledger, Recovery), OpenError> {
        let mut comparison = Comparison::start(storage.as_ref());
        let mut replica = None;
        let scopes = Cell::new(0);
        let mut replay = |index: u64, bytes: &[u8], digests: BlockDigests| {
            let hash = follow(&mut replica, bytes, &digests, |hash| comparison.push(hash))
                .map_err(|error| BlockRefused { name: error.name(), reason: error.to_string() })?;
            vault.ask_block(index + 1, hash)?;
            scopes.set(replica.as_ref().map_or(0, |replica| replica.state().scopes.count()));
            match (newest, &replica) {
                (Some(newest), Some(replica)) => has_root(newest, replica).map(|()| hash),
                _ => Ok(hash),
            }
        };
        let replaying = Replaying { ahead, prepare: BlockDigests::of, replay: &mut replay };
        let approve = |blocks| {
            vault.ask_log(blocks, scopes.get())?;
            newest.map_or(Ok(()), |newest| is_long_enough(newest, blocks))
        };
        let (log, recovery) = EventLog::open_if(Arc::clone(storage), options, replaying, approve)?;
        let Some(mut replica) = replica else { return Err(OpenError::empty()) };
        let tree = open_tree(storage.as_ref(), &log, comparison.finish(), &replica)?;
        let mut in_doubt = None;
        if log.is_unmended() {
            if newest.is_some_and(|newest| newest.size > log.durable_count()) {
                let source = io::ErrorKind::StorageFull.into();
                return Err(OpenError::io("anchor", "bring forward to what was signed for", source));
            }
            let durable = replay_durable(&log)?.ok_or_else(OpenError::empty)?;
            in_doubt = Some(Box::new(std::mem::replace(&mut replica, durable)));
        }
        let committed = Committed::of(&replica);
        let (batch, recent, scratch) = (Batch::new(), Recent::default(), Vec::new());
        Ok((Ledger { replica, in_doubt, log, batch, tree, committed, recent, scratch }, recovery))
    }
}

/// What the durable blocks add up to, read from the log once more.
fn replay_durable(log: &EventLog) -> Result<Option<Replica>, LogError> {
    let mut replica = None;
    let mut replay = |_: u64, bytes: &[u8]| {
        let digests = BlockDigests::of(bytes);
        follow(&mut replica, bytes, &digests, |_| {}).map(drop).map_err(|error| error.to_string())
    };
    log.reader().for_each(0..log.durable_count(), &mut replay)?;
    Ok(replica)
}

/// Whether the first blocks are those that were once signed for; says nothing at other sizes.
fn has_root(newest: &Checkpoint, replica: &Replica) -> Result<(), BlockRefused> {
    let Checkpoint { size, root, .. } = newest;
    if replica.frontier().size() != *size || replica.frontier().root() == *root {
        return Ok(());
    }
    let found = replica.frontier().root();
    let reason = format!("the first {size} blocks have the root {found}; this ledger has signed for {root}");
    Err(BlockRefused { name: "checkpoint_fork", reason })
}

fn is_long_enough(newest: &Checkpoint, blocks: u64) -> Result<(), BlockRefused> {
    if blocks >= newest.size {
        return Ok(());
    }
    let reason = format!("the log has {blocks} blocks; this ledger has signed for {}", newest.size);
    Err(BlockRefused { name: "checkpoint_rollback", reason })
}

/// One step of replay: genesis makes the replica, every other block continues it.
pub(super) fn follow(
    replica: &mut Option<Replica>,
    bytes: &[u8],
    digests: &BlockDigests,
    store: impl FnMut([u8; 32]),
) -> Result<Digest, ReplayError> {
    match replica {
        Some(replica) => replica.follow_hashed(bytes, digests, store),
        None => Ok(replica.insert(Replica::from_genesis(bytes, store)?).link().head()),
    }
}

/// Opens the file of stored hashes and writes what the comparison found missing, reading the log once more.
fn open_tree(
    storage: &dyn Storage,
    log: &EventLog,
    good: Option<u64>,
    replica: &Replica,
) -> Result<TreeFile, OpenError> {
    let all = stored_hash_count(replica.frontier().size());
    let tree = TreeFile::open(storage, good.unwrap_or(all));
    let mut tree = tree.map_err(|source| OpenError::io("tree/hashes", "open", source))?;
    let good = tree.count();
    if good < all {
        tracing::info!(good, all, "stored hashes are behind the log; writing them anew");
        rebuild_tree(log, replica.frontier().size(), &mut tree)?;
    }
    Ok(tree)
}

fn rebuild_tree(log: &EventLog, size: u64, tree: &mut TreeFile) -> Result<(), LogError> {
    let mut frontier = Frontier::default();
    let mut number = 0;
    let good = tree.count();
    let mut replay = |_: u64, bytes: &[u8]| {
        frontier.push(LeafHash::of_block(bytes), |hash| {
            if number >= good {
                tree.push(hash);
            }
            number += 1;
        });
        Ok(())
    };
    log.reader().for_each(0..size, &mut replay)?;
    if let Err(error) = tree.flush() {
        tracing::warn!(%error, "stored hashes not written; kept in memory until the disk takes them");
    }
    Ok(())
}
