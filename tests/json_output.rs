//! What the commands print with `--json`: every object has the fields of the reference, in its order; every error is
//! an object on standard error.

mod passwords;
mod second_factor;
mod shop;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Output, Stdio};

use ledgerd::crypto::note::LogKey;
use rustix::process::Signal;
use serde_json::Value;

use super::binaries::{CLIENT, Daemon, ORDERS, Place};
use super::clock::made_ahead;
use super::pay_out::old_ledger;

const NOBODY: &str = "127.0.0.1:1";

/// The row of answers to a line of a stream that became no block and was refused by nobody.
const WITHOUT_A_BLOCK: &str = "add --each, unknown, unsent or blank";

/// The table of fields in docs/cli.md, and which of its rows were seen.
struct Reference {
    rows: BTreeMap<String, Vec<String>>,
    seen: BTreeSet<String>,
}

impl Reference {
    fn read() -> Reference {
        let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/cli.md")).unwrap();
        let section = text.split("\n## Fields\n").nth(1).unwrap().split("\n## ").next().unwrap();
        let rows = section.lines().filter(|line| line.starts_with("| ") && line.contains(" | `"));
        let row = |line: &str| {
            let (label, fields) = line.trim_matches('|').trim().split_once(" | ").unwrap();
            let fields = fields.split('`').skip(1).step_by(2).map(str::to_owned).collect();
            (label.replace('`', ""), fields)
        };
        Reference { rows: rows.map(row).collect(), seen: BTreeSet::new() }
    }

    fn holds(&mut self, label: &str, value: &Value) {
        let fields: Vec<&String> =
            value.as_object().unwrap_or_else(|| panic!("{label}: {value}")).keys().collect();
        let expected = self.rows.get(label).unwrap_or_else(|| panic!("docs/cli.md has no row for {label:?}"));
        assert_eq!(fields, expected.iter().collect::<Vec<_>>(), "{label}");
        self.seen.insert(label.to_owned());
    }

    /// Holds every line of an output against the row.
    fn hold(&mut self, label: &str, output: &str) -> Vec<Value> {
        let lines: Vec<Value> = output.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert!(!lines.is_empty(), "{label}");
        lines.iter().for_each(|line| self.holds(label, line));
        lines
    }
}

fn error(output: &Output) -> Value {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let mut errors = said.lines().filter(|line| line.starts_with("{\"error\":"));
    let error = errors.next().unwrap_or_else(|| panic!("no error object: {said}"));
    assert_eq!(errors.next(), None, "{said}");
    serde_json::from_str::<Value>(error).unwrap()["error"].take()
}

/// A ledger with an operator called bank, who has issued money to alice, and bob.
fn bank(place: &Place, reference: &mut Reference) -> Daemon {
    let keygen = place.done("bank", NOBODY, &["keygen", "--json"]);
    let key = &reference.hold("keygen", &keygen)[0];
    let file = place.directory.path().join("operator.pem");
    std::fs::write(&file, key["public_key"].as_str().unwrap()).unwrap();
    let more =
        ["--currency=USD", "--scale=2", "--opening-grant=100000", "--operator", file.to_str().unwrap()];
    let daemon = Daemon::start_with(&place.data(), "127.0.0.1:0", &more);
    let at = daemon.address.as_str();
    for member in ["bank", "alice", "bob"] {
        reference.hold("getKey", &place.done(member, at, &["--json", "getKey", "--accept-new"]));
        reference.hold("register", &place.done(member, at, &["register", member, "--json"]));
    }
    reference.hold("pay, issue", &place.done("bank", at, &["issue", "alice", "100", "--json"]));
    daemon
}

#[test]
fn every_object_has_the_fields_of_the_reference_in_their_order() {
    let mut reference = Reference::read();
    let place = Place::new();
    let daemon = bank(&place, &mut reference);
    let at = daemon.address.as_str();
    orders_and_proofs(&place, at, &mut reference);
    keys(&place, at, &mut reference);
    profile(&place, at, &mut reference);
    money(&place, at, &mut reference);
    second_factor::hold(&place, at, &mut reference);
    from_hand_to_hand(&place, at, &mut reference);
    alone(&place, &mut reference);
    unanswered(&place, &daemon, &mut reference);
    unsent(&place, daemon, &mut reference);
    files(&place, &mut reference);
    shown(&place, &mut reference);
    vouched(&mut reference);
    erased(&mut reference);
    paid_out(&mut reference);
    passwords::hold(&mut reference);
    shop::hold(&mut reference);
    vault(&mut reference);
    // Errors have a test of their own.
    let rows: BTreeSet<String> = reference.rows.into_keys().filter(|label| label != "an error").collect();
    assert_eq!(rows.difference(&reference.seen).collect::<Vec<_>>(), [""; 0], "rows that nothing printed");
}

