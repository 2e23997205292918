//! What a command that moves something says, and when: told first, struck out last. Whatever keeps a run from
//! telling its outcome, the same command given again tells it and does nothing a second time.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::{Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::binaries::{Daemon, ORDERS, Place};
use crate::money::bank;
use crate::peers::Listening;

fn json(text: &str) -> Value {
    serde_json::from_str(text.trim()).unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

/// A ledger on which everybody has money.
fn granted(place: &Place) -> Daemon {
    let daemon = Daemon::start_with(&place.data(), "127.0.0.1:0", &["--opening-grant=1000"]);
    for member in ["alice", "bob"] {
        place.join(member, &daemon.address);
    }
    daemon
}

fn balance(place: &Place, member: &str, at: &str) -> String {
    place.done(member, at, &["balance"]).split(' ').next().unwrap().to_owned()
}

fn path(place: &Place, name: &str) -> String {
    place.directory.path().join(name).to_string_lossy().into_owned()
}

fn blocks(place: &Place, at: &str) -> u64 {
    place.status("bob", at)["blocks"].as_u64().unwrap()
}

/// Where what was not told is kept.
fn is_empty(place: &Place, member: &str, folder: &str) -> bool {
    let folder = place.directory.path().join(member).join(folder);
    std::fs::read_dir(folder).unwrap().next().is_none()
}

/// Runs a command whose output nobody takes.
fn unread(place: &Place, member: &str, at: &str, arguments: &[&str], stdout: Stdio) -> Output {
    let mut command = place.command(member, at, arguments);
    command.stdout(stdout).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap()
}

fn full() -> Stdio {
    File::options().write(true).open("/dev/full").unwrap().into()
}

/// A pipe whose reader is gone.
fn closed() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

/// The command is done, is not told, is told when it is given again, and is then over.
fn untold_is_told_once(place: &Place, member: &str, at: &str, arguments: &[&str], done: u64) {
    for stdout in [full(), closed()] {
        let before = blocks(place, at);
        let output = unread(place, member, at, arguments, stdout);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(6), "{arguments:?}: {said}");
        let index = before + done - 1;
        assert!(said.contains(&format!("block {index} is written")), "{arguments:?}: {said}");
        assert!(!said.contains("panic"), "{said}");
        assert_eq!(blocks(place, at), before + done, "{arguments:?}");
        let again = place.done(member, at, arguments);
        assert!(again.contains(&format!("block {index} ")), "{arguments:?}: {again}");
        assert_eq!(blocks(place, at), before + done, "{arguments:?} twice");
        assert!(is_empty(place, member, "pending") && is_empty(place, member, "sent"), "{arguments:?}");
    }
}

#[test]
fn what_could_not_be_told_exits_with_6_and_the_same_command_tells_it() {
    let place = Place::new();
    let daemon = granted(&place);
    let at = daemon.address.as_str();
    let _bob = Listening::start(&place, "bob", at, &[]);
    untold_is_told_once(&place, "alice", at, &["pay", "bob", "1"], 1);
    untold_is_told_once(&place, "alice", at, &["send", "bob", "1"], 1);
    untold_is_told_once(&place, "alice", at, &["add", ORDERS], 1);
    let id = "00112233445566778899aabbccddeeff";
    untold_is_told_once_for_each(&place, at, &["revoke-cheque"], [id, &id.replace('0', "1")]);
    let orders = ["a", "b"].map(|name| {
        let file = path(&place, name);
        place.done("bob", at, &["cheque", "alice", "5", "--out", &file]);
        file
    });
    untold_is_told_once_for_each(&place, at, &["settle"], [&orders[0], &orders[1]]);
}

/// As [`untold_is_told_once`], for what can be done once only: with a full output, and with a closed one.
fn untold_is_told_once_for_each(place: &Place, at: &str, arguments: &[&str], of: [&str; 2]) {
    for (of, stdout) in of.into_iter().zip([full(), closed()]) {
        let before = blocks(place, at);
        let arguments = [arguments, &[of]].concat();
        let output = unread(place, "alice", at, &arguments, stdout);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(6), "{arguments:?}: {said}");
        assert!(said.contains(&format!("block {before} is written")), "{arguments:?}: {said}");
        let again = place.done("alice", at, &arguments);
        assert!(again.contains(&format!("block {before} ")), "{arguments:?}: {again}");
        assert_eq!(blocks(place, at), before + 1, "{arguments:?} twice");
    }
}

