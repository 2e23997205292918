//! `ledgerctl vault` with the real programs: a backup is made, the vault is lost, and what nobody has erased is readable again.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use ledgerd::eventlog::Disk;
use ledgerd::time::Timestamp;
use ledgerd::vault::{BackupHead, BackupKey, BackupReader, BackupWriter, VaultReader};
use serde_json::Value;

use super::binaries::{Daemon, ORDERS, Place};

const NOBODY: &str = "127.0.0.1:1";
const ANY: &str = "127.0.0.1:0";
const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

/// A stopped ledger with the profiles of alice and of carol, a backup of its vault, and the key of the backup in a file.
struct Desk {
    place: Place,
}

fn copy(from: &Path, to: &Path) {
    assert!(std::process::Command::new("cp").arg("-aT").arg(from).arg(to).status().unwrap().success());
}

impl Desk {
    fn new() -> Desk {
        let desk = Desk { place: Place::new() };
        desk.served(|at| {
            for member in ["alice", "carol"] {
                desk.place.join(member, at);
                let name = format!("{member} Canary");
                desk.place.done(member, at, &["profile", "--name", &name, "--e-mail", "canary@example.org"]);
            }
        });
        desk.vault(0, &["backup", &desk.data(), &desk.name("backup"), "--key-out", &desk.name("key")]);
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.place.directory.path().join(name)
    }

