//! What a proof costs: building the tree, making proofs from the stored hashes, bytes and checking of a receipt, in
//! ledgers of a thousand and of a million blocks. `cargo bench --bench proofs`. Asserts nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, clippy::print_stdout)]
#![allow(missing_docs, dead_code)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use ledgerd::chain::receipt::KeyBlock;
use ledgerd::chain::{Checkpoint, Consistency, Frontier, Inclusion, LeafHash, Receipt};

#[path = "../tests/forge.rs"]
mod forge;

use forge::{Forge, Tree, log_key};

/// Bytes of a block of one order, more or less.
const BLOCK_BYTES: usize = 640;

fn main() {
    for size in [1_000, 1_000_000] {
        measure(size);
    }
}

/// A ledger that begins with real blocks and goes on with bytes of the same length: nobody looks into those.
fn measure(size: u64) {
    let forge = Forge::with_orders(1, 1);
    let (mut frontier, mut hashes) = (Frontier::default(), Vec::new());
    let mut other = vec![7; BLOCK_BYTES];
    let start = Instant::now();
    for index in 0..size {
        other[..8].copy_from_slice(&index.to_be_bytes());
        let block = forge.blocks.get(index as usize).unwrap_or(&other);
        frontier.push(LeafHash::of_block(block), |hash| hashes.push(hash));
    }
    let built = start.elapsed();
    let root = frontier.root();
    let tree = Tree { frontier, hashes };
    println!("{size} blocks");
    println!("  tree built from the blocks:  {built:?}, {:?} a block", built / size as u32);

    let mut at = 0;
    let inclusion = time(20_000, || {
        at = (at + 7_919) % size;
        Inclusion::prove(size, at, &tree).unwrap()
    });
    let consistency = time(20_000, || {
        at = (at + 7_919) % size;
        Consistency::prove(size, at + 1, &tree).unwrap()
    });
    println!("  proof made: inclusion {inclusion:?}, consistency {consistency:?}");

    let prove = |index| Inclusion::prove(size, index, &tree).unwrap();
    let text = Checkpoint { origin: log_key().public().origin().to_owned(), size, root }.text();
    let signed = time(2_000, || log_key().sign_note(&text));
    let receipt = Receipt {
        index: 4,
        block: forge.blocks[4].clone(),
        inclusion: prove(4),
        keys: vec![KeyBlock { block: forge.blocks[1].clone(), inclusion: prove(1) }],
        note: log_key().sign_note(&text),
    };
    let written = receipt.to_text();
    let key = log_key();
    let checked = time(1_000, || Receipt::parse(&written).unwrap().check(key.public()).unwrap());
    println!("  checkpoint signed: {signed:?}");
    println!("  receipt of one order: {} bytes, checked in {checked:?}", written.len());
}

fn time<T>(count: u32, mut work: impl FnMut() -> T) -> Duration {
    let start = Instant::now();
    for _ in 0..count {
        black_box(work());
    }
    start.elapsed() / count
}
