//! Servers are known by what they are: one pin, one newest checkpoint and one serial for all the addresses of a server, and
//! a list of addresses of which any that answers will do.

mod relay;

use std::path::PathBuf;
use std::process::Command;

use ledgerd::client::{Addresses, Anonymous, ClientError, Home, Member, PATIENCE, Reopen};

use self::relay::{Leads, Relay, dead};
use crate::binaries::{DAEMON, Daemon, ORDERS, Place};

/// The lines of a home's `known_servers`.
fn known(place: &Place, home: &str) -> Vec<String> {
    let path = place.directory.path().join(home).join("known_servers");
    std::fs::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect()
}

/// The addresses in the only line of a home's `known_servers`.
fn addresses(place: &Place, home: &str) -> String {
    let lines = known(place, home);
    assert_eq!(lines.len(), 1, "{lines:?}");
    lines[0].split(' ').nth(5).unwrap().to_owned()
}

/// A copy of the ledger as it is, with its keys.
fn twin(place: &Place) -> PathBuf {
    let twin = place.directory.path().join("twin");
    assert!(Command::new("cp").arg("-a").arg(place.data()).arg(&twin).status().unwrap().success());
    twin
}

/// A ledger of its own, whose server has nothing to do with that of the place.
fn other(place: &Place) -> Daemon {
    Daemon::start(&place.directory.path().join("other"), "127.0.0.1:0")
}

fn list(addresses: &[&str]) -> String {
    addresses.join(",")
}

#[test]
fn a_server_that_is_found_at_a_further_address_needs_no_new_confirmation() {
    let place = Place::new();
    let daemon = Daemon::start(&place.data(), "127.0.0.1:0");
    let at = daemon.address.as_str();
    let door = Relay::to(at);
    assert!(place.ends(2, "alice", &door.address, &["whoami"]).contains("is not known"));
    place.join("alice", at);
    let said = place.ends(0, "alice", &door.address, &["whoami"]);
    let line = format!("{} serves the ledger that you know as {at}", door.address);
    assert_eq!(said.lines().filter(|said| said.starts_with(&line)).count(), 1, "{said}");
    assert_eq!(addresses(&place, "alice"), list(&[at, &door.address]));
    assert_eq!(place.ends(0, "alice", &door.address, &["whoami"]), "", "it is said once");
    let shown = place.done("alice", &door.address, &["whoami", "--json"]);
    assert!(shown.contains(&door.address), "the address in use: {shown}");
    // Whoever serves an unknown ledger stays unknown, and so does an address where nobody is.
    let other = other(&place);
    assert!(place.ends(2, "alice", &other.address, &["whoami"]).contains("is not known"));
    let nowhere = dead();
    let said = place.ends(4, "alice", &nowhere, &["whoami"]);
    assert!(said.contains("is not known") && said.contains("nobody listens there"), "{said}");
    assert_eq!(addresses(&place, "alice"), list(&[at, &door.address]));
}

#[test]
fn a_rollback_is_noticed_at_whichever_address_it_is_shown() {
    let place = Place::new();
    let daemon = Daemon::start(&place.data(), "127.0.0.1:0");
    let at = daemon.address.clone();
    place.join("alice", &at);
    assert_eq!(daemon.terminate(), Some(0));
    let older = Daemon::start(&twin(&place), "127.0.0.1:0");
    let _daemon = Daemon::start(&place.data(), &at);
    let door = Relay::to(&at);
    place.done("alice", &door.address, &["add", ORDERS]);
    place.done("alice", &door.address, &["checkpoint"]);
    let before = known(&place, "alice");
    // At an address that was not known, at one that was, and at the last of a list.
    door.leads(Leads::To(older.address.clone()));
    for server in [&older.address, &door.address, &list(&[&dead(), &door.address])] {
        let said = place.ends(65, "alice", server, &["add", ORDERS]);
        assert!(said.contains("ROLLBACK"), "{server}: {said}");
    }
    assert_eq!(known(&place, "alice"), before, "no address was added and no checkpoint was given up");
    // The other one is still the server that it was.
    place.done("alice", &at, &["copy"]);
}

#[test]
fn a_descriptor_that_is_older_than_the_one_seen_at_another_address_is_refused() {
    let place = Place::new();
    let daemon = Daemon::start(&place.data(), "127.0.0.1:0");
    let at = daemon.address.clone();
    place.join("alice", &at);
    assert_eq!(daemon.terminate(), Some(0));
    let older = Daemon::start(&twin(&place), "127.0.0.1:0");
    let rotated = Command::new(DAEMON).arg("--data").arg(place.data()).arg("--rotate-key").output().unwrap();
    assert!(rotated.status.success());
    let daemon = Daemon::start(&place.data(), "127.0.0.1:0");
    // Two descriptors in one list: the older one is refused whichever comes first.
    for servers in [[&daemon.address, &older.address], [&older.address, &daemon.address]] {
        let said = place.ends(65, "bob", &list(&servers.map(String::as_str)), &["getKey", "--accept-new"]);
        assert!(said.contains(&format!("the descriptor of {} is refused", older.address)), "{said}");
    }
    assert!(known(&place, "bob").is_empty());
    // The newer one is taken silently at a new address, and counts at the old one from then on.
    place.done("alice", &daemon.address, &["getKey"]);
    let door = Relay::to(&older.address);
    let said = place.ends(65, "alice", &door.address, &["whoami"]);
    assert!(said.contains(&format!("the descriptor of {} is refused", door.address)), "{said}");
    assert_eq!(addresses(&place, "alice"), list(&[&at, &daemon.address]));
}

