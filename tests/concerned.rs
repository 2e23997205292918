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

    let granted = index_of(&place, "bank", at, &["grant", "bob", "witness"]);
    assert_eq!(proven_author("bob", &granted), "bank");
    refused("alice", &granted);
}
