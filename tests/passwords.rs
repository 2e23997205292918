//! Joining and logging in with the real programs: from any machine, after crashes, and where the server has lost or put back what
//! it keeps.

use std::fs;
use std::path::{Path, PathBuf};

use ledgerd::client::Home;
use ledgerd::crypto::random::Seeded;
use ledgerd::password::ServerSetup;
use serde_json::Value;

use crate::binaries::{DAEMON, Daemon, Place};

pub(crate) const E_MAIL: &str = "canary@example.org";
const ANY: &str = "127.0.0.1:0";
/// The least that a client accepts: the tests stretch many passwords.
const CHEAP: [&str; 2] = ["--password-cost", "19456,2,1"];
const FIRST: &str = "first canary password";
const SECOND: &str = "second canary password";

/// A place with files that hold passwords, each of which has the name of its file.
pub(crate) struct World {
    pub(crate) place: Place,
    daemon: Option<Daemon>,
    at: String,
    fingerprint: String,
}

impl World {
    pub(crate) fn new() -> World {
        let place = Place::new();
        let daemon = Daemon::start_with(&place.data(), ANY, &CHEAP);
        let at = daemon.address.clone();
        let output =
            std::process::Command::new(DAEMON).arg("--data").arg(place.data()).arg("--fingerprint").output();
        let fingerprint = String::from_utf8(output.unwrap().stdout).unwrap().trim().to_owned();
        let world = World { place, daemon: Some(daemon), at, fingerprint };
        for (name, text) in
            [("first", FIRST), ("second", SECOND), ("wrong", "no such password"), ("pp", "pass")]
        {
            fs::write(world.path(name), format!("{text}\n")).unwrap();
        }
        world
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.place.directory.path().join(name)
    }

    pub(crate) fn file(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// A home that knows the server.
    pub(crate) fn home(&self, home: &str) {
        self.place.done(home, &self.at, &["getKey", "--fingerprint", &self.fingerprint]);
    }

    pub(crate) fn done(&self, home: &str, arguments: &[&str]) -> String {
        self.place.done(home, &self.at, arguments)
    }

    pub(crate) fn ends(&self, code: i32, home: &str, arguments: &[&str]) -> String {
        self.place.ends(code, home, &self.at, arguments)
    }

    pub(crate) fn join(&self, home: &str) -> Value {
        let (password, code) = (self.file("first"), self.file("code"));
        let arguments =
            ["join", E_MAIL, "--name", "Ada", "--password-file", &password, "--recovery-out", &code];
        serde_json::from_str(&self.done(home, &[&arguments[..], &["--json"]].concat())).unwrap()
    }

    fn login(&self, file: &str) -> Vec<String> {
        ["login", E_MAIL, "--password-file", &self.file(file)].map(str::to_owned).to_vec()
    }

    pub(crate) fn logs_in(&self, home: &str, file: &str) {
        let words = self.login(file);
        self.done(home, &words.iter().map(String::as_str).collect::<Vec<_>>());
    }

    pub(crate) fn is_refused(&self, home: &str, file: &str) {
        let words = self.login(file);
        let said = self.ends(3, home, &words.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(said.contains("invalid_login (210): e-mail or password not right"), "{said}");
    }

    /// The names of what an audit of the log and of the vault finds; nobody serves them.
    fn audit(&self) -> Vec<String> {
        let output =
            self.place.run("operator", &self.at, &["audit", &self.file("ledger"), "--vault", "--json"]);
        let said: Value = serde_json::from_slice(&output.stdout).unwrap();
        let names = said["findings"].as_array().unwrap().iter().map(|found| found["name"].as_str().unwrap());
        names.map(str::to_owned).collect()
    }

    pub(crate) fn stop(&mut self) {
        assert_eq!(self.daemon.take().unwrap().terminate(), Some(0));
    }

    pub(crate) fn start(&mut self, arguments: &[&str]) {
        self.daemon = Some(Daemon::start_with(&self.place.data(), &self.at, arguments));
    }

    fn restart(&mut self) {
        self.stop();
        self.start(&[]);
    }
}

/// Files below a directory that hold one of these texts.
fn holding(directory: &Path, texts: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(holding(&path, texts));
        } else {
            let bytes = fs::read(&path).unwrap();
            let holds = |text: &&str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
            if texts.iter().any(holds) {
                found.push(path.display().to_string());
            }
        }
    }
    found
}

