//! The real binaries again: what a member proves to a stranger, and a server that was put back or runs twice.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use super::binaries::{CLIENT, DAEMON, Daemon, ORDERS, Place};

/// A stranger: the binary, files, and nothing else, neither a home directory nor a server.
fn stranger(directory: &Path, arguments: &[&str]) -> Output {
    Command::new(CLIENT).args(arguments).env_clear().current_dir(directory).output().unwrap()
}

fn copy(from: &Path, to: &Path) {
    let done = Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
    assert!(done.success());
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_stranger_checks_a_receipt_with_nothing_but_the_file_and_the_verifier_key() {
    let place = Place::new();
    let daemon = Daemon::start(&place.data(), "127.0.0.1:0");
    let at = daemon.address.as_str();
    place.join("alice", at);
    place.join("bob", at);
    let desk = tempfile::tempdir().unwrap();
    let (order, again) = (desk.path().join("order"), desk.path().join("again"));
    let added: Value = serde_json::from_str(&place.done(
        "alice",
        at,
        &["--json", "add", ORDERS, "--receipt", &text(&order)],
    ))
    .unwrap();
    let id = added["command_id"].as_str().unwrap();
    place.done("alice", at, &["receipt", id, "--out", &text(&again)]);
    assert_eq!(std::fs::read(&order).unwrap(), std::fs::read(&again).unwrap(), "by index and by command id");
    assert!(place.ends(3, "bob", at, &["receipt", "3"]).contains("no_such_block"), "somebody else's block");
    let vkey = place.done("alice", at, &["getKey", "--vkey"]);
    drop(daemon);

    let check = |file: &str| stranger(desk.path(), &["--json", "check-receipt", file, "--vkey", vkey.trim()]);
    let output = check("order");
    assert_eq!(output.status.code(), Some(0));
    let proven: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&proven["index"], &proven["hash"]), (&added["index"], &added["hash"]));
    assert_eq!(proven["author"]["handle"], "alice");
    let words = stranger(desk.path(), &["check-receipt", "order", "--vkey", vkey.trim()]);
    let words = String::from_utf8(words.stdout).unwrap();
    assert!(words.contains("PROVEN") && words.contains("NOT PROVEN"), "{words}");
    let changed = std::fs::read_to_string(&order).unwrap().replace("index 3", "index 2");
    std::fs::write(desk.path().join("changed"), changed).unwrap();
    let output = check("changed");
    assert_eq!(output.status.code(), Some(65));
    let verdict: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&verdict["proven"], &verdict["name"]), (&Value::Bool(false), &Value::from("other_index")));
    assert_eq!(check("nowhere").status.code(), Some(2));
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(desk.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert_eq!(files, ["again", "changed", "order"].map(|name| desk.path().join(name)), "nothing was made");
}

#[test]
fn a_server_that_runs_twice_is_caught_by_a_member_and_by_comparing_checkpoints() {
    let place = Place::new();
    let daemon = Daemon::start(&place.data(), "127.0.0.1:0");
    let address = daemon.address.clone();
    place.join("alice", &address);
    place.join("bob", &address);
    assert_eq!(daemon.terminate(), Some(0));
    let twin = place.directory.path().join("twin");
    copy(&place.data(), &twin);

    let (one, two) = (place.directory.path().join("one"), place.directory.path().join("two"));
    let daemon = Daemon::start(&place.data(), &address);
    place.done("alice", &address, &["add", ORDERS]);
    place.done("alice", &address, &["checkpoint", "save", &text(&one)]);
    assert!(place.done("alice", &address, &["checkpoint", "verify", &text(&one)]).starts_with("extended"));
    daemon.kill();
    let daemon = Daemon::start(&twin, &address);
    place.done("bob", &address, &["add", ORDERS]);
    place.done("bob", &address, &["checkpoint", "save", &text(&two)]);

    let complaint = place.ends(65, "alice", &address, &["status"]);
    assert!(complaint.contains("FORK"), "{complaint}");
    let evidence: Vec<&str> = complaint.lines().filter(|line| line.starts_with("  /")).collect();
    let [kept, shown] = evidence[..] else { panic!("{complaint}") };
    let vkey = place.done("bob", &address, &["getKey", "--vkey"]);
    let compare = ["checkpoint", "compare", kept.trim(), shown.trim(), "--vkey", vkey.trim()];
    let output = stranger(place.directory.path(), &compare);
    assert_eq!(output.status.code(), Some(65));
    assert!(String::from_utf8(output.stderr).unwrap().contains("CONTRADICTION"));
    let complaint = place.ends(65, "bob", &address, &["checkpoint", "compare", &text(&one), &text(&two)]);
    assert!(complaint.contains("CONTRADICTION"), "{complaint}");
    let complaint = place.ends(65, "bob", &address, &["checkpoint", "verify", &text(&one)]);
    assert!(complaint.contains("FORK"), "{complaint}");
    daemon.kill();
    let audit = ["audit", twin.to_str().unwrap(), "--checkpoint", &text(&one)];
    assert_eq!(stranger(place.directory.path(), &audit).status.code(), Some(65));
}

#[test]
fn a_log_that_does_not_extend_the_newest_checkpoint_that_was_shown_is_not_served() {
    let place = Place::new();
    let outside = place.directory.path().join("elsewhere");
    let more = ["--checkpoint-file", outside.to_str().unwrap()];
    let daemon = Daemon::start_with(&place.data(), "127.0.0.1:0", &more);
    let address = daemon.address.clone();
    place.join("alice", &address);
    assert_eq!(daemon.terminate(), Some(0));
    let backup = place.directory.path().join("backup");
    copy(&place.data(), &backup);
    let daemon = Daemon::start_with(&place.data(), &address, &more);
    place.done("alice", &address, &["add", ORDERS]);
    daemon.kill();
    // The checkpoint after the order was shown to nobody yet; the next handshake tells it.
    let daemon = Daemon::start_with(&place.data(), &address, &more);
    place.done("alice", &address, &["status"]);
    daemon.kill();

    let before = std::fs::read(backup.join("anchor")).unwrap();
    let refuse = |data: &Path, file: &Path| {
        let mut command = Command::new(DAEMON);
        command.arg("--data").arg(data).args(["--listen", "127.0.0.1:0"]);
        let output = command.arg("--checkpoint-file").arg(file).output().unwrap();
        assert_eq!(output.status.code(), Some(65));
        String::from_utf8(output.stderr).unwrap()
    };
    let complaint = refuse(&backup, &outside);
    assert!(complaint.contains("checkpoint_rollback"), "{complaint}");
    assert_eq!(std::fs::read(backup.join("anchor")).unwrap(), before, "a refused start changes nothing");
    let garbage = place.directory.path().join("garbage");
    std::fs::write(&garbage, "a text\n").unwrap();
    let complaint = refuse(&place.data(), &garbage);
    assert!(complaint.contains("garbage"), "{complaint}");

    // With nothing kept outside the server cannot know; the member does.
    let daemon = Daemon::start(&backup, &address);
    let complaint = place.ends(65, "alice", &address, &["status"]);
    assert!(complaint.contains("ROLLBACK"), "{complaint}");
    drop(daemon);
}
