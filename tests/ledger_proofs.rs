//! The stored hashes of the tree are derived, and may rot: no proof with a wrong hash in it leaves, and the file is made
//! anew while the ledger goes on.

use std::sync::Arc;

use ledgerd::chain::{LeafHash, Message, TreeRoot};
use ledgerd::crypto::random::Seeded;
use ledgerd::domain::Command;
use ledgerd::eventlog::{self, Access, Options, SimDisk, Storage, StorageFile};
use ledgerd::ledger::{Ledger, Unproven};
use ledgerd::time::Timestamp;

use crate::forge::{Draft, Forge};

const OPTIONS: Options = Options { segment_bytes: 64 << 10, block_bytes_max: 16 << 10 };
const BLOCKS: u64 = 11;
const HASHES: &str = "tree/hashes";

/// A ledger with one block a batch, and the root after each of them.
struct Grown {
    disk: SimDisk,
    storage: Arc<dyn Storage>,
    ledger: Ledger,
    forge: Forge,
    roots: Vec<TreeRoot>,
    leaves: Vec<LeafHash>,
}

impl Grown {
    fn new() -> Grown {
        let forge = Forge::new(8);
        let disk = SimDisk::new();
        let genesis = &forge.blocks[0];
        eventlog::create(&disk, forge.ledger_id, genesis, OPTIONS, &mut Seeded::new("create")).unwrap();
        let storage: Arc<dyn Storage> = Arc::new(disk.clone());
        let (ledger, _) = Ledger::open(&storage, OPTIONS).unwrap();
        let leaves = vec![LeafHash::of_block(genesis)];
        let roots = vec![TreeRoot::of(0, &crate::forge::Tree::over(&[])).unwrap(), ledger.committed().root];
        let mut grown = Grown { disk, storage, ledger, forge, roots, leaves };
        let registration = grown.forge.registration(0, "alice");
        grown.add(registration);
        while grown.ledger.committed().size < BLOCKS {
            grown.order();
        }
        grown
    }

    fn order(&mut self) {
        let order = self.forge.order(0, 5);
        self.add(order);
    }

    fn add(&mut self, draft: Draft) {
        let message = Message::parse(&draft.message).unwrap();
        let command = Command::decode(message.header.tag, message.body).unwrap();
        let when = Timestamp::from_millis(message.header.issued_at);
        self.ledger.propose(message, &draft.signature, command, when).unwrap();
        self.ledger.commit(&mut Seeded::new("commit")).unwrap();
        self.forge.push(&draft);
        self.leaves.push(LeafHash::of_block(&self.ledger.block(self.leaves.len() as u64).unwrap().unwrap()));
        self.roots.push(self.ledger.committed().root);
    }

    /// The file, as whoever damages it has it open.
    fn file(&self) -> Box<dyn StorageFile> {
        self.disk.open(HASHES, Access::ReadWrite).unwrap()
    }

    /// Asks for everything that can be proven; what is given is right. Returns how often there was no proof.
    fn ask_for_everything(&self, what: &str) -> usize {
        let size_now = self.ledger.committed().size;
        let mut unavailable = 0;
        let mut count = |unproven: Unproven| {
            assert_eq!(unproven, Unproven::Unavailable, "{what}");
            unavailable += 1;
        };
        for size in 0..=size_now {
            let root = self.roots[size as usize];
            match self.ledger.checkpoint_at(size) {
                Ok(checkpoint) => assert_eq!(checkpoint.root, root, "{what}: the root over {size} blocks"),
                Err(unproven) => count(unproven),
            }
            for index in 0..size {
                match self.ledger.inclusion(index, size) {
                    Ok(proof) => proof.check(size, root, index, self.leaves[index as usize]).unwrap(),
                    Err(unproven) => count(unproven),
                }
            }
            for old in 1..=size {
                match self.ledger.consistency(old, size) {
                    Ok(proof) => proof.check(size, root, old, self.roots[old as usize]).unwrap(),
                    Err(unproven) => count(unproven),
                }
            }
            let (inside, beyond) =
                (self.ledger.inclusion(size, size), self.ledger.consistency(size, size_now + 1));
            assert_eq!((inside, beyond), (Err(Unproven::NoSuch), Err(Unproven::NoSuch)), "{what}");
        }
        unavailable
    }
}