#[test]
fn an_operators_commands_and_a_registration_are_told_before_they_are_forgotten() {
    let place = Place::new();
    let daemon = bank(&place);
    let at = daemon.address.as_str();
    untold_is_told_once(&place, "bank", at, &["issue", "alice", "1"], 1);
    for arguments in [["grant", "alice", "operator"], ["revoke", "alice", "operator"]] {
        let before = blocks(&place, at);
        let output = unread(&place, "bank", at, &arguments, full());
        assert_eq!(output.status.code(), Some(6), "{output:?}");
        assert!(place.done("bank", at, &arguments).contains(&format!("block {before} ")));
        assert_eq!(blocks(&place, at), before + 1);
    }
    place.done("carol", at, &["getKey", "--accept-new"]);
    let before = blocks(&place, at);
    let output = unread(&place, "carol", at, &["register", "carol"], full());
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(6), "{said}");
    assert!(said.contains(&format!("block {before} is written")), "{said}");
    assert_eq!(place.done("carol", at, &["register", "carol"]).trim(), "4");
    assert_eq!(blocks(&place, at), before + 1);
    // Told: now it is one too many.
    assert!(place.ends(3, "carol", at, &["register", "carol"]).contains("already_registered"));
}

#[test]
fn what_other_commands_find_out_meanwhile_stays_untold() {
    let place = Place::new();
    let daemon = granted(&place);
    let at = daemon.address.as_str();
    let _bob = Listening::start(&place, "bob", at, &[]);
    assert_eq!(unread(&place, "alice", at, &["pay", "bob", "5"], full()).status.code(), Some(6));
    let said = unread(&place, "alice", at, &["send", "bob", "7"], full());
    assert_eq!(said.status.code(), Some(6));
    assert!(
        String::from_utf8_lossy(&said.stderr).contains("of an earlier run stands in block 3"),
        "{said:?}"
    );
    place.done("alice", at, &["pay", "bob", "6"]);
    let said = place.run("alice", at, &["send", "bob", "8"]);
    assert!(String::from_utf8_lossy(&said.stderr).contains("was settled in block 4"), "{said:?}");
    // Said once; another run beside it says nothing any more.
    let said = place.run("alice", at, &["send", "bob", "9"]);
    assert!(said.stderr.is_empty(), "{said:?}");
    assert_eq!(balance(&place, "bob", at), "1035");
    assert!(place.done("alice", at, &["pay", "bob", "5"]).starts_with("block 3 "));
    assert!(place.done("alice", at, &["send", "bob", "7"]).starts_with("block 4 "));
    assert_eq!(balance(&place, "bob", at), "1035", "both were told, and nothing moved");
    place.done("alice", at, &["pay", "bob", "5"]);
    assert_eq!(balance(&place, "bob", at), "1040", "told is told: this is another payment");
}

#[test]
fn nothing_leaves_when_the_receipt_could_not_be_written() {
    let place = Place::new();
    let daemon = granted(&place);
    let at = daemon.address.as_str();
    let _bob = Listening::start(&place, "bob", at, &[]);
    let before = blocks(&place, at);
    let folder = path(&place, "");
    for file in [&path(&place, "nowhere/r"), folder.trim_end_matches('/'), "/proc/r"] {
        for arguments in [
            &["send", "bob", "1", "--receipt", file][..],
            &["add", ORDERS, "--receipt", file],
            &["cheque", "bob", "1", "--out", file],
            &["receipt", "1", "--out", file],
        ] {
            let said = place.ends(2, "alice", at, arguments);
            assert!(said.contains(file), "{arguments:?}: {said}");
        }
    }
    assert_eq!((blocks(&place, at), balance(&place, "alice", at)), (before, "1000".to_owned()));
    assert!(is_empty(&place, "alice", "pending") && is_empty(&place, "alice", "sent"));
}