fn orders_and_proofs(place: &Place, at: &str, reference: &mut Reference) {
    let mut seen = |label: &str, arguments: &[&str]| {
        let arguments = [&["--json"], arguments].concat();
        reference.hold(label, &place.done("alice", at, &arguments))
    };
    let block = seen("add", &["add", ORDERS])[0]["index"].to_string();
    seen("copy, export, tail", &["copy"]);
    seen("status", &["status"]);
    seen("whoami", &["whoami"]);
    let witness = seen("witness", &["witness"])[0]["vkey"].as_str().unwrap().to_owned();
    let verified = seen("verify", &["verify", "--witness", &witness]);
    std::fs::write(place.directory.path().join("witness.vkey"), &witness).unwrap();
    let file = place.directory.path().join("a.checkpoint");
    let file = file.to_str().unwrap();
    seen("checkpoint, checkpoint save", &["checkpoint"]);
    seen("checkpoint, checkpoint save", &["checkpoint", "save", file]);
    let extended =
        seen("checkpoint verify, checkpoint compare, checkpoint accept", &["checkpoint", "verify", file]);
    let same = seen(
        "checkpoint verify, checkpoint compare, checkpoint accept",
        &["checkpoint", "compare", file, file],
    );
    let receipt = seen("receipt", &["receipt", &block]);
    let saved = place.directory.path().join("a.receipt");
    std::fs::write(&saved, receipt[0]["receipt"].as_str().unwrap()).unwrap();
    let vkey = receipt[0]["vkey"].as_str().unwrap();
    std::fs::write(place.directory.path().join("known.vkey"), vkey).unwrap();
    let proven = seen("check-receipt, proven", &["check-receipt", saved.to_str().unwrap(), "--vkey", vkey]);
    seen("bench", &["bench", "--connections=1", "--commands=1"]);

    reference.holds("verify, cosigned", &verified[0]["cosigned"]);
    reference.holds("verify, one of witnesses", &verified[0]["cosigned"]["witnesses"][0]);
    reference.holds("a checkpoint in another object", &extended[0]["other"]);
    reference.holds("a checkpoint in another object", &same[0]["checkpoint"]);
    reference.holds("a checkpoint in another object", &proven[0]["checkpoint"]);
    reference.holds("check-receipt, author", &proven[0]["author"]);
    reference.holds("copy, export, tail", &proven[0]["block"]);
    assert_eq!((&extended[0]["verdict"], &same[0]["verdict"]), (&"extended".into(), &"same".into()));

    let (code, said) =
        place.feed("bob", NOBODY, &["check-receipt", "-", "--vkey", vkey, "--json"], "no receipt");
    assert_eq!(code, Some(65));
    reference.hold("check-receipt, not proven", &said);

    let order =
        r#"{"operation_type":"buy","stock_name":"A","command_id":"00112233445566778899aabbccddeeff"}"#;
    let input = format!("{order}\nnonsense\n{order}\n \n");
    let (code, said) = place.feed("alice", at, &["add", "--each", "--inflight=1", "--json", "-"], &input);
    assert_eq!(code, Some(3));
    let lines: Vec<&str> = said.lines().collect();
    let [first, second, third, fourth] = lines[..] else { panic!("{said}") };
    reference.hold("add --each, refused", second);
    let blank = reference.hold(WITHOUT_A_BLOCK, fourth).remove(0);
    assert_eq!(blank["result"], "blank");
    let accepted = [first, third].map(|line| reference.hold("add --each, ack or duplicate", line).remove(0));
    assert_eq!(accepted.map(|value| value["result"].clone()), [Value::from("ack"), Value::from("duplicate")]);
}

