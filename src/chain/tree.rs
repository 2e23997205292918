//! The RFC 6962 Merkle tree (SHA-256) over the blocks' bytes, and its proofs. The arithmetic is that of the
//! `tlog_tiles` crate, which implements the C2SP formats; what is ours is where the hashes are kept.
//!
//! Stored hashes are numbered as in C2SP `tlog-tiles`: after leaf *n* come the hashes of all subtrees that
//! it completes, so that the file of them only ever grows at its end.

use std::fmt;

use serde::{Deserialize, Serialize};
use tlog_tiles::tlog::{self, Hash, HashReader};

/// Leaves that proofs are made and checked for at most: numbers of stored hashes fit 64 bits up to here.
const SIZE_MAX: u64 = 1 << 62;

/// Bytes of a stored hash.
pub const HASH_BYTES: usize = 32;

/// The hash of a leaf: SHA-256(0x00 ‖ block).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeafHash(pub [u8; HASH_BYTES]);

impl LeafHash {
    /// The leaf over a block's stored bytes.
    pub fn of_block(bytes: &[u8]) -> LeafHash {
        LeafHash(tlog::record_hash(bytes).0)
    }
}

/// The root of the tree over the first `size` blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TreeRoot(pub [u8; HASH_BYTES]);

impl fmt::Display for TreeRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(const_hex::Buffer::<HASH_BYTES>::new().format(&self.0))
    }
}

impl TreeRoot {
    /// The root over the first `size` leaves, from the stored hashes; none if one of those is missing.
    pub fn of<S: StoredHashes + ?Sized>(size: u64, hashes: &S) -> Option<TreeRoot> {
        if size > SIZE_MAX {
            return None;
        }
        tlog::tree_hash(size, &Reader(hashes)).ok().map(|root| TreeRoot(root.0))
    }
}

/// Where stored hashes are read: by number, from a file or from memory.
pub trait StoredHashes {
    /// The hash with this number, if it is there and readable.
    fn stored_hash(&self, number: u64) -> Option<[u8; HASH_BYTES]>;
}

/// How many hashes are stored for a tree of `size` leaves.
pub fn stored_hash_count(size: u64) -> u64 {
    tlog::stored_hash_count(size)
}

/// The number of the stored hash of leaf `index`, which is less than 2^62.
pub fn leaf_number(index: u64) -> u64 {
    tlog::stored_hash_index(0, index)
}

struct Reader<'a, S: ?Sized>(&'a S);

impl<S: StoredHashes + ?Sized> HashReader for Reader<'_, S> {
    fn read_hashes(&self, numbers: &[u64]) -> Result<Vec<Hash>, tlog::Error> {
        let read = |&number: &u64| {
            self.0.stored_hash(number).map(Hash).ok_or(tlog::Error::InvalidInput(String::new()))
        };
        numbers.iter().map(read).collect()
    }
}

/// The right edge of the tree: the roots of the complete subtrees that a new leaf can still join. At most 64
/// hashes, so that appending and the root cost no read.
#[derive(Clone, Debug, Default)]
pub struct Frontier {
    size: u64,
    edge: Vec<(u64, [u8; HASH_BYTES])>,
}

impl StoredHashes for Frontier {
    fn stored_hash(&self, number: u64) -> Option<[u8; HASH_BYTES]> {
        self.edge.iter().find(|(at, _)| *at == number).map(|(_, hash)| *hash)
    }
}

impl Frontier {
    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf and hands each newly stored hash to `store`, in the order of their numbers.
    #[expect(clippy::expect_used, reason = "the edge holds every hash that the next leaf can need")]
    pub fn push(&mut self, leaf: LeafHash, mut store: impl FnMut([u8; HASH_BYTES])) {
        let mut number = tlog::stored_hash_index(0, self.size);
        let mut hash = leaf.0;
        store(hash);
        // Every 1 at the end of the number of leaves is a subtree that the new one completes, the smallest last on
        // the edge. What it completes is covered by the last hash; only that one is on the edge then.
        for _ in 0..self.size.trailing_ones() {
            let (_, left) = self.edge.pop().expect("the edge is complete");
            hash = tlog::node_hash(Hash(left), Hash(hash)).0;
            store(hash);
            number += 1;
        }
        self.edge.push((number, hash));
        self.size += 1;
    }