#[test]
fn ten_equal_payments_at_once_are_ten_payments_and_each_is_told_as_its_own() {
    let place = Place::new();
    let daemon = granted(&place);
    let at = daemon.address.as_str();
    let runs: Vec<_> = (0..10)
        .map(|_| {
            let mut command = place.command("alice", at, &["pay", "bob", "1", "--json"]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    let told: Vec<Value> = runs
        .into_iter()
        .map(|run| {
            let output = run.wait_with_output().unwrap();
            assert_eq!(output.status.code(), Some(0), "{output:?}");
            json(&String::from_utf8(output.stdout).unwrap())
        })
        .collect();
    let blocks: BTreeSet<u64> = told.iter().map(|told| told["index"].as_u64().unwrap()).collect();
    assert_eq!(blocks.len(), 10);
    assert!(told.iter().all(|told| told["duplicate"] == false));
    assert_eq!(balance(&place, "bob", at), "1010");
}

#[test]
fn a_run_beside_one_that_stands_still_is_a_payment_of_its_own() {
    let place = Place::new();
    let daemon = granted(&place);
    let at = daemon.address.as_str();
    // The first is stopped where its outcome is still to be told: nobody reads its output, and the pipe is full.
    let (reader, mut writer) = std::io::pipe().unwrap();
    rustix::io::ioctl_fionbio(&writer, true).unwrap();
    while writer.write(&[b'x'; 4096]).is_ok() {}
    rustix::io::ioctl_fionbio(&writer, false).unwrap();
    let mut command = place.command("alice", at, &["pay", "bob", "1"]);
    let mut living = command.stdout(writer).stderr(Stdio::null()).spawn().unwrap();
    drop(command);
    while blocks(&place, at) < 4 {
        std::thread::yield_now();
    }
    assert!(place.done("alice", at, &["pay", "bob", "1"]).starts_with("block 4 "));
    kill_process(Pid::from_child(&living), Signal::KILL).unwrap();
    living.wait().unwrap();
    drop(reader);
    // Now it is dead and untold: the same command is its retry.
    assert!(place.done("alice", at, &["pay", "bob", "1"]).starts_with("block 3 "));
    assert!(place.done("alice", at, &["pay", "bob", "1"]).starts_with("block 5 "));
    assert_eq!(balance(&place, "bob", at), "1003");
}

#[test]
fn a_key_makes_a_run_repeatable_for_ever_and_other_content_under_it_is_a_conflict() {
    let place = Place::new();
    let daemon = granted(&place);
    let at = daemon.address.as_str();
    let _bob = Listening::start(&place, "bob", at, &[]);
    let orders = path(&place, "orders.jsonl");
    std::fs::write(&orders, "{\"operation_type\":\"buy\",\"stock_name\":\"A\"}\n").unwrap();
    let keyed = |arguments: &[&str], key: &str| {
        [arguments, &["--json", "--idempotency-key", key]].concat().iter().map(|&a| a.to_owned()).collect()
    };
    let told = |arguments: Vec<String>| {
        let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
        json(&place.done("alice", at, &words))
    };
    for (arguments, key) in
        [(&["pay", "bob", "1"][..], "a"), (&["send", "bob", "1"], "b"), (&["add", &orders], "c")]
    {
        let (first, again) = (told(keyed(arguments, key)), told(keyed(arguments, key)));
        assert_eq!(
            (&first["duplicate"], &again["duplicate"]),
            (&false.into(), &true.into()),
            "{arguments:?}"
        );
        assert_eq!((&first["index"], &first["hash"]), (&again["index"], &again["hash"]), "{arguments:?}");
        let other = told(keyed(arguments, &format!("{key}-other")));
        assert_ne!(other["index"], first["index"]);
        for others in [&["pay", "bob", "2"][..], &["send", "bob", "2"], &["add", ORDERS]] {
            let arguments: Vec<String> = keyed(others, key);
            let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
            assert!(place.ends(3, "alice", at, &words).contains("conflict"), "{others:?} under {key}");
        }
        // Once under each key that is named here.
        place.done("alice", at, &["pay", "bob", "1", "--idempotency-key", &format!("{key}-x")]);
    }
    let each = ["add", "--each", &orders, "--idempotency-key", "d"];
    let (first, again) = (place.done("alice", at, &each), place.done("alice", at, &each));
    assert_eq!(again, first.replace("ack", "duplicate"));
    assert!(place.ends(2, "alice", at, &["pay", "bob", "1", "--idempotency-key", ""]).contains("1 to 255"));
    assert!(is_empty(&place, "alice", "pending") && is_empty(&place, "alice", "sent"));
}

#[test]
fn two_runs_with_one_key_at_once_are_one_payment() {
    let place = Place::new();
    let daemon = granted(&place);
    let at = daemon.address.as_str();
    let _bob = Listening::start(&place, "bob", at, &[]);
    for (arguments, key) in [(["pay", "bob", "10"], "p"), (["send", "bob", "10"], "s")] {
        let before = blocks(&place, at);
        let runs: Vec<_> = (0..4)
            .map(|_| {
                let arguments = [&arguments[..], &["--idempotency-key", key, "--json"]].concat();
                let mut command = place.command("alice", at, &arguments);
                command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
            })
            .collect();
        let outputs = runs.into_iter().map(|run| run.wait_with_output().unwrap());
        let told: Vec<Value> = outputs
            .map(|output| {
                assert_eq!(output.status.code(), Some(0), "{output:?}");
                json(&String::from_utf8(output.stdout).unwrap())
            })
            .collect();
        assert!(told.iter().all(|told| told["index"] == before), "{told:?}");
        assert_eq!(blocks(&place, at), before + 1);
    }
    assert_eq!(balance(&place, "bob", at), "1020");
}

/// Counts the answers to each line.
fn answers(output: &str) -> Vec<u64> {
    let mut lines: Vec<u64> =
        output.lines().map(|line| line.split(' ').nth(1).unwrap().parse().unwrap()).collect();
    lines.sort_unstable();
    lines
}

#[test]
fn every_line_of_a_stream_has_exactly_one_answer_when_the_server_stays_away() {
    let place = Place::new();
    let daemon = granted(&place);
    let at = daemon.address.clone();
    let mut command = place.command("alice", &at, &["add", "--each", "--inflight=4", "--deadline=1", "-"]);
    let mut run = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut stdin = run.stdin.take().unwrap();
    let order = |n: u32| format!("{{\"operation_type\":\"buy\",\"stock_name\":\"A\",\"quantity\":{n}}}\n");
    stdin.write_all(order(1).as_bytes()).unwrap();
    while blocks(&place, &at) < 4 {
        std::thread::yield_now();
    }
    daemon.kill();
    for n in 2..=300 {
        stdin.write_all(order(n).as_bytes()).unwrap();
    }
    stdin.write_all(b"\n").unwrap();
    drop(stdin);
    let output = run.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(5), "{text}");
    assert_eq!(answers(&text), (1..=301).collect::<Vec<u64>>());
    let count = |word: &str| text.lines().filter(|line| line.starts_with(word)).count();
    // How many were under way when the deadline came, of the four that may be, is a matter of time.
    let under_way = count("unknown ");
    assert!((1..=4).contains(&under_way), "{text}");
    assert_eq!((count("ack "), count("unsent ")), (1, 300 - under_way), "{text}");

    // The same stream again goes on: what stands is not placed twice, and everything is answered.
    let daemon = Daemon::start(&place.data(), &at);
    let input: String = (1..=300).map(order).chain(["\n".to_owned()]).collect();
    let (code, text) = place.feed("alice", &at, &["add", "--each", "--json", "-"], &input);
    assert_eq!(code, Some(0));
    assert_eq!(place.status("bob", &at)["orders"], 300);
    let told: Vec<Value> = text.lines().map(json).collect();
    assert_eq!(told.len(), 301);
    assert!(told.iter().any(|told| *told == json(r#"{"line":301,"result":"blank"}"#)), "{text}");
    assert!(told.iter().any(|told| told["line"] == 1 && told["result"] == "duplicate"), "{text}");
    drop(daemon);
}

#[test]
fn a_line_that_is_no_order_is_answered_in_its_place_as_json() {
    let place = Place::new();
    let daemon = granted(&place);
    let at = daemon.address.as_str();
    let input = "{\"operation_type\":\"buy\",\"stock_name\":\"A\"}\nnonsense\n  \n";
    let (code, text) = place.feed("alice", at, &["--json", "add", "--each", "--inflight=1", "-"], input);
    assert_eq!(code, Some(3));
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with(r#"{"line":1,"result":"ack","index":3,"hash":""#), "{text}");
    assert_eq!(
        lines[1..],
        [r#"{"line":2,"result":"refused","name":"invalid_input"}"#, r#"{"line":3,"result":"blank"}"#]
    );
    let missing = Path::new("/nowhere");
    assert!(place.ends(2, "alice", at, &["add", "--each", missing.to_str().unwrap()]).contains("/nowhere"));
}

#[test]
fn a_stream_whose_answers_nobody_reads_stops_with_6_and_goes_on_when_it_is_given_again() {
    let place = Place::new();
    let daemon = granted(&place);
    let at = daemon.address.as_str();
    let file = path(&place, "orders.jsonl");
    let order = |n: u32| format!("{{\"operation_type\":\"buy\",\"stock_name\":\"A\",\"quantity\":{n}}}\n");
    std::fs::write(&file, (1..=20).map(order).collect::<String>()).unwrap();
    for stdout in [full(), closed()] {
        let output = unread(&place, "alice", at, &["add", "--each", &file], stdout);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(6), "{said}");
        assert!(said.contains("is written for line 1"), "{said}");
    }
    let text = place.done("alice", at, &["add", "--each", &file]);
    assert_eq!(answers(&text), (1..=20).collect::<Vec<u64>>());
    assert_eq!(place.status("bob", at)["orders"], 20);
}
