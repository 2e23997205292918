//! What people hand on: in whatever form it arrives it can be used, and `show` says what it is without asking anybody.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use super::binaries::{CLIENT, Daemon, ORDERS, Place};

const NOBODY: &str = "127.0.0.1:1";

/// What mail and editors make of a text.
fn forms(text: &str) -> Vec<(&'static str, String)> {
    let each = |change: &dyn Fn(&str) -> String| -> String { text.lines().map(change).collect() };
    let wrapped = |line: &str| -> String {
        if line.starts_with("-----") || line.is_empty() {
            return format!("{line}\n");
        }
        let chars: Vec<char> = line.chars().collect();
        chars.chunks(40).map(|piece| piece.iter().collect::<String>() + "\n").collect()
    };
    vec![
        ("crlf", text.replace('\n', "\r\n")),
        ("bom", format!("\u{feff}{text}")),
        ("quoted", each(&|line| format!("> {line}\n"))),
        ("quoted twice", each(&|line| format!("> > {line}\n"))),
        ("indented", each(&|line| format!("    {line}\n"))),
        ("trailing", each(&|line| format!("{line} \n"))),
        ("letter", format!("Hi Bob,\n\n{text}\nAlice\n")),
        ("wrapped", each(&wrapped)),
    ]
}

/// A ledger in dollars whose new members receive 100.00, with alice and bob.
fn ledger(place: &Place) -> Daemon {
    let more = ["--currency=USD", "--scale=2", "--opening-grant=10000"];
    let daemon = Daemon::start_with(&place.data(), "127.0.0.1:0", &more);
    place.join("alice", &daemon.address);
    place.join("bob", &daemon.address);
    daemon
}

