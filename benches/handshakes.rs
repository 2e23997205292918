//! Handshakes a second that a real daemon on loopback answers: full ones, which cost it an RSA private operation
//! on its helper thread, and resumed ones, which the reactor does alone. Several clients at once, so that the
//! daemon has always one to answer; its CPU time per handshake stands beside the rate, because on a machine
//! with few cores the clients take a share of them. A full one can be no faster than the private operation, so what
//! one core does of that alone stands beside it. `cargo bench --bench handshakes`. Asserts nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, clippy::print_stdout)]
#![allow(missing_docs, dead_code)]

use ledgerd::client::{Connection, Opening, PATIENCE};
use ledgerd::crypto::random;

mod made;

use made::daemon::{Daemon, ticket};
use made::load::{ROUNDS, median};

const CLIENTS: u32 = 8;

fn main() {
    let place = made::place();
    let daemon = Daemon::start(&place.path().join("ledger"));
    let (_, _, descriptor) = daemon.pinned(place.path());
    let ticket = ticket(&daemon.accounts(place.path(), 1), &daemon.address, &descriptor);
    let mut ratios = Vec::new();
    for _ in 0..ROUNDS {
        let alone = private_operations();
        let full = measure("full, anonymous", &daemon, 125, || {
            Connection::open(&daemon.address, &Opening::Full(&descriptor, None), PATIENCE)
                .unwrap_or_else(|error| panic!("{error:?}"))
        });
        println!("  private operations alone: {alone:.0} a second; ratio {:.2}", full / alone);
        ratios.push(full / alone);
        measure("resumed", &daemon, 2_500, || {
            Connection::open(&daemon.address, &Opening::Resume(&ticket), PATIENCE)
                .unwrap_or_else(|error| panic!("{error:?}"))
        });
    }
    println!(
        "full ones, of what one core does of their private operation: {:.2}",
        median(ratios.into_iter())
    );
}

/// Secrets of hellos that one core takes out in a second.
fn private_operations() -> f64 {
    let (key, rng) = (made::server_key(), &mut random::os());
    let ciphertext = key.public().encrypt_oaep(rng, &[7; 32]);
    1.0 / made::time(200, || key.decap(rng, &ciphertext, &[1; 32])).as_secs_f64()
}

/// Opens connections from all clients, and gives the rate.
fn measure(what: &str, daemon: &Daemon, each_client: u32, open: impl Fn() -> Connection + Sync) -> f64 {
    daemon.rate(what, CLIENTS, each_client, |_| open().close()).0
}
