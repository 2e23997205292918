//! `ledgerctl audit --vault` with the real programs: a vault that is right, and one for each thing that can be wrong with it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ledgerd::chain::block_hash;
use ledgerd::crypto::random::Seeded;
use ledgerd::eventlog::{Disk, Storage};
use ledgerd::vault::{Key, Kind, Name, Position, SLOT_BYTES, Secret, VaultFile, VaultReader, read_kek};
use serde_json::Value;

use super::binaries::{Daemon, ORDERS, Place};

/// Bytes before the first slot.
const HEADERS_BYTES: usize = 8_192;

/// A stopped ledger: alice has said two profiles, bob one, and carol was erased after hers.
struct Desk {
    place: Place,
    /// The vault as it was before carol was erased, and the log.
    older: PathBuf,
}

fn copy(from: &Path, to: &Path) {
    assert!(std::process::Command::new("cp").arg("-aT").arg(from).arg(to).status().unwrap().success());
}

/// Every file below a directory, with its content.
fn image(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(image(&path));
        } else {
            files.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    files
}

impl Desk {
    fn new() -> Desk {
        let place = Place::new();
        let (data, older) = (place.data(), place.directory.path().join("older"));
        let daemon = Daemon::start(&data, "127.0.0.1:0");
        let at = daemon.address.clone();
        for member in ["alice", "bob", "carol"] {
            place.join(member, &at);
            place.done(member, &at, &["profile", "--name", member, "--e-mail", "a@example.org"]);
        }
        place.done("alice", &at, &["profile", "--name", "Alice"]);
        assert_eq!(daemon.terminate(), Some(0));
        copy(&data, &older);
        let daemon = Daemon::start(&data, "127.0.0.1:0");
        let at = daemon.address.clone();
        place.done("carol", &at, &["erase", "--confirm", "carol"]);
        assert_eq!(daemon.terminate(), Some(0));
        Desk { place, older }
    }

    fn data(&self) -> PathBuf {
        self.place.data()
    }

    fn slots(&self) -> PathBuf {
        self.data().join("vault/slots")
    }

    /// The audit as a person sees it, which changes nothing.
    fn said(&self) -> (Option<i32>, String) {
        let data = self.data();
        let before = image(&data);
        let output = self.place.run("auditor", "127.0.0.1:1", &["audit", data.to_str().unwrap(), "--vault"]);
        assert_eq!(image(&data), before, "an audit changes nothing");
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    }

    /// The names of what the audit finds, with the blocks that it names.
    fn found(&self) -> Vec<(String, Option<u64>)> {
        let data = self.data();
        let arguments = ["audit", data.to_str().unwrap(), "--vault", "--json"];
        let output = self.place.run("auditor", "127.0.0.1:1", &arguments);
        let said: Value = serde_json::from_slice(&output.stdout).unwrap();
        let findings = said["findings"].as_array().unwrap();
        assert_eq!(output.status.code(), Some(if findings.is_empty() { 0 } else { 65 }), "{said}");
        let name = |finding: &Value| finding["name"].as_str().unwrap().to_owned();
        findings.iter().map(|finding| (name(finding), finding["index"].as_u64())).collect()
    }

    /// Changes the bytes of the slots, audits, and puts them back.
    fn with_slots(&self, change: impl FnOnce(&mut Vec<u8>)) -> Vec<(String, Option<u64>)> {
        let good = fs::read(self.slots()).unwrap();
        let mut bytes = good.clone();
        change(&mut bytes);
        assert_ne!(bytes, good);
        fs::write(self.slots(), &bytes).unwrap();
        let found = self.found();
        fs::write(self.slots(), good).unwrap();
        found
    }

    /// Where the slot of an account's key begins.
    fn slot_of(&self, account: u64) -> usize {
        let vault = VaultReader::look(&Disk::new(&self.data())).unwrap().unwrap();
        let keys = vault.keys_of(account);
        assert_eq!(keys.len(), 1, "account {account}");
        vault.place_of(&keys[0]).1 as usize
    }

    /// Opens the vault as the daemon does, and puts an entry.
    fn put(&self, key: Key, payload: [u8; 32]) {
        let storage: Arc<dyn Storage> = Arc::new(Disk::new(&self.data()));
        let (ledger, _) =
            ledgerd::ledger::Ledger::open(&storage, ledgerd::eventlog::Options::default()).unwrap();
        let committed = ledger.committed();
        let position = Position { durable: committed.size, head: committed.head };
        let head_after =
            |blocks: u64| ledger.block(blocks.checked_sub(1)?).ok().flatten().map(|block| block_hash(&block));
        let kek = read_kek(storage.as_ref(), 1).unwrap().unwrap();
        let mut vault =
            VaultFile::open(&storage, ledger.ledger_id(), kek, committed.size, &head_after).unwrap();
        assert!(vault.make_room(1, 0).unwrap());
        vault.put(&[(key, Secret::Short(payload.into()))], position, &mut Seeded::new("audit")).unwrap();
        ledger.close().unwrap();
    }
}