/// On a ledger of its own: whoever is erased does nothing more.
fn erased(reference: &mut Reference) {
    let place = Place::new();
    let daemon = Daemon::start(&place.data(), "127.0.0.1:0");
    let at = daemon.address.as_str();
    place.join("alice", at);
    let erase = ["erase", "--confirm", "alice", "--json"];
    reference.hold("erase", &place.done("alice", at, &erase));
    let label = "erasure, and erase of an account that was erased before";
    reference.hold(label, &place.done("alice", at, &erase));
    reference.hold(label, &place.done("alice", at, &["erasure", "1", "--json"]));
    let note = place.directory.path().join("note");
    std::fs::write(&note, place.done("alice", at, &["erasure", "1"])).unwrap();
    let (ledger, note) = (place.data(), note.to_str().unwrap().to_owned());
    let audit = ["audit", ledger.to_str().unwrap(), "--erasure", &note, "--json"];
    let audited = reference.hold("audit", &place.done("alice", at, &audit));
    reference.holds("audit, erasure", &audited[0]["erasure"]);
}

/// On a ledger that is old enough for it.
fn paid_out(reference: &mut Reference) {
    let place = Place::new();
    let daemon = old_ledger(&place);
    let words = ["pay-out", "bob", "--to", "alice", "--amount", "1", "--reason", "law", "--json"];
    reference.hold("pay-out", &place.done("bank", &daemon.address, &words));
    let audit = ["audit", place.data().to_str().unwrap(), "--json"].map(str::to_owned);
    let audited = place.done("bank", NOBODY, &audit.each_ref().map(String::as_str));
    let audited = reference.hold("audit", &audited);
    reference.holds("audit, one of stranded", &audited[0]["stranded"][0]);
}

fn profile(place: &Place, at: &str, reference: &mut Reference) {
    let said = ["profile", "--name", "Bob", "--e-mail", "bob@example.org", "--json"];
    reference.hold("profile, with --name or --e-mail", &place.done("bob", at, &said));
    reference.hold("profile", &place.done("bob", at, &["profile", "--json"]));
    reference.hold("profile --leaf", &place.done("bob", at, &["profile", "--leaf", "name", "--json"]));
}

fn keys(place: &Place, at: &str, reference: &mut Reference) {
    let mut seen = |label: &str, arguments: &[&str]| {
        let arguments = [&["--json"], arguments].concat();
        reference.hold(label, &place.done("bob", at, &arguments))
    };
    seen("keys add, keys rotate", &["keys", "add", "--device", "desk"]);
    let listed = seen("keys, keys list", &["keys"]);
    seen("keys end", &["keys", "end", "desk"]);
    place.done("tablet", at, &["getKey", "--accept-new"]);
    let request = place.done("tablet", at, &["--json", "keys", "request", "3"]);
    let asked = reference.hold("keys request", &request);
    let text = asked[0]["request"].as_str().unwrap();
    std::fs::write(place.directory.path().join("tablet.request"), text).unwrap();
    for key in listed[0]["keys"].as_array().unwrap() {
        reference.holds("keys, one of keys", key);
    }
}

fn money(place: &Place, at: &str, reference: &mut Reference) {
    let mut seen = |label: &str, member: &str, arguments: &[&str]| {
        reference.hold(label, &place.done(member, at, &[arguments, &["--json"]].concat()))
    };
    seen("balance", "alice", &["balance"]);
    seen("pay, issue", "alice", &["pay", "bob", "1", "--memo", "tea"]);
    let batch = place.directory.path().join("payments.jsonl");
    std::fs::write(&batch, "{\"to\":\"bob\",\"amount\":\"1.00\"}\n".repeat(2)).unwrap();
    let several = seen("pay --file, several", "alice", &["pay", "--file", batch.to_str().unwrap()]);
    seen("statement", "alice", &["statement"]);
    seen("journal", "bank", &["journal"]);
    seen("grant, revoke", "bank", &["grant", "bob", "operator"]);
    seen("grant, revoke", "bank", &["revoke", "bob", "operator"]);
    let cheque = seen("cheque", "alice", &["cheque", "bob", "2"]);
    let file = place.directory.path().join("bob.cheque");
    std::fs::write(&file, cheque[0]["cheque"].as_str().unwrap()).unwrap();
    seen("settle", "bob", &["settle", file.to_str().unwrap()]);
    let cheque = seen("cheque", "alice", &["order", "bob", "3"]);
    seen("revoke-cheque", "alice", &["revoke-order", cheque[0]["cheque_id"].as_str().unwrap()]);
    reference.holds("pay --file, one of payments", &several[0]["payments"][0]);
}

