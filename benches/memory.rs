//! What a block costs in the daemon's memory for as long as it runs: where it stands in the log, its author's list
//! of blocks, and the identity of its command, which must never be accepted twice. A real daemon opens a ledger of
//! a quarter of a million blocks of one order, then the same ledger with a million; the difference is what the blocks
//! cost, the rest is what the daemon costs without any. `cargo bench --bench memory`. Asserts nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, clippy::print_stdout)]
#![allow(missing_docs, dead_code)]

use std::path::Path;
use std::time::Instant;

use ledgerd::crypto::random;
use ledgerd::eventlog::Options;
use ledgerd::ledger::Ledger;

mod made;

use made::daemon::{Daemon, mebibytes};

/// Blocks of orders of which the memory is looked at.
const SIZES: [u64; 3] = [250_000, 500_000, 1_000_000];

/// Blocks in a frame.
const BATCH: u64 = 1_024;

fn main() {
    let place = made::place();
    let data = place.path().join("ledger");
    // The daemon makes the ledger, because its keys have to fit.
    Daemon::start(&data).stop();
    let mut before = None;
    let mut figures = Vec::new();
    for size in SIZES {
        grow(&data, before.replace(size), size);
        let start = Instant::now();
        let daemon = Daemon::start(&data);
        let resident = daemon.resident_bytes();
        println!("{size} blocks: {:.1} MiB resident, open after {:?}", mebibytes(resident), start.elapsed());
        figures.push((size as f64, resident as f64));
        daemon.stop();
    }
    let (Some(first), Some(last)) = (figures.first(), figures.last()) else { return };
    let each = (last.1 - first.1) / (last.0 - first.0);
    let without = first.1 - each * first.0;
    println!(
        "a block: {each:.1} bytes (bar 120); without any: {:.1} MiB (bar 100)",
        mebibytes(without as u64)
    );
}

/// Adds blocks of one order until there are `size` of them. A daemon that replays asks for no signature.
fn grow(data: &Path, before: Option<u64>, size: u64) {
    let (mut ledger, _) = Ledger::open(&made::storage(data), Options::default()).unwrap();
    if before.is_none() {
        made::register(&mut ledger);
    }
    let command = made::orders(1);
    for number in before.unwrap_or_default()..size {
        let account = number % 3 + 1;
        let message = made::message(ledger.ledger_id(), account, number, &command);
        made::propose(&mut ledger, &message, &made::NO_SIGNATURE);
        if number % BATCH == BATCH - 1 {
            ledger.commit(&mut random::os()).unwrap();
        }
    }
    ledger.commit(&mut random::os()).unwrap();
    ledger.close().unwrap();
}
