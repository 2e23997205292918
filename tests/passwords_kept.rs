//! Keys and codes that a password brings to a machine, with the real programs: what a log-in keeps there, what a log-out takes
//! away and leaves, and that nobody loses an account by either.

use std::fs;

use serde_json::Value;

use crate::binaries::DAEMON;
use crate::passwords::{E_MAIL, World};

/// A home with the account of [`E_MAIL`] and the key that its password fetches.
fn kept(world: &World, home: &str) {
    world.home(home);
    world.join(home);
    keep(world, home);
}

/// The words before a command in a home whose keys have a passphrase.
fn with(world: &World, words: &[&str]) -> Vec<String> {
    let before = ["--passphrase-file".to_owned(), world.file("pp")];
    before.into_iter().chain(words.iter().map(|word| (*word).to_owned())).collect()
}

fn done(world: &World, home: &str, words: &[&str]) -> String {
    let words = with(world, words);
    world.done(home, &words.iter().map(String::as_str).collect::<Vec<_>>())
}

fn ends(world: &World, code: i32, home: &str, words: &[&str]) -> String {
    let words = with(world, words);
    world.ends(code, home, &words.iter().map(String::as_str).collect::<Vec<_>>())
}

fn keep(world: &World, home: &str) -> bool {
    let said =
        done(world, home, &["login", E_MAIL, "--keep", "--password-file", &world.file("first"), "--json"]);
    serde_json::from_str::<Value>(&said).unwrap()["kept"].as_bool().unwrap()
}

/// What a log-out says: the file that is gone, and those that stay.
fn log_out(world: &World, home: &str, more: &[&str]) -> (Value, Value) {
    let said = done(world, home, &[&["logout", "--json"], more].concat());
    let mut said: Value = serde_json::from_str(&said).unwrap();
    (said["removed"].take(), said["stays"].take())
}

#[test]
fn a_new_key_in_the_place_of_the_one_that_a_password_fetches_has_to_be_wanted_and_is_never_logged_out() {
    let world = World::new();
    kept(&world, "here");
    let said = ends(&world, 2, "here", &["keys", "rotate"]);
    assert!(said.contains("password and recovery code open nothing any more"), "{said}");
    world.logs_in("here", "first");
    done(&world, "here", &["keys", "rotate", "--end-password"]);
    world.is_refused("here", "first");
    let (removed, stays) = log_out(&world, "here", &[]);
    assert_eq!((removed, stays.as_array().unwrap().len()), (Value::Null, 1));
    let me: Value = serde_json::from_str(&done(&world, "here", &["whoami", "--json"])).unwrap();
    assert_eq!((&me["user_id"], &me["custody"]), (&1.into(), &"file".into()), "the only key is still here");
}

