//! The files of the client's home: what is in it, what damage to it can and cannot do, and what goes on when it cannot be
//! written to.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use ledgerd::client::{ClientError, Home, Member, load_key};

use crate::binaries::{CLIENT, Daemon, ORDERS, Place};

#[test]
fn the_table_of_a_homes_files_is_what_is_in_a_home() {
    let place = Place::new();
    let daemon = Daemon::start(&place.data(), "127.0.0.1:0");
    let at = daemon.address.as_str();
    place.join("alice", at);
    place.done("alice", at, &["witness"]);
    place.done("alice", at, &["keys", "add", "--device", "desk"]);
    assert_eq!(place.feed("alice", at, &["shell"], "whoami\n").0, Some(0));
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/cli.md")).unwrap();
    let table = text.split_once("## The home directory").unwrap().1;
    let table: String = table.split_inclusive('\n').take_while(|line| !line.starts_with("## ")).collect();
    let rows = table.lines().filter(|line| line.starts_with("| `"));
    let first = rows.flat_map(|row| row.split('|').nth(1).unwrap().split(','));
    let mut said: Vec<String> = first.map(|name| name.trim().trim_matches('`').to_owned()).collect();
    let mut there: Vec<String> = std::fs::read_dir(place.directory.path().join("alice"))
        .unwrap()
        .map(Result::unwrap)
        .map(|entry| {
            let end = if entry.path().is_dir() { "/" } else { "" };
            entry.file_name().into_string().unwrap() + end
        })
        .collect();
    // Made by whoever sends a cheque, or types into the shell at a terminal, which alice does not.
    said.retain(|name| !["sent.lock", "shell_history"].contains(&name.as_str()));
    said.sort();
    there.sort();
    assert_eq!(said, there);
}

/// Every file of a home, with its name in it.
fn files_of(home: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    let mut folders = vec![home.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(home).unwrap().to_str().unwrap().to_owned();
                files.push((name, std::fs::read(path).unwrap()));
            }
        }
    }
    files.sort();
    files
}

#[test]
fn a_bit_that_turned_over_in_a_home_is_told_with_the_file_or_does_no_harm() {
    let place = Place::new();
    let daemon = Daemon::start(&place.data(), "127.0.0.1:0");
    let at = daemon.address.as_str();
    place.join("alice", at);
    place.done("alice", at, &["add", ORDERS]);
    place.done("alice", at, &["witness"]);
    let root = place.directory.path().join("alice");
    let home = Home::open(Some(&root)).unwrap();
    let open = || Member::open(&home, &at.parse().unwrap(), &mut |_| None);
    let sound = open().unwrap().key().public().clone();
    let files = files_of(&root);
    for kind in ["known_servers", "key.pem", "servers/", "accounts/", "newest/", "tickets/", "witness/"] {
        assert!(files.iter().any(|(name, _)| name.starts_with(kind)), "{kind} is not among the files");
    }
    for (name, bytes) in files.iter().filter(|(_, bytes)| !bytes.is_empty()) {
        // What was damaged is put back as it was, tickets and all.
        let put = |bytes: &[u8]| std::fs::write(root.join(name), bytes).unwrap();
        for at in (0..bytes.len()).step_by(bytes.len() / 7 + 1).chain([bytes.len() - 1]) {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            put(&damaged);
            let opened =
                if name == "key.pem" { load_key(&home, &mut |_| None).map(drop) } else { open().map(drop) };
            match opened {
                Ok(()) => {}
                Err(ClientError::Config(text)) => assert!(text.contains(name), "{name}, byte {at}: {text}"),
                Err(other) => panic!("{name}, byte {at}: {other:?}"),
            }
            if name == "key.pem"
                && let Ok(Some(key)) = load_key(&home, &mut |_| None)
            {
                assert!(*key.public() == sound, "byte {at} makes another key");
            }
        }
        for short in [0, bytes.len() / 2] {
            put(&bytes[..short]);
            match open() {
                Ok(_) => {}
                Err(ClientError::Config(text)) => {
                    assert!(text.contains(name), "{name}, cut at {short}: {text}")
                }
                Err(ClientError::Usage(_)) if name == "known_servers" && short == 0 => {}
                Err(other) => panic!("{name}, cut at {short}: {other:?}"),
            }
        }
        put(bytes);
    }
    for (name, file) in [("newest", "copy"), ("witness", "witness")] {
        let (path, bytes) = files.iter().find(|(path, _)| path.starts_with(&format!("{name}/"))).unwrap();
        std::fs::write(root.join(path), &bytes[1..]).unwrap();
        let said = place.ends(78, "alice", at, &[file]);
        assert!(said.contains(path.as_str()) && said.contains("damaged"), "{said}");
        std::fs::write(root.join(path), bytes).unwrap();
        place.done("alice", at, &[file]);
    }
}

