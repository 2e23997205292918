//! What is left of somebody who was erased: no byte of the log, the vault, the journal, the daemon's own log or the memory of a
//! daemon that was started anew holds the e-mail address, the name or the password.

use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::binaries::{DAEMON, Daemon, Place};

const E_MAIL: &str = "canary.of.the.mine@example.org";
const NAME: &str = "Canaria Serinus";
const NEXT_NAME: &str = "Canaria Domestica";
const PASSWORD: &str = "a canary sings underground";
const HANDLE: &str = "warbler-of-the-mine";
const ANY: &str = "127.0.0.1:0";

/// A daemon that says all that it can say, into a file.
fn start(place: &Place, listen: &str) -> Daemon {
    let log = File::options().create(true).append(true).open(log(place)).unwrap();
    let mut command = Command::new(DAEMON);
    command.arg("--data").arg(place.data()).args(["--listen", listen, "--password-cost", "19456,2,1"]);
    command.env("LEDGERD_LOG", "trace").stderr(log);
    Daemon::run(command)
}

fn log(place: &Place) -> PathBuf {
    place.directory.path().join("daemon.log")
}

/// Which of these texts stand in some bytes.
fn found_in(bytes: &[u8], texts: &[&'static str]) -> Vec<&'static str> {
    let holds =
        |text: &&&str| bytes.windows(text.len()).any(|window| window.eq_ignore_ascii_case(text.as_bytes()));
    texts.iter().filter(holds).copied().collect()
}

/// Files below a directory that hold one of these texts.
fn in_files(directory: &Path, texts: &[&'static str]) -> Vec<(PathBuf, Vec<&'static str>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(in_files(&path, texts));
        } else {
            let texts = found_in(&fs::read(&path).unwrap(), texts);
            found.extend((!texts.is_empty()).then_some((path, texts)));
        }
    }
    found
}

/// All that a process can read of its own memory; none where the system lets nobody look.
fn memory_of(daemon: &Daemon) -> Option<Vec<u8>> {
    let folder = PathBuf::from(format!("/proc/{}", daemon.pid()));
    let maps = fs::read_to_string(folder.join("maps")).ok()?;
    let mut memory = File::open(folder.join("mem")).ok()?;
    let mut all = Vec::new();
    for line in maps.lines().filter(|line| line.split(' ').nth(1).is_some_and(|may| may.starts_with('r'))) {
        let (from, to) = line.split(' ').next()?.split_once('-')?;
        let [from, to] = [from, to].map(|number| u64::from_str_radix(number, 16).unwrap());
        let mut part = vec![0; (to - from) as usize];
        // Pages of the kernel's are not for reading, wherever they stand.
        if memory.seek(SeekFrom::Start(from)).is_ok() && memory.read_exact(&mut part).is_ok() {
            all.extend(part);
        }
    }
    Some(all)
}

/// Looks through the memory of a daemon for texts that must not be there. That the look finds what is there shows the handle.
fn is_forgotten(daemon: &Daemon, texts: &[&'static str]) {
    let Some(memory) = memory_of(daemon) else {
        // Not with eprintln!, which the test harness keeps to itself when a test passes.
        let message = "SKIPPED, the memory of the daemon was not looked at: the system does not allow it\n";
        std::io::stderr().write_all(message.as_bytes()).unwrap();
        return;
    };
    assert_eq!(found_in(&memory, &[HANDLE]), [HANDLE], "what is in the memory is found");
    assert_eq!(found_in(&memory, texts), [""; 0]);
}

#[test]
fn nothing_of_an_erased_member_is_in_a_file_or_in_the_memory_of_the_next_start() {
    let place = Place::new();
    let daemon = start(&place, ANY);
    let at = daemon.address.clone();
    let file = |name: &str| place.directory.path().join(name).display().to_string();
    fs::write(file("password"), format!("{PASSWORD}\n")).unwrap();
    for home in ["here", "there"] {
        place.done(home, &at, &["getKey", "--accept-new"]);
    }
    let (password, code) = (file("password"), file("code"));
    place.done("here", &at, &["register", HANDLE]);
    place.done("here", &at, &["profile", "--name", NAME, "--e-mail", E_MAIL]);
    let first = ["password", "--new-password-file", &password, "--recovery-out", &code, "--force"];
    place.done("here", &at, &first);
    place.done("here", &at, &["profile", "--name", NEXT_NAME]);
    let login = ["login", E_MAIL, "--password-file", &password];
    place.done("there", &at, &login);
    // While it is not erased the server can read it: what is looked for below can be found.
    let texts = [E_MAIL, NAME, NEXT_NAME, PASSWORD];
    fs::create_dir(file("kept")).unwrap();
    for name in ["slots", "pages"] {
        fs::copy(place.data().join("vault").join(name), Path::new(&file("kept")).join(name)).unwrap();
    }
    place.done("here", &at, &["erase", "--confirm", HANDLE]);
    assert!(place.ends(3, "there", &at, &login).contains("invalid_login"));
    assert_eq!(daemon.terminate(), Some(0));
    let audit = ["audit", place.data().to_str().unwrap(), "--vault"].map(str::to_owned);
    let audit = audit.each_ref().map(String::as_str);
    place.done("auditor", "127.0.0.1:1", &audit);
    assert_eq!(in_files(&place.data(), &texts), []);

    let daemon = start(&place, &at);
    is_forgotten(&daemon, &texts);
    assert_eq!(daemon.terminate(), Some(0));
    // The vault of before changes nothing: what the blocks have erased is destroyed again before anybody is served.
    for name in ["slots", "pages"] {
        fs::copy(Path::new(&file("kept")).join(name), place.data().join("vault").join(name)).unwrap();
    }
    let daemon = start(&place, &at);
    is_forgotten(&daemon, &texts);
    assert!(place.ends(3, "there", &at, &login).contains("invalid_login"));
    assert_eq!(daemon.terminate(), Some(0));
    place.done("auditor", "127.0.0.1:1", &audit);
    assert_eq!(in_files(&place.data(), &texts), []);
    assert_eq!(found_in(&fs::read(log(&place)).unwrap(), &texts), [""; 0]);
    assert_eq!(found_in(&fs::read(log(&place)).unwrap(), &["session open"]), ["session open"]);
}
