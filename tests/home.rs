//! The client's home: what brings an account back, which servers it knows, and the passphrase of its key.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::binaries::{Daemon, ORDERS, Place};

/// Makes a home that knows the server and holds a copy of a member's key, and nothing else.
fn home_with_key_only(place: &Place, home: &str, of: &str, address: &str) {
    place.done(home, address, &["getKey", "--accept-new"]);
    let root = place.directory.path();
    std::fs::copy(root.join(of).join("key.pem"), root.join(home).join("key.pem")).unwrap();
}

#[test]
fn a_key_alone_brings_its_account_back() {
    let place = Place::new();
    let daemon = Daemon::start(&place.data(), "127.0.0.1:0");
    let at = daemon.address.as_str();
    assert_eq!(place.join("alice", at), 1);
    // A new machine: the key is there before the server is pinned.
    std::fs::create_dir(place.directory.path().join("new")).unwrap();
    std::fs::copy(place.directory.path().join("alice/key.pem"), place.directory.path().join("new/key.pem"))
        .unwrap();
    let said = place.ends(0, "new", at, &["getKey", "--accept-new"]);
    assert!(said.contains("account 1 (alice)"), "{said}");
    assert!(place.done("new", at, &["whoami"]).contains("alice"));
    assert!(place.ends(3, "new", at, &["register", "alice"]).contains("already_registered"));
    // The key comes after the server was pinned: whichever command is first finds the account.
    home_with_key_only(&place, "second", "alice", at);
    let said = place.ends(0, "second", at, &["balance"]);
    assert!(said.contains("account 1 (alice)"), "{said}");
    home_with_key_only(&place, "third", "alice", at);
    assert_eq!(place.done("third", at, &["register", "Alice"]).trim(), "1");
    home_with_key_only(&place, "fourth", "alice", at);
    let said = place.ends(3, "fourth", at, &["register", "bob"]);
    assert!(said.contains("already_registered") && said.contains("account 1 (alice)"), "{said}");
    assert!(place.done("fourth", at, &["whoami"]).contains("alice"));
    assert_eq!(place.status("alice", at)["blocks"], 2, "nothing was registered a second time");
}

#[test]
fn whoever_has_no_account_is_told_what_to_do() {
    let place = Place::new();
    let daemon = Daemon::start(&place.data(), "127.0.0.1:0");
    let at = daemon.address.as_str();
    let said = place.ends(0, "alice", at, &["getKey", "--accept-new"]);
    assert!(!said.contains("account"), "{said}");
    let said = place.ends(2, "alice", at, &["balance"]);
    assert!(said.contains("register HANDLE") && said.contains("key.pem"), "{said}");
    place.done("alice", at, &["keygen"]);
    let said = place.ends(2, "alice", at, &["balance"]);
    assert!(said.contains("has no account") && said.contains("register HANDLE"), "{said}");
    let said = place.ends(0, "alice", at, &["register", "alice"]);
    assert!(said.contains("keep a copy of") && said.contains("alice/key.pem"), "{said}");
    std::fs::remove_file(place.directory.path().join("alice/key.pem")).unwrap();
    let said = place.ends(78, "alice", at, &["balance"]);
    assert!(said.contains("alice/key.pem is gone") && said.contains("account 1 (alice)"), "{said}");
}

#[test]
fn a_ledger_that_moved_is_recognised_and_its_pin_comes_along() {
    let place = Place::new();
    let daemon = Daemon::start(&place.data(), "127.0.0.1:0");
    let old = daemon.address.clone();
    place.join("alice", &old);
    assert_eq!(daemon.terminate(), Some(0));
    let daemon = Daemon::start(&place.data(), "127.0.0.1:0");
    let new = daemon.address.as_str();
    let said = place.ends(0, "alice", new, &["getKey"]);
    assert!(said.contains(&format!("the ledger that you know as {old}")), "{said}");
    assert!(place.done("alice", new, &["whoami"]).contains("alice"));
    let known = std::fs::read_to_string(place.directory.path().join("alice/known_servers")).unwrap();
    assert!(known.lines().count() == 1 && known.contains(&format!(" {old},{new} ")), "{known}");
    assert!(!known.contains(" - "), "there is a checkpoint to lose");
    let said = place.ends(0, "alice", new, &["forget", &old]);
    assert!(said.contains(&format!("still known at {new}")), "{said}");
    let said = place.ends(2, "alice", new, &["forget", &old]);
    assert!(said.contains(&old) && said.contains("alice/known_servers"), "{said}");
    let said = place.ends(0, "alice", new, &["forget", new]);
    let evidence: Vec<_> =
        std::fs::read_dir(place.directory.path().join("alice/evidence")).unwrap().collect();
    assert_eq!(evidence.len(), 1);
    let kept = evidence[0].as_ref().unwrap().path();
    assert!(said.contains(kept.to_str().unwrap()), "{said}");
    // The fingerprint stands for nothing that the home does not know any more.
    assert!(place.ends(2, "alice", new, &["getKey"]).contains("is not known"));
    place.done("alice", new, &["getKey", "--accept-new"]);
    place.done("alice", new, &["checkpoint", "verify", kept.to_str().unwrap()]);
}

