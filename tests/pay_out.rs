//! Paying out what an erased account has, with the real binaries, on a ledger that has stood for more than thirty days.

use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use ledgerd::chain::{CommandId, Header, Message};
use ledgerd::crypto::{SigningKey, random};
use ledgerd::daemon::{DataDirectory, Founding};
use ledgerd::domain::accounts::{self, Erase, EraseReason, Register};
use ledgerd::domain::payments::Currency;
use ledgerd::domain::{AccountId, Command, Settings};
use ledgerd::eventlog::{Disk, Options, Storage};
use ledgerd::ledger::Ledger;
use ledgerd::time::Timestamp;
use serde_json::Value;

use super::binaries::{Daemon, Place};

pub(super) const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
const NOBODY: &str = "127.0.0.1:1";

/// Makes a ledger of this many days ago, with an operator called bank and two members, bob and dave, who were erased when they
/// had a grant: bob a day after the beginning, dave now.
fn made_days_ago(place: &Place, days: u64) {
    let [bank, bob, dave] = ["bank", "bob", "dave"].map(|member| key_of(place, member));
    let operator = Some(bank.public().key_id());
    let currency = Currency { name: "USD".to_owned(), scale: 2 };
    let settings = Settings { opening_grant: 10_000, operator, currency };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
    let begun = now - days * DAY_MS;
    let options = Options { segment_bytes: 64 << 10, ..Options::default() };
    let origin = Some("ledger.example/old");
    let founding = Founding {
        origin,
        options,
        now: Timestamp::from_millis(begun),
        settings: &settings,
        passwords: None,
    };
    drop(DataDirectory::open_or_create(&place.data(), &founding, &mut random::os()).unwrap());

    let mut ledger = open(&place.data());
    for (key, handle) in [(&bank, "bank"), (&bob, "bob"), (&dave, "dave")] {
        let register = Register { handle: handle.to_owned(), public_key: key.public().spki().to_vec() };
        let command = Command::Accounts(accounts::Command::Register(register));
        add(&mut ledger, AccountId::NONE, key, command, begun);
    }
    for (account, at) in [(2, begun + DAY_MS), (3, now - 1_000)] {
        let erase = Erase { account: AccountId(account), reason: EraseReason::Law, force: true };
        add(&mut ledger, AccountId(1), &bank, Command::Accounts(accounts::Command::Erase(erase)), at);
    }
    ledger.close().unwrap();
}

/// The key that a member's home makes before there is a ledger.
pub(super) fn key_of(place: &Place, member: &str) -> SigningKey {
    place.done(member, NOBODY, &["keygen"]);
    let pem = std::fs::read_to_string(place.directory.path().join(member).join("key.pem")).unwrap();
    SigningKey::from_pkcs8_pem(&pem, None).unwrap()
}

pub(super) fn open(data: &Path) -> Ledger {
    let storage: Arc<dyn Storage> = Arc::new(Disk::new(data));
    Ledger::open(&storage, Options { segment_bytes: 64 << 10, ..Options::default() }).unwrap().0
}

/// Puts a signed command into the ledger, in a block of this time.
pub(super) fn add(ledger: &mut Ledger, author: AccountId, key: &SigningKey, command: Command, at_ms: u64) {
    let (tag, body) = command.encode();
    let header = Header {
        ledger_id: ledger.ledger_id(),
        account: author,
        key_id: key.public().key_id(),
        command_id: CommandId(random::bytes(&mut random::os())),
        issued_at: at_ms,
        tag,
    };
    let message = header.message(&body);
    let signature = key.sign(&mut random::os(), &[&message]);
    let parsed = Message::parse(&message).unwrap();
    ledger.propose(parsed, &signature, command, Timestamp::from_millis(at_ms)).unwrap();
    ledger.commit(&mut random::os()).unwrap();
}

/// Such a ledger of forty days ago, served, with alice as a member of today.
pub(super) fn old_ledger(place: &Place) -> Daemon {
    made_days_ago(place, 40);
    let daemon = Daemon::start_with(&place.data(), "127.0.0.1:0", &["--no-second-factor"]);
    place.join("alice", &daemon.address);
    place.done("bank", &daemon.address, &["getKey", "--accept-new"]);
    daemon
}

