//! Keys that come and end: at the service, where everybody says what he likes, and with the real programs and several homes.

use ledgerd::crypto::random::Seeded;
use ledgerd::crypto::{KeyKind, LedgerId, SigningKey};
use ledgerd::domain::accounts::{
    self, AddKey, Custody, EndKey, GrantRole, RevokeRole, RotateKey, key_proof_bytes,
};
use ledgerd::domain::payments::{self, Cheque, ChequeId, Pay, Payment, RevokeCheque, Settle};
use ledgerd::domain::{AccountId, Command, Rights, Role};
use ledgerd::limits::Limits;
use ledgerd::wire::{Accepted, Followed, Reply, Request};

use super::binaries::{Daemon, Place};
use super::forge::member_key;
use super::service_world::{Client, START_MS, World, refused};

const HERE: &str = "192.0.2.1";
const THERE: &str = "198.51.100.1";
const ELSEWHERE: &str = "203.0.113.1";

fn device(name: &str) -> SigningKey {
    SigningKey::generate(KeyKind::Ed25519, &mut Seeded::new(name))
}

fn proof(key: &SigningKey, ledger_id: LedgerId, member: usize) -> Vec<u8> {
    let signed = key_proof_bytes(ledger_id, AccountId(member as u64 + 1), &key.public().key_id());
    key.sign(&mut Seeded::new("proof"), &[&signed]).to_vec()
}

fn add(key: &SigningKey, rights: Rights, proof: Vec<u8>) -> Command {
    Command::Accounts(accounts::Command::AddKey(AddKey {
        spki: key.public().spki().to_vec(),
        custody: Custody::Device,
        rights,
        label: "device".to_owned(),
        proof,
        credential: None,
    }))
}

fn end(key: &SigningKey) -> Command {
    Command::Accounts(accounts::Command::EndKey(EndKey { key_id: key.public().key_id() }))
}

fn pay(to: usize) -> Command {
    let payment = Payment { to: AccountId(to as u64 + 1), amount: 1, memo: String::new() };
    Command::Payments(payments::Command::Pay(Pay { payments: vec![payment] }))
}

fn accepted(reply: Reply) -> Accepted {
    match reply {
        Reply::Accepted(accepted) => accepted,
        other => panic!("{other:?}"),
    }
}

/// A world whose member 0 has a device key, and a session of that member with its first key.
fn world_with_device(key: &SigningKey) -> (World, Client) {
    // Nobody here has a telephone.
    let mut world = World::new(Limits { second_factor: 0, ..Limits::default() }, |_| ());
    let mut first = world.member(HERE, 0);
    let proof = proof(key, world.ledger_id(), 0);
    let added = world.command(0, START_MS + 1_000, &add(key, Rights::Act, proof), true);
    accepted(world.submit(&mut first, &added));
    (world, first)
}

#[test]
fn a_device_key_opens_sessions_and_tickets_and_signs_over_any_session_of_its_account() {
    let key = device("phone");
    let (mut world, mut first) = world_with_device(&key);
    let mut phone = world.member_by(THERE, 0, &key);
    assert!(phone.is_open);
    let by_device = world.command_by(0, &key, &pay(1));
    accepted(world.submit(&mut phone, &by_device));
    let by_device = world.command_by(0, &key, &pay(1));
    accepted(world.submit(&mut first, &by_device));
    let by_first = world.command(0, START_MS + 1_000, &pay(1), true);
    accepted(world.submit(&mut phone, &by_first));
    let ticket = phone.ticket.take().unwrap();
    assert!(world.resume(ELSEWHERE, &ticket).is_open);
}

#[test]
fn the_sessions_the_tickets_and_the_follows_of_a_key_end_with_it_and_no_others() {
    let key = device("phone");
    let (mut world, mut first) = world_with_device(&key);
    let mut phone = world.member_by(THERE, 0, &key);
    let ticket = phone.ticket.clone().unwrap();
    world.send(&mut phone, 7, &Request::Follow { from: 5, of: Followed::Own });
    world.exchange(&mut phone);
    world.exchange(&mut phone);
    phone.replies.clear();

    let ended = world.command(0, START_MS + 1_000, &end(&key), true);
    accepted(world.submit(&mut first, &ended));
    world.exchange(&mut phone);
    let why = phone.replies.iter().find(|(id, _)| *id == 7).map(|(_, reply)| reply.clone());
    assert_eq!(refused(why.unwrap()), "key_ended");
    assert!(!phone.is_open && !world.holds(phone.id), "its session is closed");
    assert!(!world.resume(THERE, &ticket).is_open, "its ticket opens nothing");
    let again = world.member_by(THERE, 0, &key);
    assert!(!world.holds(again.id), "it opens nothing any more");
    assert!(first.is_open && world.holds(first.id), "the other key's session goes on");
    let by_first = world.command(0, START_MS + 1_000, &pay(1), true);
    accepted(world.submit(&mut first, &by_first));
}