/// A way in which a home cannot be written to.
#[derive(Clone, Copy, Debug)]
enum Unwritable {
    /// Files can be made, and nothing fits into them.
    Full,
    /// Nothing can be made.
    ReadOnly,
}

/// A place whose members have homes that cannot be written to.
struct Closed<'a> {
    place: &'a Place,
    way: Unwritable,
    /// A copy of the client that anybody can run.
    client: PathBuf,
}

impl<'a> Closed<'a> {
    fn new(place: &'a Place, way: Unwritable) -> Closed<'a> {
        let client = place.directory.path().join("client");
        std::fs::copy(CLIENT, &client).unwrap();
        let closed = Closed { place, way, client };
        if matches!(way, Unwritable::ReadOnly) {
            closed.permit(0o555, 0o444);
        }
        closed
    }

    /// Sets what everybody may do with folders and files of the homes.
    fn permit(&self, of_folders: u32, of_files: u32) {
        let root = self.place.directory.path();
        let set =
            |path: &Path, mode| std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
        set(root, 0o755);
        set(&self.client, 0o755);
        let homes = ["alice", "carol"].map(|home| root.join(home)).into_iter();
        let mut folders: Vec<PathBuf> = homes.filter(|home| home.exists()).collect();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { folders.push(path) } else { set(&path, of_files) }
            }
            set(&folder, of_folders);
        }
    }

    /// Runs a command; gives its exit code and what it said.
    fn run(&self, member: &str, address: &str, arguments: &[&str]) -> (Option<i32>, String) {
        let mut command = match self.way {
            Unwritable::Full => {
                let mut shell = Command::new("sh");
                shell.args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$@\"", "sh"]).arg(&self.client);
                shell
            }
            Unwritable::ReadOnly => {
                let mut command = Command::new(&self.client);
                // Whoever may do everything is stopped by no permission.
                if rustix::process::geteuid().is_root() {
                    command.uid(65_534);
                }
                command
            }
        };
        let home = self.place.directory.path().join(member);
        command.arg("--home").arg(home).arg(format!("--server={address}")).args(arguments);
        let output = command.stdin(Stdio::null()).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

/// So that the directory can be removed.
impl Drop for Closed<'_> {
    fn drop(&mut self) {
        self.permit(0o755, 0o644);
    }
}

#[test]
fn a_home_that_cannot_be_written_to_can_be_read_and_nothing_is_begun_in_it() {
    for way in [Unwritable::Full, Unwritable::ReadOnly] {
        let place = Place::new();
        let daemon = Daemon::start(&place.data(), "127.0.0.1:0");
        let at = daemon.address.as_str();
        place.join("alice", at);
        place.done("alice", at, &["add", ORDERS]);
        place.done("carol", at, &["getKey", "--accept-new"]);
        // There is something new to keep.
        place.join("bob", at);
        let orders = place.directory.path().join("orders.json");
        std::fs::copy(ORDERS, &orders).unwrap();
        let orders = orders.to_str().unwrap();
        let before = place.status("bob", at)["blocks"].clone();
        let homes = || ["alice", "carol"].map(|home| files_of(&place.directory.path().join(home)));
        let untouched = homes();
        let closed = Closed::new(&place, way);
        for read in ["whoami", "balance", "copy", "verify", "checkpoint", "getKey"] {
            let (code, said) = closed.run("alice", at, &[read]);
            assert_eq!(code, Some(0), "{way:?}: {read}: {said}");
            let told = said.lines().filter(|line| line.contains("could not be kept")).count();
            assert_eq!(told, usize::from(read != "getKey"), "{way:?}: {read}: {said}");
        }
        let changes: [(&str, &[&str]); 7] = [
            ("alice", &["add", orders]),
            ("alice", &["add", "--each", orders]),
            ("alice", &["pay", "bob", "1"]),
            ("alice", &["forget", at]),
            ("alice", &["passphrase", "--remove"]),
            ("carol", &["keygen"]),
            ("carol", &["register", "carol"]),
        ];
        for (member, change) in changes {
            let (code, said) = closed.run(member, at, change);
            assert_eq!(code, Some(3), "{way:?}: {change:?}: {said}");
            assert!(
                said.contains("home_not_writable") && said.contains(member),
                "{way:?}: {change:?}: {said}"
            );
        }
        drop(closed);
        assert_eq!(homes(), untouched, "{way:?}");
        assert_eq!(place.status("bob", at)["blocks"], before, "{way:?}: nothing was sent");
    }
}

