//! What those who are served feel of heavy work that the daemon does at the same time: the check of the whole log,
//! which members may ask for, and strangers' full handshakes, each of which costs an RSA private operation. Both run
//! on threads of their own; on a machine with few cores they take the cores all the same. Each figure is measured
//! alone and beside the work in turn. `cargo bench --bench beside`, or one half of it: `-- verify`, `-- flood`.
//! Asserts nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, clippy::print_stdout)]
#![allow(missing_docs, dead_code)]

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use ledgerd::client::{Connection, Opening, PATIENCE, question};
use ledgerd::session::Descriptor;

mod made;

use made::daemon::{Daemon, ticket};
use made::load::{Comparison, Load, ROUNDS, latencies};

/// Clients of the load that is not a single one.
const CLIENTS: usize = 64;

/// Orders in a round, of all clients: so many that a hundredth of them is not chance.
const COMMANDS: usize = 4_096;

/// The same of a single client.
const COMMANDS_ALONE: usize = 1_536;

/// Strangers who open connections as quickly as they are answered.
const STRANGERS: usize = 4;

/// How long a round of handshakes or of questions takes.
const ROUND: Duration = Duration::from_secs(2);

/// Time for the work to be under way.
const START: Duration = Duration::from_millis(100);

fn main() {
    let place = made::place();
    let daemon = Daemon::start(&place.path().join("ledger"));
    let load = Load::of(daemon.accounts(place.path(), CLIENTS));
    let (_, _, descriptor) = daemon.pinned(place.path());
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let wanted = |what: &str| arguments.iter().all(|argument| argument == "--bench" || argument == what);
    if wanted("flood") {
        flood(&daemon, &load, &descriptor);
    }
    if wanted("verify") {
        // Something to verify.
        load.signed(CLIENTS, COMMANDS)();
        verification(&load);
    }
}

/// Does something beside work that repeats itself on threads of its own; gives how much of the work was done in
/// a second.
fn beside<T>(threads: usize, work: impl Fn(&AtomicU64) + Sync, measure: impl FnOnce() -> T) -> (T, f64) {
    let (stop, done) = (AtomicBool::new(false), AtomicU64::new(0));
    let start = Instant::now();
    let measured = std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    work(&done);
                }
            });
        }
        std::thread::sleep(START);
        let measured = measure();
        stop.store(true, Ordering::Relaxed);
        measured
    });
    let rate = done.load(Ordering::Relaxed) as f64 / start.elapsed().as_secs_f64();
    (measured, rate)
}

fn verification(load: &Load) {
    let verify = |blocks: &AtomicU64| {
        let mut member = load.accounts().control().unwrap();
        let verdict = member.ask(&question::Verify).unwrap();
        assert_eq!(verdict.findings_total, 0);
        blocks.fetch_add(verdict.blocks, Ordering::Relaxed);
    };
    let mut many = Comparison::new("one order in a command, 64 clients, beside the check of the log", 3.0);
    let mut one =
        Comparison::new("one order in a command, a single client, beside the check of the log", 3.0);
    for _ in 0..ROUNDS {
        for (clients, commands, felt) in [(CLIENTS, COMMANDS, &mut many), (1, COMMANDS_ALONE, &mut one)] {
            felt.add(false, load.signed(clients, commands)());
            let (latencies, rate) = beside(1, verify, load.signed(clients, commands));
            println!("  {rate:.0} blocks checked a second beside {clients} clients");
            felt.add(true, latencies);
        }
    }
    many.print();
    one.print();
}

fn flood(daemon: &Daemon, load: &Load, descriptor: &Descriptor) {
    let address = &daemon.address;
    let ticket = ticket(load.accounts(), address, descriptor);
    let open = |opening: &Opening<'_>| {
        Connection::open(address, opening, PATIENCE).unwrap_or_else(|error| panic!("{error:?}"))
    };
    let stranger = |count: &AtomicU64| {
        open(&Opening::Full(descriptor, None)).close();
        count.fetch_add(1, Ordering::Relaxed);
    };
    let handshakes = || latencies(ROUND, || open(&Opening::Resume(&ticket)).close());
    let questions = || {
        let mut connection = open(&Opening::Resume(&ticket));
        latencies(ROUND, || drop(connection.ask(&question::Whoami).unwrap()))
    };
    let name = |what| Comparison::new(what, 3.0);
    let mut shaken = name("a resumed handshake, beside a flood of full ones");
    let mut asked = name("a question of a resumed session, beside a flood of full handshakes");
    let mut ordered = name("one order in a command, a single client, beside a flood of full handshakes");
    for _ in 0..ROUNDS {
        let flooded = |measure: &mut dyn FnMut() -> Histogram<u64>| {
            let (latencies, rate) = beside(STRANGERS, stranger, measure);
            println!("  {rate:.0} full handshakes a second");
            latencies
        };
        shaken.add(false, handshakes());
        shaken.add(true, flooded(&mut || handshakes()));
        asked.add(false, questions());
        asked.add(true, flooded(&mut || questions()));
        ordered.add(false, load.signed(1, COMMANDS_ALONE)());
        let mut orders = Some(load.signed(1, COMMANDS_ALONE));
        ordered.add(true, flooded(&mut || orders.take().unwrap()()));
    }
    shaken.print();
    asked.print();
    ordered.print();
}
