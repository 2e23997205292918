//! Money, with the real binaries: an operator, two members, and what is refused.

use std::collections::BTreeMap;

use serde_json::Value;

use super::binaries::{Daemon, Place};

const NOBODY: &str = "127.0.0.1:1";

/// A ledger in dollars with an operator, who is called bank, and members with nothing.
pub(super) fn bank(place: &Place) -> Daemon {
    let pem = place.done("bank", NOBODY, &["keygen"]);
    let key = place.directory.path().join("operator.pem");
    std::fs::write(&key, pem).unwrap();
    let more = ["--currency=USD", "--scale=2", "--operator", key.to_str().unwrap()];
    let daemon = Daemon::start_with(&place.data(), "127.0.0.1:0", &more);
    for member in ["bank", "alice", "bob"] {
        place.join(member, &daemon.address);
    }
    daemon
}

pub(super) fn balance(place: &Place, member: &str, at: &str) -> u64 {
    let said: Value = serde_json::from_str(&place.done(member, at, &["balance", "--json"])).unwrap();
    said["balance_minor"].as_str().unwrap().parse().unwrap()
}

#[test]
fn money_is_issued_and_paid_and_every_statement_adds_up_after_a_restart() {
    let place = Place::new();
    let daemon = bank(&place);
    let at = daemon.address.clone();
    place.done("bank", &at, &["issue", "alice", "100"]);
    let line = place.done("alice", &at, &["pay", "bob", "12.50", "--memo", "lunch"]);
    assert!(line.ends_with(" paid 12.50 USD to bob (#3); balance 87.50 USD\n"), "{line}");
    let batch =
        "{\"to\":\"bob\",\"amount\":\"7.50\"}\n{\"to\":1,\"amount\":\"20\",\"memo\":\"a \\\"fee\\\"\"}\n";
    let (code, line) = place.feed("alice", &at, &["pay", "--file=-"], batch);
    assert_eq!(code, Some(0));
    assert!(line.contains("2 payments, 27.50 USD in all; balance 60.00 USD"), "{line}");
    assert_eq!(daemon.terminate(), Some(0));
    let daemon = Daemon::start(&place.data(), &at);
    assert_eq!(place.done("alice", &at, &["balance"]), "60.00 USD\n");
    assert_eq!(["bank", "alice", "bob"].map(|member| balance(&place, member, &at)), [2_000, 6_000, 2_000]);

    let lines = place.done("alice", &at, &["statement", "--json"]);
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let money = |line: &Value| {
        ["amount", "minor", "balance", "balance_minor"].map(|field| line[field].as_str().unwrap().to_owned())
    };
    let moves: Vec<[String; 4]> = lines.iter().map(money).collect();
    assert_eq!(
        moves,
        [
            ["100.00", "10000", "100.00", "10000"],
            ["-12.50", "-1250", "87.50", "8750"],
            ["-7.50", "-750", "80.00", "8000"],
            ["-20.00", "-2000", "60.00", "6000"],
        ]
    );
    assert_eq!((&lines[1]["handle"], &lines[1]["memo"]), (&Value::from("bob"), &Value::from("lunch")));
    let csv = place.done("bank", &at, &["statement", "--csv"]);
    assert!(csv.ends_with(",payment,2,alice,,20.00,20.00,\"a \"\"fee\"\"\"\n"), "{csv}");
    assert_eq!(place.done("alice", &at, &["statement", "--from", "2999-01-01"]), "");
    assert!(
        place
            .done("alice", &at, &["copy", "--json"])
            .contains("\"operation_type\":\"pay\",\"to\":3,\"amount\":\"12.50\",\"minor\":\"1250\"")
    );
    drop(daemon);
    let audited = place.done("nobody", NOBODY, &["audit", place.data().to_str().unwrap()]);
    assert!(audited.starts_with("intact"), "{audited}");
}

