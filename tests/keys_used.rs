//! Device keys at work, with the real programs: between peers, in runs that are given again, and as a request that somebody
//! looks at before it is granted.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use ledgerd::client::{Account, Home, known_servers, read_account};
use ledgerd::crypto::{SigningKey, random};
use ledgerd::session::{PeerEnv, PeerEvent, PeerIdentity, PeerSession};
use ledgerd::time::{Monotonic, Now, Timestamp};
use serde_json::Value;

use crate::binaries::{Daemon, ORDERS, Place};
use crate::peers::Listening;

/// A daemon whose new members receive 100, with these members, each with a device key beside the first.
fn members(place: &Place, names: &[&str]) -> Daemon {
    let daemon = Daemon::start_with(&place.data(), "127.0.0.1:0", &["--opening-grant=100"]);
    for name in names {
        place.join(name, &daemon.address);
        place.done(name, &daemon.address, &["keys", "add", "--device", "desk"]);
    }
    daemon
}

fn json(text: &str) -> Value {
    serde_json::from_str(text.trim()).unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

fn path(place: &Place, name: &str) -> String {
    place.directory.path().join(name).to_str().unwrap().to_owned()
}

/// Key id of the second key of a member.
fn device_key_id(place: &Place, member: &str, at: &str) -> Value {
    json(&place.done(member, at, &["--json", "keys"]))["keys"][1]["key_id"].clone()
}

#[test]
fn peers_pay_each_other_with_device_keys_and_the_receipt_names_the_key() {
    let place = Place::new();
    let daemon = members(&place, &["alice", "bob"]);
    let at = daemon.address.as_str();
    let mut bob = Listening::start(&place, "bob", at, &[]);
    let (cheque, receipt) = (path(&place, "cheque"), path(&place, "receipt"));
    place.done("alice", at, &["send", "bob", "30", "--receipt", &receipt]);
    assert_eq!(bob.incoming()["amount"], "30");
    let vkey = place.done("alice", at, &["getKey", "--vkey"]);
    let checked = ["--json", "check-receipt", &receipt, "--vkey", vkey.trim()];
    let proven = json(&place.done("stranger", "127.0.0.1:1", &checked));
    assert_eq!(proven["author"]["key_id"], device_key_id(&place, "bob", at));

    // By file too: the payer's device key signs the cheque.
    place.done("alice", at, &["cheque", "bob", "5", "--out", &cheque]);
    let shown = json(&place.done("alice", at, &["--json", "show", &cheque]));
    assert_eq!(shown["key_id"], device_key_id(&place, "alice", at));
    assert_eq!(shown["checked"][0], "it is signed with a key of this home");
    place.done("bob", at, &["settle", &cheque]);
    assert_eq!(bob.interrupt(), Some(0));
}

/// Dials a listener as a member, with one of the member's keys, and takes the listener at its word. Whether it opened.
fn opens(listener: &str, identity: PeerIdentity, wanted: u64, key: &SigningKey) -> bool {
    let mut stream = TcpStream::connect(listener).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut rng = random::os();
    let mut session = PeerSession::dial(identity, wanted, &mut rng);
    let (mut chunk, mut asked) = ([0; 4096], false);
    loop {
        while let Some(event) = session.poll_event() {
            let now = Now {
                wall: Timestamp::from_millis(1_700_000_000_000),
                mono: Monotonic(Duration::from_secs(5)),
                ..Now::default()
            };
            let mut env = PeerEnv { now, rng: &mut rng, checkpoint_note: "" };
            match event {
                PeerEvent::Sign(signed) => {
                    let signature = key.sign(&mut random::os(), &[&signed]);
                    session.signed(signature, &mut env);
                }
                PeerEvent::Verify { .. } => session.verified(true, &mut env),
                // The listener has read this side's proof only when it answers something.
                PeerEvent::Opened { .. } if !asked => {
                    asked = true;
                    session.ping(*b"are you?", &mut env).unwrap();
                }
                PeerEvent::Pong(_) => return true,
                PeerEvent::Closed(_) => return false,
                _ => {}
            }
        }
        // A listener that has hung up takes nothing more, which the read tells.
        drop(stream.write_all(&session.take_output()));
        let room = session.room().min(chunk.len());
        match stream.read(&mut chunk[..room]) {
            Ok(0) => return false,
            Ok(count) => {
                let now = Now::default();
                let mut env = PeerEnv { now, rng: &mut rng, checkpoint_note: "" };
                session.receive(&chunk[..count], &mut env);
            }
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return false,
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn a_peer_whose_key_has_ended_is_no_peer_and_a_listener_whose_key_has_ended_stops() {
    let place = Place::new();
    let daemon = members(&place, &["alice", "bob"]);
    let at = daemon.address.as_str();
    let bob = Listening::start(&place, "bob", at, &[]);
    let home = Home::open(Some(&place.directory.path().join("alice"))).unwrap();
    let ledger_id = known_servers::all(&home).unwrap()[0].ledger_id;
    let Account { device, file, .. } = read_account(&home, ledger_id).unwrap().unwrap();
    let dials = |file: &str| {
        let pem = std::fs::read_to_string(place.directory.path().join("thief").join(file)).unwrap();
        let key = SigningKey::from_pkcs8_pem(&pem, None).unwrap();
        let identity = PeerIdentity { ledger_id, account: 1, key_id: key.public().key_id() };
        opens(bob.address(), identity, 2, &key)
    };
    place.copy("alice", "thief");
    place.done("alice", at, &["keys", "end", "desk"]);
    assert!(!dials(&device.unwrap().file), "it has ended");
    assert!(dials(&file), "the other key stands");

    place.copy("bob", "bobs spare");
    place.done("bobs spare", at, &["keys", "end", "desk"]);
    let (code, said) = bob.ends();
    assert_eq!(code, Some(5), "{said}");
    assert!(said.contains("key_ended"), "{said}");
}

#[test]
fn a_run_that_is_given_again_after_the_home_got_another_key_tells_what_stands() {
    let place = Place::new();
    let daemon = Daemon::start(&place.data(), "127.0.0.1:0");
    let at = daemon.address.as_str();
    place.join("alice", at);
    let lines = path(&place, "orders.jsonl");
    std::fs::write(&lines, "{\"operation_type\":\"buy\",\"stock_name\":\"A\"}\n".repeat(20)).unwrap();
    let runs = [
        vec!["add", "--each", &lines, "--idempotency-key", "a"],
        vec!["--json", "add", ORDERS, "--idempotency-key", "b"],
    ];
    let first: Vec<String> = runs.iter().map(|run| place.done("alice", at, run)).collect();
    let size = place.status("alice", at)["blocks"].clone();
    for change in [&["keys", "add", "--device", "desk"][..], &["keys", "rotate"], &["keys", "end", "desk"]] {
        place.done("alice", at, change);
        for (run, first) in runs.iter().zip(&first) {
            let again = place.done("alice", at, run);
            let duplicates =
                first.replace("ack", "duplicate").replace("\"duplicate\":false", "\"duplicate\":true");
            assert_eq!(again, duplicates, "{run:?} after {change:?}");
        }
    }
    let grown = place.status("alice", at)["blocks"].as_u64().unwrap() - size.as_u64().unwrap();
    assert_eq!(grown, 3, "the keys, and nothing else");
    // Other content under the same key is as refused as it was.
    let said = place.ends(3, "alice", at, &["add", &lines, "--idempotency-key", "b"]);
    assert!(said.contains("conflict"), "{said}");
}

#[test]
fn copy_and_tail_tell_the_blocks_of_every_key_that_the_account_ever_had() {
    let place = Place::new();
    let daemon = Daemon::start(&place.data(), "127.0.0.1:0");
    let at = daemon.address.as_str();
    place.join("alice", at);
    let mut own = 0;
    for change in [&["keys", "add", "--device", "desk"][..], &["keys", "rotate"], &["keys", "end", "desk"]] {
        place.done("alice", at, &["add", ORDERS]);
        place.done("alice", at, change);
        own += 2;
        // The registration concerns her, and is not signed as a member.
        for (command, blocks) in [("copy", own), ("tail", own + 1)] {
            let told = place.done("alice", at, &[command]);
            assert_eq!(told.lines().count(), blocks, "{command} after {change:?}");
        }
    }
    place.copy("alice", "elsewhere");
    place.done("elsewhere", at, &["keys", "add", "--device", "other"]);
    place.done("elsewhere", at, &["add", ORDERS]);
    assert_eq!(place.done("alice", at, &["copy"]).lines().count(), own + 2);
}

#[test]
fn an_auditor_is_sent_every_block_as_the_files_hold_it() {
    let place = Place::new();
    let key = place.done("bank", "127.0.0.1:1", &["keygen"]);
    let file = path(&place, "operator.pem");
    std::fs::write(&file, key).unwrap();
    let more = ["--operator", &file, "--opening-grant=100", "--no-second-factor"];
    let daemon = Daemon::start_with(&place.data(), "127.0.0.1:0", &more);
    let at = daemon.address.as_str();
    for name in ["bank", "alice", "bob"] {
        place.join(name, at);
    }
    assert!(place.ends(3, "bob", at, &["tail", "--all"]).contains("no_permission"));
    place.done("bank", at, &["grant", "bob", "auditor"]);
    place.done("alice", at, &["keys", "add", "--device", "desk"]);
    place.done("alice", at, &["pay", "bank", "7"]);
    let sent = place.done("bob", at, &["tail", "--all", "--raw"]);
    let exported = place.done("bob", at, &["export", place.data().to_str().unwrap(), "--raw"]);
    assert_eq!(sent, exported);
    assert_eq!(sent.lines().count(), 7);
    // The role reads, and does no more.
    assert!(place.ends(3, "bob", at, &["grant", "alice", "auditor"]).contains("no_permission"));
    assert!(place.ends(3, "bob", at, &["issue", "bob", "1"]).contains("no_permission"));
    place.done("bank", at, &["revoke", "bob", "auditor"]);
    assert!(place.ends(3, "bob", at, &["tail", "--all"]).contains("no_permission"));
}

#[test]
fn a_key_request_is_looked_at_before_it_is_granted() {
    let place = Place::new();
    let daemon = members(&place, &["alice"]);
    let at = daemon.address.as_str();
    place.done("phone", at, &["getKey", "--accept-new"]);
    let file = path(&place, "phone.request");
    let request = json(&place.done("phone", at, &["--json", "keys", "request", "1"]));
    let text = request["request"].as_str().unwrap();
    std::fs::write(&file, format!("Please:\n> {}", text.replace('\n', "\n> "))).unwrap();
    let shown = json(&place.done("alice", "127.0.0.1:1", &["--json", "show", &file]));
    let facts = ["kind", "account", "key_kind", "key_id", "owner"].map(|name| shown[name].clone());
    let wanted = [
        "key_request".into(),
        1.into(),
        "ed25519".into(),
        request["key_id"].clone(),
        "not known here".into(),
    ];
    assert_eq!(facts, wanted);
    let words = place.done("phone", "127.0.0.1:1", &["show", &file]);
    assert!(words.contains("you: the private half is in this home"), "{words}");
    assert!(words.contains("checked: the key has signed"), "{words}");
    // One character of the key or of its proof that is another.
    let (begin, body) = text.split_once('\n').unwrap();
    let other = if body.starts_with('b') { "c" } else { "b" };
    std::fs::write(&file, format!("{begin}\n{other}{}", &body[1..])).unwrap();
    let output = place.run("alice", "127.0.0.1:1", &["show", &file]);
    assert_eq!(output.status.code(), Some(65), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("WRONG: "), "{output:?}");
}