#[test]
fn a_command_whose_key_ends_while_its_signature_is_checked_is_refused_and_told_so() {
    let key = device("phone");
    let (mut world, mut first) = world_with_device(&key);
    let mut phone = world.member_by(THERE, 0, &key);
    let late = world.command_by(0, &key, &pay(1));
    let ended = world.command(0, START_MS + 1_000, &end(&key), true);
    world.helpers_wait = true;
    world.send(&mut first, 1, &ended.request());
    world.send(&mut phone, 2, &late.request());
    // Both come in one turn, so that both are being checked when the first of them is decided.
    world.carry(&mut first);
    world.carry(&mut phone);
    world.turn();
    assert_eq!(world.jobs.len(), 2);
    world.helpers_wait = false;
    world.help();
    world.turn();
    world.turn();
    world.hear(&mut first);
    world.hear(&mut phone);
    accepted(first.replies.remove(0).1);
    let answer = phone.replies.iter().find(|(id, _)| *id == 2).map(|(_, reply)| reply.clone());
    assert_eq!(refused(answer.expect("its author is told")), "key_ended");
    assert!(!world.holds(phone.id), "then its session is closed");
}

#[test]
fn what_was_accepted_gets_its_receipt_again_whatever_became_of_its_key() {
    let key = device("phone");
    let (mut world, mut first) = world_with_device(&key);
    let mut phone = world.member_by(THERE, 0, &key);
    let paid = world.command_by(0, &key, &pay(1));
    let original = accepted(world.submit(&mut phone, &paid));
    let never_sent = world.command_by(0, &key, &pay(2));
    let ended = world.command(0, START_MS + 1_000, &end(&key), true);
    accepted(world.submit(&mut first, &ended));

    let again = accepted(world.submit(&mut first, &paid));
    assert_eq!((again.index, again.hash, again.duplicate), (original.index, original.hash, true));
    assert_eq!(refused(world.submit(&mut first, &never_sent)), "key_ended");
    assert_eq!(refused(world.submit(&mut first, &never_sent)), "key_ended", "and stays so");
}

#[test]
fn a_rotation_is_answered_on_the_session_of_the_key_that_ends_in_it() {
    let next = device("next");
    let mut world = World::new(Limits::default(), |_| ());
    let mut first = world.member(HERE, 0);
    let rotate = Command::Accounts(accounts::Command::RotateKey(RotateKey {
        spki: next.public().spki().to_vec(),
        custody: Custody::File,
        label: "next".to_owned(),
        proof: proof(&next, world.ledger_id(), 0),
        ends: member_key(0).public().key_id(),
        credential: None,
    }));
    let rotated = world.command(0, START_MS + 1_000, &rotate, true);
    let block = accepted(world.submit(&mut first, &rotated));
    world.exchange(&mut first);
    assert!(!world.holds(first.id));
    let mut second = world.member_by(HERE, 0, &next);
    let again = accepted(world.submit(&mut second, &rotated));
    assert_eq!(
        (again.index, again.duplicate),
        (block.index, true),
        "a lost answer is found with the new key"
    );
    // The new key has full rights.
    let grant = GrantRole { account: AccountId(2), role: Role::Witness };
    let granted = world.command_by(0, &next, &Command::Accounts(accounts::Command::GrantRole(grant)));
    accepted(world.submit(&mut second, &granted));
}