    /// The root over all leaves so far.
    #[expect(clippy::expect_used, reason = "the edge holds every hash that the root is made of")]
    pub fn root(&self) -> TreeRoot {
        TreeRoot(tlog::tree_hash(self.size, &Reader(self)).expect("the edge is complete").0)
    }
}

/// A proof that does not hold, or cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadProof;

impl fmt::Display for BadProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the proof does not hold")
    }
}

impl std::error::Error for BadProof {}

/// Proof that a leaf is in a tree (RFC 6962, 2.1.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inclusion(pub Vec<[u8; HASH_BYTES]>);

impl Inclusion {
    /// Proves leaf `index` in the tree of `size` leaves.
    ///
    /// # Errors
    /// [`BadProof`] when the leaf is not in the tree or a stored hash cannot be read.
    pub fn prove<S: StoredHashes + ?Sized>(size: u64, index: u64, hashes: &S) -> Result<Inclusion, BadProof> {
        if index >= size || size > SIZE_MAX {
            return Err(BadProof);
        }
        let proof = tlog::prove_record(size, index, &Reader(hashes)).map_err(|_| BadProof)?;
        Ok(Inclusion(proof.into_iter().map(|hash| hash.0).collect()))
    }

    /// Checks that `leaf` is number `index` of the tree of `size` leaves with this root.
    ///
    /// # Errors
    /// [`BadProof`].
    pub fn check(&self, size: u64, root: TreeRoot, index: u64, leaf: LeafHash) -> Result<(), BadProof> {
        if index >= size || size > SIZE_MAX {
            return Err(BadProof);
        }
        let proof = self.0.iter().map(|hash| Hash(*hash)).collect();
        tlog::check_record(&proof, size, Hash(root.0), index, Hash(leaf.0)).map_err(|_| BadProof)
    }
}

/// Proof that a tree extends an older one (RFC 6962, 2.1.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consistency(pub Vec<[u8; HASH_BYTES]>);

impl Consistency {
    /// Proves that the tree of `size` leaves extends that of `old_size`, which is at least 1.
    ///
    /// # Errors
    /// [`BadProof`] when there is no such pair of trees or a stored hash cannot be read.
    pub fn prove<S: StoredHashes + ?Sized>(
        size: u64,
        old_size: u64,
        hashes: &S,
    ) -> Result<Consistency, BadProof> {
        if old_size == 0 || old_size > size || size > SIZE_MAX {
            return Err(BadProof);
        }
        let proof = tlog::prove_tree(size, old_size, &Reader(hashes)).map_err(|_| BadProof)?;
        Ok(Consistency(proof.into_iter().map(|hash| hash.0).collect()))
    }

