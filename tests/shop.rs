//! The shop with the real programs: an operator opens it, a member consents to be its till, an agent keeps the stock.

use crate::binaries::{Daemon, Place};

/// What the demo and these tests load into the stock.
pub(crate) const CARDS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/cards.csv");

const NOBODY: &str = "127.0.0.1:1";

/// A ledger with the operator bank, the agent dora, and carl, on which nobody is asked for a second factor.
pub(crate) fn ledger(place: &Place) -> Daemon {
    let key = place.done("bank", NOBODY, &["keygen"]);
    let file = place.directory.path().join("operator.pem");
    std::fs::write(&file, key).unwrap();
    let more = [
        "--currency=USD",
        "--scale=2",
        "--opening-grant=10000",
        "--operator",
        file.to_str().unwrap(),
        "--no-second-factor",
    ];
    let daemon = Daemon::start_with(&place.data(), "127.0.0.1:0", &more);
    let at = daemon.address.as_str();
    for member in ["bank", "carl", "dora"] {
        place.done(member, at, &["getKey", "--accept-new"]);
        place.done(member, at, &["register", member]);
    }
    place.done("bank", at, &["grant", "dora", "agent"]);
    daemon
}

/// The name of the refusal and the exit code of a command that is refused.
pub(crate) fn refused(place: &Place, member: &str, at: &str, arguments: &[&str]) -> (String, Option<i32>) {
    let output = place.run(member, at, &[&["--json"], arguments].concat());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let error = said.lines().find(|line| line.starts_with("{\"error\":"));
    let error: serde_json::Value = serde_json::from_str(error.unwrap_or_else(|| panic!("{said}"))).unwrap();
    (error["error"]["name"].as_str().unwrap().to_owned(), output.status.code())
}

#[test]
fn a_shop_is_opened_with_the_consent_of_its_till_which_is_good_once() {
    let place = Place::new();
    let daemon = ledger(&place);
    let at = daemon.address.as_str();
    let refused = |member: &str, arguments: &[&str]| refused(&place, member, at, arguments);
    let rule = |name: &str| (name.to_owned(), Some(3));
    let usage = ("usage".to_owned(), Some(2));
    assert_eq!(refused("carl", &["shop", "catalogue"]), rule("no_shop"));
    assert_eq!(refused("dora", &["stock", "add", "Mew"]), rule("no_shop"));
    fn open<'a>(more: &[&'a str]) -> Vec<&'a str> {
        [&["shop", "open", "--till", "carl", "--agent-limit", "5"], more].concat()
    }
    assert_eq!(refused("bank", &open(&[])), rule("bad_consent"));
    let own = ["shop", "open", "--till", "dora"];
    assert_eq!(refused("bank", &own), rule("invalid_till"), "an agent");
    assert_eq!(refused("bank", &["shop", "open", "--till", "bank"]), rule("invalid_setting"));
    assert_eq!(refused("bank", &open(&["--setting", "colour=3"])), usage);
    assert_eq!(refused("bank", &open(&["--setting", "agent_limit=3"])), usage);

    let consent = place.done("carl", at, &["shop", "consent", "bank"]);
    assert!(consent.starts_with("-----BEGIN LEDGERD TILL CONSENT-----\n"), "{consent}");
    let file = place.directory.path().join("till.consent");
    std::fs::write(&file, &consent).unwrap();
    let with = ["--consent", file.to_str().unwrap()];
    assert_eq!(refused("dora", &open(&with)), usage, "made for another operator");
    let bad = ["--consent", CARDS];
    assert_eq!(refused("bank", &open(&bad)), usage, "no consent is in it");
    let told = place.run("bank", at, &open(&with));
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let said = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(said.contains("the shop is open, and carl (#2) is its till"), "{said}");
    let note = String::from_utf8_lossy(&told.stderr).into_owned();
    assert!(note.contains("every new account of this ledger receives 100.00 USD"), "{note}");
    // The same command again is that command: its id is the one that carl has signed for.
    assert_eq!(refused("bank", &open(&[&with[..], &["--setting", "ship_by=3"]].concat())), rule("conflict"));
    assert_eq!(refused("carl", &["erase", "--confirm", "carl"]), rule("is_till"));
    place.done("carl", at, &["shop", "leave-till"]);
    assert_eq!(refused("carl", &["shop", "leave-till"]), rule("no_permission"));
    place.done("bank", at, &["shop", "open", "--till", "bank", "--setting", "ship_by=3"]);
    let settings = place.done("carl", at, &["shop", "settings"]);
    assert!(settings.contains("ship_by") && settings.contains("5.00"), "{settings}");
}

