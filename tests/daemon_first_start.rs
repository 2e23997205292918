//! The first start of the real `ledgerd`, in the directories that containers and service managers give it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use rustix::process::Signal;

use crate::daemon::{Daemon, options, place, run};

/// Somebody without rights, by the number that every system has for that.
const NOBODY: u32 = 65_534;

fn names(path: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn an_empty_directory_whose_parent_may_not_be_written_takes_a_ledger() {
    let place = tempfile::tempdir().unwrap();
    let (parent, program) = (place.path().join("state"), place.path().join("ledgerd"));
    let data = parent.join("ledgerd");
    fs::create_dir_all(&data).unwrap();
    let is_root = rustix::process::geteuid().is_root();
    if is_root {
        // The superuser may write everywhere: somebody else starts it, who has to be able to reach the program.
        fs::copy(env!("CARGO_BIN_EXE_ledgerd"), &program).unwrap();
        std::os::unix::fs::chown(&data, Some(NOBODY), Some(NOBODY)).unwrap();
        fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).unwrap();
        fs::set_permissions(&parent, fs::Permissions::from_mode(0o755)).unwrap();
    } else {
        fs::set_permissions(&parent, fs::Permissions::from_mode(0o555)).unwrap();
    }
    let mut command =
        Command::new(if is_root { program.as_os_str() } else { env!("CARGO_BIN_EXE_ledgerd").as_ref() });
    command.args(options(&data, &[])).env_remove("LEDGERD_LOG");
    if is_root {
        command.uid(NOBODY).gid(NOBODY);
    }
    let daemon = Daemon::serve(command);
    daemon.get_key();
    daemon.stop();
    assert_eq!(names(&parent), ["ledgerd"], "nothing is left beside it");
    assert_eq!(names(&data), ["LOCK", "anchor", "checkpoint", "clock", "keys", "log", "tree", "vault"]);
    // So that it can be removed.
    fs::set_permissions(&parent, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn the_root_of_a_file_system_takes_a_ledger_and_somebodys_folder_does_not() {
    let (_place, data) = place();
    fs::create_dir_all(data.join("lost+found")).unwrap();
    fs::create_dir_all(data.join(".snapshot")).unwrap();
    Daemon::start(&data, &[]).stop();
    assert_eq!(names(data.parent().unwrap()), ["ledger"]);

    let (_place, data) = place();
    fs::create_dir_all(data.join("lost+found")).unwrap();
    fs::write(data.join("letter"), "dear").unwrap();
    let outcome = run(&["--data", data.to_str().unwrap(), "--listen=127.0.0.1:0"]);
    assert_eq!(outcome.code, Some(2), "{outcome:?}");
    assert!(outcome.stderr.contains("holds no ledger"), "{outcome:?}");
    assert_eq!(names(&data), ["letter", "lost+found"]);
}

#[test]
fn a_ledger_that_was_never_finished_is_none_for_anybody_and_is_made_anew() {
    let (_place, data) = place();
    fs::create_dir_all(data.join("keys")).unwrap();
    fs::create_dir_all(data.join("log")).unwrap();
    for (name, bytes) in [("UNFINISHED", &b""[..]), ("LOCK", b"1\n"), ("keys/log.seed", &[1; 32])] {
        fs::write(data.join(name), bytes).unwrap();
    }
    let path = data.to_str().unwrap();
    for more in ["--rotate-key", "--fingerprint"] {
        let outcome = run(&["--data", path, more]);
        assert_eq!(outcome.code, Some(2), "{outcome:?}");
        assert!(outcome.stderr.contains("never finished"), "{outcome:?}");
    }
    for offline in ["audit", "export"] {
        let outcome = Command::new(env!("CARGO_BIN_EXE_ledgerctl")).args([offline, path]).output().unwrap();
        assert_eq!(outcome.status.code(), Some(2), "{outcome:?}");
        assert!(String::from_utf8_lossy(&outcome.stderr).contains("never finished"), "{outcome:?}");
    }
    let daemon = Daemon::start(&data, &[]);
    daemon.get_key();
    daemon.signal(Signal::TERM);
    let outcome = daemon.ended();
    assert_eq!(outcome.code, Some(0));
    assert!(outcome.stderr.contains("cut off") && outcome.stderr.contains("made anew"), "{outcome:?}");
    assert_ne!(fs::read(data.join("keys/log.seed")).unwrap(), [1; 32]);
    assert!(!data.join("UNFINISHED").exists());
}