    fn name(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    fn data(&self) -> String {
        self.name("ledger")
    }

    /// Does something while the ledger is served.
    fn served(&self, work: impl FnOnce(&str)) {
        let daemon = Daemon::start(&self.place.data(), ANY);
        let at = daemon.address.clone();
        work(&at);
        assert_eq!(daemon.terminate(), Some(0));
    }

    /// Runs a command of `vault`, which has to end with this code; gives what it says and what it complains.
    fn vault(&self, code: i32, arguments: &[&str]) -> (String, String) {
        let output = self.place.run("operator", NOBODY, &[&["vault"], arguments].concat());
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let (out, err) = (text(output.stdout), text(output.stderr));
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {out}{err}");
        (out, err)
    }

    /// Puts a file of this name back, with this much more on the command line.
    fn restore(&self, code: i32, file: &str, more: &[&str]) -> String {
        let (data, file, key) = (self.data(), self.name(file), self.name("key"));
        let arguments = [&["restore", &data, &file, "--key-file", &key], more].concat();
        self.vault(code, &arguments).1
    }

    fn lose_the_vault(&self) {
        fs::remove_dir_all(self.place.data().join("vault")).unwrap();
        fs::remove_file(self.place.data().join("keys/vault-1")).unwrap();
    }

    /// What `profile` shows of a member.
    fn profile(&self, member: &str, at: &str) -> Value {
        serde_json::from_str(&self.place.done(member, at, &["profile", "--json"])).unwrap()
    }

    fn audit_is_clean(&self) {
        let said = self.place.done("operator", NOBODY, &["audit", &self.data(), "--vault"]);
        assert!(said.starts_with("intact"), "{said}");
    }

    /// The accounts of which the vault holds something.
    fn subjects(&self) -> Vec<u64> {
        let vault = VaultReader::look(&Disk::new(&self.place.data())).unwrap().unwrap();
        vault.keys().map(|(name, _)| name.subject).collect()
    }

    fn key(&self) -> BackupKey {
        BackupKey::parse(&fs::read_to_string(self.path("key")).unwrap()).unwrap()
    }

    /// Writes the backup anew under another head, as only somebody with the key can.
    fn with_head(&self, to: &str, change: impl FnOnce(BackupHead) -> BackupHead) {
        let (key, bytes) = (self.key(), fs::read(self.path("backup")).unwrap());
        let mut from = bytes.as_slice();
        let mut reader = BackupReader::begin(&key, &mut from).unwrap();
        let (head, mut out) = (change(*reader.head()), Vec::new());
        let mut writer = BackupWriter::begin(&head, &key, &mut out).unwrap();
        while let Some((name, secret)) = reader.entry().unwrap() {
            writer.entry(&name, &secret).unwrap();
        }
        writer.finish().unwrap();
        fs::write(self.path(to), out).unwrap();
    }
}

#[test]
fn a_lost_vault_comes_back_and_what_was_erased_meanwhile_stays_erased() {
    let desk = Desk::new();
    assert_eq!(desk.subjects(), [1, 2]);
    desk.served(|at| drop(desk.place.done("carol", at, &["erase", "--confirm", "carol"])));
    desk.lose_the_vault();
    let said = desk.restore(0, "backup", &[]);
    assert!(said.contains("1 secrets are in the vault again"), "{said}");
    assert!(said.contains("1 secrets were erased since and stay erased"), "{said}");
    assert_eq!(desk.subjects(), [1]);
    desk.audit_is_clean();
    desk.served(|at| {
        assert_eq!(desk.profile("alice", at)["name"], "alice Canary");
        assert!(desk.place.ends(5, "carol", at, &["profile"]).contains("key_ended"));
        // The scope goes on as before.
        desk.place.done("alice", at, &["profile", "--name", "Alice"]);
        assert_eq!(desk.profile("alice", at)["name"], "Alice");
    });
    // The key under which the vault lies is a new one, and nothing of the texts stands anywhere.
    let kek = desk.place.data().join("keys/vault-1");
    assert_eq!(fs::metadata(&kek).unwrap().permissions().mode() & 0o777, 0o600);
    for file in ["backup", "ledger/vault/slots", "ledger/vault/pages"] {
        let bytes = fs::read(desk.path(file)).unwrap();
        assert!(!bytes.windows(6).any(|window| window == b"Canary"), "{file}");
    }
}

#[test]
fn a_backup_is_for_its_owner_and_its_key_is_told_once() {
    let desk = Desk::new();
    for file in ["backup", "key"] {
        assert_eq!(fs::metadata(desk.path(file)).unwrap().permissions().mode() & 0o777, 0o600, "{file}");
    }
    // Neither file is ever replaced, and where one cannot be written the other is not left behind.
    let (data, second) = (desk.data(), desk.name("second"));
    let (_, told) = desk.vault(2, &["backup", &data, &desk.name("backup")]);
    assert!(told.contains("nothing is replaced"), "{told}");
    let (_, told) = desk.vault(2, &["backup", &data, &second, "--key-out", &desk.name("key")]);
    assert!(told.contains("nothing is replaced"), "{told}");
    assert!(desk.vault(2, &["backup", &data, "-"]).1.contains("a new file is needed"));
    assert!(!desk.path("second").exists());
    let (out, told) = desk.vault(0, &["backup", &data, &second]);
    assert!(told.contains("2 secrets, at block 5") && told.contains("shown this once"), "{told}");
    assert_eq!(out.trim().len(), 64);
    desk.lose_the_vault();
    // A person types it as it comes.
    fs::write(desk.path("typed"), out.trim().to_lowercase().replace('-', " ")).unwrap();
    desk.vault(0, &["restore", &data, &second, "--key-file", &desk.name("typed")]);
    desk.audit_is_clean();
    // Without a terminal somebody has to name the file of the key.
    let (_, told) = desk.vault(2, &["restore", &data, &second, "--replace"]);
    assert!(told.contains("--key-file"), "{told}");
    // Nobody serves the ledger meanwhile.
    desk.served(|_| {
        for arguments in
            [&["backup", &data, "third"][..], &["restore", &data, &second, "--key-file", &desk.name("typed")]]
        {
            let (_, told) = desk.vault(75, arguments);
            assert!(told.contains("in use by process") && told.contains("stop ledgerd first"), "{told}");
        }
    });
    let (_, told) = desk.vault(2, &["backup", &desk.name("nowhere"), "third"]);
    assert!(told.contains("nowhere"), "{told}");
    // A vault that was lost has no backup.
    desk.lose_the_vault();
    let (_, told) = desk.vault(65, &["backup", &data, &desk.name("fourth")]);
    assert!(told.contains("vault_missing") && !desk.path("fourth").exists(), "{told}");
}

#[test]
fn a_backup_that_does_not_fit_is_refused_and_changes_nothing() {
    let desk = Desk::new();
    let before = fs::read(desk.place.data().join("vault/slots")).unwrap();
    let refused = |code: i32, file: &str, more: &[&str], expected: &str| {
        let told = desk.restore(code, file, more);
        assert!(told.contains(expected), "{expected}: {told}");
        assert_eq!(fs::read(desk.place.data().join("vault/slots")).unwrap(), before, "{expected}");
    };
    refused(2, "backup", &[], "there is a vault already; --replace");
    // Another key, another file, another ledger.
    let key = fs::read(desk.path("key")).unwrap();
    fs::write(desk.path("key"), &*BackupKey::from_bytes([1; 32]).to_text()).unwrap();
    refused(2, "backup", &["--replace"], "made with another key");
    fs::write(desk.path("key"), "not a key").unwrap();
    refused(2, "backup", &["--replace"], "the key of a backup has 52 characters");
    fs::write(desk.path("key"), &key).unwrap();
    fs::write(desk.path("letter"), "Dear operator,").unwrap();
    refused(2, "letter", &["--replace"], "no backup of a vault");
    let other = Desk::new();
    fs::write(desk.path("other"), fs::read(other.path("backup")).unwrap()).unwrap();
    fs::write(desk.path("key"), fs::read(other.path("key")).unwrap()).unwrap();
    refused(2, "other", &["--replace", "--force"], "of another ledger");
    fs::write(desk.path("key"), &key).unwrap();
    // Cut off, and changed.
    let bytes = fs::read(desk.path("backup")).unwrap();
    for length in [9, 131, 132, 140, bytes.len() - 1] {
        fs::write(desk.path("cut"), &bytes[..length]).unwrap();
        refused(65, "cut", &["--replace"], "damaged");
    }
    for at in [60, 100, 127, 131, 150, bytes.len() - 1] {
        let mut changed = bytes.clone();
        changed[at] ^= 4;
        fs::write(desk.path("changed"), changed).unwrap();
        refused(65, "changed", &["--replace"], "damaged");
    }
    // Too old, by the setting that there is.
    let older = |days: u64| {
        move |head: BackupHead| BackupHead {
            made_at: Timestamp::from_millis(head.made_at.millis() - days * DAY_MS),
            ..head
        }
    };
    desk.with_head("old", older(31));
    refused(2, "old", &["--replace"], "31 days ago, which is more than vault_backup_days = 30; --force");
    desk.with_head("younger", older(3));
    fs::write(desk.path("ledger/ledgerd.toml"), "vault_backup_days = 2\n").unwrap();
    refused(2, "younger", &["--replace"], "vault_backup_days = 2");
    fs::write(desk.path("ledgerd.toml"), "vault_backup_days = 4\n").unwrap();
    desk.restore(0, "younger", &["--replace", "--config", &desk.name("ledgerd.toml")]);
    desk.restore(0, "old", &["--replace", "--force"]);
    desk.audit_is_clean();
}

#[test]
fn a_log_that_lacks_what_the_backup_has_seen_is_refused_and_a_bad_vault_can_be_replaced() {
    let desk = Desk::new();
    let data = desk.place.data();
    copy(&data, &desk.path("before"));
    desk.served(|at| drop(desk.place.done("alice", at, &["add", ORDERS])));
    let newer = desk.name("newer");
    fs::remove_file(desk.path("key")).unwrap();
    desk.vault(0, &["backup", &desk.data(), &newer, "--key-out", &desk.name("key")]);
    // The log is put back to before, and then goes on otherwise.
    fs::rename(&data, desk.path("after")).unwrap();
    copy(&desk.path("before"), &data);
    let told = desk.restore(65, "newer", &["--replace", "--force"]);
    assert!(told.contains("vault_ahead"), "{told}");
    desk.served(|at| assert_eq!(desk.place.join("bob", at), 3));
    let told = desk.restore(65, "newer", &["--replace", "--force"]);
    assert!(told.contains("vault_mismatch"), "{told}");
    fs::remove_dir_all(&data).unwrap();
    copy(&desk.path("after"), &data);
    // Somebody else's bytes in the place of the vault: it is told what is wrong, and goes when that is wanted.
    fs::write(data.join("vault/slots"), vec![7; 20_000]).unwrap();
    let told = desk.restore(2, "newer", &[]);
    assert!(told.contains("vault_damaged") && told.contains("--replace"), "{told}");
    let (_, told) = desk.vault(65, &["backup", &desk.data(), &desk.name("damaged")]);
    assert!(told.contains("vault_damaged"), "{told}");
    desk.restore(0, "newer", &["--replace"]);
    desk.audit_is_clean();
    desk.served(|at| assert_eq!(desk.profile("carol", at)["name"], "carol Canary"));
    // A damaged log is nobody's to put a vault beside.
    let segment = data.join("log/00000000000000000000.seg");
    let mut bytes = fs::read(&segment).unwrap();
    let at = bytes.windows(5).position(|window| window == b"carol").unwrap();
    bytes[at] ^= 1;
    fs::write(&segment, bytes).unwrap();
    let told = desk.restore(65, "newer", &["--replace"]);
    assert!(told.contains("frame_payload_checksum"), "{told}");
}