#[test]
fn a_new_key_proves_that_it_is_to_be_one_of_this_account_on_this_ledger() {
    let key = device("phone");
    let mut world = World::new(Limits::default(), |_| ());
    let mut first = world.member(HERE, 0);
    let ledger_id = world.ledger_id();
    let other = device("other");
    let stolen = {
        let signed = key_proof_bytes(ledger_id, AccountId(1), &key.public().key_id());
        other.sign(&mut Seeded::new("stolen"), &[&signed]).to_vec()
    };
    let proofs = [
        ("of another ledger", proof(&key, LedgerId([9; 32]), 0)),
        ("for another account", proof(&key, ledger_id, 1)),
        ("by another key", stolen),
        ("empty", Vec::new()),
        ("zeros", vec![0; 64]),
        ("as long as one of RSA", vec![0; 384]),
    ];
    for (what, proof) in proofs {
        let added = world.command(0, START_MS + 1_000, &add(&key, Rights::Act, proof), true);
        assert_eq!(refused(world.submit(&mut first, &added)), "bad_key_proof", "{what}");
    }
    let good = add(&key, Rights::Act, proof(&key, ledger_id, 0));
    let added = world.command(0, START_MS + 1_000, &good, true);
    accepted(world.submit(&mut first, &added));
}

#[test]
fn a_key_that_may_only_act_is_refused_what_needs_full_rights() {
    let key = device("phone");
    let (mut world, _first) = world_with_device(&key);
    let mut phone = world.member_by(THERE, 0, &key);
    let another = device("another");
    let another = add(&another, Rights::Act, proof(&another, world.ledger_id(), 0));
    let issue = Command::Payments(payments::Command::Issue(payments::Issue { to: AccountId(2), amount: 1 }));
    let grant = GrantRole { account: AccountId(2), role: Role::Witness };
    let grant = Command::Accounts(accounts::Command::GrantRole(grant));
    for command in [another, end(&key), issue, grant] {
        let signed = world.command_by(0, &key, &command);
        assert_eq!(refused(world.submit(&mut phone, &signed)), "no_permission", "{command:?}");
    }
}

#[test]
fn a_cheque_of_a_key_that_has_ended_is_refused_by_that_name() {
    let key = device("phone");
    let (mut world, mut first) = world_with_device(&key);
    let mut payee = world.member(THERE, 1);
    let cheque = |id: u8| Cheque {
        ledger_id: world.ledger_id(),
        payer: AccountId(1),
        key_id: key.public().key_id(),
        cheque_id: ChequeId([id; 16]),
        payee: AccountId(2),
        amount: 5,
        expires_ms: START_MS + 1_000_000,
        memo: String::new(),
    };
    let settle = |cheque: Cheque| {
        let signature = key.sign(&mut Seeded::new("cheque"), &[&cheque.encode()]).to_vec();
        Command::Payments(payments::Command::Settle(Settle { cheque, signature }))
    };
    let (before, after) = (settle(cheque(1)), settle(cheque(2)));
    let settled = world.command(1, START_MS + 1_000, &before, true);
    accepted(world.submit(&mut payee, &settled));
    let ended = world.command(0, START_MS + 1_000, &end(&key), true);
    accepted(world.submit(&mut first, &ended));
    let settled = world.command(1, START_MS + 1_000, &after, true);
    assert_eq!(refused(world.submit(&mut payee, &settled)), "key_ended");
    // Its payer can still take it back.
    let revoke = payments::Command::RevokeCheque(RevokeCheque { cheque_id: ChequeId([2; 16]) });
    let revoked = world.command(0, START_MS + 1_000, &Command::Payments(revoke), true);
    accepted(world.submit(&mut first, &revoked));
}

#[test]
fn granting_a_role_ends_nothing_and_taking_it_away_ends_every_session_of_the_account() {
    let key = device("phone");
    let (mut world, mut operator) = world_with_device(&key);
    let mut bob = world.member(THERE, 1);
    let ticket = bob.ticket.clone().unwrap();
    let grant = GrantRole { account: AccountId(2), role: Role::Auditor };
    let grant = Command::Accounts(accounts::Command::GrantRole(grant));
    let granted = world.command(0, START_MS + 1_000, &grant, true);
    accepted(world.submit(&mut operator, &granted));
    world.exchange(&mut bob);
    assert!(bob.is_open && world.holds(bob.id));
    assert!(world.resume(ELSEWHERE, &ticket).is_open);
    world.send(&mut bob, 7, &Request::Follow { from: 0, of: Followed::Readable });
    world.exchange(&mut bob);
    world.exchange(&mut bob);
    assert!(
        bob.replies.iter().any(|(id, reply)| *id == 7 && matches!(reply, Reply::Push(_))),
        "it reads all"
    );

    let revoke = RevokeRole { account: AccountId(2), role: Role::Auditor };
    let revoke = Command::Accounts(accounts::Command::RevokeRole(revoke));
    let revoked = world.command(0, START_MS + 1_000, &revoke, true);
    accepted(world.submit(&mut operator, &revoked));
    world.exchange(&mut bob);
    assert!(!world.holds(bob.id) && !world.resume(THERE, &ticket).is_open);
    assert!(world.holds(operator.id), "others stay");
    assert!(world.member(THERE, 1).is_open, "and it may come back");
}

