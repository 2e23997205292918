//! What followers take from those who place orders: 64 members place orders one by one, alone and beside 1,000
//! connections that follow the blocks of their own account, of whom first none and then 64 are the members who place orders;
//! and beside 50 operators who follow every block. The followers are a process of their own, on the same machine: what they
//! read and open there is taken from the daemon as well.
//! `cargo bench --bench followers`. Asserts nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, clippy::print_stdout)]
#![allow(missing_docs, dead_code)]

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use ledgerd::client::{Connection, Opening, PATIENCE, Reopen as _};
use ledgerd::codec;
use ledgerd::session::ClientTicket;
use ledgerd::wire::{Followed, Followings, Push, Reply, Request};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

mod made;

use made::daemon::{Daemon, tickets};
use made::load::{Load, median};

/// Connections that follow their own account's blocks.
const OWN: usize = 1_000;

/// Connections that follow every block.
const READABLE: usize = 50;

/// Members who place orders. The first one is an operator; one more does nothing but follow.
const ACTIVE: usize = 64;

/// Orders in a round.
const COMMANDS: usize = 16_384;

/// Pairs of a round alone and a round beside followers: many, because a machine's speed changes from second to second.
const ROUNDS: usize = 15;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, follow, address, file, size] = arguments.as_slice()
        && follow == "follow"
    {
        return self::follow(address, Path::new(file), size.parse().unwrap());
    }
    let place = made::place();
    let daemon = Daemon::start_for_operator(place.path());
    let load = Load::with_device_keys(daemon.accounts(place.path(), ACTIVE + 1));
    let (_, _, descriptor) = daemon.pinned(place.path());
    let mut tickets = tickets(load.accounts(), &daemon.address, &descriptor);
    let idle = tickets.pop().unwrap();

    let mut own: Vec<(ClientTicket, Followed, bool)> =
        tickets.iter().map(|ticket| (ticket.clone(), Followed::Own, true)).collect();
    own.resize(OWN, (idle.clone(), Followed::Own, false));
    let others = vec![(idle, Followed::Own, false); OWN];
    let readable = vec![(tickets.swap_remove(0), Followed::Readable, true); READABLE];
    load.signed(ACTIVE, COMMANDS)();
    for (what, bar, followers) in [
        ("1,000 followers of their own blocks, who place no orders", 0.97, others),
        ("1,000 followers of their own blocks, 64 of them those of the busy members", 0.97, own),
        ("50 operators who follow every block", 0.9, readable),
    ] {
        let file = place.path().join("followers");
        std::fs::write(&file, codec::encode(&followers)).unwrap();
        let (mut alone, mut beside, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let work = load.signed(ACTIVE, COMMANDS);
            alone.push(orders_per_second(work));
            let work = load.signed(ACTIVE, COMMANDS);
            let size = load.accounts().control().unwrap().newest_checkpoint().unwrap().size;
            let crowd = Followers::start(&daemon.address, &file, size);
            beside.push(orders_per_second(work));
            ratios.push(beside.last().unwrap() / alone.last().unwrap());
            drop(crowd);
        }
        let each: Vec<String> = ratios.iter().map(|ratio| format!("{ratio:.2}")).collect();
        println!("{what}");
        println!(
            "  orders a second: alone {:.0}, beside {:.0}; ratio {:.3} (bar {bar}; rounds: {})",
            median(alone.into_iter()),
            median(beside.into_iter()),
            median(ratios.into_iter()),
            each.join(" ")
        );
    }
}

fn orders_per_second<T>(work: impl FnOnce() -> T) -> f64 {
    let start = Instant::now();
    work();
    COMMANDS as f64 / start.elapsed().as_secs_f64()
}

/// The process of the followers; says what they were sent when it ends.
struct Followers(Child);

impl Followers {
    fn start(address: &str, file: &Path, size: u64) -> Followers {
        let started = Command::new(std::env::current_exe().unwrap())
            .args(["follow", address])
            .arg(file)
            .arg(size.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let mut child = started.unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        Followers(child)
    }
}

impl Drop for Followers {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let mut said = String::new();
        drop(self.0.stdout.take().unwrap().read_to_string(&mut said));
        println!("  {}", said.trim());
        drop(self.0.wait());
    }
}

/// Life of the followers' process: connects, follows, says so, reads until its input ends, and says what came.
fn follow(address: &str, file: &Path, size: u64) {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).unwrap();
    let followers: Vec<(ClientTicket, Followed, bool)> =
        codec::strict(&std::fs::read(file).unwrap()).unwrap();
    let (blocks, pushes) = (AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        let mut idle = Vec::new();
        for (ticket, of, is_busy) in &followers {
            let mut connection = Connection::open(address, &Opening::Resume(ticket), PATIENCE)
                .unwrap_or_else(|error| panic!("{error:?}"));
            let id = connection.follow(&Request::Follow { from: size, of: *of }).unwrap();
            connection.wait_followed(id, None).unwrap();
            if *is_busy {
                let (blocks, pushes) = (&blocks, &pushes);
                scope.spawn(move || {
                    while let Ok(Some(reply)) = connection.wait_followed(id, None) {
                        if let Reply::Push(Push::Blocks(Followings { blocks: new, .. })) = reply {
                            blocks.fetch_add(new.len() as u64, Ordering::Relaxed);
                            pushes.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                });
            } else {
                idle.push(connection);
            }
        }
        println!("ready");
        drop(std::io::stdin().read(&mut [0]));
        println!(
            "the followers were sent {} blocks in {} pushes",
            blocks.load(Ordering::Relaxed),
            pushes.load(Ordering::Relaxed)
        );
        std::process::exit(0);
    });
}
