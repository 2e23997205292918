//! What it costs to append: batches of 1, 64 and 8,192 blocks of one order, and single blocks of 8,192 orders, on a
//! real disk. Deciding and linking are the processor's, writing and syncing the disk's; they stand apart. Signatures
//! are not part of it. `cargo bench --bench append`. Asserts nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, clippy::print_stdout)]
#![allow(missing_docs, dead_code)]

use std::time::{Duration, Instant};

use ledgerd::crypto::random;

mod made;

use made::nanos_each;

fn main() {
    println!("per block: decode, decide, link, hash | write and sync (per order, per byte: both together)");
    for (batches, blocks, orders) in [(1_000, 1, 1), (500, 64, 1), (10, 8_192, 1), (100, 1, 8_192)] {
        measure(batches, blocks, orders);
    }
}

fn measure(batches: u64, blocks: u64, orders: u64) {
    let place = made::place();
    let mut ledger = made::ledger(&made::storage(place.path()));
    let rng = &mut random::os();
    let command = made::orders(orders as usize);
    let (mut memory, mut disk) = (Duration::ZERO, Duration::ZERO);
    let before = ledger.log().figures();
    for batch in 0..batches {
        let message = |n| made::message(ledger.ledger_id(), 1, batch * blocks + n, &command);
        let messages: Vec<Vec<u8>> = (0..blocks).map(message).collect();
        let start = Instant::now();
        for message in &messages {
            made::propose(&mut ledger, message, &made::NO_SIGNATURE);
        }
        memory += start.elapsed();
        let start = Instant::now();
        ledger.commit(rng).unwrap();
        disk += start.elapsed();
    }
    let after = ledger.log().figures();
    let (bytes, syncs) = (after.bytes_written - before.bytes_written, after.syncs - before.syncs);
    let count = batches * blocks;
    println!("{batches} batches of {blocks} blocks of {orders} orders: {bytes} bytes, {syncs} syncs");
    println!(
        "  per block {:.1} µs | {:.1} µs; per order {:.3} µs; per byte {:.2} ns; per sync {:.2} ms; {:.0} orders/s",
        nanos_each(memory, count) / 1e3,
        nanos_each(disk, count) / 1e3,
        nanos_each(memory + disk, count * orders) / 1e3,
        nanos_each(memory + disk, bytes),
        nanos_each(disk, syncs) / 1e6,
        made::a_second(memory + disk, count * orders),
    );
}
