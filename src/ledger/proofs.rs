//! Proofs from the stored hashes. Those lie in a file that is derived and may rot, and a proof with a wrong hash in it
//! would be taken for a fork by whoever is shown it. So each is checked before it leaves, against the root that the
//! blocks themselves gave: what holds under that root has no wrong hash in it, and nothing else leaves.

use std::fmt;

use super::Ledger;
use crate::chain::tree::{StoredHashes as _, leaf_number};
use crate::chain::{Checkpoint, Consistency, Inclusion, LeafHash, TreeRoot};

/// Why there is no proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unproven {
    /// There is no such durable block or tree.
    NoSuch,
    /// A stored hash is wrong or cannot be read. That says nothing about the blocks: [`Ledger::rebuild_tree`].
    Unavailable,
}

impl Ledger {
    /// The checkpoint over the first `size` blocks, which are durable.
    ///
    /// # Errors
    /// [`Unproven`].
    pub fn checkpoint_at(&self, size: u64) -> Result<Checkpoint, Unproven> {
        let root = self.proven_root(size)?;
        Ok(Checkpoint { origin: self.replica().genesis().origin.clone(), size, root })
    }

    /// Proves that a durable block is in the tree of `size` blocks.
    ///
    /// # Errors
    /// [`Unproven`].
    pub fn inclusion(&self, index: u64, size: u64) -> Result<Inclusion, Unproven> {
        if index >= size {
            return Err(Unproven::NoSuch);
        }
        let root = self.proven_root(size)?;
        let leaf = self.tree.stored_hash(leaf_number(index)).map(LeafHash).ok_or(Unproven::Unavailable)?;
        let proof = Inclusion::prove(size, index, &self.tree).map_err(|_| Unproven::Unavailable)?;
        proof.check(size, root, index, leaf).map_err(|_| Unproven::Unavailable)?;
        Ok(proof)
    }

    /// Proves that the tree of `size` durable blocks extends that of `old_size`.
    ///
    /// # Errors
    /// [`Unproven`].
    pub fn consistency(&self, old_size: u64, size: u64) -> Result<Consistency, Unproven> {
        if old_size == 0 || old_size > size {
            return Err(Unproven::NoSuch);
        }
        let root = self.proven_root(size)?;
        let old_root = TreeRoot::of(old_size, &self.tree).ok_or(Unproven::Unavailable)?;
        let proof = Consistency::prove(size, old_size, &self.tree).map_err(|_| Unproven::Unavailable)?;
        proof.check(size, root, old_size, old_root).map_err(|_| Unproven::Unavailable)?;
        Ok(proof)
    }

    /// The root over the first `size` blocks. That over all durable ones is in memory; an older one is in a tree that
    /// is proven to grow into it.
    fn proven_root(&self, size: u64) -> Result<TreeRoot, Unproven> {
        let committed = self.committed();
        if size > committed.size {
            return Err(Unproven::NoSuch);
        }
        if size == committed.size {
            return Ok(committed.root);
        }
        let root = TreeRoot::of(size, &self.tree).ok_or(Unproven::Unavailable)?;
        if size > 0 {
            let proof =
                Consistency::prove(committed.size, size, &self.tree).map_err(|_| Unproven::Unavailable)?;
            proof.check(committed.size, committed.root, size, root).map_err(|_| Unproven::Unavailable)?;
        }
        Ok(root)
    }
}

impl fmt::Display for Unproven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Unproven::NoSuch => "there is no such block or tree to prove",
            Unproven::Unavailable => "a stored hash of the tree is wrong or cannot be read",
        })
    }
}

impl std::error::Error for Unproven {}