/// Says what is asked for by name of the keys that `keys --json` lists.
fn keys(place: &Place, home: &str, address: &str) -> Vec<(String, String, bool)> {
    let text = place.done(home, address, &["--json", "keys"]);
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    let text = |key: &serde_json::Value, name: &str| key[name].as_str().unwrap().to_owned();
    let face = |key: &serde_json::Value| (text(key, "label"), text(key, "rights"), key["ended_at"].is_null());
    value["keys"].as_array().unwrap().iter().map(face).collect()
}

fn named(keys: &[(&str, &str, bool)]) -> Vec<(String, String, bool)> {
    keys.iter().map(|(label, rights, stands)| ((*label).to_owned(), (*rights).to_owned(), *stands)).collect()
}

/// A daemon, and a home `office` with account 1.
fn office(place: &Place) -> (Daemon, String) {
    let daemon = Daemon::start(&place.data(), "127.0.0.1:0");
    let address = daemon.address.clone();
    place.done("office", &address, &["getKey", "--accept-new"]);
    place.done("office", &address, &["register", "alice"]);
    (daemon, address)
}

#[test]
fn a_second_machine_is_added_by_a_request_and_taken_away_again() {
    let place = Place::new();
    let (_daemon, address) = office(&place);
    place.done("laptop", &address, &["getKey", "--accept-new"]);
    let request = place.done("laptop", &address, &["keys", "request", "#1"]);
    let file = place.directory.path().join("request");
    std::fs::write(&file, format!("Here it is:\n\n{request}\nBye")).unwrap();
    let file = file.to_str().unwrap();
    place.done("office", &address, &["keys", "add", "--request", file, "--device", "laptop"]);
    assert_eq!(keys(&place, "laptop", &address), named(&[("first", "full", true), ("laptop", "act", true)]));
    place.done("laptop", &address, &["add", super::binaries::ORDERS]);

    // It may act, and no more.
    let output = place.run("laptop", &address, &["keys", "end", "first"]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("no_permission"));

    place.done("office", &address, &["keys", "end", "laptop"]);
    let output = place.run("laptop", &address, &["whoami"]);
    assert_eq!(output.status.code(), Some(5), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("key_ended"), "{output:?}");
    assert_eq!(keys(&place, "office", &address)[1], ("laptop".to_owned(), "act".to_owned(), false));
}

