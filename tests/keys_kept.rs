//! How a home keeps its keys, with the real programs: whatever is cut off, given again, done twice at once, done elsewhere or
//! lost, no key that stands is lost with it.

use std::fs::{self, OpenOptions};
use std::path::PathBuf;
use std::process::Output;

use serde_json::Value;

use crate::binaries::{Daemon, Place};

/// A ledger and a home `alice` with account 1.
fn alice(place: &Place) -> Daemon {
    let daemon = Daemon::start(&place.data(), "127.0.0.1:0");
    place.join("alice", &daemon.address);
    daemon
}

fn json(text: &str) -> Value {
    serde_json::from_str(text.trim()).unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The keys of a home's account, as the ledger lists them.
fn keys(place: &Place, home: &str, at: &str) -> Vec<Value> {
    json(&place.done(home, at, &["--json", "keys"]))["keys"].as_array().unwrap().clone()
}

fn key_named(place: &Place, home: &str, at: &str, label: &str) -> Value {
    let keys = keys(place, home, at);
    keys.iter().rfind(|key| key["label"] == label).unwrap_or_else(|| panic!("{label}: {keys:?}")).clone()
}

/// The file of a key that a home made later.
fn file_of(place: &Place, home: &str, key: &Value) -> PathBuf {
    let name = format!("{}.pem", &key["key_id"].as_str().unwrap()[..16]);
    place.directory.path().join(home).join("keys").join(name)
}

fn names_in(place: &Place, folder: &str) -> Vec<String> {
    let names = fs::read_dir(place.directory.path().join(folder)).unwrap();
    names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// Runs a command that is done, and whose outcome nobody can be told.
fn untold(place: &Place, home: &str, at: &str, arguments: &[&str]) {
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = place.command(home, at, arguments).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(6), "{arguments:?}: {}", said(&output));
}

/// Moves the newest spare key of a home into a home of its own.
fn spare_moved(place: &Place, home: &str, at: &str, to: &str) {
    let added = json(&place.done(home, at, &["--json", "keys", "add"]));
    place.done(to, at, &["getKey", "--accept-new"]);
    fs::rename(file_of(place, home, &added), place.directory.path().join(to).join("key.pem")).unwrap();
}

#[test]
fn keys_that_are_added_at_once_are_all_kept() {
    let place = Place::new();
    let daemon = alice(&place);
    let at = daemon.address.as_str();
    let labels = ["a", "b", "c", "d", "e", "f"];
    let spawn = |label| {
        place
            .command("alice", at, &["keys", "add", "--device", label])
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap()
    };
    for child in labels.map(spawn) {
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    }
    let keys = keys(&place, "alice", at);
    assert_eq!(keys.len(), 7, "{keys:?}");
    for key in &keys[1..] {
        assert!(file_of(&place, "alice", key).exists(), "{key}");
    }
    assert_eq!(keys.iter().filter(|key| key["here"] == true).count(), 2, "the first and the newest");
    assert!(names_in(&place, "alice/pending").is_empty());
}

#[test]
fn a_key_that_is_replaced_twice_at_once_is_the_homes_own_afterwards() {
    let place = Place::new();
    let daemon = alice(&place);
    let at = daemon.address.as_str();
    let spawn = |_| {
        place.command("alice", at, &["keys", "rotate"]).stderr(std::process::Stdio::piped()).spawn().unwrap()
    };
    for child in [0, 1].map(spawn) {
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    }
    let keys = keys(&place, "alice", at);
    let standing: Vec<&Value> = keys.iter().filter(|key| key["ended_at"].is_null()).collect();
    assert_eq!((keys.len(), standing.len()), (3, 1), "{keys:?}");
    assert!(file_of(&place, "alice", standing[0]).exists());
    assert_eq!(names_in(&place, "alice/keys").len(), 1, "those that ended are gone");
}

#[test]
fn a_key_that_is_refused_is_nobodys_and_goes() {
    let place = Place::new();
    let daemon = alice(&place);
    let at = daemon.address.as_str();
    for label in ["a", "b", "c", "d", "e", "f", "g"] {
        place.done("alice", at, &["keys", "add", "--device", label]);
    }
    assert!(place.ends(3, "alice", at, &["keys", "add", "--device", "h"]).contains("too_many_keys"));
    assert_eq!(names_in(&place, "alice/keys").len(), 7);
    place.done("alice", at, &["keys", "end", "a"]);
    place.done("alice", at, &["keys", "add", "--device", "h"]);
}

#[test]
fn an_old_key_stays_where_another_ledger_of_the_home_may_know_it() {
    let (place, other) = (Place::new(), Place::new());
    let daemon = alice(&place);
    let other = Daemon::start(&other.data(), "127.0.0.1:0");
    let (at, elsewhere) = (daemon.address.as_str(), other.address.as_str());
    place.join("alice", elsewhere);
    let key = place.directory.path().join("alice/key.pem");
    place.done("alice", at, &["keys", "rotate"]);
    assert!(key.exists(), "the account on the other ledger has it");
    place.done("alice", elsewhere, &["whoami"]);
}

#[test]
fn an_old_key_stays_where_the_account_on_another_ledger_is_damaged_or_lost() {
    for damage in [Some("{}"), None] {
        let (place, other) = (Place::new(), Place::new());
        let daemon = alice(&place);
        let other = Daemon::start(&other.data(), "127.0.0.1:0");
        let (at, elsewhere) = (daemon.address.as_str(), other.address.as_str());
        place.join("alice", elsewhere);
        let shown = json(&place.done("alice", elsewhere, &["--json", "getKey"]));
        let account =
            place.directory.path().join("alice/accounts").join(shown["ledger_id"].as_str().unwrap());
        match damage {
            Some(text) => fs::write(&account, text).unwrap(),
            None => fs::remove_file(&account).unwrap(),
        }
        place.done("alice", at, &["keys", "rotate"]);
        assert!(place.directory.path().join("alice/key.pem").exists(), "{damage:?}");
        assert!(names_in(&place, "alice/pending").is_empty());
        drop(fs::remove_file(&account));
        place.done("alice", elsewhere, &["whoami"]);
        place.done("alice", at, &["whoami"]);
    }
}

#[test]
fn a_key_whose_end_was_not_told_is_told_when_the_same_command_is_given_again() {
    let place = Place::new();
    let daemon = alice(&place);
    let at = daemon.address.as_str();
    place.done("alice", at, &["keys", "add", "--device", "desk"]);
    let file = file_of(&place, "alice", &key_named(&place, "alice", at, "desk"));
    untold(&place, "alice", at, &["keys", "end", "desk"]);
    let told = json(&place.done("alice", at, &["--json", "keys", "end", "desk"]));
    assert_eq!((&told["duplicate"], &told["label"]), (&true.into(), &"desk".into()));
    assert!(!file.exists() && names_in(&place, "alice/pending").is_empty());
    // Now it was told.
    assert!(place.ends(3, "alice", at, &["keys", "end", "desk"]).contains("no_such_key"));

    // Of two of one name, one that stands and one whose end was not told, it has to be said which is meant.
    place.done("alice", at, &["keys", "add", "--device", "desk"]);
    let first = key_named(&place, "alice", at, "desk");
    untold(&place, "alice", at, &["keys", "end", "desk"]);
    place.done("alice", at, &["keys", "add", "--device", "desk"]);
    assert!(place.ends(2, "alice", at, &["keys", "end", "desk"]).contains("by its id"));
    let told = json(&place.done("alice", at, &["--json", "keys", "end", first["key_id"].as_str().unwrap()]));
    assert_eq!(told["duplicate"], true);
    let told = json(&place.done("alice", at, &["--json", "keys", "end", "desk"]));
    assert_eq!(told["duplicate"], false);
}

#[test]
fn a_home_whose_full_key_has_ended_tells_with_its_device_key_what_was_not_told() {
    let place = Place::new();
    let daemon = alice(&place);
    let at = daemon.address.as_str();
    place.done("alice", at, &["keys", "add", "--device", "desk"]);
    spare_moved(&place, "alice", at, "safe");
    // Its own end.
    place.copy("alice", "elsewhere");
    untold(&place, "alice", at, &["keys", "end", "first"]);
    let size = place.status("safe", at)["blocks"].clone();
    let told = json(&place.done("alice", at, &["--json", "keys", "end", "first"]));
    assert_eq!((&told["duplicate"], &told["label"]), (&true.into(), &"first".into()));
    assert_eq!(place.status("safe", at)["blocks"], size);
    assert!(names_in(&place, "alice/pending").is_empty());
    // Whatever else needs the full key does not go any more, and is not asked of the device key.
    for command in [&["keys", "end", "desk"][..], &["keys", "add"], &["keys", "rotate"]] {
        assert!(place.ends(5, "alice", at, command).contains("key_ended"), "{command:?}");
    }
    assert!(place.ends(3, "alice", at, &["keys", "end", "first"]).contains("no_such_key"), "it was told");
    assert_eq!(place.status("safe", at)["blocks"], size);
    assert!(names_in(&place, "alice/pending").is_empty());
    place.done("alice", at, &["whoami"]);
}

#[test]
fn what_a_full_key_began_before_it_was_ended_elsewhere_is_told() {
    let place = Place::new();
    let daemon = alice(&place);
    let at = daemon.address.as_str();
    place.done("alice", at, &["keys", "add", "--device", "desk"]);
    spare_moved(&place, "alice", at, "safe");
    untold(&place, "alice", at, &["keys", "add"]);
    place.done("safe", at, &["keys", "end", "first"]);
    let told = json(&place.done("alice", at, &["--json", "keys", "add"]));
    assert_eq!((&told["duplicate"], &told["rights"]), (&true.into(), &"full".into()));
    assert!(file_of(&place, "alice", &told).exists());
    assert!(place.ends(5, "alice", at, &["keys", "add"]).contains("key_ended"));
}

#[test]
fn a_home_that_is_built_anew_from_its_keys_takes_each_for_what_it_is() {
    let place = Place::new();
    let daemon = alice(&place);
    let at = daemon.address.as_str();
    let first = place.directory.path().join("alice/key.pem");
    let ended = fs::read(&first).unwrap();
    place.done("alice", at, &["keys", "rotate"]);
    place.done("alice", at, &["keys", "add", "--device", "desk"]);
    let desk = key_named(&place, "alice", at, "desk");
    // A copy of the key that ended was put back.
    fs::write(&first, ended).unwrap();
    fs::remove_dir_all(place.directory.path().join("alice/accounts")).unwrap();
    let me = json(&place.done("alice", at, &["--json", "whoami"]));
    let again = json(&place.done("alice", at, &["--json", "whoami"]));
    assert_eq!(again["key_id"], desk["key_id"], "the device key signs what is done every day");
    assert_eq!(me["user_id"], 1);
    let here = keys(&place, "alice", at).iter().filter(|key| key["here"] == true).count();
    assert_eq!(here, 2);
    place.done("alice", at, &["keys", "end", "desk"]);

    // getKey does the same.
    fs::remove_dir_all(place.directory.path().join("alice/accounts")).unwrap();
    place.done("alice", at, &["getKey"]);
    place.done("alice", at, &["keys", "add", "--device", "other"]);
}

#[test]
fn a_home_whose_keys_have_an_account_registers_no_other_one() {
    let place = Place::new();
    let daemon = alice(&place);
    let at = daemon.address.as_str();
    place.done("alice", at, &["keys", "rotate"]);
    let blocks = place.status("alice", at)["blocks"].clone();
    let accounts = place.directory.path().join("alice/accounts");
    fs::remove_dir_all(&accounts).unwrap();
    let refused = place.ends(3, "alice", at, &["register", "alice-2"]);
    assert!(refused.contains("already_registered") && refused.contains("which is back"), "{refused}");
    fs::remove_dir_all(&accounts).unwrap();
    assert_eq!(place.done("alice", at, &["register", "alice"]).trim(), "1");
    assert!(!place.directory.path().join("alice/key.pem").exists(), "no further key was made");
    assert_eq!(place.status("alice", at)["blocks"], blocks);
}

#[test]
fn a_device_key_that_is_lost_or_ended_elsewhere_is_told_once_and_the_first_key_goes_on() {
    let place = Place::new();
    let daemon = alice(&place);
    let at = daemon.address.as_str();
    place.done("alice", at, &["keys", "add", "--device", "desk"]);
    fs::remove_file(file_of(&place, "alice", &key_named(&place, "alice", at, "desk"))).unwrap();
    let output = place.run("alice", at, &["whoami"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(said(&output).contains("is gone"), "{output:?}");
    let output = place.run("alice", at, &["whoami"]);
    assert_eq!((output.status.code(), said(&output).contains("gone")), (Some(0), false), "{output:?}");

    place.done("alice", at, &["keys", "add", "--device", "desk-2"]);
    place.done("alice", at, &["whoami"]);
    place.copy("alice", "elsewhere");
    place.done("elsewhere", at, &["keys", "end", "desk-2"]);
    let output = place.run("alice", at, &["whoami"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(said(&output).contains("has ended"), "{output:?}");
    let output = place.run("alice", at, &["whoami"]);
    assert_eq!((output.status.code(), said(&output).contains("ended")), (Some(0), false), "{output:?}");
}

#[test]
fn the_outcome_of_a_key_whose_file_is_lost_is_told() {
    let place = Place::new();
    let daemon = alice(&place);
    let at = daemon.address.as_str();
    untold(&place, "alice", at, &["keys", "add", "--device", "desk"]);
    for name in names_in(&place, "alice/keys") {
        fs::remove_file(place.directory.path().join("alice/keys").join(name)).unwrap();
    }
    let output = place.run("alice", at, &["--json", "keys", "add", "--device", "desk"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(json(&String::from_utf8_lossy(&output.stdout))["duplicate"], true);
    assert!(said(&output).contains("is gone"), "{output:?}");
    place.done("alice", at, &["keys", "end", "desk"]);
    place.done("alice", at, &["keys", "add", "--device", "desk"]);
}

#[test]
fn a_key_that_another_machine_asks_for_is_shown_before_it_is_added() {
    let place = Place::new();
    let daemon = alice(&place);
    let at = daemon.address.as_str();
    place.done("phone", at, &["getKey", "--accept-new"]);
    let request = json(&place.done("phone", at, &["--json", "keys", "request", "1"]));
    let file = place.directory.path().join("request");
    fs::write(&file, request["request"].as_str().unwrap()).unwrap();
    let add = ["--json", "keys", "add", "--request", file.to_str().unwrap(), "--device", "phone"];
    let key_id = request["key_id"].as_str().unwrap();
    let added = place.run("alice", at, &add);
    assert_eq!(added.status.code(), Some(0), "{added:?}");
    let answer = json(&String::from_utf8_lossy(&added.stdout));
    assert_eq!(
        ["key_id", "label", "rights"].map(|name| answer[name].clone()),
        [key_id, "phone", "act"].map(Value::from)
    );
    assert!(said(&added).contains(key_id) && said(&added).contains("phone"), "{added:?}");
    // It is shown before anything leaves: when it is refused as well.
    let refused = place.run("alice", at, &add);
    assert_eq!(refused.status.code(), Some(3), "{refused:?}");
    assert!(
        said(&refused).contains("key_known") && said(&refused).contains(&format!("key {key_id}")),
        "{refused:?}"
    );
}

#[test]
fn a_change_of_the_passphrase_that_was_cut_off_is_finished_by_the_same_command() {
    let place = Place::new();
    let daemon = Daemon::start(&place.data(), "127.0.0.1:0");
    let at = daemon.address.as_str();
    let file = |name: &str, text: &str| {
        let path = place.directory.path().join(name);
        fs::write(&path, format!("{text}\n")).unwrap();
        format!("--passphrase-file={}", path.to_str().unwrap())
    };
    let (old, new) = (file("old", "horse"), file("new", "battery"));
    let new_file = new.replace("--passphrase-file", "--new-file");
    let path = |home: &str, name: &str| place.directory.path().join(home).join(name);
    let with = |home: &str, arguments: &[&str]| place.run(home, at, arguments);
    let done = |home: &str, arguments: &[&str]| {
        let output = with(home, arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", said(&output));
    };
    done("open", &["getKey", "--accept-new"]);
    done("open", &["register", "alice"]);
    done("open", &["keys", "add", "--device", "desk"]);

    // The first passphrase, another one, and none: each cut off between the two files, and given again.
    let steps: [(&str, Vec<&str>, &str); 3] = [
        ("open", vec![&old, "passphrase"], "locked"),
        ("locked", vec![&old, "passphrase", &new_file], "changed"),
        ("changed", vec![&new, "passphrase", "--remove"], "free"),
    ];
    for (before, command, after) in &steps {
        place.copy(before, after);
        done(after, command);
        place.copy(before, "half");
        fs::copy(path(after, "key.pem"), path("half", "key.pem")).unwrap();
        done("half", command);
        let desk = &names_in(&place, "half/keys")[0];
        let is_locked = |name: &str| fs::read_to_string(path("half", name)).unwrap().contains("ENCRYPTED");
        assert_eq!(is_locked("key.pem"), *after != "free", "{command:?}");
        assert_eq!(is_locked(&format!("keys/{desk}")), *after != "free", "{command:?}");
        let opens = match *after {
            "locked" => vec![old.as_str(), "keys"],
            "changed" => vec![&new, "keys"],
            _ => vec!["keys"],
        };
        done("half", &opens);
        done("half", &[&opens[..opens.len() - 1], &["whoami"]].concat());
        fs::remove_dir_all(path("half", "")).unwrap();
    }
    // A passphrase that is neither the old nor the new one opens nothing.
    let wrong = file("wrong", "staple");
    assert_eq!(with("locked", &[&wrong, "passphrase", &new_file]).status.code(), Some(2));
}
