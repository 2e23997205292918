//! The real `ledgerd` over a damaged file of stored hashes: nobody is accused, the operator is told, and the file is
//! made anew while it serves.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use rustix::process::Signal;

use crate::daemon::{Daemon, place};

/// More than it takes to make a small file anew.
const TRIES: usize = 100;

fn ledgerctl(place: &Path, daemon: &Daemon, home: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ledgerctl"));
    command.arg("--home").arg(place.join(home)).args(["--server", &daemon.address.to_string()]);
    command.args(arguments).stdin(Stdio::null()).output().unwrap()
}

/// Asks until it is done. First it is told that it could not be checked, and never that anybody lied.
fn first_later_then_done(place: &Path, daemon: &Daemon, home: &str, arguments: &[&str]) {
    let first = ledgerctl(place, daemon, home, arguments);
    let said = String::from_utf8_lossy(&first.stderr).into_owned();
    assert_eq!(first.status.code(), Some(4), "{arguments:?}: {said}");
    assert!(said.contains("unavailable") && !said.contains("FORK"), "{arguments:?}: {said}");
    let done = (0..TRIES).any(|_| match ledgerctl(place, daemon, home, arguments).status.code() {
        Some(0) => true,
        code => {
            assert_eq!(code, Some(4), "{arguments:?}");
            false
        }
    });
    assert!(done, "{arguments:?}: the file is not made anew");
    let evidence = fs::read_dir(place.join(home).join("evidence")).map_or(0, Iterator::count);
    assert_eq!(evidence, 0, "evidence of nothing");
}

#[test]
fn a_damaged_file_of_hashes_accuses_nobody_is_told_once_and_is_made_anew() {
    let (place, data) = place();
    let place = place.path();
    let daemon = Daemon::start(&data, &[]);
    let done = |home: &str, arguments: &[&str]| {
        let output = ledgerctl(place, &daemon, home, arguments);
        assert!(output.status.success(), "{home} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    let orders = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/orders.json");
    let add = ["add", orders.to_str().unwrap()];
    for home in ["alice", "bob"] {
        done(home, &["getKey", "--accept-new"]);
        done(home, &["register", home]);
        done(home, &add);
    }
    let file = data.join("tree/hashes");
    // Of one history with what was shown before: alice has seen fewer blocks than there are.
    let good = fs::read(&file).unwrap();
    fs::write(&file, vec![0; good.len()]).unwrap();
    first_later_then_done(place, &daemon, "alice", &["whoami"]);
    assert_eq!(fs::read(&file).unwrap(), good);
    // In the tree of the checkpoint that she has by now.
    fs::write(&file, b"").unwrap();
    first_later_then_done(place, &daemon, "alice", &["copy"]);
    assert_eq!(fs::read(&file).unwrap(), good);
    fs::write(&file, vec![0xff; 100]).unwrap();
    first_later_then_done(place, &daemon, "bob", &["receipt", "4"]);
    assert_eq!(fs::read(&file).unwrap(), good);
    done("bob", &add);
    done("alice", &["whoami"]);
    daemon.signal(Signal::TERM);
    let outcome = daemon.ended();
    assert_eq!(outcome.code, Some(0));
    for said in ["tree/hashes is damaged", "tree/hashes was made anew"] {
        assert_eq!(outcome.stderr.matches(said).count(), 3, "{said}: {}", outcome.stderr);
    }
}