fn from_hand_to_hand(place: &Place, at: &str, reference: &mut Reference) {
    let mut command = place.command("bob", at, &["listen", "--json"]);
    let mut bob = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    BufReader::new(bob.stderr.take().unwrap()).read_line(&mut said).unwrap();
    let online = place.done("alice", at, &["online", "--json"]);
    let sent = place.done("alice", at, &["send", "bob", "4", "--json"]);
    let mut incoming = String::new();
    BufReader::new(bob.stdout.take().unwrap()).read_line(&mut incoming).unwrap();
    bob.kill().unwrap();
    bob.wait().unwrap();
    let online = reference.hold("online", &online);
    reference.holds("online, one of members", &online[0]["members"][0]);
    reference.hold("send", &sent);
    reference.hold("listen", &incoming);
}

fn alone(place: &Place, reference: &mut Reference) {
    let pages = place.directory.path().join("man");
    reference.hold("version", &place.done("nobody", NOBODY, &["version", "--json"]));
    reference.hold("version", &place.done("nobody", NOBODY, &["--json", "-V"]));
    reference.hold("completions", &place.done("nobody", NOBODY, &["completions", "bash", "--json"]));
    reference.hold("man", &place.done("nobody", NOBODY, &["man", pages.to_str().unwrap(), "--json"]));
}

/// A daemon that stands still leaves a line without an answer.
fn unanswered(place: &Place, daemon: &Daemon, reference: &mut Reference) {
    const ORDER: &[u8] = b"{\"operation_type\":\"buy\",\"stock_name\":\"A\"}\n";
    let mut command =
        place.command("alice", &daemon.address, &["add", "--each", "--deadline=1", "--json", "-"]);
    let mut client = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut input, mut answers) =
        (client.stdin.take().unwrap(), BufReader::new(client.stdout.take().unwrap()).lines());
    input.write_all(ORDER).unwrap();
    assert!(answers.next().unwrap().unwrap().contains("\"ack\""));
    daemon.signal(Signal::STOP);
    input.write_all(ORDER).unwrap();
    drop(input);
    let unknown = reference.hold(WITHOUT_A_BLOCK, &answers.next().unwrap().unwrap()).remove(0);
    assert_eq!(unknown["result"], "unknown");
    daemon.signal(Signal::CONT);
    assert_eq!(client.wait().unwrap().code(), Some(5));
}

/// A daemon that is gone leaves lines that were never sent.
fn unsent(place: &Place, daemon: Daemon, reference: &mut Reference) {
    let mut command = place.command(
        "alice",
        &daemon.address,
        &["add", "--each", "--deadline=1", "--inflight=1", "--json", "-"],
    );
    let mut client =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let (mut input, mut answers) =
        (client.stdin.take().unwrap(), BufReader::new(client.stdout.take().unwrap()).lines());
    let order = |n: u32| format!("{{\"operation_type\":\"buy\",\"stock_name\":\"B\",\"quantity\":{n}}}\n");
    input.write_all(order(1).as_bytes()).unwrap();
    assert!(answers.next().unwrap().unwrap().contains("\"line\":1"));
    daemon.kill();
    input.write_all(format!("{}{}", order(2), order(3)).as_bytes()).unwrap();
    drop(input);
    let left: Vec<String> = answers.map(Result::unwrap).collect();
    let left = reference.hold(WITHOUT_A_BLOCK, &left.join("\n"));
    // The second line may have left before the client saw that nobody is there.
    assert_eq!((left.len(), &left[1]["result"]), (2, &"unsent".into()), "{left:?}");
    client.wait().unwrap();
}