#[test]
fn no_proof_with_a_wrong_hash_in_it_leaves_whichever_hash_is_wrong() {
    let grown = Grown::new();
    assert_eq!(grown.ask_for_everything("undamaged"), 0);
    let hashes = grown.disk.bytes(HASHES).unwrap();
    for number in 0..hashes.len() / 32 {
        let at = number * 32 + number % 32;
        grown.file().write_at(&[hashes[at] ^ 4], at as u64).unwrap();
        let missing = grown.ask_for_everything(&format!("hash {number} is wrong"));
        assert!(missing > 0, "hash {number} is of no use");
        grown.file().write_at(&[hashes[at]], at as u64).unwrap();
    }
    grown.file().set_len(0).unwrap();
    assert!(grown.ask_for_everything("nothing is left") > 0);
}

#[test]
fn the_file_is_made_anew_beside_blocks_that_go_on_coming() {
    for whole in [true, false] {
        let mut grown = Grown::new();
        grown.file().set_len(if whole { 0 } else { 32 * 5 }).unwrap();
        let rebuild = grown.ledger.rebuild_tree(&grown.storage);
        grown.order();
        grown.order();
        let rebuilt = rebuild.run().unwrap();
        grown.order();
        assert!(grown.ask_for_everything("not in place yet") > 0);
        grown.ledger.use_rebuilt_tree(grown.storage.as_ref(), &rebuilt).unwrap();
        assert_eq!(grown.ask_for_everything("made anew"), 0);
        grown.order();
        assert_eq!(grown.ask_for_everything("and goes on"), 0);
        let expected = crate::forge::Tree::over(
            &(0..grown.leaves.len() as u64)
                .map(|n| grown.ledger.block(n).unwrap().unwrap())
                .collect::<Vec<_>>(),
        );
        assert_eq!(grown.disk.bytes(HASHES).unwrap(), expected.hashes.concat());
        assert_eq!(grown.disk.bytes("tree/hashes.tmp"), None);
    }
}

#[test]
fn a_file_that_cannot_be_made_anew_leaves_everything_as_it_was() {
    let mut grown = Grown::new();
    grown.file().set_len(32).unwrap();
    let rebuild = grown.ledger.rebuild_tree(&grown.storage);
    grown.disk.set_capacity(Some(grown.disk.used()));
    assert!(rebuild.run().is_err(), "there is no room");
    grown.disk.set_capacity(None);
    assert!(grown.ask_for_everything("not made anew") > 0);
    let rebuilt = grown.ledger.rebuild_tree(&grown.storage).run().unwrap();
    grown.ledger.use_rebuilt_tree(grown.storage.as_ref(), &rebuilt).unwrap();
    assert_eq!(grown.ask_for_everything("made anew"), 0);
}

#[test]
fn a_start_with_a_bad_file_of_hashes_makes_it_anew() {
    let grown = Grown::new();
    let good = grown.disk.bytes(HASHES).unwrap();
    grown.ledger.close().unwrap();
    let bad = [vec![], vec![7; 5], good[..good.len() - 33].to_vec(), vec![0xff; good.len() * 2]];
    for bytes in bad {
        let disk = grown.disk.copy();
        disk.put(HASHES, &bytes);
        disk.put("tree/hashes.tmp", b"what a helper left");
        let storage: Arc<dyn Storage> = Arc::new(disk.clone());
        let (ledger, _) = Ledger::open(&storage, OPTIONS).unwrap();
        assert_eq!(disk.bytes(HASHES).unwrap(), good);
        assert_eq!(disk.bytes("tree/hashes.tmp"), None);
        assert!(ledger.inclusion(3, BLOCKS).is_ok());
    }
}