#[test]
fn a_lost_machine_signs_nothing_once_the_key_is_replaced_with_the_password() {
    let world = World::new();
    kept(&world, "lost");
    world.home("here");
    let (first, second, next) = (world.file("first"), world.file("second"), world.file("next"));
    let change = ["password", E_MAIL, "--password-file", &first, "--new-password-file", &second];
    assert!(world.ends(2, "here", &["password", "--new-key"]).contains("goes with the e-mail address"));
    // The password that is right stands in for no other: nothing is replaced with it in the place of the old one.
    let swapped =
        ["password", E_MAIL, "--password-file", &second, "--new-password-file", &first, "--new-key"];
    assert!(world.ends(3, "here", &swapped).contains("invalid_login"));
    // Another password alone takes no key away.
    done(&world, "lost", &["add", crate::binaries::ORDERS]);
    world.done("here", &[&change[..], &["--new-key", "--recovery-out", &next]].concat());
    assert!(ends(&world, 5, "lost", &["add", crate::binaries::ORDERS]).contains("key_ended"));
    world.is_refused("here", "first");
    world.logs_in("here", "second");
    let recover = |code: &str, to: &str| -> Vec<String> {
        let words = ["recover", E_MAIL, "--recovery-file", code, "--new-password-file", &first];
        words.into_iter().chain(["--recovery-out", to]).map(str::to_owned).collect()
    };
    let run = |code: i32, words: Vec<String>| {
        world.ends(code, "here", &words.iter().map(String::as_str).collect::<Vec<_>>())
    };
    run(3, recover(&world.file("code"), &world.file("fourth")));
    run(0, recover(&next, &world.file("third")));
    // The machine that was found again gets the new key with the password.
    assert!(keep(&world, "lost"));
    done(&world, "lost", &["add", crate::binaries::ORDERS]);
    let keys: Value = serde_json::from_str(&done(&world, "lost", &["keys", "--json"])).unwrap();
    let custodies: Vec<(bool, &str)> = keys["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| (key["ended_at"].is_null(), key["custody"].as_str().unwrap()))
        .collect();
    assert_eq!(custodies, [(false, "roaming"), (true, "roaming")]);
}

#[test]
fn a_recovery_code_goes_to_a_new_file_and_a_spent_one_never_lives_again() {
    let world = World::new();
    world.home("here");
    world.join("here");
    let (second, code) = (world.file("second"), world.file("code"));
    let join = ["join", "other@example.org", "--password-file", &second, "--recovery-out", &code];
    let said = world.ends(2, "here", &join);
    assert!(said.contains("is there already: name a new file for the recovery code"), "{said}");
    fs::write(world.path("zeros"), "AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA\n").unwrap();
    let zeros = world.file("zeros");
    assert!(world.ends(2, "here", &[&join[..5], &[&zeros]].concat()).contains("is there already"));
    let next = world.file("next");
    let recover = |from: &str, to: &str| -> Vec<String> {
        let words = ["recover", E_MAIL, "--recovery-file", from, "--new-password-file", &second];
        words.into_iter().chain(["--recovery-out", to]).map(str::to_owned).collect()
    };
    let run = |code: i32, words: Vec<String>| {
        world.ends(code, "here", &words.iter().map(String::as_str).collect::<Vec<_>>())
    };
    run(0, recover(&code, &next));
    assert!(run(2, recover(&next, &code)).contains("is there already"), "the spent one is not taken again");
    run(0, recover(&next, &world.file("third")));
    run(3, recover(&code, &world.file("fourth")));
    assert!(!world.path("fourth").exists(), "nobody keeps a code that opens nothing");
}

#[test]
fn a_log_out_says_which_keys_stay_and_a_log_in_brings_a_full_key_back_beside_them() {
    let world = World::new();
    kept(&world, "here");
    done(&world, "here", &["keys", "add", "--device", "laptop"]);
    let (removed, stays) = log_out(&world, "here", &[]);
    let device = stays.as_array().unwrap()[0].as_str().unwrap().to_owned();
    assert!(removed.is_string() && stays.as_array().unwrap().len() == 1, "{removed} {stays}");
    assert!(world.path("here").join(&device).exists());
    // What stays signs every day's commands, and nothing that needs a full key.
    done(&world, "here", &["add", crate::binaries::ORDERS]);
    ends(&world, 3, "here", &["profile", "--name", "Ada L."]);
    assert!(keep(&world, "here"), "the home had no key that could do that");
    done(&world, "here", &["profile", "--name", "Ada L."]);
    assert!(!keep(&world, "here"), "and has one now");
    let (_, stays) = log_out(&world, "here", &[]);
    assert_eq!(stays, serde_json::json!([device]));
}

#[test]
fn a_key_that_has_ended_and_one_whose_passphrase_is_lost_are_taken_out_of_the_home() {
    let mut world = World::new();
    kept(&world, "here");
    let handle: Value = serde_json::from_str(&done(&world, "here", &["whoami", "--json"])).unwrap();
    done(&world, "here", &["erase", "--confirm", handle["handle"].as_str().unwrap()]);
    let (removed, stays) = log_out(&world, "here", &[]);
    assert!(removed.is_string() && stays.as_array().unwrap().is_empty(), "{removed} {stays}");
    assert_eq!(fs::read_dir(world.path("here/keys")).unwrap().count(), 0);
    // The home is free for another account.
    fs::remove_file(world.path("code")).unwrap();
    kept(&world, "here");
    world.stop();
    assert!(world.ends(2, "here", &["logout", "--here", "--all"]).contains("--here without it"));
    world.done("here", &["logout", "--here"]);
    assert_eq!(fs::read_dir(world.path("here/keys")).unwrap().count(), 0);
    assert!(world.ends(2, "here", &["logout", "--here"]).contains("no account"));
}

#[test]
fn another_e_mail_address_takes_the_password_along() {
    let world = World::new();
    kept(&world, "here");
    let other = "other@example.org";
    let change = ["profile", "--e-mail", other, "--password-file", &world.file("first")];
    let said = done(&world, "here", &[&change[..], &["--json"]].concat());
    assert!(said.contains(other), "{said}");
    world.is_refused("here", "first");
    let login = |e_mail: &str| ["login", e_mail, "--password-file", &world.file("first")].map(str::to_owned);
    let words = login(other);
    world.done("here", &words.iter().map(String::as_str).collect::<Vec<_>>());
    // The recovery code goes along as well, and the address before is free.
    let (code, next, second) = (world.file("code"), world.file("next"), world.file("second"));
    let recover = ["recover", other, "--recovery-file", &code, "--new-password-file", &second];
    world.done("here", &[&recover[..], &["--recovery-out", &next]].concat());
    fs::remove_file(world.path("code")).unwrap();
    world.home("newcomer");
    world.join("newcomer");
    let taken = ["profile", "--e-mail", other, "--password-file", &world.file("first")];
    keep(&world, "newcomer");
    assert!(ends(&world, 3, "newcomer", &taken).contains("email_taken"));
    assert!(ends(&world, 2, "newcomer", &["profile", "--name", "a\u{202e}b"]).contains("nobody can see"));
    assert!(ends(&world, 2, "newcomer", &["profile", "--name", "  "]).contains("something that can be seen"));
    done(&world, "newcomer", &["profile", "--name", "Zoe\u{308}"]);
    assert!(done(&world, "newcomer", &["profile"]).contains("Zo\u{eb}"), "one spelling");
}

#[test]
fn a_mark_at_the_beginning_of_a_file_is_no_part_of_the_password() {
    let world = World::new();
    world.home("here");
    world.join("here");
    fs::write(world.path("marked"), "\u{feff}first canary password\r\n").unwrap();
    world.logs_in("here", "marked");
    fs::write(world.path("nothing"), "\n").unwrap();
    let nothing = world.file("nothing");
    let said = world.ends(2, "here", &["login", E_MAIL, "--password-file", &nothing]);
    assert!(said.contains("nothing: its first line is empty"), "{said}");
}

#[test]
fn a_vault_is_not_served_with_a_key_that_opens_nothing_in_it() {
    let mut world = World::new();
    world.home("here");
    world.join("here");
    world.stop();
    let key = world.path("ledger/keys/vault-1");
    let right = fs::read(&key).unwrap();
    fs::write(&key, [7; 32]).unwrap();
    let mut command = std::process::Command::new(DAEMON);
    let output =
        command.arg("--data").arg(world.place.data()).args(["--listen", "127.0.0.1:0"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(78), "{said}");
    assert!(said.contains("keys/vault-1: it opens no entry of the vault"), "{said}");
    fs::write(&key, right).unwrap();
    world.start(&[]);
    world.logs_in("here", "first");
}
