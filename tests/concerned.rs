//! Receipts of blocks that somebody else has written and that concern a member: with the real binaries.

use serde_json::Value;

use super::binaries::Place;
use super::money::bank;

/// The index of the block that a command made.
fn index_of(place: &Place, member: &str, at: &str, arguments: &[&str]) -> String {
    let words = [arguments, &["--json"]].concat();
    let said: Value = serde_json::from_str(&place.done(member, at, &words)).unwrap();
    said["index"].to_string()
}

#[test]
fn whoever_alone_was_paid_can_prove_it_and_a_payroll_stays_its_payers() {
    let place = Place::new();
    let daemon = bank(&place);
    let at = &daemon.address;
    let vkey = place.done("alice", at, &["getKey", "--vkey"]);
    let proven_author = |member: &str, index: &str| {
        let receipt = place.done(member, at, &["receipt", index]);
        let file = place.directory.path().join(format!("{member}-{index}.receipt"));
        std::fs::write(&file, receipt).unwrap();
        let arguments = ["check-receipt", file.to_str().unwrap(), "--vkey", vkey.trim(), "--json"];
        let proven: Value = serde_json::from_str(&place.done("nobody", "127.0.0.1:1", &arguments)).unwrap();
        proven["author"]["handle"].as_str().unwrap().to_owned()
    };
    let refused = |member: &str, index: &str| {
        assert!(place.ends(3, member, at, &["receipt", index]).contains("no_such_block"), "{member} {index}");
    };

    let issued = index_of(&place, "bank", at, &["issue", "alice", "5"]);
    assert_eq!(proven_author("alice", &issued), "bank");
    refused("bob", &issued);

    let paid = index_of(&place, "alice", at, &["pay", "bob", "1"]);
    assert_eq!(
        (proven_author("alice", &paid), proven_author("bob", &paid)),
        ("alice".into(), "alice".into())
    );
    refused("bank", &paid);

    let file = place.directory.path().join("payroll.jsonl");
    std::fs::write(&file, "{\"to\":\"bob\",\"amount\":\"0.01\"}\n{\"to\":\"bank\",\"amount\":\"0.02\"}\n")
        .unwrap();
    let payroll = index_of(&place, "alice", at, &["pay", "--file", file.to_str().unwrap()]);
    assert_eq!(proven_author("alice", &payroll), "alice");
    for payee in ["bob", "bank"] {
        refused(payee, &payroll);
    }

    // A copy holds what concerns one if it is asked for, and a payroll of somebody else's never.
    let copied = |member: &str, more: &[&str]| -> Vec<String> {
        let text = place.done(member, at, &[&["copy", "--json"], more].concat());
        let blocks = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        blocks.map(|block| block["index"].to_string()).collect()
    };
    assert!(copied("bob", &[]).is_empty(), "bob has done nothing yet");
    let of_bob = copied("bob", &["--concerning"]);
    assert!(of_bob.contains(&paid) && !of_bob.contains(&payroll) && !of_bob.contains(&issued), "{of_bob:?}");
    assert_eq!(copied("alice", &[]), [paid.clone(), payroll.clone()]);

    let granted = index_of(&place, "bank", at, &["grant", "bob", "witness"]);
    assert_eq!(proven_author("bob", &granted), "bank");
    refused("alice", &granted);
}

#[test]
fn a_payroll_that_is_paid_apart_is_a_provable_block_for_each_and_goes_on_where_it_stopped() {
    let place = Place::new();
    let daemon = bank(&place);
    let at = &daemon.address;
    place.done("bank", at, &["issue", "alice", "1"]);
    let file = place.directory.path().join("payroll.jsonl");
    let lines = [
        "{\"to\":\"bob\",\"amount\":\"0.30\"}",
        "{\"to\":\"bank\",\"amount\":\"0.40\"}",
        "{\"to\":\"bob\",\"amount\":\"0.50\"}",
    ];
    std::fs::write(&file, lines.join("\n")).unwrap();
    let file = file.to_str().unwrap();

    let together = place.run("alice", at, &["pay", "--file", file]);
    assert!(String::from_utf8_lossy(&together.stderr).contains("payment 3: "), "all or nothing");
    let apart = place.run("alice", at, &["pay", "--file", file, "--apart", "--json"]);
    assert_eq!(apart.status.code(), Some(3));
    let said = String::from_utf8_lossy(&apart.stderr).into_owned();
    assert!(said.contains("2 of 3 payments stand") && said.contains("line 3"), "{said}");
    let paid: Vec<Value> = String::from_utf8(apart.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let to: Vec<&str> = paid.iter().map(|line| line["to_handle"].as_str().unwrap()).collect();
    assert_eq!(to, ["bob", "bank"]);
    // Each payee proves its own, and not the other's.
    let index = |n: usize| paid[n]["index"].to_string();
    place.done("bob", at, &["receipt", &index(0)]);
    place.done("bank", at, &["receipt", &index(1)]);
    place.ends(3, "bob", at, &["receipt", &index(1)]);

    place.done("bank", at, &["issue", "alice", "1"]);
    let rest = place.run("alice", at, &["pay", "--file", file, "--apart"]);
    let (told, noted) = (String::from_utf8_lossy(&rest.stdout), String::from_utf8_lossy(&rest.stderr));
    assert_eq!((rest.status.code(), told.lines().count()), (Some(0), 1), "{told}{noted}");
    assert!(told.contains("paid 0.50 USD to bob") && noted.contains("1 of 3 are left"), "{told}{noted}");
    assert!(place.ends(2, "alice", at, &["pay", "bob", "1", "--apart"]).contains("--file"));
}
