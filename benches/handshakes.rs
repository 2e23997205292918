//! Handshakes a second against a real daemon on loopback: full ones, which cost the server an RSA private
//! operation, and resumed ones, which do not. `cargo bench --bench handshakes`. Prints figures, asserts nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, clippy::print_stdout)]
#![allow(missing_docs)]

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Instant;

use ledgerd::client::{Home, Member, get_key, known_servers, make_key, open_anonymous, pinned, register};
use ledgerd::domain::accounts::Handle;

const COUNT: u32 = 200;

fn main() {
    let place = tempfile::tempdir().unwrap();
    let mut daemon = Command::new(env!("CARGO_BIN_EXE_ledgerd"))
        .arg("--data")
        .arg(place.path().join("ledger"))
        .args(["--listen", "127.0.0.1:0"])
        .env("LEDGERD_LOG", "error")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(daemon.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.split("addr=").nth(1).unwrap().trim().to_owned();
    let home = Home::open(Some(&place.path().join("home"))).unwrap();
    let descriptor = known_servers::verify_key_info(&get_key(&address).unwrap()).unwrap();
    known_servers::keep(&home, &address, &descriptor).unwrap();
    let key = make_key(&home, None).unwrap();
    let server = pinned(&home, &address).unwrap();
    let (_, mut connection) = open_anonymous(&home, &address).unwrap();
    register(&home, &server, &mut connection, &key, &Handle::new("bench").unwrap()).unwrap();
    connection.close();
    Member::open(&home, &address, &mut |_| None).unwrap().close();

    measure("full, anonymous", || {
        open_anonymous(&home, &address).unwrap().1.close();
    });
    measure("resumed", || Member::open(&home, &address, &mut |_| None).unwrap().close());
    daemon.kill().unwrap();
    daemon.wait().unwrap();
}

fn measure(what: &str, mut handshake: impl FnMut()) {
    let start = Instant::now();
    for _ in 0..COUNT {
        handshake();
    }
    let each = start.elapsed() / COUNT;
    println!("{what}: {:.0} a second from one client, {each:?} each", 1.0 / each.as_secs_f64());
}