#[test]
fn what_is_refused_about_money_has_its_name_and_moves_nothing() {
    let place = Place::new();
    let daemon = bank(&place);
    let at = daemon.address.as_str();
    place.done("bank", at, &["issue", "alice", "1.00"]);
    for (code, words, arguments) in [
        (
            3,
            "insufficient_balance (210): payment 1: 1.00 USD is there, 1.01 USD is needed",
            &["pay", "bob", "1.01"][..],
        ),
        (3, "self_payment", &["pay", "alice", "1"]),
        (3, "invalid_user", &["pay", "carol", "1"]),
        (3, "invalid_user", &["pay", "#99", "1"]),
        (2, "written '#99'", &["pay", "99", "1"]),
        (3, "no_permission", &["issue", "alice", "1"]),
        (3, "no_permission", &["grant", "alice", "operator"]),
        (2, "negative_amount", &["pay", "bob", "--", "-1"]),
        (2, "zero_amount", &["pay", "bob", "0.00"]),
        (2, "at most 2 decimals", &["pay", "bob", "0.001"]),
        (2, "there is no role", &["grant", "bob", "king"]),
        (2, "pay USER AMOUNT", &["pay", "bob"]),
    ] {
        let complaint = place.ends(code, "alice", at, arguments);
        assert!(complaint.contains(words), "{arguments:?}: {complaint}");
    }
    assert_eq!((balance(&place, "alice", at), balance(&place, "bob", at)), (100, 0));
    place.done("bank", at, &["grant", "alice", "operator"]);
    place.done("alice", at, &["issue", "bob", "5"]);
    place.done("alice", at, &["revoke", "bank", "operator"]);
    assert!(place.ends(3, "bank", at, &["issue", "bob", "5"]).contains("no_permission"));
    assert!(place.ends(3, "alice", at, &["revoke", "alice", "operator"]).contains("last_operator"));
    let address = daemon.address.clone();
    assert_eq!(daemon.terminate(), Some(0));
    let mut command = std::process::Command::new(super::binaries::DAEMON);
    command.arg("--data").arg(place.data()).args(["--listen", &address, "--currency=EUR"]);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("currency = USD"));
}

#[test]
fn digits_alone_name_nobody_and_what_is_paid_says_to_whom() {
    let place = Place::new();
    let daemon = bank(&place);
    let at = daemon.address.as_str();
    place.done("bank", at, &["issue", "#2", "10"]);
    for arguments in [
        &["pay", "3", "1"][..],
        &["pay", "003", "1"],
        &["issue", "3", "1"],
        &["grant", "3", "operator"],
        &["revoke", "3", "operator"],
        &["send", "3", "1"],
        &["cheque", "3", "1"],
        &["pay", "3", "1", "--json"],
    ] {
        for member in ["bank", "alice"] {
            let complaint = place.ends(2, member, at, arguments);
            assert!(complaint.contains("'#3'"), "{arguments:?}: {complaint}");
        }
    }
    let (code, _) = place.feed("alice", at, &["pay", "--file=-"], "{\"to\":\"3\",\"amount\":\"1\"}\n");
    assert_eq!(code, Some(2), "a text of digits in a file");
    assert!(place.ends(2, "carol", at, &["register", "003"]).contains("at least one letter"));
    assert_eq!((balance(&place, "alice", at), balance(&place, "bob", at)), (1_000, 0));

    let json = |text: String| serde_json::from_str::<Value>(&text).unwrap();
    let whom = |said: &Value| (said["to"].as_u64().unwrap(), said["to_handle"].as_str().unwrap().to_owned());
    let paid = json(place.done("alice", at, &["pay", "#3", "5", "--json"]));
    assert_eq!(whom(&paid), (3, "bob".to_owned()));
    assert_eq!(whom(&json(place.done("bank", at, &["issue", "bob", "1", "--json"]))), (3, "bob".to_owned()));
    let lines = "{\"to\":3,\"amount\":\"1\"}\n{\"to\":\"#1\",\"amount\":\"1\"}\n";
    let (code, said) = place.feed("alice", at, &["pay", "--file=-", "--json"], lines);
    assert_eq!(code, Some(0));
    let all = json(said)["payments"].as_array().unwrap().iter().map(whom).collect::<Vec<_>>();
    assert_eq!(all, [(3, "bob".to_owned()), (1, "bank".to_owned())]);
    assert!(place.done("bank", at, &["grant", "BOB", "operator"]).contains("bob (#3) is operator"));
}

