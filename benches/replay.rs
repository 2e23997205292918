//! How fast a ledger starts and how fast it is verified. Replay hashes every byte with SHA3-256, so it stands beside
//! what one core does of that alone; a full verify checks every signature, so it stands beside one core's signature
//! checks alone. `cargo bench --bench replay`. Asserts nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, clippy::print_stdout)]
#![allow(missing_docs, dead_code)]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ledgerd::audit;
use ledgerd::chain::{Block, block_hash};
use ledgerd::crypto::random;
use ledgerd::eventlog::{Options, Storage};
use ledgerd::ledger::Ledger;

mod made;

use made::a_second;

/// Blocks in a frame, where they are small.
const BATCH: u64 = 1_024;

/// Runs, of which the fastest counts: the others were disturbed.
const RUNS: usize = 5;

fn main() {
    replay("blocks of one order", 131_072, 1);
    replay("blocks of 8,192 orders", 256, 8_192);
    verify(2_048);
}

/// A ledger of so many blocks after those that register its members.
fn make(storage: &Arc<dyn Storage>, blocks: u64, orders: u64, sign: bool) -> Ledger {
    let mut ledger = made::ledger(storage);
    let command = made::orders(orders as usize);
    let batch = if orders == 1 { BATCH } else { 1 };
    for number in 0..blocks {
        let account = number % 3 + 1;
        let message = made::message(ledger.ledger_id(), account, number, &command);
        let signature = if sign { made::signature(account, &message) } else { made::NO_SIGNATURE };
        made::propose(&mut ledger, &message, &signature);
        if number % batch == batch - 1 {
            ledger.commit(&mut random::os()).unwrap();
        }
    }
    ledger.commit(&mut random::os()).unwrap();
    ledger
}

/// The stored bytes of all blocks.
fn blocks_of(ledger: &Ledger) -> Vec<Vec<u8>> {
    let mut blocks = Vec::new();
    let mut keep = |_, bytes: &[u8]| -> Result<(), String> {
        blocks.push(bytes.to_vec());
        Ok(())
    };
    ledger.reader().for_each(0..ledger.committed().size, &mut keep).unwrap();
    blocks
}

fn fastest(mut work: impl FnMut()) -> Duration {
    let run = |_| {
        let start = Instant::now();
        work();
        start.elapsed()
    };
    (0..RUNS).map(run).min().unwrap()
}

fn replay(what: &str, count: u64, orders: u64) {
    let place = made::place();
    let storage = made::storage(place.path());
    let ledger = make(&storage, count, orders, false);
    let blocks = blocks_of(&ledger);
    let bytes: u64 = blocks.iter().map(|block| block.len() as u64).sum();
    ledger.close().unwrap();
    let opened = fastest(|| drop(black_box(Ledger::open(&storage, Options::default()).unwrap())));
    let hashed = fastest(|| {
        for block in &blocks {
            black_box(block_hash(block));
        }
    });
    println!("replay, {count} {what}, {bytes} bytes");
    println!(
        "  {:.0} blocks/s, {:.0} orders/s, {:.1} MB/s; SHA3-256 alone {:.1} MB/s; ratio {:.2}",
        a_second(opened, count),
        a_second(opened, count * orders),
        a_second(opened, bytes) / 1e6,
        a_second(hashed, bytes) / 1e6,
        hashed.as_secs_f64() / opened.as_secs_f64(),
    );
}

fn verify(count: u64) {
    let place = made::place();
    let storage = made::storage(place.path());
    let ledger = make(&storage, count, 1, true);
    let blocks = blocks_of(&ledger);
    ledger.close().unwrap();
    let request = audit::Request::default();
    let mut signatures = 0;
    let audited = fastest(|| {
        let report = audit::audit(storage.as_ref(), &request, &mut |_, _| (), &|| false).unwrap();
        signatures = report.signatures;
    });
    let orders = blocks.get(4..).unwrap();
    let checked = fastest(|| {
        for bytes in orders {
            let block = Block::parse(bytes).unwrap();
            let key = made::key(block.author.0).public();
            black_box(key.verify_pss(&[block.message], block.signature)).unwrap();
        }
    });
    println!("full verify, {count} blocks of one order, {signatures} signatures, one thread");
    println!(
        "  {:.0} blocks/s; signatures alone {:.0}/s; ratio {:.2}",
        a_second(audited, count),
        a_second(checked, count),
        checked.as_secs_f64() / audited.as_secs_f64(),
    );
}