#[test]
fn of_a_list_the_first_that_answers_is_taken() {
    let place = Place::new();
    let daemon = Daemon::start(&place.data(), "127.0.0.1:0");
    let at = daemon.address.clone();
    let (nowhere, door) = (dead(), Relay::to(&at));
    door.leads(Leads::Busy);
    let servers = list(&[&nowhere, &door.address, &at]);
    let said = place.ends(0, "alice", &servers, &["getKey", "--accept-new"]);
    for silent in [format!("{nowhere}: the connection was refused"), format!("{} is busy", door.address)] {
        let line = said.lines().find(|line| line.starts_with(&silent)).unwrap_or_else(|| panic!("{said}"));
        assert!(line.ends_with("left out"), "{line}");
    }
    assert_eq!(addresses(&place, "alice"), at, "the server was found nowhere else");
    assert_eq!(place.done("alice", &servers, &["register", "alice"]).trim(), "1");
    place.done("alice", &servers, &["add", ORDERS]);
    let said = place.ends(0, "alice", &servers, &["whoami"]);
    let one_line = said.lines().count() == 1 && said.trim_end().ends_with(&format!("answers at {at}"));
    assert!(one_line && said.contains(&nowhere) && said.contains("is busy"), "{said}");
    // One that was busy before is found as soon as it has room.
    door.leads(Leads::To(at.clone()));
    let said = place.ends(0, "alice", &servers, &["whoami"]);
    assert!(said.contains(&format!("{} serves the ledger that you know as {at}", door.address)), "{said}");
    assert_eq!(addresses(&place, "alice"), list(&[&at, &door.address]));
    let shown = place.done("alice", &servers, &["getKey", "--json"]);
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["server"], servers.as_str(), "as it was asked for");
    drop(daemon);
    door.leads(Leads::Busy);
    for command in ["whoami", "getKey", "checkpoint"] {
        let said = place.ends(4, "alice", &servers, &[command]);
        for silent in [&nowhere, &door.address, &at] {
            assert!(said.lines().any(|line| line.starts_with(&format!("  {silent}"))), "{command}: {said}");
        }
    }
    let said = place.ends(4, "alice", &door.address, &["whoami"]);
    assert!(said.contains(&format!("{} is busy", door.address)), "{said}");
}

#[test]
fn a_list_of_two_servers_is_refused_with_both_of_them() {
    let place = Place::new();
    let (daemon, other) = (Daemon::start(&place.data(), "127.0.0.1:0"), other(&place));
    let (at, there) = (daemon.address.clone(), other.address.clone());
    let fingerprint = |server: &str| {
        let found = place.done("everybody", server, &["getKey", "--accept-new"]);
        found.trim().to_owned()
    };
    let (ours, theirs) = (fingerprint(&at), fingerprint(&there));
    let refused = |home: &str, servers: &str, command: &[&str]| {
        let said = place.ends(65, home, servers, command);
        assert!(said.contains("NOT THOSE OF ONE SERVER"), "{said}");
        let lines = [format!("  {at}: {ours}"), format!("  {there}: {theirs}")];
        assert!(lines.iter().all(|named| said.lines().any(|line| line == named)), "{said}");
    };
    let both = list(&[&at, &there]);
    refused("alice", &both, &["getKey", "--accept-new"]);
    refused("alice", &both, &["getKey", "--fingerprint", &ours]);
    assert!(known(&place, "alice").is_empty(), "neither was pinned");
    // One is pinned, and the other one is met once the first does not answer.
    place.join("alice", &at);
    refused("alice", &both, &["getKey"]);
    drop(daemon);
    refused("alice", &both, &["whoami"]);
    refused("alice", &both, &["getKey"]);
    assert_eq!(addresses(&place, "alice"), at);
    // Both are pinned: nobody has to be asked.
    drop(other);
    for command in ["getKey", "whoami"] {
        refused("everybody", &list(&[&dead(), &at, &there]), &[command]);
    }
}

