//! Purchases with the real programs: bought by one home, sent by another, with an address that only the two of them read.

use serde_json::Value;

use crate::binaries::{Daemon, Place};
use crate::shop::{CARDS, ledger, refused};

const NOBODY: &str = "127.0.0.1:1";

/// A ledger with a shop: bank is operator and till, dora the agent, carl a customer with 100.00.
pub(crate) fn with_a_shop(place: &Place) -> Daemon {
    let daemon = ledger(place);
    let at = daemon.address.as_str();
    place.done(
        "bank",
        at,
        &["shop", "open", "--till", "bank", "--agent-limit", "none", "--setting", "return_window=0"],
    );
    place.done("dora", at, &["stock", "load", CARDS, "--publish"]);
    daemon
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn a_customer_buys_and_an_agent_sends_and_each_reads_what_is_his() {
    let place = Place::new();
    let daemon = with_a_shop(&place);
    let at = daemon.address.as_str();
    let refused = |member: &str, arguments: &[&str]| refused(&place, member, at, arguments);
    let rule = |name: &str| (name.to_owned(), Some(3));
    assert_eq!(refused("carl", &["shop", "buy", "Missingno"]), rule("invalid_item"));
    assert_eq!(refused("carl", &["shop", "buy"]), ("usage".to_owned(), Some(2)));
    assert_eq!(refused("carl", &["shop", "buy", "Caterpie=0"]), ("usage".to_owned(), Some(2)));
    assert_eq!(refused("carl", &["shop", "buy", "caterpie=13"]), rule("out_of_stock"));
    assert_eq!(refused("carl", &["shop", "buy", "caterpie", "--max-price", "8.99"]), rule("price_changed"));
    assert_eq!(refused("carl", &["shop", "buy", "caterpie", "CATERPIE"]), rule("duplicate_item"));
    assert_eq!(refused("dora", &["shop", "buy", "caterpie"]), rule("no_permission"));
    assert_eq!(refused("bank", &["shop", "buy", "caterpie"]), rule("no_permission"));
    let said = place.done("carl", at, &["shop", "buy", "caterpie=2", "#2"]);
    assert!(said.contains("purchase 1: paid "), "{said}");
    let bought = json(&place.done("carl", at, &["--json", "shop", "purchase", "1"]));
    assert_eq!((&bought["state"], &bought["lines"][0]["bought"]), (&"paid".into(), &2.into()));
    let statement = place.done("carl", at, &["statement"]);
    assert!(
        statement.lines().last().unwrap().contains("purchase") && statement.contains("purchase 1"),
        "{statement}"
    );

    // What is another's is told as what is not there.
    place.join("eve", at);
    for purchase in ["1", "7"] {
        for words in [&["shop", "purchase", purchase][..], &["shop", "cancel", purchase]] {
            assert_eq!(refused("eve", words), rule("no_such_purchase"));
        }
    }
    assert_eq!(refused("eve", &["desk", "purchases"]), rule("no_permission"));
    assert_eq!(refused("eve", &["desk", "ship", "1"]), rule("no_permission"));
    assert_eq!(refused("dora", &["desk", "ship", "1"]), rule("wrong_state"));

    place.done("carl", at, &["shop", "cancel", "1", "#2"]);
    assert_eq!(refused("carl", &["shop", "cancel", "1", "#2"]), rule("nothing_to_cancel"));
    let address = place.directory.path().join("address.txt");
    std::fs::write(&address, "Carl Canary\n1 Quiet Lane\n").unwrap();
    let address = address.to_str().unwrap();
    assert_eq!(refused("carl", &["shop", "confirm", "1"]), ("usage".to_owned(), Some(2)));
    let with = ["shop", "confirm", "1", "--receipt", "--address-file", address];
    assert_eq!(refused("carl", &with), ("usage".to_owned(), Some(2)));
    let said = place.done("carl", at, &["shop", "confirm", "1", "--shipment", "--address-file", address]);
    assert!(said.contains("purchase 1 may be sent"), "{said}");
    assert_eq!(refused("carl", &["shop", "cancel", "1"]), rule("too_early"));
    let waiting = place.done("dora", at, &["desk", "purchases", "--state", "confirmed"]);
    assert!(waiting.contains("1  confirmed since") && waiting.contains("2 x Caterpie"), "{waiting}");
    let shown = place.done("dora", at, &["desk", "purchase", "1"]);
    assert!(shown.contains("address (block ") && shown.contains("    1 Quiet Lane"), "{shown}");
    let tracking = place.directory.path().join("tracking.txt");
    std::fs::write(&tracking, "RR 123 456\n").unwrap();
    place.done("dora", at, &["desk", "ship", "1", "--tracking-file", tracking.to_str().unwrap()]);
    assert_eq!(refused("dora", &["desk", "ship", "1"]), rule("wrong_state"));
    assert_eq!(refused("carl", &["shop", "missing", "1"]), rule("too_early"));
    assert_eq!(refused("dora", &["desk", "release", "1"]), rule("wrong_state"));
    let shown = json(&place.done("carl", at, &["--json", "shop", "purchase", "1"]));
    let texts: Vec<&str> =
        shown["texts"].as_array().unwrap().iter().map(|it| it["text"].as_str().unwrap()).collect();
    assert_eq!(texts, ["Carl Canary\n1 Quiet Lane", "RR 123 456"]);
    place.done("carl", at, &["shop", "confirm", "1", "--receipt"]);
    let said = place.done("dora", at, &["desk", "release", "1"]);
    assert!(said.contains("the till has received 18.00 USD for 1 purchases"), "{said}");
    assert_eq!(refused("dora", &["desk", "release", "1"]), rule("already_released"));
    let list = place.done("carl", at, &["shop", "purchases"]);
    assert!(list.starts_with("1  completed since"), "{list}");

    daemon.terminate();
    let data = place.data();
    let data = data.to_str().unwrap();
    let audit = place.done("bank", NOBODY, &["audit", "--vault", data]);
    assert!(audit.contains("intact"), "{audit}");
    let books = place.done("bank", NOBODY, &["export", data, "--format", "hledger"]);
    assert!(books.contains("escrow:purchase:1  -18.00 USD = 0.00 USD"), "{books}");
}

#[test]
fn a_customer_who_is_erased_by_force_receives_what_was_not_sent_back() {
    let place = Place::new();
    let daemon = with_a_shop(&place);
    let at = daemon.address.as_str();
    let refused = |member: &str, arguments: &[&str]| refused(&place, member, at, arguments);
    place.done("carl", at, &["shop", "buy", "caterpie"]);
    let address = place.directory.path().join("address.txt");
    std::fs::write(&address, "1 Quiet Lane").unwrap();
    let words = ["shop", "confirm", "1", "--shipment", "--address-file", address.to_str().unwrap()];
    place.done("carl", at, &words);
    let rule = |name: &str| (name.to_owned(), Some(3));
    assert_eq!(refused("carl", &["erase", "--confirm", "carl"]), rule("open_purchases"));
    assert_eq!(refused("bank", &["erase", "carl", "--reason", "law"]), rule("open_purchases"));
    place.done("bank", at, &["erase", "carl", "--reason", "law", "--force"]);
    let shown = json(&place.done("dora", at, &["--json", "shop", "purchase", "1"]));
    assert_eq!(
        (&shown["state"], &shown["held"], &shown["texts"]),
        (&"cancelled".into(), &"0.00".into(), &Value::Array(Vec::new()))
    );
    let list = place.done("dora", at, &["stock", "list", "caterpie"]);
    let row: Vec<&str> = list.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(row[4..7], ["12", "0", "0"], "{list}");
    daemon.terminate();
    let audit = place.done("bank", NOBODY, &["audit", "--vault", place.data().to_str().unwrap()]);
    assert!(audit.contains("intact"), "{audit}");
}