fn files(place: &Place, reference: &mut Reference) {
    let (ledger, out) = (place.data(), place.directory.path().join("tiles"));
    let (ledger, out) = (ledger.to_str().unwrap(), out.to_str().unwrap());
    let mut seen = |label: &str, arguments: &[&str]| {
        reference.hold(label, &place.done("nobody", NOBODY, &[arguments, &["--json"]].concat()))
    };
    seen("audit", &["audit", ledger]);
    let kept = place.data().join("checkpoint");
    let kept = seen("audit", &["audit", ledger, "--checkpoint", kept.to_str().unwrap()]).remove(0);
    seen("copy, export, tail", &["export", ledger]);
    seen("export --raw, tail --raw", &["export", ledger, "--raw", "--with-sealed"]);
    seen("export --format jsonl", &["export", ledger, "--format", "jsonl"]);
    seen("tiles", &["tiles", ledger, out, "--with-sealed"]);
    std::fs::write(place.data().join("anchor"), b"rubbish").unwrap();
    let damaged = place.run("nobody", NOBODY, &["audit", ledger, "--json"]);
    assert_eq!(damaged.status.code(), Some(65));
    let report: Value = serde_json::from_slice(&damaged.stdout).unwrap();
    reference.holds("audit, checkpoint", &kept["checkpoint"]);
    reference.holds("a finding", &report["findings"][0]);
}

/// What `show` says of every kind of file: those of a home, of a ledger, and those that were made on the way here.
fn shown(place: &Place, reference: &mut Reference) {
    let folder = place.directory.path();
    let name = |path: &Path| path.to_str().unwrap().to_owned();
    let first = |folder: &Path, like: &str| -> String {
        let mut names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        name(&names.find(|path| name(path).ends_with(like)).unwrap_or_else(|| panic!("{folder:?}: {like}")))
    };
    let alice = folder.join("alice");
    let mut says = |label: &str, kind: &str, file: &str| {
        let said = reference.hold(label, &place.done("alice", NOBODY, &["show", file, "--json"]));
        assert_eq!(said[0]["kind"], kind, "{file}");
        said[0].clone()
    };
    let made = |made: &str| name(&folder.join(made));
    let receipt = says("show, receipt", "receipt", &made("a.receipt"));
    says("show, cheque", "cheque", &made("bob.cheque"));
    says("show, key_request", "key_request", &made("tablet.request"));
    says("show, checkpoint", "checkpoint", &made("a.checkpoint"));
    says("show, descriptor", "descriptor", &first(&alice.join("servers"), ".descriptor"));
    says("show, public_key", "public_key", &made("operator.pem"));
    says("show, private_key that is not", "private_key", &name(&alice.join("key.pem")));
    let encrypted = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/keys/client_encrypted.pem");
    says("show, private_key that is encrypted", "private_key", encrypted);
    says("show, account", "account", &first(&alice.join("accounts"), ""));
    says("show, orders", "orders", ORDERS);
    says("show, payments", "payments", &made("payments.jsonl"));
    says("show, verifier_key of a server that is known", "verifier_key", &made("known.vkey"));
    let other = LogKey::from_seed("ledger.example/other", &[1; 32]).unwrap().public().to_string();
    std::fs::write(folder.join("other.vkey"), other).unwrap();
    says("show, verifier_key of another one", "verifier_key", &made("other.vkey"));
    says("show, witness_key", "witness_key", &made("witness.vkey"));
    for (kind, file) in [
        ("segment", name(&place.data().join("log/00000000000000000000.seg"))),
        ("ledger", name(&place.data())),
        ("tiles", made("tiles")),
        ("home", name(&alice)),
        ("known_servers", name(&alice.join("known_servers"))),
        ("genesis", first(&alice.join("servers"), ".genesis")),
        ("ticket", first(&alice.join("tickets"), "")),
        ("run", first(&alice.join("pending"), "")),
        ("newest", first(&alice.join("newest"), "")),
        ("witness_private_key", name(&alice.join("witness.key"))),
    ] {
        says("show, every other kind", kind, &file);
    }
    reference.holds("copy, export, tail", &receipt["block"]);
    reference.holds("check-receipt, author", &receipt["author"]);
}

/// An operator vouches for a clock that the newest block is ahead of.
fn vouched(reference: &mut Reference) {
    let place = Place::new();
    made_ahead(&place, 400);
    let daemon = Daemon::start_with(&place.data(), "127.0.0.1:0", &["--accept-clock"]);
    place.join("bank", &daemon.address);
    let said = place.done("bank", &daemon.address, &["vouch-clock", "--json"]);
    reference.hold("vouch-clock", &said);
}

