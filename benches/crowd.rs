//! What ten thousand members cost who are connected and say nothing: the daemon's memory for each of them, and what
//! the 64 feel of it who place orders meanwhile. Each of the ten thousand has resumed a session and asked one question:
//! first a small one, then one with a long answer. They are held by processes of their own, because
//! both ends of so many connections are more descriptors than one process may have.
//! `cargo bench --bench crowd`. Asserts nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, clippy::print_stdout)]
#![allow(missing_docs, dead_code)]

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use ledgerd::client::{Connection, Opening, PATIENCE, question};
use ledgerd::codec;
use ledgerd::session::ClientTicket;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

mod made;

use made::daemon::{Daemon, mebibytes, ticket};
use made::load::{Comparison, Load, ROUNDS};

/// Connections that say nothing.
const CROWD: u64 = 10_000;

/// Processes that hold them. A connection of the client is three descriptors: a socket, a poll and a waker.
const HOLDERS: u64 = 2;

/// Those who place orders.
const ACTIVE: usize = 64;

/// Orders in a round.
const COMMANDS: usize = 2_048;

/// Blocks that are asked for at once: more than fit into an answer.
const PAGE: u64 = 100_000;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, hold, address, ticket, count, limit] = arguments.as_slice()
        && hold == "hold"
    {
        return self::hold(address, Path::new(ticket), count.parse().unwrap(), limit.parse().unwrap());
    }
    let place = made::place();
    let daemon = Daemon::start(&place.path().join("ledger"));
    let load = Load::of(daemon.accounts(place.path(), ACTIVE));
    let ticket_file = place.path().join("ticket");
    let (_, _, descriptor) = daemon.pinned(place.path());
    let ticket = ticket(load.accounts(), &daemon.address, &descriptor);
    std::fs::write(&ticket_file, codec::encode(&ticket)).unwrap();

    let gather = |limit| gather(&daemon, &ticket_file, limit);
    // What the daemon keeps from its first load is no matter of the crowd.
    load.signed(ACTIVE, COMMANDS)();
    println!("{:.1} MiB of the daemon's memory without a crowd", mebibytes(daemon.resident_bytes()));
    drop(gather(0));
    drop(gather(PAGE));

    let mut felt = Comparison::new("one order in a command, 64 clients, beside 10,000 idle connections", 2.0);
    for _ in 0..ROUNDS {
        felt.add(false, load.signed(ACTIVE, COMMANDS)());
        let work = load.signed(ACTIVE, COMMANDS);
        let crowd = gather(0);
        felt.add(true, work());
        drop(crowd);
    }
    felt.print();
}

/// Connects the crowd and says what it costs.
fn gather(daemon: &Daemon, ticket: &Path, limit: u64) -> Vec<Holder> {
    let before = daemon.resident_bytes();
    let mut holders: Vec<Holder> =
        (0..HOLDERS).map(|_| Holder::start(&daemon.address, ticket, limit)).collect();
    let answers: u64 = holders.iter_mut().map(Holder::wait).sum();
    let each = (daemon.resident_bytes() as f64 - before as f64) / CROWD as f64;
    println!(
        "{CROWD} idle connections, each had an answer of {} blocks: {each:.0} bytes each (bar 16,384)",
        answers / HOLDERS
    );
    holders
}

/// A process that holds a part of the crowd until it is told to end.
struct Holder(Child);

impl Holder {
    fn start(address: &str, ticket: &Path, limit: u64) -> Holder {
        let started = Command::new(std::env::current_exe().unwrap())
            .args(["hold", address])
            .arg(ticket)
            .args([(CROWD / HOLDERS).to_string(), limit.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        Holder(started.unwrap())
    }

    /// Waits until all are connected; gives the blocks in each one's answer.
    fn wait(&mut self) -> u64 {
        let mut line = String::new();
        BufReader::new(self.0.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        line.trim().parse().unwrap()
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Life of a holder: connects, asks, says so, and waits for its end.
fn hold(address: &str, ticket: &Path, count: u64, limit: u64) {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).unwrap();
    let ticket: ClientTicket = codec::strict(&std::fs::read(ticket).unwrap()).unwrap();
    let mut blocks = 0;
    let open = |_| {
        let mut connection = Connection::open(address, &Opening::Resume(&ticket), PATIENCE)
            .unwrap_or_else(|error| panic!("{error:?}"));
        if limit == 0 {
            connection.ask(&question::Whoami).unwrap();
        } else {
            blocks =
                connection.ask(&question::Copy { from: 0, limit, concerning: false }).unwrap().blocks.len();
        }
        connection
    };
    let held: Vec<Connection> = (0..count).map(open).collect();
    println!("{blocks}");
    drop(std::io::stdin().read(&mut [0]));
    drop(held);
}