#[test]
fn somebody_joins_here_and_logs_in_there_and_no_password_is_kept_anywhere() {
    let mut world = World::new();
    world.home("here");
    let joined = world.join("here");
    assert_eq!(
        (&joined["user_id"], &joined["block"], &joined["custody"]),
        (&1.into(), &1.into(), &"roaming".into())
    );
    assert!(joined["handle"].as_str().unwrap().starts_with("m-"));
    world.home("there");
    world.logs_in("there", "first");
    world.is_refused("there", "wrong");
    // What is not kept signs nothing afterwards.
    assert!(world.ends(2, "there", &["whoami"]).contains("not registered"));
    let (pp, first) = (world.file("pp"), world.file("first"));
    let keep = ["--passphrase-file", &pp, "login", E_MAIL, "--keep", "--password-file", &first];
    world.done("there", &keep);
    let me: Value =
        serde_json::from_str(&world.done("there", &["--passphrase-file", &pp, "whoami", "--json"])).unwrap();
    assert_eq!((&me["user_id"], &me["custody"]), (&1.into(), &"roaming".into()));
    let profile = world.done("there", &["--passphrase-file", &pp, "profile", "--json"]);
    assert!(profile.contains(E_MAIL) && profile.contains("Ada"), "{profile}");
    world.done("there", &["--passphrase-file", &pp, "add", crate::binaries::ORDERS]);
    // Neither the passwords nor the code lie anywhere but in the files of whoever typed them.
    let code = fs::read_to_string(world.path("code")).unwrap();
    for folder in ["here", "there", "ledger"] {
        assert_eq!(holding(&world.path(folder), &[FIRST, code.trim()]), [""; 0], "{folder}");
    }
    // After a log-out the key is gone from the home, and a log-in brings it back.
    world.done("there", &["--passphrase-file", &pp, "logout"]);
    assert_eq!(fs::read_dir(world.path("there/keys")).unwrap().count(), 0);
    assert_eq!(fs::read_dir(world.path("there/tickets")).unwrap().count(), 0);
    assert!(world.ends(2, "there", &["whoami"]).contains("not registered"));
    world.restart();
    world.logs_in("there", "first");
    assert!(world.done("there", &keep).contains("m-"));
    world.stop();
    let audit = std::process::Command::new(crate::binaries::CLIENT)
        .args(["audit"])
        .arg(world.place.data())
        .output()
        .unwrap();
    assert!(audit.status.success(), "{}", String::from_utf8_lossy(&audit.stdout));
}