fn finding(name: &str, index: impl Into<Option<u64>>) -> (String, Option<u64>) {
    (name.to_owned(), index.into())
}

#[test]
fn a_vault_that_is_right_is_counted_and_nothing_is_found_or_changed() {
    let desk = Desk::new();
    let (code, said) = desk.said();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("the vault has 2 secrets, at generation "), "{said}");
    assert!(said.contains("subject: 6 fields in 2 scopes live, 2 in 1 erased"), "{said}");
    let data = desk.data();
    let json = |more: &[&str]| -> Value {
        let arguments = [&["audit", data.to_str().unwrap(), "--json"], more].concat();
        serde_json::from_str(&desk.place.done("auditor", "127.0.0.1:1", &arguments)).unwrap()
    };
    let said = json(&["--vault"]);
    let expected = serde_json::json!([{
        "kind": "subject", "live_scopes": 2, "live_fields": 6, "erased_scopes": 1, "erased_fields": 2,
    }]);
    assert_eq!((&said["vault"]["entries"], &said["vault"]["sealed"]), (&2.into(), &expected));
    assert_eq!(json(&[])["vault"], Value::Null);
    // Nobody serves the ledger meanwhile: between a block and what it does to the vault nobody can judge.
    let daemon = Daemon::start(&data, "127.0.0.1:0");
    let told = desk.place.ends(75, "auditor", "127.0.0.1:1", &["audit", data.to_str().unwrap(), "--vault"]);
    assert!(told.contains("in use by process") && told.contains("stop ledgerd first"), "{told}");
    desk.place.done("auditor", "127.0.0.1:1", &["audit", data.to_str().unwrap()]);
    // After a kill the vault is as right as before, and not closed.
    daemon.kill();
    assert_eq!(desk.found(), []);
}

#[test]
fn keys_that_are_missing_or_survive_and_slots_that_rot_are_found_with_their_blocks() {
    let desk = Desk::new();
    let (alice, bob) = (desk.slot_of(1), desk.slot_of(2));
    let gone = desk.with_slots(|bytes| bytes[alice..alice + SLOT_BYTES].fill(0));
    assert_eq!(gone, [finding("key_missing", 2)]);
    // A slot that has rotted, or that is sealed under another key, has lost its key as well.
    let rotten = desk.with_slots(|bytes| bytes[bob + 60] ^= 1);
    assert_eq!(rotten, [finding("slot_damaged", None), finding("key_missing", 4)]);
    let twice = desk.with_slots(|bytes| {
        let slot = bytes[bob..bob + SLOT_BYTES].to_vec();
        let free = HEADERS_BYTES + 100 * SLOT_BYTES;
        bytes[free..free + SLOT_BYTES].copy_from_slice(&slot);
    });
    assert_eq!(twice, [finding("slot_damaged", None)]);
    let kek = desk.data().join("keys/vault-1");
    let good = fs::read(&kek).unwrap();
    fs::write(&kek, [9; 32]).unwrap();
    let other = ["slot_damaged", "slot_damaged", "key_missing", "key_missing"];
    assert_eq!(desk.found().into_iter().map(|(name, _)| name).collect::<Vec<_>>(), other);
    fs::write(&kek, good).unwrap();
    // The vault of before the erasure is put back.
    let newer = fs::read(desk.slots()).unwrap();
    copy(&desk.older.join("vault/slots"), &desk.slots());
    assert_eq!(desk.found(), [finding("key_survives", 8)]);
    fs::write(desk.slots(), newer).unwrap();
    assert_eq!(desk.found(), []);
    // An entry that no block names, in a vault that was not closed: the next start destroys it.
    let stranger = (Name { kind: Kind::ScopeKey, subject: 1, scope: [7; 16] }, 0);
    desk.put(stranger, [1; 32]);
    assert_eq!(desk.found(), [finding("key_survives", None)]);
    let (_, said) = desk.said();
    assert!(said.contains("no block speaks of it") && said.contains("not closed cleanly"), "{said}");
    let daemon = Daemon::start(&desk.data(), "127.0.0.1:0");
    assert_eq!(daemon.terminate(), Some(0));
    assert_eq!(desk.found(), []);
}

