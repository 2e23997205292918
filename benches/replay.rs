//! How fast a ledger starts and how fast it is verified. Replay hashes every byte with SHA3-256, so it stands beside
//! what one core does of that alone; a full verify checks every signature, so it stands beside one core's signature
//! checks alone. `cargo bench --bench replay`. Asserts nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, clippy::print_stdout)]
#![allow(missing_docs, dead_code)]

use std::hint::black_box;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use ledgerd::audit;
use ledgerd::chain::{Block, block_hash};
use ledgerd::crypto::{Signature, random};
use ledgerd::eventlog::{Options, Storage};
use ledgerd::ledger::Ledger;

mod made;

use made::a_second;

/// Blocks in a frame, where they are small.
const BATCH: u64 = 1_024;

/// Runs, of which the fastest counts: the others were disturbed.
const RUNS: usize = 5;

/// Rounds of a full verify and of signatures alone, and how often each does its work in a round.
const VERIFY_ROUNDS: usize = 7;
const VERIFY_REPEATS: u32 = 3;

fn main() {
    replay("blocks of one order", 131_072, 1);
    replay("blocks of 8,192 orders", 256, 8_192);
    verify(8_192);
}

/// A ledger of so many blocks after those that register its members.
fn make(storage: &Arc<dyn Storage>, blocks: u64, orders: u64, sign: bool) -> Ledger {
    let mut ledger = made::ledger(storage);
    let command = made::orders(orders as usize);
    let batch = if orders == 1 { BATCH } else { 1 };
    let ledger_id = ledger.ledger_id();
    let message = |number: u64| made::message(ledger_id, account(number), number, &command);
    let signatures = if sign { signatures(blocks, &message) } else { Vec::new() };
    for number in 0..blocks {
        let signature = signatures.get(number as usize).map_or(&made::NO_SIGNATURE[..], |made| made);
        made::propose(&mut ledger, &message(number), signature);
        if number % batch == batch - 1 {
            ledger.commit(&mut random::os()).unwrap();
        }
    }
    ledger.commit(&mut random::os()).unwrap();
    ledger
}

/// The author of a command.
fn account(number: u64) -> u64 {
    number % 3 + 1
}

/// True signatures, made on all cores: one takes milliseconds.
fn signatures(count: u64, message: &(dyn Fn(u64) -> Vec<u8> + Sync)) -> Vec<Signature> {
    let share = count.div_ceil(cores().get() as u64);
    let sign = move |first: u64| {
        let numbers = first..(first + share).min(count);
        numbers.map(|number| made::signature(account(number), &message(number))).collect::<Vec<_>>()
    };
    thread::scope(|scope| {
        let shares = (0..count).step_by(share as usize).map(|first| scope.spawn(move || sign(first)));
        shares.collect::<Vec<_>>().into_iter().flat_map(|share| share.join().unwrap()).collect()
    })
}

fn cores() -> NonZeroUsize {
    thread::available_parallelism().unwrap()
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
    let mut signatures = 0;
    let mut audited = |threads| {
        let request = audit::Request { threads, ..audit::Request::default() };
        let report = audit::audit(storage.as_ref(), &request, &mut |_, _| (), &|| false).unwrap();
        assert!(report.is_clean());
        signatures = report.signatures;
    };
    let orders = blocks.get(4..).unwrap();
    let checked = || {
        for bytes in orders {
            let block = Block::parse(bytes).unwrap();
            let key = made::key(block.author.0).public();
            black_box(key.verify(&[block.message], block.signature)).unwrap();
        }
    };
    // One beside the other, round for round, so that whatever disturbs the machine disturbs all of them.
    let rounds: Vec<[f64; 3]> = (0..VERIFY_ROUNDS)
        .map(|_| [seconds(checked), seconds(|| audited(NonZeroUsize::MIN)), seconds(|| audited(cores()))])
        .collect();
    let a_second = |column: usize| count as f64 / median(rounds.iter().map(|round| round[column]));
    let ratio = |column: usize| median(rounds.iter().map(|round| round[0] / round[column]));
    println!(
        "full verify, {count} blocks of one order, {signatures} signatures, median of {VERIFY_ROUNDS} rounds"
    );
    println!("  signatures alone, one core: {:.0}/s", a_second(0));
    for (column, threads) in [(1, NonZeroUsize::MIN), (2, cores())] {
        println!(
            "  {threads} for signatures beside the scan: {:.0} blocks/s; ratio {:.2}",
            a_second(column),
            ratio(column)
        );
    }
}

/// How long one call takes, over so many that they last about a second.
fn seconds(mut work: impl FnMut()) -> f64 {
    let start = Instant::now();
    for _ in 0..VERIFY_REPEATS {
        work();
    }
    start.elapsed().as_secs_f64() / f64::from(VERIFY_REPEATS)
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
