//! The two algorithms of docs/proofs.md, written down a second time from that page alone, against the proofs that are
//! handed out: a second client is written from the page.

use ledgerd::chain::tree::StoredHashes;
use ledgerd::chain::{Consistency, Frontier, Inclusion, LeafHash, TreeRoot};
use sha2::{Digest as _, Sha256};

type Hash = [u8; 32];

const SIZES: u64 = 34;

fn node(a: Hash, b: Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(a).chain_update(b).finalize().into()
}

fn is_included(leaf: Hash, index: u64, size: u64, root: Hash, proof: &[Hash]) -> bool {
    if index >= size {
        return false;
    }
    let (mut f, mut s, mut r) = (index, size - 1, leaf);
    for p in proof {
        if s == 0 {
            return false;
        }
        if f % 2 == 1 || f == s {
            r = node(*p, r);
            while f.is_multiple_of(2) && f != 0 {
                (f, s) = (f >> 1, s >> 1);
            }
        } else {
            r = node(r, *p);
        }
        (f, s) = (f >> 1, s >> 1);
    }
    s == 0 && r == root
}

fn is_consistent(old_size: u64, old_root: Hash, size: u64, root: Hash, proof: &[Hash]) -> bool {
    if old_size == 0 || old_size > size {
        return false;
    }
    if old_size == size {
        return proof.is_empty() && old_root == root;
    }
    let mut proof = proof.to_vec();
    if old_size.is_power_of_two() {
        proof.insert(0, old_root);
    }
    let Some((first, rest)) = proof.split_first() else { return false };
    let (mut f, mut s) = (old_size - 1, size - 1);
    while f % 2 == 1 {
        (f, s) = (f >> 1, s >> 1);
    }
    let (mut a, mut b) = (*first, *first);
    for c in rest {
        if s == 0 {
            return false;
        }
        if f % 2 == 1 || f == s {
            (a, b) = (node(*c, a), node(*c, b));
            while f.is_multiple_of(2) && f != 0 {
                (f, s) = (f >> 1, s >> 1);
            }
        } else {
            b = node(b, *c);
        }
        (f, s) = (f >> 1, s >> 1);
    }
    s == 0 && a == old_root && b == root
}

struct Stored(Vec<Hash>);

impl StoredHashes for Stored {
    fn stored_hash(&self, number: u64) -> Option<Hash> {
        self.0.get(number as usize).copied()
    }
}

/// The tree of so many leaves, and the root of each smaller one, the empty one first.
fn tree(size: u64) -> (Stored, Vec<Hash>, Vec<Hash>) {
    let (mut frontier, mut stored) = (Frontier::default(), Vec::new());
    let (mut leaves, mut roots) = (Vec::new(), vec![[0; 32]]);
    for number in 0..size {
        let block = number.to_be_bytes();
        let leaf: Hash = Sha256::new().chain_update([0]).chain_update(block).finalize().into();
        assert_eq!(LeafHash::of_block(&block).0, leaf);
        frontier.push(LeafHash(leaf), |hash| stored.push(hash));
        leaves.push(leaf);
        roots.push(frontier.root().0);
    }
    (Stored(stored), leaves, roots)
}

#[test]
fn the_page_accepts_every_proof_and_none_that_was_changed() {
    let (stored, leaves, roots) = tree(SIZES);
    for size in 1..=SIZES {
        let root = roots[size as usize];
        assert_eq!(TreeRoot::of(size, &stored), Some(TreeRoot(root)));
        for index in 0..size {
            let leaf = leaves[index as usize];
            let Inclusion(proof) = Inclusion::prove(size, index, &stored).unwrap();
            assert!(is_included(leaf, index, size, root, &proof), "{index} of {size}");
            assert!(!is_included(leaf, index, size, roots[0], &proof));
            assert!(!is_included(leaf, index, size, root, &[&proof[..], &[root]].concat()));
            assert!(size == 1 || !is_included(leaf, index, size, root, &proof[1..]));
            assert!(size == 1 || !is_included(leaf, (index + 1) % size, size, root, &proof));
        }
        for old_size in 1..=size {
            let old_root = roots[old_size as usize];
            let Consistency(proof) = Consistency::prove(size, old_size, &stored).unwrap();
            assert!(is_consistent(old_size, old_root, size, root, &proof), "{old_size} to {size}");
            assert!(!is_consistent(old_size, roots[0], size, root, &proof));
            assert!(!is_consistent(old_size, old_root, size, roots[0], &proof));
            assert!(!is_consistent(old_size, old_root, size, root, &[&proof[..], &[root]].concat()));
        }
        assert!(Consistency::prove(size, 0, &stored).is_err());
    }
}
