//! `ledgerctl profile` with the real programs: names and addresses lie sealed, survive crashes, and are told as lost where the
//! vault is.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use ledgerd::crypto::note::LogKey;
use serde_json::Value;

use crate::binaries::{Daemon, Place};

const NAME: &str = "Ada Canary";
const E_MAIL: &str = "canary@example.org";
const ANY: &str = "127.0.0.1:0";

fn profile(place: &Place, at: &str) -> Value {
    serde_json::from_str(&place.done("alice", at, &["profile", "--json"])).unwrap()
}

/// Files below a directory that hold one of the two texts in the clear.
fn readable(directory: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(readable(&path));
        } else {
            let bytes = fs::read(&path).unwrap();
            let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
            if holds(NAME) || holds(E_MAIL) {
                found.push(path.display().to_string());
            }
        }
    }
    found
}

#[test]
fn a_profile_is_said_and_shown_and_nothing_on_a_disk_holds_it_in_the_clear() {
    let place = Place::new();
    let daemon = Daemon::start(&place.data(), ANY);
    let at = daemon.address.clone();
    place.join("alice", &at);
    assert!(place.ends(3, "alice", &at, &["profile"]).contains("no_profile"));
    // What is wrong with the input is said before anything leaves.
    for (arguments, expected) in [
        (&["profile", "--name", NAME][..], "both --name and --e-mail"),
        (&["profile", "--name", NAME, "--e-mail", "nowhere"], "e-mail address"),
        (&["profile", "--name", "a\tb", "--e-mail", E_MAIL], "the name: a name is on one line"),
        (&["profile", "--name", &"x".repeat(2_047), "--e-mail", E_MAIL], "more than 2046 bytes"),
    ] {
        assert!(place.ends(2, "alice", &at, arguments).contains(expected), "{arguments:?}");
    }
    let said = place.done("alice", &at, &["profile", "--name", NAME, "--e-mail", E_MAIL, "--json"]);
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((&said["index"], &said["name"], &said["e_mail"]), (&2.into(), &NAME.into(), &E_MAIL.into()));
    let shown = profile(&place, &at);
    assert_eq!(
        (&shown["name"], &shown["e_mail"], &shown["block"]),
        (&NAME.into(), &E_MAIL.into(), &2.into())
    );
    // A further one is sealed in the same scope, and what is not said stays.
    place.done("alice", &at, &["profile", "--name", "Countess Canary"]);
    let newer = profile(&place, &at);
    let newer = (&newer["name"], &newer["e_mail"], &newer["block"], &newer["scope"]);
    assert_eq!(newer, (&"Countess Canary".into(), &E_MAIL.into(), &3.into(), &shown["scope"]));
    assert_eq!(readable(place.directory.path()), [""; 0]);
    // The record of it, which has the key of the scope, is gone with the outcome.
    assert_eq!(fs::read_dir(place.directory.path().join("alice/pending")).unwrap().count(), 0);
    assert!(place.done("alice", &at, &["verify"]).contains("intact"));
}

#[test]
fn profiles_survive_a_kill_and_a_lost_vault_is_told() {
    let place = Place::new();
    let (data, kept) = (place.data(), place.directory.path().join("kept"));
    let daemon = Daemon::start(&data, ANY);
    let at = daemon.address.clone();
    place.join("alice", &at);
    place.done("alice", &at, &["profile", "--name", NAME, "--e-mail", E_MAIL]);
    daemon.kill();
    let daemon = Daemon::start(&data, &at);
    assert_eq!(profile(&place, &at)["name"], NAME);
    assert_eq!(daemon.terminate(), Some(0));
    // Without its vault the ledger is not served, and keeps every byte; it can be served all the same.
    fs::rename(data.join("vault"), &kept).unwrap();
    let (code, said) = refused_start(&data, &at);
    assert_eq!((code, said.contains("vault_missing")), (Some(65), true), "{said}");
    let daemon = Daemon::start_with(&data, &at, &["--without-vault"]);
    assert!(place.ends(3, "alice", &at, &["profile"]).contains("no_vault"));
    assert!(place.ends(3, "alice", &at, &["profile", "--name", "A"]).contains("no_vault"));
    assert_eq!(place.status("alice", &at)["scopes_without_key"], 1);
    place.done("alice", &at, &["add", crate::binaries::ORDERS]);
    assert_eq!(daemon.terminate(), Some(0));
    // The vault that is put back has seen fewer blocks, which is no reason to refuse it.
    fs::rename(&kept, data.join("vault")).unwrap();
    let daemon = Daemon::start(&data, &at);
    assert_eq!(profile(&place, &at)["name"], NAME);
    assert_eq!(daemon.terminate(), Some(0));
    // A rotten slot costs the texts under it, and nothing else.
    let slots = data.join("vault/slots");
    let mut bytes = fs::read(&slots).unwrap();
    let used = bytes[8_192..].iter().position(|byte| *byte != 0).unwrap();
    bytes[8_192 + used + 60] ^= 1;
    fs::write(&slots, &bytes).unwrap();
    let daemon = Daemon::start(&data, &at);
    assert!(place.ends(3, "alice", &at, &["profile"]).contains("key_missing"));
    assert_eq!(place.status("alice", &at)["scopes_without_key"], 1);
    assert_eq!(daemon.terminate(), Some(0));
    // A damaged header is damage, and so is a key of the vault that is not there.
    let good = fs::read(&slots).unwrap();
    bytes[..8_192].fill(7);
    fs::write(&slots, &bytes).unwrap();
    let (code, said) = refused_start(&data, &at);
    assert_eq!((code, said.contains("vault_damaged")), (Some(65), true), "{said}");
    fs::write(&slots, good).unwrap();
    fs::remove_file(data.join("keys/vault-1")).unwrap();
    let (code, said) = refused_start(&data, &at);
    assert_eq!((code, said.contains("keys/vault-1")), (Some(78), true), "{said}");
}