#[test]
fn the_password_changes_and_is_recovered_and_the_old_one_and_the_old_code_are_worth_nothing() {
    let mut world = World::new();
    world.home("here");
    world.join("here");
    let (first, second) = (world.file("first"), world.file("second"));
    let (code, next) = (world.file("code"), world.file("next"));
    let change = ["password", E_MAIL, "--password-file", &first, "--new-password-file", &second];
    world.done("here", &change);
    world.is_refused("here", "first");
    world.logs_in("here", "second");
    let recover =
        ["recover", E_MAIL, "--recovery-file", &code, "--new-password-file", &first, "--recovery-out", &next];
    world.done("here", &recover);
    world.logs_in("here", "first");
    world.is_refused("here", "second");
    // The code is spent, a file is never written over, and the new code is good.
    assert!(
        world
            .ends(
                3,
                "here",
                &recover[..6]
                    .iter()
                    .copied()
                    .chain(["--recovery-out", &world.file("again")])
                    .collect::<Vec<_>>()
            )
            .contains("invalid_login")
    );
    // A file that is there already is never taken: it may hold a code that is spent, or anything else.
    let spent = [
        "recover",
        E_MAIL,
        "--recovery-file",
        &next,
        "--new-password-file",
        &second,
        "--recovery-out",
        &next,
    ];
    assert!(world.ends(2, "here", &spent).contains("is there already"));
    assert!(
        world
            .ends(2, "here", &[&spent[..6], &["--recovery-out", &first]].concat())
            .contains("is there already: name a new file")
    );
    let again = world.file("again");
    let recover = [
        "recover",
        E_MAIL,
        "--recovery-file",
        &next,
        "--new-password-file",
        &second,
        "--recovery-out",
        &again,
    ];
    world.done("here", &recover);
    world.logs_in("here", "second");
    world.restart();
    world.logs_in("here", "second");
    world.is_refused("here", "first");
}

#[test]
fn a_member_with_a_key_file_gets_a_password_and_loses_it_with_its_key() {
    let mut world = World::new();
    world.home("here");
    world.done("here", &["register", "ada"]);
    let (first, code) = (world.file("first"), world.file("code"));
    let begin = ["password", "--new-password-file", &first, "--recovery-out", &code];
    assert!(world.ends(3, "here", &begin).contains("no_profile"));
    assert!(!world.path("code").exists(), "a code that opens nothing stays");
    world.done("here", &["profile", "--name", "Ada", "--e-mail", E_MAIL]);
    world.done("here", &begin);
    world.home("there");
    world.logs_in("there", "first");
    fs::remove_file(world.path("code")).unwrap();
    assert!(world.ends(3, "here", &begin).contains("roaming_exists"));
    // Another address needs the password anew, and nobody else has this one.
    let other = ["profile", "--e-mail", "other@example.org"];
    assert!(world.ends(2, "here", &other).contains("nobody to ask for the password"));
    world.home("eve");
    world.done("eve", &["register", "eve"]);
    let taken = ["profile", "--name", "Eve", "--e-mail", "Canary@Example.org"];
    assert!(world.ends(3, "eve", &taken).contains("email_taken"));
    let keys: Value = serde_json::from_str(&world.done("here", &["keys", "list", "--json"])).unwrap();
    let roaming = keys["keys"].as_array().unwrap().iter().find(|key| key["custody"] == "roaming").unwrap();
    world.done("here", &["keys", "end", roaming["label"].as_str().unwrap()]);
    world.is_refused("there", "first");
    world.done("eve", &taken);
    world.restart();
    world.is_refused("there", "first");
    world.done("here", &begin);
    assert!(
        world
            .ends(
                3,
                "there",
                &["join", E_MAIL, "--password-file", &first, "--recovery-out", &world.file("x")]
            )
            .contains("email_taken")
    );
    world.logs_in("there", "first");
}

#[test]
fn a_server_whose_fingerprint_nobody_compared_is_handed_nothing_to_guess_against() {
    let world = World::new();
    world.done("here", &["getKey", "--accept-new"]);
    let (first, code) = (world.file("first"), world.file("code"));
    let join = ["join", E_MAIL, "--password-file", &first, "--recovery-out", &code];
    assert!(world.ends(2, "here", &join).contains("without a look at its fingerprint"));
    assert!(!world.path("code").exists());
    world.done("here", &[&join[..], &["--force"]].concat());
    assert!(world.ends(2, "here", &["password", E_MAIL]).contains("--fingerprint"));
    assert!(world.ends(2, "here", &["recover", E_MAIL]).contains("--fingerprint"));
    world.done("here", &["getKey", "--fingerprint", &world.fingerprint]);
    assert!(world.ends(2, "here", &["recover", E_MAIL]).contains("--recovery-file"));
    // Whatever is wrong with what was typed is said before anything leaves.
    fs::write(world.path("weak"), "password123\n").unwrap();
    let weak = world.file("weak");
    let join = ["join", "a@b", "--password-file", &weak, "--recovery-out", &world.file("x")];
    assert!(world.ends(2, "here", &join).contains("not good enough"));
    let join = ["join", "nowhere", "--password-file", &first, "--recovery-out", &world.file("x")];
    assert!(world.ends(2, "here", &join).contains("e-mail address"));
}