#[test]
fn another_ledger_at_a_known_address_is_refused_with_the_pins_place_and_what_to_do() {
    let place = Place::new();
    let daemon = Daemon::start(&place.data(), "127.0.0.1:0");
    let at = daemon.address.clone();
    place.join("alice", &at);
    daemon.kill();
    let _other = Daemon::start(&place.directory.path().join("other"), &at);
    let said = place.ends(65, "alice", &at, &["getKey"]);
    let path = place.directory.path().join("alice/known_servers");
    assert!(said.contains("NOT THE ONE THAT WAS PINNED") && said.contains(path.to_str().unwrap()), "{said}");
    let steps: Vec<&str> = said.lines().filter_map(|line| line.strip_prefix("  ledgerctl ")).collect();
    assert_eq!(steps.len(), 2, "{said}");
    for step in steps {
        // As it stands there; the test names home and server by itself.
        let step = step.strip_prefix(&format!("--server {at} ")).unwrap_or(step);
        place.done("alice", &at, &step.split(' ').collect::<Vec<_>>());
    }
    assert_eq!(place.done("alice", &at, &["register", "alice"]).trim(), "1");
}

#[test]
fn an_older_copy_that_was_put_back_is_accepted_knowingly_and_the_evidence_stays() {
    let place = Place::new();
    let daemon = Daemon::start(&place.data(), "127.0.0.1:0");
    let at = daemon.address.clone();
    place.join("alice", &at);
    place.join("bob", &at);
    assert_eq!(daemon.terminate(), Some(0));
    let twin = place.directory.path().join("twin");
    assert!(Command::new("cp").arg("-a").arg(place.data()).arg(&twin).status().unwrap().success());
    let daemon = Daemon::start(&place.data(), &at);
    place.done("alice", &at, &["add", ORDERS]);
    place.done("alice", &at, &["copy"]);
    place.done("bob", &at, &["whoami"]);
    daemon.kill();
    let _daemon = Daemon::start(&twin, &at);
    let said = place.ends(65, "alice", &at, &["whoami"]);
    assert!(said.contains("ROLLBACK"), "{said}");
    let accepted = |said: &str| {
        let step = said.lines().find_map(|line| line.split_once(" checkpoint accept ")).unwrap();
        step.1.to_owned()
    };
    let evidence = |of: &str| {
        let entries = std::fs::read_dir(place.directory.path().join(of).join("evidence")).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().path().to_str().unwrap().to_owned()).collect();
        names.sort();
        names
    };
    let successor = accepted(&said);
    let before = evidence("alice").into_iter().find(|path| *path != successor).unwrap();
    // What was shown before is no checkpoint of the history that is to be accepted.
    assert!(place.ends(65, "alice", &at, &["checkpoint", "accept", &before]).contains("ROLLBACK"));
    assert!(place.ends(65, "alice", &at, &["whoami"]).contains("ROLLBACK"), "nothing was accepted");
    let line = place.done("alice", &at, &["checkpoint", "accept", &successor]);
    assert!(line.starts_with("accepted: 3 blocks") && line.contains("before 4 blocks"), "{line}");
    assert_eq!(evidence("alice").len(), 2);
    place.done("alice", &at, &["add", ORDERS]);
    place.done("alice", &at, &["copy"]);
    let said = place.ends(0, "alice", &at, &["checkpoint", "accept", &successor]);
    assert!(said.contains("nothing to accept"), "{said}");
    // Bob comes when the successor is as long as what he saw: another history of the same length.
    let said = place.ends(65, "bob", &at, &["whoami"]);
    assert!(said.contains("FORK"), "{said}");
    place.done("bob", &at, &["checkpoint", "accept", &accepted(&said)]);
    place.done("bob", &at, &["whoami"]);
    assert_eq!(evidence("bob").len(), 2);
}