/// The code and the words of a daemon that does not serve, and that leaves every file as it was.
fn refused_start(data: &Path, at: &str) -> (Option<i32>, String) {
    let before = image(data);
    let mut command = std::process::Command::new(crate::binaries::DAEMON);
    let output = command.arg("--data").arg(data).args(["--listen", at]).output().unwrap();
    assert_eq!(image(data), before, "a refused start changes nothing");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Every file below a directory but the lock, with its content.
fn image(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(image(&path));
        } else if !path.ends_with("LOCK") {
            files.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    files
}

#[test]
fn a_log_that_is_older_than_its_vault_or_another_one_is_not_served() {
    let place = Place::new();
    let data = place.data();
    let root = place.directory.path();
    let copy = |from: &Path, to: &Path| {
        assert!(std::process::Command::new("cp").arg("-aT").arg(from).arg(to).status().unwrap().success());
    };
    let daemon = Daemon::start(&data, ANY);
    let at = daemon.address.clone();
    place.join("alice", &at);
    place.done("alice", &at, &["profile", "--name", NAME, "--e-mail", E_MAIL]);
    assert_eq!(daemon.terminate(), Some(0));
    copy(&data, &root.join("older"));
    let daemon = Daemon::start(&data, &at);
    place.done("alice", &at, &["add", crate::binaries::ORDERS]);
    assert_eq!(daemon.terminate(), Some(0));
    // The older copy of everything but the vault: its checkpoint would not notice.
    let older = root.join("older");
    fs::remove_dir_all(older.join("vault")).unwrap();
    copy(&data.join("vault"), &older.join("vault"));
    let (code, said) = refused_start(&older, &at);
    assert_eq!((code, said.contains("vault_ahead")), (Some(65), true), "{said}");
    // Another history of the same length.
    let daemon = Daemon::start_with(&older, &at, &["--without-vault"]);
    place.join("bob", &at);
    assert_eq!(daemon.terminate(), Some(0));
    let (code, said) = refused_start(&older, &at);
    assert_eq!((code, said.contains("vault_mismatch")), (Some(65), true), "{said}");
}

#[test]
fn what_is_sealed_is_published_only_when_somebody_says_so() {
    let place = Place::new();
    let data = place.data();
    let daemon = Daemon::start(&data, ANY);
    let at = daemon.address.clone();
    place.join("alice", &at);
    let ledger = data.to_str().unwrap();
    place.done("alice", &at, &["export", ledger, "--raw"]);
    place.done("alice", &at, &["profile", "--name", NAME, "--e-mail", E_MAIL]);
    assert_eq!(daemon.terminate(), Some(0));
    let out = place.directory.path().join("out");
    let out_name = out.to_str().unwrap();
    // The newest checkpoint that was shown may be older than the profile: then nothing sealed is written.
    let daemon = Daemon::start(&data, &at);
    place.done("alice", &at, &["checkpoint"]);
    for publishes in [&["export", ledger, "--raw"][..], &["tiles", ledger, out_name]] {
        let said = place.ends(2, "alice", &at, publishes);
        assert!(said.contains("block 2 holds sealed texts") && said.contains("--with-sealed"), "{said}");
        assert!(!out.exists(), "nothing is written before somebody says so");
        let all_the_same = [publishes, &["--with-sealed"]].concat();
        place.done("alice", &at, &all_the_same);
    }
    // What shows no bytes publishes no ciphertext.
    assert!(place.done("alice", &at, &["export", ledger]).contains("set_profile"));
    drop(daemon);
}

#[test]
fn a_text_is_shown_to_a_stranger_with_its_leaf_and_a_receipt() {
    let place = Place::new();
    let daemon = Daemon::start(&place.data(), ANY);
    let at = daemon.address.clone();
    place.join("alice", &at);
    place.done("alice", &at, &["profile", "--name", NAME, "--e-mail", E_MAIL]);
    let vkey = place.done("alice", &at, &["getKey", "--vkey"]);
    let receipt = place.directory.path().join("profile.receipt");
    fs::write(&receipt, place.done("alice", &at, &["receipt", "2"])).unwrap();
    let receipt = receipt.to_str().unwrap();
    let check = |leaf: &str| {
        let arguments = ["check-receipt", receipt, "--vkey", vkey.trim(), "--leaf", leaf, "--json"];
        place.run("stranger", &at, &arguments)
    };
    for (field, text) in [("name", NAME), ("e_mail", E_MAIL)] {
        let leaf = place.done("alice", &at, &["profile", "--leaf", field]);
        let output = check(leaf.trim());
        let said: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&said["proven"], &said["text"]), (&true.into(), &text.into()), "{said}");
    }
    let other = place.done("alice", &at, &["profile", "--leaf", "name"]).replace("0:", "1:");
    let output = check(other.trim());
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), &said["name"]), (Some(65), &"seal_broken".into()), "{said}");
    assert!(place.ends(2, "alice", &at, &["profile", "--leaf", "name", "--name", "A"]).contains("--leaf"));
}