#[test]
fn a_home_that_has_seen_a_newer_password_is_not_served_an_older_one() {
    let world = World::new();
    world.home("here");
    world.join("here");
    world.logs_in("here", "first");
    let seen = fs::read_dir(world.path("here/passwords")).unwrap().next().unwrap().unwrap().file_name();
    let home = Home::open(Some(&world.path("here"))).unwrap();
    home.write_checked(&format!("passwords/{}", seen.to_str().unwrap()), "2 5\n").unwrap();
    let words = world.login("first");
    let said = world.ends(65, "here", &words.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(said.contains("credential_rolled_back"), "{said}");
}

#[test]
fn an_older_vault_serves_no_password_and_destroys_none_and_the_newer_one_serves_it_again() {
    let mut world = World::new();
    let data = world.place.data();
    world.home("here");
    world.join("here");
    world.restart();
    // As it is while the daemon runs: a copy of some moment.
    let copy = |from: &str, to: &str| {
        let [from, to] = [from, to].map(|name| data.join(name));
        assert!(std::process::Command::new("cp").arg("-aT").arg(from).arg(to).status().unwrap().success());
    };
    world.stop();
    copy("vault", "../older");
    world.start(&[]);
    let (first, second) = (world.file("first"), world.file("second"));
    world.done("here", &["password", E_MAIL, "--password-file", &first, "--new-password-file", &second]);
    world.home("bob");
    world.done("bob", &["register", "bob"]);
    world.stop();
    assert_eq!(world.audit(), [""; 0]);
    fs::rename(data.join("vault"), world.path("newer")).unwrap();
    copy("../older", "vault");
    assert_eq!(world.audit(), ["credential_missing"]);
    world.start(&[]);
    for password in ["first", "second"] {
        world.is_refused("here", password);
    }
    assert_eq!(world.place.status("bob", &world.at)["passwords_missing"], 1);
    world.stop();
    fs::remove_dir_all(data.join("vault")).unwrap();
    fs::rename(world.path("newer"), data.join("vault")).unwrap();
    world.start(&[]);
    world.logs_in("here", "second");
    assert_eq!(world.place.status("bob", &world.at)["passwords_missing"], 0);
    // Without the vault nobody logs in, and nobody is told more than that.
    world.stop();
    world.start(&["--without-vault"]);
    let words = world.login("second");
    assert!(
        world.ends(3, "here", &words.iter().map(String::as_str).collect::<Vec<_>>()).contains("no_vault")
    );
}

#[test]
fn a_backup_of_the_vault_from_before_a_change_of_a_password_locks_its_owner_out_and_says_so() {
    let mut world = World::new();
    world.home("here");
    world.join("here");
    world.stop();
    let (data, backup, key) = (world.file("ledger"), world.file("backup"), world.file("key"));
    let words = ["vault", "backup", &data, &backup, "--key-out", &key, "--json"];
    let made: Value = serde_json::from_str(&world.done("operator", &words)).unwrap();
    assert_eq!((&made["entries"], &made["missing_passwords"]), (&2.into(), &0.into()));
    // A password that was changed after the backup is not in it, and the one before it opens nothing.
    world.start(&[]);
    let (first, second) = (world.file("first"), world.file("second"));
    world.done("here", &["password", E_MAIL, "--password-file", &first, "--new-password-file", &second]);
    world.stop();
    let restore = ["vault", "restore", &data, &backup, "--key-file", &key, "--replace", "--json"];
    let older: Value = serde_json::from_str(&world.done("operator", &restore)).unwrap();
    assert_eq!(older["missing_passwords"], 1);
    assert_eq!(world.audit(), ["credential_missing"]);
    // Nor is it lost: the next backup takes it along, for what it may be worth.
    fs::remove_file(&backup).unwrap();
    fs::remove_file(&key).unwrap();
    let again: Value = serde_json::from_str(&world.done("operator", &words)).unwrap();
    assert_eq!((&again["entries"], &again["missing_passwords"]), (&2.into(), &1.into()));
}

#[test]
fn a_vault_put_back_from_a_backup_logs_in_whoever_has_not_changed_since() {
    let mut world = World::new();
    world.home("here");
    world.join("here");
    world.stop();
    let (data, backup, key) = (world.file("ledger"), world.file("backup"), world.file("key"));
    world.done("operator", &["vault", "backup", &data, &backup, "--key-out", &key]);
    fs::remove_dir_all(world.path("ledger/vault")).unwrap();
    fs::remove_file(world.path("ledger/keys/vault-1")).unwrap();
    world.done("operator", &["vault", "restore", &data, &backup, "--key-file", &key]);
    assert_eq!(world.audit(), [""; 0]);
    world.start(&[]);
    world.logs_in("here", "first");
}

#[test]
fn log_ins_are_switched_off_and_on_again_and_every_password_is_as_it_was() {
    let mut world = World::new();
    let data = world.place.data();
    world.home("here");
    world.join("here");
    world.stop();
    world.start(&["--no-passwords"]);
    let words = world.login("first");
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    assert!(world.ends(3, "here", &words).contains("no_passwords"));
    world.home("here");
    assert!(world.ends(3, "here", &words).contains("no_passwords"));
    world.restart();
    world.home("here");
    world.logs_in("here", "first");
    // Without the seed every password is dead, so a start says that it is missing.
    world.stop();
    for name in ["opaque-1", "index"] {
        let path = data.join("keys").join(name);
        let good = fs::read(&path).unwrap();
        for bad in [None, Some(good[..good.len() - 1].to_vec())] {
            match bad {
                None => fs::remove_file(&path).unwrap(),
                Some(bytes) => fs::write(&path, bytes).unwrap(),
            }
            let output =
                std::process::Command::new(DAEMON).arg("--data").arg(&data).args(["--listen", ANY]).output();
            let output = output.unwrap();
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!((output.status.code(), said.contains(name)), (Some(78), true), "{said}");
            fs::write(&path, &good).unwrap();
        }
    }
}

#[test]
fn an_audit_of_the_vault_reads_every_password_and_compares_it_with_its_block() {
    let mut world = World::new();
    world.home("here");
    world.join("here");
    world.stop();
    assert_eq!(world.audit(), [""; 0]);
    let file = world.place.data().join("vault/pages");
    let good = fs::read(&file).unwrap();
    let mut rotten = good.clone();
    rotten[100] ^= 1;
    fs::write(&file, rotten).unwrap();
    assert_eq!(world.audit(), ["slot_damaged"]);
    fs::write(&file, good).unwrap();
    // Under the set-up of another server the password in the vault is not the one that its block speaks of.
    let file = world.place.data().join("keys/opaque-1");
    let kept = fs::read(&file).unwrap();
    let other = ServerSetup::generate(&mut Seeded::new("another server")).to_bytes();
    let mut swapped = [&other[..], &kept[other.len()..kept.len() - 4]].concat();
    swapped.extend_from_slice(&crc32c::crc32c(&swapped).to_be_bytes());
    fs::write(&file, swapped).unwrap();
    assert_eq!(world.audit(), ["credential_missing"]);
    fs::write(&file, kept).unwrap();
    assert_eq!(world.audit(), [""; 0]);
}