    /// Checks that the tree of `size` leaves with `root` extends that of `old_size` with `old_root`.
    ///
    /// # Errors
    /// [`BadProof`].
    pub fn check(
        &self,
        size: u64,
        root: TreeRoot,
        old_size: u64,
        old_root: TreeRoot,
    ) -> Result<(), BadProof> {
        if old_size == 0 || old_size > size || size > SIZE_MAX {
            return Err(BadProof);
        }
        let proof = self.0.iter().map(|hash| Hash(*hash)).collect();
        tlog::check_tree(&proof, size, Hash(root.0), old_size, Hash(old_root.0)).map_err(|_| BadProof)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct InMemory(Vec<[u8; HASH_BYTES]>);

    impl StoredHashes for InMemory {
        fn stored_hash(&self, number: u64) -> Option<[u8; HASH_BYTES]> {
            self.0.get(number as usize).copied()
        }
    }

    fn leaf(n: u64) -> LeafHash {
        LeafHash::of_block(&n.to_be_bytes())
    }

    /// RFC 6962, 2.1, as it is written there: an oracle that shares no code with the tree.
    fn root_by_definition(leaves: &[LeafHash]) -> [u8; 32] {
        match leaves {
            [] => tlog::EMPTY_HASH.0,
            [one] => one.0,
            _ => {
                let split = leaves.len().next_power_of_two() / 2;
                let (left, right) = leaves.split_at(split);
                tlog::node_hash(Hash(root_by_definition(left)), Hash(root_by_definition(right))).0
            }
        }
    }

    #[test]
    fn root_and_proofs_agree_with_the_definition_for_every_size_and_leaf() {
        let (mut frontier, mut stored, mut leaves, mut roots) =
            (Frontier::default(), InMemory(vec![]), vec![], vec![Frontier::default().root()]);
        for size in 1..=70u64 {
            leaves.push(leaf(size - 1));
            frontier.push(leaf(size - 1), |hash| stored.0.push(hash));
            assert_eq!(frontier.root().0, root_by_definition(&leaves), "size {size}");
            assert_eq!(stored.0.len() as u64, stored_hash_count(size));
            assert_eq!(TreeRoot::of(size, &stored), Some(frontier.root()));
            roots.push(frontier.root());
            for index in 0..size {
                let proof = Inclusion::prove(size, index, &stored).unwrap();
                assert_eq!(proof.check(size, frontier.root(), index, leaf(index)), Ok(()));
                assert_eq!(proof.check(size, frontier.root(), index, leaf(index + 1)), Err(BadProof));
            }
            for old in 1..=size {
                let proof = Consistency::prove(size, old, &stored).unwrap();
                assert_eq!(proof.check(size, frontier.root(), old, roots[old as usize]), Ok(()));
                assert_eq!(proof.check(size, frontier.root(), old, roots[old as usize - 1]), Err(BadProof));
            }
        }
        assert_eq!(Inclusion::prove(3, 3, &stored), Err(BadProof));
        assert_eq!(Consistency::prove(3, 0, &stored), Err(BadProof));
        assert_eq!(Consistency(vec![]).check(0, roots[0], 0, roots[0]), Err(BadProof));
    }

    #[test]
    fn the_shape_of_a_proof_is_checked_and_not_only_its_hashes() {
        let (mut frontier, mut stored) = (Frontier::default(), InMemory(vec![]));
        for n in 0..13 {
            frontier.push(leaf(n), |hash| stored.0.push(hash));
        }
        let root = frontier.root();
        for index in 0..13 {
            let good = Inclusion::prove(13, index, &stored).unwrap();
            for other in (0..13).filter(|&other| other != index) {
                assert_eq!(good.check(13, root, other, leaf(index)), Err(BadProof), "{index} at {other}");
            }
            let mut longer = good.clone();
            longer.0.push([0; 32]);
            assert_eq!(longer.check(13, root, index, leaf(index)), Err(BadProof));
            let mut shorter = good.clone();
            shorter.0.pop();
            assert_eq!(shorter.check(13, root, index, leaf(index)), Err(BadProof));
            for at in 0..good.0.len() {
                let mut flipped = good.clone();
                flipped.0[at][at] ^= 1;
                assert_eq!(flipped.check(13, root, index, leaf(index)), Err(BadProof));
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn proofs_of_a_stranger_never_panic_whatever_sizes_they_claim(
            sizes: [u64; 2],
            shift in 0..64u32,
            hashes in proptest::collection::vec(proptest::prelude::any::<[u8; 32]>(), 0..80),
        ) {
            let [first, second] = sizes.map(|size| size >> shift);
            let root = TreeRoot([7; 32]);
            for (size, at) in [(first, second), (u64::MAX, first), (first, first), (u64::MAX, u64::MAX - 1)] {
                let inclusion = Inclusion(hashes.clone()).check(size, root, at, leaf(0));
                proptest::prop_assert_eq!(inclusion, Err(BadProof));
                let consistency = Consistency(hashes.clone()).check(size, root, at, TreeRoot([8; 32]));
                proptest::prop_assert_eq!(consistency, Err(BadProof));
            }
        }

        // Sizes below 2^62, as far as the numbering of stored hashes reaches.
        #[test]
        fn a_proof_that_cannot_be_made_is_refused_without_a_panic(sizes: [u64; 2], shift in 2..64u32) {
            let [size, at] = sizes.map(|size| size >> shift);
            let nothing = InMemory(vec![]);
            if size > 1 {
                proptest::prop_assert_eq!(Inclusion::prove(size, at, &nothing), Err(BadProof));
            }
            if size != at {
                proptest::prop_assert_eq!(Consistency::prove(size, at, &nothing), Err(BadProof));
            }
        }
    }
}