#[test]
fn what_is_printed_as_json_is_taken_back_as_the_same_amount() {
    let place = Place::new();
    let daemon = bank(&place);
    let at = daemon.address.as_str();
    let json = |text: String| serde_json::from_str::<Value>(&text).unwrap();
    let fields = |value: &Value, names: &[&str]| {
        let fields = names.iter().map(|name| (name.to_string(), value[*name].clone()));
        Value::Object(fields.collect()).to_string()
    };
    let pay = |line: &str| place.feed("alice", at, &["pay", "--file=-"], line).0;
    let issued = json(place.done("bank", at, &["issue", "alice", "100", "--json"]));
    assert_eq!([&issued["amount"], &issued["minor"], &issued["balance_minor"]], ["100.00", "10000", "10000"]);
    let paid = json(place.done("alice", at, &["pay", "bob", "5", "--json"]));
    for names in [&["to", "amount"][..], &["to", "minor"], &["to", "to_handle", "amount", "minor"]] {
        let before = balance(&place, "bob", at);
        assert_eq!(pay(&fields(&paid, names)), Some(0), "{names:?}");
        assert_eq!(balance(&place, "bob", at), before + 500, "{names:?}");
    }
    let exported = place.done("bob", at, &["export", "--format", "jsonl"]);
    let line = json(exported.lines().last().unwrap().to_owned());
    assert_eq!(
        pay(&fields(&line, &["to", "to_handle", "amount", "minor", "currency", "scale", "memo"])),
        Some(0)
    );
    let statement = place.done("bob", at, &["statement", "--json"]);
    let line = json(statement.lines().last().unwrap().to_owned());
    let amount = format!("{{\"to\":\"bob\",\"amount\":{},\"minor\":{}}}", line["amount"], line["minor"]);
    assert_eq!(pay(&amount), Some(0));
    let copied = json(place.done("alice", at, &["copy", "--json"]).lines().last().unwrap().to_owned());
    assert_eq!(pay(&fields(&copied["data"], &["to", "amount", "minor"])), Some(0));
    assert_eq!(balance(&place, "bob", at), 7 * 500);

    for bare in ["500", "5.0", "0.01"] {
        assert_eq!(pay(&format!("{{\"to\":\"bob\",\"amount\":{bare}}}")), Some(2), "{bare}");
    }
    let wrong = fields(&paid, &["to", "amount"]).replace("}", ",\"to_handle\":\"bank\"}");
    assert_eq!(pay(&wrong), Some(2), "another handle than the number's");
    assert_eq!(balance(&place, "bob", at), 7 * 500);
}

#[test]
fn a_bad_payment_of_a_file_is_named_by_its_line_also_when_the_ledger_refuses_it() {
    let place = Place::new();
    let daemon = bank(&place);
    let at = daemon.address.as_str();
    place.done("bank", at, &["issue", "alice", "1.00"]);
    let file = place.directory.path().join("payments.jsonl");
    for (code, line, words) in [
        (2, "[\"bob\",\"0.01\",\"x\"]", "line 3, element 2: invalid type: sequence"),
        (2, "{\"to\":\"bob\",\"amount\":5}", "line 3, element 2: field amount: a bare number"),
        (
            3,
            "{\"to\":\"carol\",\"amount\":\"0.01\"}",
            "line 3, element 2 (to carol, amount 0.01): there is no member",
        ),
        (
            3,
            "{\"to\":99,\"amount\":\"0.01\"}",
            "line 3, element 2 (to #99, amount 0.01): there is no account 99",
        ),
        (
            3,
            "{\"to\":\"alice\",\"amount\":\"0.01\"}",
            "line 3, element 2 (to alice, amount 0.01): payment 2: payer",
        ),
        (
            3,
            "{\"to\":\"bob\",\"amount\":\"1.00\"}",
            "line 3, element 2 (to bob, amount 1.00): payment 2: 1.00 USD is there, the payments up to this one need 1.01 USD",
        ),
    ] {
        std::fs::write(&file, format!("{{\"to\":\"bob\",\"amount\":\"0.01\"}}\n\n{line}\n")).unwrap();
        let complaint = place.ends(code, "alice", at, &["pay", "--file", file.to_str().unwrap()]);
        assert!(
            complaint.contains(words) && complaint.contains("payments.jsonl: line 3"),
            "{line}: {complaint}"
        );
    }
    assert_eq!((balance(&place, "alice", at), balance(&place, "bob", at)), (100, 0));
}

#[test]
fn payments_among_many_conserve_the_total_whatever_is_refused() {
    const MEMBERS: u64 = 4;
    let place = Place::new();
    let daemon = Daemon::start_with(&place.data(), "127.0.0.1:0", &["--opening-grant=1000"]);
    let at = daemon.address.as_str();
    let names = ["ann", "ben", "cyd", "dan"];
    names.iter().for_each(|name| assert!(place.join(name, at) <= MEMBERS));
    let mut seed = 0x9e37_79b9_7f4a_7c15u64;
    let mut choose = |below: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % below
    };
    let mut refused = BTreeMap::new();
    for _ in 0..12 {
        let payer = choose(MEMBERS) as usize;
        let lines: String = (0..1 + choose(300))
            .map(|_| {
                format!(
                    "{{\"to\":{},\"amount\":{}}}\n",
                    1 + (payer as u64 + 1 + choose(3)) % 4,
                    1 + choose(15)
                )
            })
            .collect();
        let (code, _) = place.feed(names[payer], at, &["pay", "--file=-"], &lines);
        *refused.entry(code).or_insert(0) += 1;
        let total: u64 = names.iter().map(|name| balance(&place, name, at)).sum();
        assert_eq!(total, 1_000 * MEMBERS);
    }
    assert!(refused.keys().all(|code| [Some(0), Some(3)].contains(code)), "{refused:?}");
}