#[test]
fn an_agent_keeps_the_stock_and_everybody_sees_what_is_sold() {
    let place = Place::new();
    let daemon = ledger(&place);
    let at = daemon.address.as_str();
    let refused = |member: &str, arguments: &[&str]| refused(&place, member, at, arguments);
    let rule = |name: &str| (name.to_owned(), Some(3));
    place.done("bank", at, &["shop", "open", "--till", "bank", "--agent-limit", "none"]);
    assert_eq!(refused("carl", &["stock", "add", "Mew"]), rule("no_permission"));
    assert_eq!(refused("carl", &["stock", "list"]), rule("no_permission"));
    let file = place.directory.path().join("more.jsonl");
    std::fs::write(&file, "{\"name\":\"Mew\",\"quantity\":1}\n{\"name\":\"MEW\",\"quantity\":1}\n").unwrap();
    let name = file.to_str().unwrap();
    let output = place.run("dora", at, &["stock", "load", name]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("more.jsonl: line 2, element 2 (MEW): an earlier line is of the same"), "{said}");
    let said = place.done("dora", at, &["stock", "load", CARDS, "--publish"]);
    assert!(said.contains("156 units of 10 items came in, and are on sale; items of the shop: 10"), "{said}");
    let list = place.done("carl", at, &["shop", "catalogue", "CATER"]);
    let row: Vec<&str> = list.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!((row, list.lines().count()), (vec!["1", "Caterpie", "9.00", "yes", "12"], 2));
    place.done("dora", at, &["stock", "unpublish", "caterpie", "2"]);
    let said = place.done("dora", at, &["stock", "out", "#1", "1", "--reason", "damaged"]);
    assert!(said.contains("1 of Caterpie taken out; not on sale: 1"), "{said}");
    assert_eq!(refused("dora", &["stock", "publish", "Caterpie", "2"]), rule("nothing_to_publish"));
    assert_eq!(refused("dora", &["stock", "publish", "Mewtwo"]), rule("invalid_item"));
    assert_eq!(refused("dora", &["stock", "add", "a\u{200b}"]), rule("invalid_name"));
    assert_eq!(refused("dora", &["stock", "add", " a"]), rule("invalid_name"));
    assert_eq!(refused("dora", &["stock", "in", "Caterpie", "0"]), ("usage".to_owned(), Some(2)));
    place.done("dora", at, &["stock", "add", "Mewtwo"]);
    place.done("dora", at, &["stock", "in", "Mewtwo", "1"]);
    assert_eq!(refused("dora", &["stock", "publish", "Mewtwo"]), rule("no_price"));
    let said = place.done("dora", at, &["stock", "publish", "mewtwo", "--price", "250"]);
    assert!(said.contains("1 of Mewtwo put on sale at 250.00 USD; on sale: 1"), "{said}");
    let list = place.done("dora", at, &["stock", "list", "caterpie"]);
    let row: Vec<&str> = list.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(row, ["1", "Caterpie", "9.00", "yes", "10", "1", "0", "0", "1", "12", "0"]);
    daemon.terminate();
    let audit = place.done("bank", NOBODY, &["audit", place.data().to_str().unwrap()]);
    assert!(audit.contains("intact"), "{audit}");
}
