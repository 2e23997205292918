//! Making the file of stored hashes anew while the ledger serves: a helper reads the log and writes a file beside it,
//! which then takes its place. Until then new hashes are kept in memory.

use std::fmt;
use std::io;
use std::sync::Arc;

use super::Ledger;
use super::tree_file::{NEXT, NewTreeFile};
use crate::chain::{Frontier, LeafHash, TreeRoot};
use crate::eventlog::segment::LOG_DIR;
use crate::eventlog::{LogError, LogReader, Storage};

/// What a helper needs to make the file anew.
pub struct TreeRebuild {
    storage: Arc<dyn Storage>,
    reader: LogReader,
    /// Blocks whose hashes it writes.
    size: u64,
    /// The root that they have.
    root: TreeRoot,
}

/// The file was made anew; [`Ledger::use_rebuilt_tree`] puts it in place.
#[derive(Debug)]
pub struct RebuiltTree {
    hashes: u64,
}

/// Why the file was not made anew.
#[derive(Debug)]
pub enum RebuildError {
    /// The log cannot be read, or is not the one that is served: no fault of a derived file.
    Log(LogError),
    /// The file cannot be written.
    File(io::Error),
}

impl TreeRebuild {
    /// Reads the log and writes the file. Takes about a microsecond a block.
    ///
    /// # Errors
    /// [`RebuildError`].
    pub fn run(self) -> Result<RebuiltTree, RebuildError> {
        let mut file = NewTreeFile::create(self.storage.as_ref()).map_err(RebuildError::File)?;
        let mut frontier = Frontier::default();
        let mut failed = None;
        let mut take = |_: u64, bytes: &[u8]| {
            frontier.push(LeafHash::of_block(bytes), |hash| file.push(hash));
            if failed.is_none() {
                failed = file.flush_if_large().err();
            }
            Ok(())
        };
        self.reader.for_each(0..self.size, &mut take).map_err(RebuildError::Log)?;
        if let Some(error) = failed {
            return Err(RebuildError::File(error));
        }
        if frontier.root() != self.root {
            let reason = format!("the blocks have the root {}; served is {}", frontier.root(), self.root);
            return Err(RebuildError::Log(LogError::corrupt(LOG_DIR, 0, self.size, "root_mismatch", reason)));
        }
        file.finish().map(|hashes| RebuiltTree { hashes }).map_err(RebuildError::File)
    }
}

impl Ledger {
    /// Begins to make the file of stored hashes anew. Called between two batches; one at a time.
    pub fn rebuild_tree(&mut self, storage: &Arc<dyn Storage>) -> TreeRebuild {
        self.tree.set_aside();
        let committed = self.committed();
        TreeRebuild {
            storage: Arc::clone(storage),
            reader: self.reader(),
            size: committed.size,
            root: committed.root,
        }
    }

    /// Takes the file that was made anew into use.
    ///
    /// # Errors
    /// What the storage says; the file that was in use stays in use.
    pub fn use_rebuilt_tree(&mut self, storage: &dyn Storage, rebuilt: &RebuiltTree) -> io::Result<()> {
        self.tree.take_over(storage, rebuilt.hashes)
    }
}

impl fmt::Display for RebuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RebuildError::Log(error) => error.fmt(f),
            RebuildError::File(error) => write!(f, "{NEXT}: {error}"),
        }
    }
}

impl std::error::Error for RebuildError {}