#[test]
fn an_address_that_leads_to_another_ledger_is_refused_although_another_one_of_the_list_would_do() {
    let place = Place::new();
    let daemon = Daemon::start(&place.data(), "127.0.0.1:0");
    let (at, door) = (daemon.address.clone(), Relay::to(&daemon.address));
    place.join("alice", &list(&[&door.address, &at]));
    assert_eq!(addresses(&place, "alice"), list(&[&door.address, &at]));
    let ours = place.done("alice", &at, &["getKey"]).trim().to_owned();
    let other = other(&place);
    let theirs = place.done("bob", &other.address, &["getKey", "--accept-new"]).trim().to_owned();
    door.leads(Leads::To(other.address.clone()));
    let before = known(&place, "alice");
    for servers in [door.address.clone(), list(&[&door.address, &at])] {
        for command in ["whoami", "getKey"] {
            let said = place.ends(65, "alice", &servers, &[command]);
            let changed = format!("THE SERVER AT {} IS NOT THE ONE THAT WAS PINNED", door.address);
            assert!(said.contains(&changed), "{said}");
            assert!(said.contains(&ours) && said.contains(&theirs), "{said}");
        }
    }
    assert_eq!(known(&place, "alice"), before);
    // The address is given up, and the server is still known at the other one.
    let said = place.ends(0, "alice", &at, &["forget", &door.address]);
    assert!(said.contains(&format!("still known at {at}")), "{said}");
    place.done("alice", &at, &["whoami"]);
    assert!(place.ends(2, "alice", &door.address, &["whoami"]).contains("is not known"));
    place.done("alice", &door.address, &["getKey", "--fingerprint", &theirs]);
    assert_eq!(known(&place, "alice").len(), 2, "a server of its own");
}

#[test]
fn a_channel_is_opened_again_at_another_address_and_stays_there() {
    let place = Place::new();
    let daemon = Daemon::start(&place.data(), "127.0.0.1:0");
    let (one, two) = (Relay::to(&daemon.address), Relay::to(&daemon.address));
    let servers = list(&[&one.address, &two.address]);
    place.join("alice", &servers);
    let home = Home::open(Some(&place.directory.path().join("alice"))).unwrap();
    let servers: Addresses = servers.parse().unwrap();
    let mut member = Member::open(&home, &servers, &mut |_| None).unwrap();
    let mut stranger = Anonymous::open(&home, &servers).unwrap();
    assert_eq!((member.server().address(), stranger.server().address()), (&*one.address, &*one.address));
    one.leads(Leads::Nowhere);
    for link in [&mut member as &mut dyn Reopen, &mut stranger] {
        assert!(link.newest_checkpoint().is_err_and(|error| error.is_away()));
        link.reopen(PATIENCE).unwrap();
        link.newest_checkpoint().unwrap();
    }
    assert_eq!((member.server().address(), stranger.server().address()), (&*two.address, &*two.address));
    // The first is there again, and nobody goes back to it without need.
    one.leads(Leads::To(daemon.address.clone()));
    member.reopen(PATIENCE).unwrap();
    assert_eq!(member.server().address(), two.address);
    two.leads(Leads::Nowhere);
    member.reopen(PATIENCE).unwrap();
    assert_eq!(member.server().address(), one.address);
    one.leads(Leads::Nowhere);
    match member.reopen(PATIENCE) {
        Err(ClientError::Unreachable(text)) => {
            assert!(text.contains(&one.address) && text.contains(&two.address), "{text}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_line_in_the_older_form_is_told_and_never_misread() {
    let place = Place::new();
    let daemon = Daemon::start(&place.data(), "127.0.0.1:0");
    let at = daemon.address.as_str();
    place.join("alice", at);
    let line = known(&place, "alice").remove(0);
    let fields: Vec<&str> = line.split(' ').collect();
    let pin = fields[..5].join(" ");
    let path = place.directory.path().join("alice/known_servers");
    let older = format!("# mine\n{at} {pin} {:08x}\n", crc32c::crc32c(pin.as_bytes()));
    std::fs::write(&path, &older).unwrap();
    let reference = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/cli.md")).unwrap();
    for command in [&["whoami"][..], &["getKey", "--accept-new"], &["forget", at]] {
        let said = place.ends(78, "alice", at, command);
        let line = format!("{}, line 2: a known server in an older form", path.display());
        assert!(said.contains(&line), "{said}");
        let expected = said.split("expected ").nth(1).unwrap().split(". Remove").next().unwrap();
        assert!(reference.lines().any(|line| line.trim() == expected), "docs/cli.md says otherwise: {said}");
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), older);
}

#[test]
fn what_is_no_list_of_addresses_is_a_mistake_at_the_keyboard() {
    let place = Place::new();
    for servers in ["nowhere", "a:1,", "a:1,b", "a:1 b:2", "a:1,,b:2"] {
        for command in ["whoami", "getKey", "checkpoint"] {
            let said = place.ends(2, "alice", servers, &[command]);
            assert!(said.contains("expected HOST:PORT"), "{servers}: {said}");
        }
        // What asks nobody does not mind.
        place.done("alice", servers, &["version"]);
    }
}
