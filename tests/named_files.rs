//! Files that commands write where somebody says: nothing that is there is lost, and what is written can be used.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use ledgerd::chain::{Block, Receipt};
use ledgerd::crypto::VerifyingKey;

use super::binaries::{CLIENT, Daemon, ORDERS, Place};

const NOBODY: &str = "127.0.0.1:1";

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// What the README tells to type, from its first word to the end of its last line.
fn openssl_of_the_readme() -> String {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(readme).unwrap();
    let lines = readme.lines().map(str::trim).skip_while(|line| !line.starts_with("openssl dgst"));
    let mut typed = String::new();
    for line in lines {
        typed.push_str(line.trim_end_matches('\\'));
        if !line.ends_with('\\') {
            break;
        }
    }
    typed
}

#[test]
fn nothing_that_is_there_is_overwritten_unless_it_is_forced_and_the_same_again_is_no_mistake() {
    let place = Place::new();
    let daemon = Daemon::start_with(&place.data(), "127.0.0.1:0", &["--opening-grant=100"]);
    let at = daemon.address.as_str();
    place.join("alice", at);
    place.join("bob", at);
    let path = place.directory.path().join("a.file");
    let name = text(&path);
    let index = place.done("alice", at, &["--json", "add", ORDERS]);
    let index = index.split("\"index\":").nth(1).unwrap().split(',').next().unwrap().to_owned();
    for arguments in [
        &["receipt", &index, "--out", name][..],
        &["cheque", "bob", "1", "--out", name],
        &["checkpoint", "save", name],
        &["add", ORDERS, "--receipt", name],
    ] {
        fs::write(&path, "a letter\n").unwrap();
        let complaint = place.ends(2, "alice", at, arguments);
        assert!(complaint.contains(name) && complaint.contains("--force"), "{complaint}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "a letter\n", "{arguments:?}");
        place.done("alice", at, &[arguments, &["--force"]].concat());
        assert_ne!(fs::read_to_string(&path).unwrap(), "a letter\n", "{arguments:?}");
        // Never a key, however much it is forced.
        let key = place.directory.path().join("alice/key.pem");
        let before = fs::read(&key).unwrap();
        let arguments: Vec<&str> =
            arguments.iter().map(|it| if *it == name { text(&key) } else { it }).chain(["--force"]).collect();
        let output = place.run("alice", at, &arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: before anything left");
        assert_eq!(fs::read(&key).unwrap(), before);
    }
    let blocks = place.status("alice", at)["blocks"].as_u64().unwrap();
    fs::write(&path, "a letter\n").unwrap();
    place.ends(2, "alice", at, &["add", ORDERS, "--receipt", name]);
    place.ends(2, "alice", at, &["add", ORDERS, "--receipt", "/nowhere/receipt"]);
    assert_eq!(place.status("alice", at)["blocks"].as_u64(), Some(blocks), "refused before anything left");
    // The same receipt, and the same checkpoint, are there already.
    for arguments in [&["receipt", &index, "--out", name][..], &["checkpoint", "save", name]] {
        fs::remove_file(&path).unwrap();
        place.done("alice", at, arguments);
        place.done("alice", at, arguments);
    }
    // A device takes what is written to it and stays what it is.
    place.done("alice", at, &["receipt", &index, "--out", "/dev/null"]);
    assert!(!Path::new("/dev/null").is_file() && Path::new("/dev/null").exists());
    place.ends(2, "alice", at, &["receipt", &index, "--out", text(place.directory.path())]);
}

#[test]
fn man_pages_replace_their_like_and_nothing_else() {
    let place = Place::new();
    let folder = place.directory.path().join("man1");
    let arguments = ["man", text(&folder)];
    place.done("alice", NOBODY, &arguments);
    place.done("alice", NOBODY, &arguments);
    let page = folder.join("ledgerctl-pay.1");
    let good = fs::read(&page).unwrap();
    fs::write(&page, "mine\n").unwrap();
    fs::remove_file(folder.join("ledgerctl.1")).unwrap();
    assert!(place.ends(2, "alice", NOBODY, &arguments).contains("ledgerctl-pay.1"));
    assert!(!folder.join("ledgerctl.1").exists(), "nothing is written when something is in the way");
    place.done("alice", NOBODY, &["man", text(&folder), "--force"]);
    assert_eq!(fs::read(&page).unwrap(), good);
}

#[test]
fn what_is_extracted_from_a_receipt_is_what_the_readme_tells_stock_tools_to_check() {
    let place = Place::new();
    let daemon = Daemon::start(&place.data(), "127.0.0.1:0");
    let at = daemon.address.as_str();
    place.join("alice", at);
    let receipt = place.directory.path().join("order.receipt");
    place.done("alice", at, &["add", ORDERS, "--receipt", text(&receipt)]);
    let (mine, registration) = (place.directory.path().join("mine"), place.directory.path().join("joined"));
    place.done("alice", at, &["receipt", "2", "--extract", text(&mine)]);
    place.done("alice", at, &["receipt", "1", "--extract", text(&registration)]);
    let vkey = place.done("alice", at, &["getKey", "--vkey"]);
    drop(daemon);

    // A stranger has the file and the verifier key.
    let theirs = place.directory.path().join("theirs");
    let check = |folder: &Path, more: &[&str]| {
        let mut command = Command::new(CLIENT);
        command.args(["check-receipt", text(&receipt), "--vkey", vkey.trim(), "--extract", text(folder)]);
        command.args(more).env_clear().output().unwrap().status.code()
    };
    assert_eq!(check(&theirs, &[]), Some(0));
    assert_eq!(check(&theirs, &[]), Some(0), "the same again");
    let names = ["command.bin", "command.sig", "key.pem"];
    let all = |folder: &Path| names.map(|name| fs::read(folder.join(name)).unwrap());
    assert_eq!(all(&theirs), all(&mine));
    for folder in [&mine, &registration] {
        let [message, signature, pem] = all(folder);
        let key = VerifyingKey::from_pem(&String::from_utf8(pem).unwrap()).unwrap();
        key.verify(&[&message], &signature).unwrap();
    }
    let parsed = Receipt::parse(&fs::read_to_string(&receipt).unwrap()).unwrap();
    assert_eq!(all(&mine)[0], Block::parse(&parsed.block).unwrap().message);
    // The registration's command and its key would make a mixture.
    fs::remove_file(registration.join("key.pem")).unwrap();
    let before = all_files(&registration);
    assert_eq!(check(&registration, &[]), Some(2));
    assert_eq!(all_files(&registration), before);
    let home = place.directory.path().join("alice");
    let key = fs::read(home.join("key.pem")).unwrap();
    assert_eq!(check(&home, &["--force"]), Some(2), "a private key is never replaced");
    assert_eq!(fs::read(home.join("key.pem")).unwrap(), key);

    let typed = openssl_of_the_readme();
    assert!(typed.contains("-verify key.pem") && typed.contains("command.bin"), "{typed}");
    let openssl =
        |folder: &Path| Command::new("sh").args(["-c", &typed]).current_dir(folder).output().unwrap();
    if Command::new("openssl").arg("version").output().is_err() {
        return;
    }
    for folder in [&mine, &theirs] {
        let output = openssl(folder);
        assert!(output.status.success(), "{typed}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let mut bytes = fs::read(mine.join("command.bin")).unwrap();
    bytes[100] ^= 1;
    fs::write(mine.join("command.bin"), bytes).unwrap();
    assert!(!openssl(&mine).status.success());
}

fn all_files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = paths.map(|path| (path.clone(), fs::read(&path).unwrap())).collect();
    files.sort();
    files
}