#[test]
fn a_request_of_another_ledger_or_another_account_is_refused_before_anything_is_sent() {
    let (place, other) = (Place::new(), Place::new());
    let (_daemon, address) = office(&place);
    let (_other_daemon, elsewhere) = office(&other);
    place.done("laptop", &address, &["getKey", "--accept-new"]);
    let request = place.done("laptop", &address, &["keys", "request", "1"]);
    let for_two = {
        place.done("tablet", &address, &["getKey", "--accept-new"]);
        place.done("tablet", &address, &["keys", "request", "2"])
    };
    let damaged = request.replacen('A', "B", 1);
    let cases = [
        (&other, &elsewhere, request.as_str(), "other_ledger"),
        (&place, &address, for_two.as_str(), "for account 2"),
        (&place, &address, damaged.as_str(), "request"),
        (&place, &address, "nothing", "no key request"),
    ];
    for (place, address, text, words) in cases {
        let file = place.directory.path().join("request");
        std::fs::write(&file, text).unwrap();
        let output = place.run("office", address, &["keys", "add", "--request", file.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(2), "{words}: {output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(words), "{words}: {output:?}");
        assert_eq!(keys(place, "office", address).len(), 1, "{words}");
    }
}

#[test]
fn the_key_of_a_home_is_replaced_and_old_copies_open_nothing() {
    let place = Place::new();
    let (_daemon, address) = office(&place);
    let old = place.directory.path().join("office/key.pem");
    let copy = std::fs::read(&old).unwrap();
    place.done("office", &address, &["keys", "rotate"]);
    assert!(!old.exists(), "the old key is gone");
    place.done("office", &address, &["add", super::binaries::ORDERS]);
    let standing = keys(&place, "office", &address);
    assert_eq!((standing[0].2, standing[1].2, standing.len()), (false, true, 2));

    // A copy of the old key in another home.
    place.done("copy", &address, &["getKey", "--accept-new"]);
    std::fs::write(place.directory.path().join("copy/key.pem"), copy).unwrap();
    let output = place.run("copy", &address, &["whoami"]);
    assert_eq!(output.status.code(), Some(5), "{output:?}");
}

#[test]
fn a_spare_key_brings_the_account_back_when_everything_else_is_lost() {
    let place = Place::new();
    let (_daemon, address) = office(&place);
    place.done("office", &address, &["keys", "add"]);
    let folder = place.directory.path().join("office/keys");
    let spare = std::fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
    place.done("new", &address, &["getKey", "--accept-new"]);
    std::fs::copy(spare, place.directory.path().join("new/key.pem")).unwrap();
    place.done("new", &address, &["keys", "end", "first"]);
    place.done("new", &address, &["add", super::binaries::ORDERS]);
    assert_eq!(place.run("office", &address, &["whoami"]).status.code(), Some(5));
}

#[test]
fn a_device_key_signs_what_is_done_every_day_and_its_receipts_prove_whose_it_is() {
    let place = Place::new();
    let (_daemon, address) = office(&place);
    place.done("office", &address, &["keys", "add", "--device", "desk"]);
    place.done("office", &address, &["add", super::binaries::ORDERS]);
    let receipt = place.done("office", &address, &["receipt", "3"]);
    let file = place.directory.path().join("receipt");
    std::fs::write(&file, &receipt).unwrap();
    let vkey = place.done("office", &address, &["getKey", "--vkey"]);
    let proven = place.done(
        "stranger",
        &address,
        &["--json", "check-receipt", file.to_str().unwrap(), "--vkey", vkey.trim()],
    );
    let proven: serde_json::Value = serde_json::from_str(&proven).unwrap();
    let listed = place.done("office", &address, &["--json", "keys"]);
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(proven["author"]["key_id"], listed["keys"][1]["key_id"]);
    assert_eq!(proven["author"]["handle"], "alice");

    // What needs full rights is signed with the first key, without a word.
    place.done("office", &address, &["keys", "end", "desk"]);
    place.done("office", &address, &["add", super::binaries::ORDERS]);
}

#[test]
fn a_passphrase_protects_every_key_of_a_home() {
    let place = Place::new();
    let daemon = Daemon::start(&place.data(), "127.0.0.1:0");
    let address = daemon.address.clone();
    let file = |name: &str, text: &str| {
        let path = place.directory.path().join(name);
        std::fs::write(&path, format!("{text}\n")).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (old, new) = (file("old", "horse"), file("new", "battery"));
    let with = |passphrase: &str, arguments: &[&str]| {
        let arguments = [&["--passphrase-file", passphrase], arguments].concat();
        place.run("safe", &address, &arguments).status.code()
    };
    assert_eq!(with(&old, &["getKey", "--accept-new"]), Some(0));
    assert_eq!(with(&old, &["register", "alice"]), Some(0));
    assert_eq!(with(&new, &["keys", "add", "--device", "desk"]), Some(2), "it does not open the first key");
    assert_eq!(with(&old, &["keys", "add", "--device", "desk"]), Some(0));
    assert_eq!(with(&old, &["keys", "rotate"]), Some(0));
    let folder = place.directory.path().join("safe/keys");
    let pems = || -> Vec<String> {
        let files = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
        files.map(|path| std::fs::read_to_string(path).unwrap()).collect()
    };
    assert_eq!(pems().len(), 2);
    assert!(pems().iter().all(|pem| pem.contains("ENCRYPTED")));
    assert_eq!(with(&old, &["passphrase", "--new-file", &new]), Some(0));
    assert_eq!((with(&old, &["whoami"]), with(&new, &["whoami"])), (Some(2), Some(0)));
    assert_eq!(with(&new, &["passphrase", "--remove"]), Some(0));
    assert!(pems().iter().all(|pem| !pem.contains("ENCRYPTED")));
    // What names the account is lost, and the keys are not: it is found again.
    std::fs::remove_dir_all(place.directory.path().join("safe/accounts")).unwrap();
    place.done("safe", &address, &["add", super::binaries::ORDERS]);
}