/// Runs a command with files open as 3 and 4.
fn with_open_files(
    place: &Place,
    address: &str,
    arguments: &[&str],
    files: [&Path; 2],
) -> std::process::Output {
    let client = place.command("alice", address, arguments);
    let mut shell = Command::new("sh");
    shell.args(["-c", "exec 3<\"$1\" 4<\"$2\"; shift 2; exec \"$@\"", "sh"]).args(files);
    shell.arg(client.get_program()).args(client.get_args()).stdin(Stdio::null());
    shell.output().unwrap()
}

#[test]
fn a_passphrase_is_set_changed_and_removed_without_a_terminal() {
    let place = Place::new();
    let daemon = Daemon::start(&place.data(), "127.0.0.1:0");
    let at = daemon.address.as_str();
    let file = |name: &str, text: &str| {
        let path = place.directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (first, second) = (file("first", "correct horse\r\nnot this\n"), file("second", "battery staple"));
    place.join("alice", at);
    let key = place.directory.path().join("alice/key.pem");
    let pem = || std::fs::read_to_string(&key).unwrap();
    let plain = pem();
    let is_encrypted = || pem().contains("BEGIN ENCRYPTED");
    let with = |file: &str, rest: &[&str]| {
        let option = format!("--passphrase-file={file}");
        let arguments: Vec<&str> = std::iter::once(option.as_str()).chain(rest.iter().copied()).collect();
        place.run("alice", at, &arguments)
    };
    let code = |output: std::process::Output| output.status.code();
    // Set: an open key needs no old one.
    assert_eq!(code(with(&first, &["passphrase"])), Some(0));
    assert!(is_encrypted());
    let said = place.ends(2, "alice", at, &["whoami"]);
    assert!(said.contains("passphrase"), "{said}");
    assert_eq!(code(with(&second, &["whoami"])), Some(2), "the wrong one");
    assert_eq!(code(with(&first, &["whoami"])), Some(0));
    let mut command = place.command("alice", at, &["whoami"]);
    assert_eq!(code(command.env("LEDGERCTL_PASSPHRASE", "correct horse").output().unwrap()), Some(0));
    assert_eq!(place.feed("alice", at, &["--passphrase-file=-", "whoami"], "correct horse\n").0, Some(0));
    // Change: the old one is not taken for the new one, and neither is lost when something is wrong.
    let before = pem();
    assert_eq!(code(with(&first, &["passphrase"])), Some(2), "nobody to ask for the new one");
    assert_eq!(code(with(&second, &["passphrase", "--new-file", &second])), Some(2), "the wrong old one");
    assert_eq!(code(with("/nowhere/file", &["whoami"])), Some(2));
    assert_eq!(code(with(&first, &["passphrase", "--new-file", &file("empty", "\n")])), Some(2));
    assert_eq!(pem(), before);
    let change = ["--passphrase-fd=3", "passphrase", "--new-fd=4"];
    let changed = with_open_files(&place, at, &change, [Path::new(&first), Path::new(&second)]);
    assert_eq!(changed.status.code(), Some(0), "{}", String::from_utf8_lossy(&changed.stderr));
    assert_eq!((code(with(&first, &["whoami"])), code(with(&second, &["whoami"]))), (Some(2), Some(0)));
    // Remove: the key is the one that it was.
    assert_eq!(code(with(&second, &["passphrase", "--remove"])), Some(0));
    assert_eq!(pem(), plain);
    place.done("alice", at, &["whoami"]);
    // A key that is made with a passphrase that was named has it.
    place.done("bob", at, &["getKey", "--accept-new"]);
    let option = format!("--passphrase-file={first}");
    place.done("bob", at, &[&option, "register", "bob"]);
    assert!(place.ends(2, "bob", at, &["whoami"]).contains("passphrase"));
}
