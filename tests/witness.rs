//! Witnesses, with the real binaries: what they cosign, what they refuse, and what a member can demand.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::binaries::{Daemon, ORDERS, Place};

/// The verifier key of a member's witness, which has cosigned once.
fn cosigned(place: &Place, member: &str, at: &str) -> String {
    let line = place.done(member, at, &["--json", "witness"]);
    let said: Value = serde_json::from_str(&line).unwrap();
    said["vkey"].as_str().unwrap().to_owned()
}

#[test]
fn a_member_demands_the_cosignatures_of_witnesses_and_a_restart_keeps_them() {
    let place = Place::new();
    let daemon = Daemon::start(&place.data(), "127.0.0.1:0");
    let at = daemon.address.clone();
    for member in ["alice", "wanda", "wim"] {
        place.join(member, &at);
    }
    let (wanda, wim) = (cosigned(&place, "wanda", &at), cosigned(&place, "wim", &at));
    let both = ["--json", "verify", "--witness", &wanda, "--witness", &wim];
    let verdict: Value = serde_json::from_str(&place.done("alice", &at, &both)).unwrap();
    assert_eq!(verdict["cosigned"]["size"], 4);
    let names: Vec<&str> = verdict["cosigned"]["witnesses"]
        .as_array()
        .unwrap()
        .iter()
        .map(|witness| witness["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["wanda.witness", "wim.witness"]);

    // One goes on, the other does not: both together stand behind the older checkpoint only.
    place.done("alice", &at, &["add", ORDERS]);
    assert_eq!(cosigned(&place, "wanda", &at), wanda, "the key stays");
    assert_eq!(daemon.terminate(), Some(0));
    let daemon = Daemon::start(&place.data(), &at);
    for (demanded, size) in [(vec![&wanda], 5), (vec![&wanda, &wim], 4)] {
        let mut arguments = vec!["--json", "verify"];
        demanded.iter().for_each(|vkey| arguments.extend(["--witness", vkey.as_str()]));
        let verdict: Value = serde_json::from_str(&place.done("alice", &at, &arguments)).unwrap();
        assert_eq!(verdict["cosigned"]["size"], size);
    }
    // The one that was behind first cosigns what the other has, and then the newest.
    place.done("alice", &at, &["add", ORDERS]);
    assert_eq!(cosigned(&place, "wim", &at), wim);
    let arguments = ["--json", "verify", "--witness", &wanda, "--witness", &wim];
    let verdict: Value = serde_json::from_str(&place.done("alice", &at, &arguments)).unwrap();
    assert_eq!(verdict["cosigned"]["size"], 5);
    let stranger = wanda.replace("wanda.witness", "nobody.witness");
    let complaint = place.ends(2, "alice", &at, &["verify", "--witness", &stranger]);
    assert!(complaint.contains("not a verifier key"), "the key id is that of the name: {complaint}");
    let log_key = place.done("alice", &at, &["getKey", "--vkey"]);
    place.ends(2, "alice", &at, &["verify", "--witness", log_key.trim()]);
    drop(daemon);
}

#[test]
fn a_checkpoint_that_nobody_cosigned_is_said_to_be_so() {
    let place = Place::new();
    let daemon = Daemon::start(&place.data(), "127.0.0.1:0");
    let at = daemon.address.as_str();
    place.join("alice", at);
    let other = Place::new();
    let elsewhere = Daemon::start(&other.data(), "127.0.0.1:0");
    other.join("wanda", &elsewhere.address);
    let vkey = cosigned(&other, "wanda", &elsewhere.address);
    let complaint = place.ends(3, "alice", at, &["verify", "--witness", &vkey]);
    assert!(complaint.contains("not_cosigned"), "{complaint}");
}

#[test]
fn a_witness_cosigns_no_fork_and_no_rollback_and_keeps_the_evidence() {
    let place = Place::new();
    let daemon = Daemon::start(&place.data(), "127.0.0.1:0");
    let at = daemon.address.clone();
    place.join("alice", &at);
    place.join("wanda", &at);
    assert_eq!(daemon.terminate(), Some(0));
    let twin = place.directory.path().join("twin");
    assert!(Command::new("cp").arg("-a").arg(place.data()).arg(&twin).status().unwrap().success());
    let daemon = Daemon::start(&place.data(), &at);
    place.done("alice", &at, &["add", ORDERS]);
    cosigned(&place, "wanda", &at);
    daemon.kill();
    // What the client itself has kept goes away with its file; the witness's view is its own.
    let forget = || {
        place.done("wanda", &at, &["forget", &at]);
        place.done("wanda", &at, &["getKey", "--accept-new"]);
    };
    let daemon = Daemon::start(&twin, &at);
    forget();
    let complaint = place.ends(65, "wanda", &at, &["witness"]);
    assert!(complaint.contains("ROLLBACK"), "{complaint}");
    place.done("wanda", &at, &["add", ORDERS]);
    place.done("wanda", &at, &["add", ORDERS]);
    forget();
    let complaint = place.ends(65, "wanda", &at, &["witness"]);
    assert!(complaint.contains("FORK") && complaint.contains("evidence"), "{complaint}");
    drop(daemon);
}

#[test]
fn a_witness_goes_on_until_it_is_interrupted() {
    let place = Place::new();
    let daemon = Daemon::start(&place.data(), "127.0.0.1:0");
    let at = daemon.address.as_str();
    place.join("wanda", at);
    let mut command = place.command("wanda", at, &["witness", "--every", "1"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for _ in 0..2 {
        assert!(lines.next().unwrap().unwrap().starts_with("cosigned 2 "));
    }
    let pid = rustix::process::Pid::from_raw(child.id() as i32).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