#[test]
fn a_field_that_does_not_open_with_the_key_in_the_vault_is_found_where_it_stands() {
    let desk = Desk::new();
    let vault = VaultReader::look(&Disk::new(&desk.data())).unwrap().unwrap();
    let key = vault.keys_of(1)[0];
    drop(vault);
    desk.put(key, [5; 32]);
    assert_eq!(desk.found(), [finding("seal_broken", 2)]);
    let (code, said) = desk.said();
    // The commitment and two fields of the first block, and two of the second.
    assert!(said.contains("committed itself to, nor do 4 further ones of the scope"), "{said}");
    assert!(code == Some(65) && said.contains("log/") && said.contains("DAMAGED"), "{said}");
}

#[test]
fn a_vault_that_is_not_of_this_log_or_has_no_key_is_said_to_be_so_and_nothing_else_is() {
    let desk = Desk::new();
    let (data, root) = (desk.data(), desk.place.directory.path());
    let kek = data.join("keys/vault-1");
    let good = fs::read(&kek).unwrap();
    fs::remove_file(&kek).unwrap();
    assert_eq!(desk.found(), [finding("vault_key_unusable", None)]);
    fs::write(&kek, &good[..31]).unwrap();
    assert_eq!(desk.found(), [finding("vault_key_unusable", None)]);
    let (_, said) = desk.said();
    assert!(said.contains("keys/vault-1: a key of the vault has 32 bytes"), "{said}");
    fs::write(&kek, good).unwrap();
    let damaged = desk.with_slots(|bytes| bytes[..HEADERS_BYTES].fill(7));
    assert_eq!(damaged, [finding("vault_damaged", None)]);
    // Another ledger's vault.
    let stranger = Place::new();
    let daemon = Daemon::start(&stranger.data(), "127.0.0.1:0");
    assert_eq!(daemon.terminate(), Some(0));
    let other = fs::read(stranger.data().join("vault/slots")).unwrap();
    assert_eq!(desk.with_slots(|bytes| *bytes = other), [finding("vault_mismatch", None)]);
    // A log that is older than its vault, and one with another history.
    let kept = root.join("kept");
    copy(&data, &kept);
    fs::remove_dir_all(data.join("log")).unwrap();
    copy(&desk.older.join("log"), &data.join("log"));
    copy(&desk.older.join("anchor"), &data.join("anchor"));
    copy(&desk.older.join("tree"), &data.join("tree"));
    assert_eq!(desk.found(), [finding("vault_ahead", None)]);
    copy(&desk.older.join("checkpoint"), &data.join("checkpoint"));
    let daemon = Daemon::start_with(&data, "127.0.0.1:0", &["--without-vault"]);
    let at = daemon.address.clone();
    desk.place.done("bob", &at, &["add", ORDERS]);
    assert_eq!(daemon.terminate(), Some(0));
    assert_eq!(desk.found(), [finding("vault_mismatch", None)]);
    fs::remove_dir_all(data.join("vault")).unwrap();
    assert_eq!(desk.found(), [finding("vault_missing", None)]);
    // A ledger in which nothing was ever sealed needs no vault.
    fs::remove_dir_all(stranger.data().join("vault")).unwrap();
    let said =
        stranger.done("auditor", "127.0.0.1:1", &["audit", stranger.data().to_str().unwrap(), "--vault"]);
    assert!(said.contains("intact"), "{said}");
}

#[test]
fn behind_damage_nothing_is_claimed_of_the_vault_and_tiles_have_none() {
    let desk = Desk::new();
    let data = desk.data();
    let tiles = desk.place.directory.path().join("tiles");
    let (ledger, out) = (data.to_str().unwrap(), tiles.to_str().unwrap());
    desk.place.done("auditor", "127.0.0.1:1", &["tiles", ledger, out, "--with-sealed"]);
    let told = desk.place.ends(2, "auditor", "127.0.0.1:1", &["audit", out, "--vault"]);
    assert!(told.contains("--vault is of a ledger's directory"), "{told}");
    let segment = data.join("log").join("00000000000000000000.seg");
    let mut bytes = fs::read(&segment).unwrap();
    let sealed = bytes.windows(5).position(|window| window == b"carol").unwrap();
    bytes[sealed] ^= 1;
    fs::write(&segment, bytes).unwrap();
    let arguments = ["audit", ledger, "--vault", "--json"];
    let output = desk.place.run("auditor", "127.0.0.1:1", &arguments);
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    let names = |list: &str| -> Vec<&str> {
        said[list].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect()
    };
    assert_eq!(output.status.code(), Some(65));
    assert!(names("findings").contains(&"frame_payload_checksum"), "{said}");
    assert!(names("warnings").contains(&"vault_unchecked"), "{said}");
    assert_eq!(said["vault"]["sealed"], Value::Null);
}
