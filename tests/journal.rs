//! The journal with the real programs.

use serde_json::Value;

use super::binaries::{Daemon, Place};
use super::money::bank;

fn journal(place: &Place, member: &str, at: &str, more: &[&str]) -> Vec<Value> {
    let said = place.done(member, at, &[&["journal", "--json"], more].concat());
    said.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// How often a kind of thing happened to an account, by its name.
fn count(lines: &[Value], account: u64, name: &str) -> u64 {
    let wanted = lines.iter().filter(|line| line["account"] == account && line["name"] == name);
    wanted.map(|line| line["count"].as_u64().unwrap()).sum()
}

#[test]
fn an_operator_and_an_agent_see_who_asked_for_what_also_after_a_restart() {
    let place = Place::new();
    let daemon = bank(&place);
    let at = daemon.address.clone();
    place.done("alice", &at, &["balance"]);
    place.done("alice", &at, &["balance"]);
    place.ends(3, "alice", &at, &["pay", "bob", "1"]);
    assert!(place.ends(3, "alice", &at, &["journal"]).contains("no_permission"));
    let before = journal(&place, "bank", &at, &[]);
    assert!(count(&before, 2, "balance") >= 2, "{before:?}");
    assert_eq!(count(&before, 2, "insufficient_balance"), 1, "{before:?}");
    assert_eq!((count(&before, 2, "no_permission"), count(&before, 1, "journal")), (1, 1));
    assert!(count(&before, 2, "opened") + count(&before, 2, "resumed") >= 4);
    assert!(before.iter().all(|line| line["account"] != 2 || line["handle"] == "alice"));
    assert_eq!(daemon.terminate(), Some(0));

    let daemon = Daemon::start_with(&place.data(), &at, &["--no-second-factor"]);
    let after = journal(&place, "bank", &at, &[]);
    let kept = before.iter().filter(|line| line["account"] == 2 && line["kind"] == "refusal");
    assert!(kept.clone().count() >= 2 && kept.clone().all(|line| after.contains(line)), "{after:?}");
    let of_alice = journal(&place, "bank", &at, &["--account", "2"]);
    assert!(!of_alice.is_empty() && of_alice.iter().all(|line| line["account"] == 2));
    assert!(
        journal(&place, "bank", &at, &["--account", "2", "--since", "2020-01-01"]).len() >= of_alice.len()
    );
    assert_eq!(journal(&place, "bank", &at, &["--since", "2200-01-01"]), [Value::Null; 0]);
    let bad = place.ends(2, "bank", &at, &["journal", "--since", "yesterday"]);
    assert!(bad.contains("--since") && bad.contains("2026-01-31"), "{bad}");

    let output = place.run("bank", &at, &["journal", "--account=2"]);
    let (words, note) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(words.lines().any(|line| line.contains(" 2 alice  question  balance")), "{words}");
    assert!(note.contains("the server's word"), "{note}");
    place.done("bank", &at, &["grant", "bob", "agent"]);
    assert!(!journal(&place, "bob", &at, &["--account=1"]).is_empty());
    drop(daemon);
}

#[test]
fn a_journal_that_can_be_neither_written_nor_read_is_in_nobodys_way() {
    let place = Place::new();
    std::fs::create_dir(place.data()).unwrap();
    let daemon = bank(&place);
    let at = daemon.address.clone();
    assert_eq!(daemon.terminate(), Some(0));
    // What should be a directory is a file: there is nothing to be done about it.
    std::fs::remove_dir_all(place.data().join("journal")).unwrap();
    std::fs::write(place.data().join("journal"), "in the way").unwrap();
    let daemon = Daemon::start(&place.data(), &at);
    place.done("bank", &at, &["issue", "alice", "5"]);
    assert_eq!(place.done("alice", &at, &["balance"]), "5.00 USD\n");
    assert!(place.ends(3, "bank", &at, &["journal"]).contains("unreadable"));
    place.done("alice", &at, &["pay", "bob", "5"]);
    assert_eq!(daemon.terminate(), Some(0), "it ends in good order");
    assert_eq!(std::fs::read(place.data().join("journal")).unwrap(), b"in the way");
}
