//! What it costs to show a block: as a line of JSON, as `copy` and `export` write it, and in words; for orders and for
//! payments, one and 8,192 in a block. Decoding of the block is part of it, and stands beside it alone.
//! `cargo bench --bench shown`. Asserts nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, clippy::print_stdout)]
#![allow(missing_docs, dead_code)]

use std::time::Duration;

use ledgerd::chain::Block;
use ledgerd::cli::block_words::write_block;
use ledgerd::client::show::{json_line, transaction};
use ledgerd::domain::Command;
use ledgerd::domain::payments::Currency;

mod made;

/// Elements that are shown in one measurement.
const ELEMENTS: u32 = 819_200;

/// Runs, of which the fastest counts: the others were disturbed.
const RUNS: usize = 5;

fn main() {
    println!("ns for each order or payment: decode alone | decode and JSON | decode and words");
    measure("orders, one in a block", 1, &made::orders(1));
    measure("orders, 8,192 in a block", 8_192, &made::orders(8_192));
    measure("payments, one in a block", 1, &made::pay(1));
    measure("payments, 8,192 in a block", 8_192, &made::pay(8_192));
}

fn measure(what: &str, elements: u32, command: &Command) {
    let bytes = block_of(command);
    let currency = Currency { name: "USD".to_owned(), scale: 2 };
    let decode = || transaction(&Block::parse(&bytes).unwrap()).unwrap();
    let json = || {
        let mut line = String::new();
        json_line(&bytes, Some(&currency), &mut line).unwrap();
        line
    };
    let words = || {
        let mut text = String::new();
        write_block(&bytes, &currency, &mut text).unwrap();
        text
    };
    let count = ELEMENTS / elements;
    let each = |all: Duration| all.as_nanos() as f64 / f64::from(elements);
    println!(
        "{what}: {:.1} | {:.1} | {:.1}",
        each(fastest(|| made::time(count, decode))),
        each(fastest(|| made::time(count, json))),
        each(fastest(|| made::time(count, words))),
    );
}

fn fastest(run: impl Fn() -> Duration) -> Duration {
    (0..RUNS).map(|_| run()).min().unwrap()
}

/// The bytes of a block with this command of account 1.
fn block_of(command: &Command) -> Vec<u8> {
    let place = made::place();
    let mut ledger = made::ledger(&made::storage(place.path()));
    let message = made::message(ledger.ledger_id(), 1, 1, command);
    made::propose(&mut ledger, &message, &made::NO_SIGNATURE);
    ledger.commit(&mut ledgerd::crypto::random::os()).unwrap();
    ledger.block(4).unwrap().unwrap()
}