/// A daemon with money, and alice who paid bob 7 and was not told: what she wrote down about it is left.
fn untold_payment(place: &Place) -> Daemon {
    let money = ["--currency=TWD", "--scale=0", "--opening-grant=1000"];
    let daemon = Daemon::start_with(&place.data(), "127.0.0.1:0", &money);
    let at = daemon.address.as_str();
    place.join("alice", at);
    place.join("bob", at);
    let mut command = place.command("alice", at, &["pay", "bob", "7"]);
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let status = command.stdout(full).stderr(Stdio::null()).status().unwrap();
    assert_eq!(status.code(), Some(6), "done, and not told");
    daemon
}

fn run_book_of(home: &Path) -> PathBuf {
    let entries = std::fs::read_dir(home.join("pending")).unwrap().map(|entry| entry.unwrap().path());
    let run_books: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|is| is == "run")).collect();
    assert_eq!(run_books.len(), 1, "{run_books:?}");
    run_books[0].clone()
}

#[test]
fn a_bit_that_turned_over_in_a_run_book_never_pays_a_second_time() {
    let place = Place::new();
    let daemon = untold_payment(&place);
    let at = daemon.address.as_str();
    let run_book = run_book_of(&place.directory.path().join("alice"));
    let bytes = std::fs::read(&run_book).unwrap();
    let mut found = [0, 0];
    for n in (0..bytes.len()).step_by(bytes.len() / 12).chain([0, 3, 4, 8, bytes.len() - 1]) {
        let mut damaged = bytes.clone();
        damaged[n] ^= 1;
        std::fs::write(&run_book, &damaged).unwrap();
        let output = place.run("alice", at, &["pay", "bob", "7"]);
        let said = String::from_utf8_lossy(&output.stderr);
        match output.status.code() {
            Some(0) => found[0] += 1,
            Some(78) => {
                assert!(said.contains(run_book.to_str().unwrap()), "byte {n}: {said}");
                found[1] += 1;
            }
            other => panic!("byte {n}: {other:?}: {said}"),
        }
        std::fs::remove_file(&run_book).unwrap_or_default();
    }
    assert!(found[1] > 0, "{found:?}");
    std::fs::write(&run_book, &bytes).unwrap();
    place.done("alice", at, &["pay", "bob", "7"]);
    let balance = place.done("bob", at, &["balance"]);
    assert!(balance.starts_with("1007 "), "{balance}");
}

#[test]
fn what_is_left_open_stays_so_in_a_home_that_cannot_be_written_to() {
    for way in [Unwritable::Full, Unwritable::ReadOnly] {
        let place = Place::new();
        let daemon = untold_payment(&place);
        let at = daemon.address.as_str();
        let home = place.directory.path().join("alice");
        let run_book = run_book_of(&home);
        let bytes = std::fs::read(&run_book).unwrap();
        let closed = Closed::new(&place, way);
        let (code, said) = closed.run("alice", at, &["whoami"]);
        assert_eq!(code, Some(0), "{way:?}: {said}");
        assert!(said.contains("is not resolved now"), "{way:?}: {said}");
        let (code, said) = closed.run("alice", at, &["pay", "bob", "7"]);
        assert_eq!(code, Some(3), "{way:?}: {said}");
        drop(closed);
        assert_eq!(std::fs::read(&run_book).unwrap(), bytes, "{way:?}");
        place.done("alice", at, &["pay", "bob", "7"]);
        assert!(
            place.done("bob", at, &["balance"]).starts_with("1007 "),
            "{way:?}: told, and not paid again"
        );
    }
}