fn file(place: &Place, name: &str, text: impl AsRef<[u8]>) -> String {
    let path = place.directory.path().join(name);
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn what_mail_makes_of_an_order_a_receipt_a_checkpoint_and_a_key_does_no_harm() {
    let place = Place::new();
    let daemon = ledger(&place);
    let at = daemon.address.as_str();
    let order = || place.done("alice", at, &["order", "bob", "0.01"]);
    for (number, (form, _)) in forms("").into_iter().enumerate() {
        let text = forms(&order()).swap_remove(number).1;
        let said = place.done("bob", at, &["settle", &file(&place, "order", text)]);
        assert!(said.contains("settled 0.01 USD from alice (#1); balance"), "{form}: {said}");
    }
    let said = place.done("bob", at, &["--json", "settle", &file(&place, "order", order())]);
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((&said["from"], &said["from_handle"]), (&Value::from(1), &Value::from("alice")));
    let several = format!("{}\n{}", order(), order());
    let complaint = place.ends(2, "bob", at, &["settle", &file(&place, "order", several)]);
    assert!(complaint.contains("2 different ones"), "{complaint}");
    let latin = [&b"Gr\xfc\xdfe!\n"[..], order().as_bytes()].concat();
    place.done("bob", at, &["settle", &file(&place, "order", latin)]);
    let revoked = format!("> {}", order().replace('\n', "\r\n> "));
    place.done("alice", at, &["revoke-cheque", &file(&place, "order", revoked)]);

    let receipt = place.done("alice", at, &["receipt", "1"]);
    let note = place.done("alice", at, &["checkpoint"]);
    let vkey = place.done("alice", at, &["getKey", "--vkey"]);
    for (form, text) in forms(&receipt) {
        let name = file(&place, "receipt", text);
        let said = place.done("nobody", NOBODY, &["check-receipt", &name, "--vkey", vkey.trim()]);
        assert!(said.starts_with("PROVEN"), "{form}: {said}");
    }
    let utf16: Vec<u8> = format!("\u{feff}{receipt}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let name = file(&place, "receipt", utf16);
    place.done("nobody", NOBODY, &["check-receipt", &name, "--vkey", vkey.trim()]);
    for (form, text) in forms(&note) {
        let name = file(&place, "note", text.replace('\u{2014}', "--"));
        let said = place.done("alice", at, &["checkpoint", "verify", &name]);
        assert!(said.starts_with("extended"), "{form}: {said}");
    }
    // A changed character is not put right by anybody.
    let changed = receipt.replacen("index 1\n", "index 2\n", 1);
    let name = file(&place, "receipt", changed);
    place.ends(65, "nobody", NOBODY, &["check-receipt", &name, "--vkey", vkey.trim()]);
    drop(daemon);
    // The key of an operator by mail.
    let pem = place.done("bank", NOBODY, &["keygen"]);
    for (form, text) in forms(&pem) {
        let data = place.directory.path().join(form);
        drop(Daemon::start_with(&data, "127.0.0.1:0", &["--operator", &file(&place, "operator", text)]));
    }
}

/// Runs `show` with a home, and gives code, output and errors.
fn show(home: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(CLIENT);
    let output: Output =
        command.arg("--home").arg(home).arg("show").args(arguments).env_clear().output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn show_says_what_a_file_is_who_signed_it_and_for_whom_and_what_could_not_be_checked() {
    let place = Place::new();
    let daemon = ledger(&place);
    let at = daemon.address.clone();
    place.done("alice", &at, &["add", ORDERS]);
    let order =
        file(&place, "rent.order", place.done("alice", &at, &["order", "bob", "40", "--memo", "rent"]));
    let paid = place.done("alice", &at, &["--json", "pay", "bob", "1.50", "--memo", "tea"]);
    let paid: Value = serde_json::from_str(&paid).unwrap();
    let receipt = place.done("alice", &at, &["receipt", &paid["index"].to_string()]);
    let receipt = file(&place, "receipt", receipt);
    let note = file(&place, "note", place.done("alice", &at, &["checkpoint"]));
    let vkey = file(&place, "vkey", place.done("alice", &at, &["getKey", "--vkey"]));
    drop(daemon);
    let home = |member: &str| place.directory.path().join(member);
    let (alice, bob, stranger) = (home("alice"), home("bob"), home("stranger"));
    let says = |home: &Path, file: &str, code: i32, words: &[&str]| {
        let (found, out, err) = show(home, &[file]);
        assert_eq!(found, Some(code), "{file}: {out}{err}");
        for word in words {
            assert!(out.contains(word), "{file}: no {word:?} in\n{out}{err}");
        }
        let (found, json, _) = show(home, &[file, "--json"]);
        assert_eq!(found, Some(code));
        let value: Value = serde_json::from_str(&json).unwrap();
        value
    };

    says(
        &alice,
        &order,
        0,
        &[
            "a cheque",
            "alice (#1), who is you",
            "40.00 USD",
            "rent",
            "checked: it is signed with a key of this home",
        ],
    );
    let value =
        says(&bob, &order, 0, &["#1", "bob (#2), who is you", "40.00 USD", "not checked: the signature"]);
    assert_eq!((&value["kind"], &value["from"], &value["to"]), (&"cheque".into(), &1.into(), &2.into()));
    says(&stranger, &order, 0, &["4000 minor units", "one that this home does not know"]);
    assert!(!stranger.exists(), "nothing is made by looking");

    let value = says(
        &bob,
        &receipt,
        0,
        &["a receipt", "pay 1.50 USD to #2: tea", "registered as alice", "checked: the ledger at"],
    );
    assert_eq!((&value["author"]["handle"], &value["block"]["data"]["to"]), (&"alice".into(), &2.into()));
    says(&stranger, &receipt, 0, &["pay 150 minor units to #2: tea", "not checked: nothing"]);
    says(&bob, &note, 0, &["a checkpoint", "checked: the ledger at"]);
    says(&stranger, &note, 0, &["not checked: the signature"]);
    says(&bob, &vkey, 0, &["verifier key", "it is the key that is pinned"]);
    says(&stranger, &vkey, 0, &["get it from a source that you trust"]);

    // What was changed is told.
    let text = fs::read_to_string(&receipt).unwrap();
    let changed = file(&place, "changed", text.replacen("index ", "index 1", 1));
    says(&bob, &changed, 65, &["WRONG: NOTHING IS PROVEN"]);
    let text = fs::read_to_string(&order).unwrap();
    let cut = file(&place, "cut", &text[..text.len() / 2]);
    says(&bob, &cut, 65, &["a cheque", "WRONG: it cannot be read"]);
    let text = fs::read_to_string(&note).unwrap();
    let forged = file(&place, "forged", text.replacen("\n5\n", "\n6\n", 1));
    says(&bob, &forged, 65, &["WRONG: the ledger"]);
    // The last character of a signature has bits that are always zero.
    let mut rotten = text.trim_end().to_owned().into_bytes();
    let last = rotten.len() - 2;
    rotten[last] += 1;
    let rotten = file(&place, "rotten", String::from_utf8(rotten).unwrap());
    says(&bob, &rotten, 65, &["a checkpoint", "WRONG: checkpoints: the one in it was changed on its way"]);

    // Files of a home and of a ledger.
    let name = |path: &Path| path.to_str().unwrap().to_owned();
    let key = alice.join("key.pem");
    let secret = fs::read_to_string(&key).unwrap();
    says(&alice, &name(&key), 0, &["NOT encrypted", "it is a key of this home"]);
    let (_, out, err) = show(&bob, &[&name(&key)]);
    let lines = secret.lines().filter(|line| !line.starts_with("-----"));
    lines.for_each(|line| assert!(!out.contains(line) && !err.contains(line), "a secret is shown"));
    let encrypted = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/keys/client_encrypted.pem");
    says(&alice, encrypted, 0, &["encrypted with a passphrase"]);
    for (path, kind) in [
        (alice.join("known_servers"), "known_servers"),
        (alice.clone(), "home"),
        (place.data(), "ledger"),
        (place.data().join("anchor"), "anchor"),
        (place.data().join("log/00000000000000000000.seg"), "segment"),
        (ORDERS.into(), "orders"),
    ] {
        assert_eq!(says(&alice, &name(&path), 0, &[])["kind"], kind, "{}", path.display());
    }
    for (folder, kind) in [("accounts", "account"), ("servers", "descriptor")] {
        let files = fs::read_dir(alice.join(folder)).unwrap().map(|entry| entry.unwrap().path());
        let found = files.filter(|path| says(&alice, &name(path), 0, &[])["kind"] == kind).count();
        assert_eq!(found, 1, "{folder}");
    }
    let (code, out, err) = show(&alice, &[&file(&place, "letter", "Dear Bob\n")]);
    assert_eq!((code, out.as_str()), (Some(2), ""), "{err}");
    assert_eq!(show(&alice, &["/nowhere/file"]).0, Some(2));
}