/// What a program sees of a command that did not work.
#[test]
fn every_error_is_an_object_with_the_exit_code_and_what_helps() {
    let mut reference = Reference::read();
    let place = Place::new();
    let daemon = Daemon::start_with(&place.data(), "127.0.0.1:0", &["--currency=USD", "--scale=2"]);
    let at = daemon.address.clone();
    let at = at.as_str();
    for member in ["alice", "bob"] {
        place.join(member, at);
    }
    let cases: [(&[&str], i32, &str, &str); 9] = [
        (&["--json", "pay", "bob", "1"], 3, "insufficient_balance", "new_command"),
        (&["pay", "alice", "1", "--json"], 3, "self_payment", "never"),
        (&["register", "other", "--json"], 3, "already_registered", "never"),
        (&["pay", "bob", "--json"], 2, "usage", "never"),
        (&["--json", "--home"], 2, "usage", "never"),
        (&["vrify", "--json"], 2, "usage", "never"),
        (&["--json", "settle", "/nowhere/cheque"], 2, "usage", "never"),
        (&["cheque", "bob", "x", "--json"], 2, "usage", "never"),
        (&["receipt", "99", "--json"], 3, "no_such_block", "never"),
    ];
    for (arguments, code, name, retry) in cases {
        let output = place.run("alice", at, arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {output:?}");
        assert!(output.stdout.is_empty(), "{output:?}");
        let error = error(&output);
        reference.holds("an error", &error);
        assert_eq!(
            (&error["name"], &error["code"], &error["retry"]),
            (&name.into(), &code.into(), &retry.into())
        );
        assert!(!error["message"].as_str().unwrap().is_empty());
        assert!(error["facts"].is_object(), "{error}");
        if name == "insufficient_balance" {
            let facts = serde_json::json!({ "element": 1, "left": 0, "wanted": 100 });
            assert_eq!(error["facts"], facts, "what the sentence is filled with");
        }
    }
    let (_, said) = place.feed("alice", at, &["shell", "--json"], "version\n");
    reference.hold("version", &said);
    drop(daemon);
    let output = place.run("alice", at, &["balance", "--json"]);
    let error = error(&output);
    assert_eq!(
        (&error["name"], &error["code"], &error["retry"]),
        (&"unreachable".into(), &4.into(), &"later".into())
    );
}

#[test]
fn an_argument_that_is_not_utf_8_is_refused_and_ends_nothing_by_a_signal() {
    use std::os::unix::ffi::OsStringExt as _;
    let word = std::ffi::OsString::from_vec(b"x\xff.json".to_vec());
    let mut command = std::process::Command::new(CLIENT);
    let output = command.arg("add").arg(&word).arg("--json").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(error(&output)["message"].as_str().unwrap().contains(r"x\xFF.json"));
    let output = std::process::Command::new(CLIENT).arg("add").arg(&word).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(said, "ledgerctl: \"x\\xFF.json\": arguments have to be UTF-8\n");
}

/// What is said of a vault, by programs that read the files of a ledger which nobody serves.
fn vault(reference: &mut Reference) {
    let place = Place::new();
    let daemon = Daemon::start(&place.data(), "127.0.0.1:0");
    place.join("alice", &daemon.address);
    let at = daemon.address.clone();
    place.done("alice", &at, &["profile", "--name", "Ada", "--e-mail", "ada@example.org"]);
    assert_eq!(daemon.terminate(), Some(0));
    let ledger = place.data();
    let audit = ["audit", ledger.to_str().unwrap(), "--vault", "--json"];
    let audited = reference.hold("audit", &place.done("alice", NOBODY, &audit)).remove(0);
    reference.holds("audit, vault", &audited["vault"]);
    reference.holds("audit, one of sealed", &audited["vault"]["sealed"][0]);
    let [file, key] = ["backup", "key"].map(|name| place.directory.path().join(name));
    let (ledger, file) = (ledger.to_str().unwrap(), file.to_str().unwrap());
    let backup = place.done("alice", NOBODY, &["vault", "backup", ledger, file, "--json"]);
    let told = reference.hold("vault backup", &backup).remove(0);
    std::fs::write(&key, told["key"].as_str().unwrap()).unwrap();
    let restore =
        ["vault", "restore", ledger, file, "--key-file", key.to_str().unwrap(), "--replace", "--json"];
    reference.hold("vault restore", &place.done("alice", NOBODY, &restore));
}