#[test]
fn an_erasure_is_confirmed_by_the_ledgers_files_and_the_text_is_in_none_of_them() {
    let place = Place::new();
    let data = place.data();
    let root = place.directory.path();
    let daemon = Daemon::start(&data, ANY);
    let at = daemon.address.clone();
    place.join("alice", &at);
    place.join("bob", &at);
    place.done("alice", &at, &["profile", "--name", NAME, "--e-mail", E_MAIL]);
    let cp = |from: &Path, to: &Path| {
        assert!(std::process::Command::new("cp").arg("-aT").arg(from).arg(to).status().unwrap().success());
    };
    // Whoever erases the account has to name it.
    assert!(place.ends(2, "alice", &at, &["erase"]).contains("erase --confirm alice"));
    assert!(place.ends(2, "alice", &at, &["erase", "--confirm", "bob"]).contains("alice"));
    assert!(place.ends(3, "bob", &at, &["erase", "alice", "--reason", "law"]).contains("no_permission"));
    assert!(place.ends(3, "bob", &at, &["erasure", "1"]).contains("not_erased"));
    cp(&data.join("vault"), &root.join("old-vault"));
    place.done("alice", &at, &["erase", "--confirm", "alice"]);
    // The account is gone for its member, and for everybody who names it.
    assert!(place.ends(5, "alice", &at, &["profile"]).contains("key_ended"));
    assert!(place.done("alice", &at, &["erase", "--confirm", "alice"]).contains("erased by block 4"));
    let note = root.join("note");
    fs::write(&note, place.done("stranger-of-bob", &at, &["getKey", "--accept-new", "--vkey"])).unwrap();
    fs::write(&note, place.done("stranger-of-bob", &at, &["erasure", "1"])).unwrap();
    assert_eq!(daemon.terminate(), Some(0));
    assert_eq!(readable(&data), [""; 0]);

    let (ledger, note) = (data.to_str().unwrap().to_owned(), note.to_str().unwrap().to_owned());
    let audit = ["audit", &ledger, "--erasure", &note];
    assert!(place.done("bob", &at, &audit).contains("block 4 erased account 1"));
    let good = fs::read_to_string(&note).unwrap();
    fs::write(&note, good.replace("subject 1", "subject 2")).unwrap();
    assert!(place.ends(2, "bob", &at, &audit).contains("not an erasure note of this ledger"));
    // A server that signs what its ledger does not say is contradicted by its own files.
    let origin = good.lines().next().unwrap().strip_suffix("/erasure").unwrap();
    let seed = fs::read(data.join("keys/log.seed")).unwrap().try_into().unwrap();
    let log_key = LogKey::from_seed(origin, &seed).unwrap();
    let text = &good[..=good.find("\n\n").unwrap()];
    for (said, otherwise) in [
        ("subject 1", "subject 2"),
        ("destroyed 1", "destroyed 2"),
        ("block 4", "block 3"),
        ("block 4", "block 9"),
    ] {
        fs::write(&note, log_key.sign_note(&text.replace(said, otherwise))).unwrap();
        let output = place.run("bob", &at, &audit);
        let told = String::from_utf8(output.stdout).unwrap();
        assert_eq!((output.status.code(), told.contains("WRONG")), (Some(65), true), "{otherwise}: {told}");
    }

    // The vault of before is put back: the start destroys what the blocks have erased.
    fs::remove_dir_all(data.join("vault")).unwrap();
    cp(&root.join("old-vault"), &data.join("vault"));
    let slots = || fs::read(data.join("vault/slots")).unwrap();
    assert!(slots()[8_192..].iter().any(|byte| *byte != 0));
    let daemon = Daemon::start(&data, &at);
    assert!(slots()[8_192..].iter().all(|byte| *byte == 0));
    assert!(place.done("bob", &at, &["erasure", "1"]).contains("subject 1"));
    assert_eq!(daemon.terminate(), Some(0));
}

