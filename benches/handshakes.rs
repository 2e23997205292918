//! Handshakes a second that a real daemon on loopback answers: full ones, which cost it an RSA private operation
//! on its helper thread, and resumed ones, which the reactor does alone. Several clients at once, so that the
//! daemon has always one to answer; its CPU time per handshake stands beside the rate, because on a machine
//! with few cores the clients take a share of them. `cargo bench --bench handshakes`. Asserts nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, clippy::print_stdout)]
#![allow(missing_docs)]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ledgerd::client::{
    Anonymous, Connection, Home, Member, Opening, PATIENCE, Reopen, get_key, known_servers, make_key,
    register,
};
use ledgerd::domain::accounts::Handle;
use ledgerd::wire::Request;

const CLIENTS: u32 = 8;

fn main() {
    let place = tempfile::tempdir().unwrap();
    let started = Command::new(env!("CARGO_BIN_EXE_ledgerd"))
        .arg("--data")
        .arg(place.path().join("ledger"))
        .args(["--listen", "127.0.0.1:0"])
        .env("LEDGERD_LOG", "error")
        .stdout(Stdio::piped())
        .spawn();
    let mut daemon = Daemon(started.unwrap());
    let mut line = String::new();
    BufReader::new(daemon.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.split("addr=").nth(1).unwrap().trim().to_owned();
    let home = Home::open(Some(&place.path().join("home"))).unwrap();
    let descriptor = known_servers::verify_key_info(&get_key(&address).unwrap()).unwrap();
    known_servers::keep(&home, &address, &descriptor).unwrap();
    let key = make_key(&home, None).unwrap();
    register(&home, &mut Anonymous::open(&home, &address).unwrap(), &key, &Handle::new("bench").unwrap())
        .unwrap();
    let mut member = Member::open(&home, &address, &mut |_| None).unwrap();
    // The ticket is the first record after the handshake: with an answer it has come as well.
    member.ask(&Request::Whoami, &mut |_| ()).unwrap();
    let ticket = member.connection().take_tickets().pop().unwrap();

    measure("full, anonymous", &daemon, 250, || {
        Connection::open(&address, &Opening::Full(&descriptor, None), PATIENCE)
            .unwrap_or_else(|error| panic!("{error:?}"))
    });
    measure("resumed", &daemon, 2_500, || {
        Connection::open(&address, &Opening::Resume(&ticket), PATIENCE)
            .unwrap_or_else(|error| panic!("{error:?}"))
    });
}

/// Ends with the measurement, however that ends.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn measure(what: &str, daemon: &Daemon, each_client: u32, open: impl Fn() -> Connection + Sync) {
    let (start, before) = (Instant::now(), cpu_time(daemon));
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                for _ in 0..each_client {
                    open().close();
                }
            });
        }
    });
    let (wall, cpu, count) = (start.elapsed(), cpu_time(daemon) - before, CLIENTS * each_client);
    let rate = f64::from(count) / wall.as_secs_f64();
    println!("{what}: {rate:.0} a second, {:?} of the daemon's CPU time each", cpu / count);
}

/// User and system time of the daemon, from `/proc/PID/stat` (proc(5), fields 14 and 15, in hundredths of a
/// second).
fn cpu_time(daemon: &Daemon) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", daemon.0.id())).unwrap();
    let after_name = stat.rsplit(") ").next().unwrap();
    let ticks: u64 = after_name.split(' ').skip(11).take(2).map(|field| field.parse::<u64>().unwrap()).sum();
    Duration::from_millis(ticks * 10)
}