/// The words of a pay-out.
fn pay_out<'a>(account: &'a str, to: &'a str, amount: &'a str) -> [&'a str; 8] {
    ["pay-out", account, "--to", to, "--amount", amount, "--reason", "heirs"]
}

#[test]
fn an_operator_pays_out_what_an_erased_account_has_and_everybody_sees_it_where_they_look() {
    let place = Place::new();
    let daemon = old_ledger(&place);
    let at = daemon.address.clone();
    let audit = ["audit", place.data().to_str().unwrap()].map(str::to_owned);
    let audited = || place.done("bank", NOBODY, &audit.each_ref().map(String::as_str));
    let stranded =
        "stranded: the erased account 2 has 100.00 USD\nstranded: the erased account 3 has 100.00 USD\n";
    assert!(audited().ends_with(stranded), "{}", audited());

    for (name, arguments) in [
        ("no_permission", pay_out("bob", "alice", "1")),
        ("invalid_user", pay_out("nobody", "alice", "1")),
        ("invalid_user", pay_out("#9", "alice", "1")),
    ] {
        let member = if name == "no_permission" { "alice" } else { "bank" };
        let complaint = place.ends(3, member, &at, &arguments);
        assert!(complaint.contains(name), "{arguments:?}: {complaint}");
    }
    for (name, arguments) in [
        ("erased", pay_out("bob", "dave", "1")),
        ("not_erased", pay_out("alice", "bank", "1")),
        ("too_early", pay_out("dave", "alice", "1")),
        ("insufficient_balance", pay_out("bob", "alice", "100.01")),
    ] {
        let complaint = place.ends(3, "bank", &at, &arguments);
        assert!(complaint.contains(name), "{arguments:?}: {complaint}");
    }
    let words = pay_out("bob", "alice", "0");
    assert!(place.ends(2, "bank", &at, &words).contains("amount: zero_amount"));
    let unknown = ["pay-out", "bob", "--to", "alice", "--amount", "1", "--reason", "greed"];
    assert!(place.ends(2, "bank", &at, &unknown).contains("expected one of: heirs, owner_request, law"));

    let line = place.done("bank", &at, &pay_out("bob", "alice", "60"));
    let end = " paid out 60.00 USD of bob (#2) to alice (#4); balance 160.00 USD\n";
    assert!(line.ends_with(end), "{line}");
    let said = place.done("bank", &at, &[&pay_out("#2", "#4", "0.50")[..], &["--json"]].concat());
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(["account", "to"].map(|field| said[field].as_u64()), [Some(2), Some(4)]);
    assert_eq!(
        ["handle", "to_handle", "reason"].map(|field| said[field].as_str().unwrap()),
        ["bob", "alice", "heirs"]
    );

    // The receiver has lines in the statement and blocks that can be proven.
    let lines = place.done("alice", &at, &["statement", "--json"]);
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let paid: Vec<&Value> = lines.iter().filter(|line| line["movement"] == "pay_out").collect();
    assert_eq!(paid.len(), 2);
    assert_eq!((&paid[0]["counterparty"], &paid[0]["handle"]), (&2.into(), &"bob".into()));
    assert_eq!((&paid[0]["amount"], &paid[1]["balance"]), (&"60.00".into(), &"160.50".into()));
    place.done("alice", &at, &["receipt", &paid[0]["index"].to_string()]);
    let journal = place.done("alice", &at, &["export", "--format", "hledger"]);
    assert!(
        journal.contains(
            ") pay_out\n    members:2:bob  -60.00 USD\n    members:4:alice  60.00 USD = 160.00 USD"
        )
    );

    drop(daemon);
    let left =
        "stranded: the erased account 2 has 39.50 USD\nstranded: the erased account 3 has 100.00 USD\n";
    assert!(audited().starts_with("intact") && audited().ends_with(left), "{}", audited());
    let books = place.done("bank", NOBODY, &["export", place.data().to_str().unwrap(), "--format", "csv"]);
    assert!(books.contains(",pay_out,2,bob,39.50,4,alice,160.50,0.50,USD,"), "{books}");
}