#[test]
fn a_rotten_slot_is_zeroed_when_its_account_is_erased() {
    let place = Place::new();
    let data = place.data();
    let daemon = Daemon::start(&data, ANY);
    let at = daemon.address.clone();
    place.join("alice", &at);
    place.done("alice", &at, &["profile", "--name", NAME, "--e-mail", E_MAIL]);
    assert_eq!(daemon.terminate(), Some(0));
    let slots = data.join("vault/slots");
    let mut bytes = fs::read(&slots).unwrap();
    bytes[8_192 + 60] ^= 1;
    fs::write(&slots, &bytes).unwrap();
    let daemon = Daemon::start(&data, &at);
    assert!(place.ends(3, "alice", &at, &["profile"]).contains("key_missing"));
    place.done("alice", &at, &["erase", "--confirm", "alice"]);
    assert!(fs::read(&slots).unwrap()[8_192..].iter().all(|byte| *byte == 0));
    drop(daemon);
}

#[test]
fn a_vault_goes_over_to_another_key_while_it_is_served_and_the_key_before_is_gone() {
    let place = Place::new();
    let data = place.data();
    let keys = || -> Vec<String> {
        let names = fs::read_dir(data.join("keys")).unwrap().map(|entry| entry.unwrap().file_name());
        let names = names.map(|name| name.into_string().unwrap());
        names.filter(|name| name.starts_with("vault-")).collect()
    };
    let daemon = Daemon::start(&data, ANY);
    let at = daemon.address.clone();
    place.join("alice", &at);
    place.done("alice", &at, &["profile", "--name", NAME, "--e-mail", E_MAIL]);
    assert_eq!(daemon.terminate(), Some(0));
    assert_eq!(keys(), ["vault-1"]);
    let first = fs::read(data.join("keys/vault-1")).unwrap();
    let before = data.join("vault");
    let older = place.directory.path().join("older");
    assert!(std::process::Command::new("cp").arg("-aT").arg(&before).arg(&older).status().unwrap().success());
    // Nobody knows how old the key is: it is followed by another one at once, and then only after a day.
    fs::write(data.join("ledgerd.toml"), "vault_rewrap_days = 1\n").unwrap();
    for _ in 0..2 {
        let daemon = Daemon::start(&data, &at);
        assert_eq!(profile(&place, &at)["name"], NAME);
        place.done("alice", &at, &["profile", "--name", NAME]);
        assert_eq!(daemon.terminate(), Some(0));
        assert_eq!(keys(), ["vault-2"]);
        let audit = ["audit", data.to_str().unwrap(), "--vault"];
        assert!(place.done("alice", &at, &audit).contains("fields in 1 scopes live"));
    }
    assert_ne!(fs::read(data.join("keys/vault-2")).unwrap(), first);
    // A copy of before opens with nothing that is there.
    fs::remove_dir_all(&before).unwrap();
    fs::rename(&older, &before).unwrap();
    let (code, said) = refused_start(&data, &at);
    assert_eq!(
        (code, said.contains("keys/vault-1: the key of the vault is missing")),
        (Some(78), true),
        "{said}"
    );
}
