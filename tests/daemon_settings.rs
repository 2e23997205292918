//! What an operator tells the real `ledgerd`, by options, by a file, by the environment and by signals, and what it
//! tells the operator.

use std::fs;
use std::path::Path;

use ledgerd::session::Descriptor;
use rustix::process::Signal;

use crate::daemon::{Daemon, ledgerd, options, place, run, run_command, snapshot};

#[test]
fn signals_that_ask_for_nothing_do_not_end_it_and_stand_in_the_log() {
    let (_dir, path) = place();
    let daemon = Daemon::start(&path, &[]);
    for signal in [Signal::HUP, Signal::USR1, Signal::USR2, Signal::HUP] {
        daemon.signal(signal);
    }
    daemon.get_key();
    daemon.signal(Signal::TERM);
    let outcome = daemon.ended();
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    for name in ["SIGHUP", "SIGUSR1", "SIGUSR2"] {
        assert!(outcome.stderr.contains(name), "{name}: {outcome:?}");
    }
}

#[test]
fn a_log_level_that_there_is_not_is_refused_before_anything_is_made() {
    let (_dir, path) = place();
    for (level, part) in [
        ("verbose", "\"verbose\""),
        ("info,ledgerd::service=loud", "\"loud\""),
        ("ledgerctl=debug", "\"ledgerctl\""),
    ] {
        let mut command = ledgerd(&["--data", path.to_str().unwrap(), "--listen=127.0.0.1:0"]);
        command.env("LEDGERD_LOG", level);
        let outcome = run_command(command);
        assert_eq!(outcome.code, Some(78), "{outcome:?}");
        assert!(outcome.stderr.contains("LEDGERD_LOG") && outcome.stderr.contains(part), "{outcome:?}");
    }
    assert!(!path.exists());
}

#[test]
fn where_a_client_comes_from_stands_in_the_log_of_sessions_and_of_failed_handshakes() {
    use std::io::Write as _;
    let (dir, path) = place();
    let daemon = Daemon::start(&path, &[]);
    let mut stranger = daemon.connect();
    let from = stranger.local_addr().unwrap();
    stranger.write_all(&[&[0x10, 0x01, 0xd8][..], &[7; 472]].concat()).unwrap();
    std::io::copy(&mut stranger, &mut std::io::sink()).unwrap_or_default();
    for arguments in [&["getKey", "--accept-new"][..], &["register", "alice"], &["whoami"]] {
        let mut ledgerctl = std::process::Command::new(env!("CARGO_BIN_EXE_ledgerctl"));
        ledgerctl.arg("--home").arg(dir.path().join("home")).args(["--server", &daemon.address.to_string()]);
        assert!(
            ledgerctl.args(arguments).stdin(std::process::Stdio::null()).output().unwrap().status.success()
        );
    }
    daemon.signal(Signal::TERM);
    let log = daemon.ended().stderr;
    let line =
        |part: &str| log.lines().find(|line| line.contains(part)).unwrap_or_else(|| panic!("{part}: {log}"));
    assert!(line("handshake failed").contains(&format!("address={from}")), "{log}");
    let opened = line("session open");
    assert!(opened.contains(" INFO ") && opened.contains("address=127.0.0.1:"), "{opened}");
}

#[test]
fn what_the_configuration_says_holds_and_what_an_option_says_comes_first() {
    let (dir, path) = place();
    let config = dir.path().join("c.toml");
    fs::write(&config, "data = \"ledger\"\nlisten = \"127.0.0.1:0\"\norigin = \"ledger.example/c\"").unwrap();
    let config = config.to_str().unwrap();
    let daemon = Daemon::serve(ledgerd(&["--config", config, "--segment-bytes=65536"]));
    assert_eq!(daemon.get_key().1.log_key().origin(), "ledger.example/c");
    daemon.stop();
    assert!(path.join("anchor").exists());

    for (option, code) in [("--origin=ledger.example/else", 2), ("--data=/dev/null", 2)] {
        let outcome = run(&["--config", config, option]);
        assert_eq!(outcome.code, Some(code), "{outcome:?}");
    }
    fs::write(config, "data = \"ledger\"\nlisten = \"127.0.0.1:0\"\norigin = \"ledger.example/else\"")
        .unwrap();
    let outcome = run(&["--config", config]);
    assert_eq!(outcome.code, Some(78), "{outcome:?}");
    for part in ["c.toml", "origin", "ledger.example/else", "ledger.example/c"] {
        assert!(outcome.stderr.contains(part), "{outcome:?}");
    }
}

#[test]
fn fingerprint_and_verifier_key_are_printed_from_the_files_beside_a_running_daemon() {
    let (_dir, path) = place();
    let shown = |path: &Path, options: &[&str]| run(&[&["--data", path.to_str().unwrap()], options].concat());
    let expected = |descriptor: &Descriptor| [descriptor.fingerprint(), descriptor.log_key().to_string()];
    let daemon = Daemon::start(&path, &[]);
    let [fingerprint, vkey] = expected(&daemon.get_key().1);
    let before = snapshot(&path);
    assert_eq!(shown(&path, &["--fingerprint"]).stdout, format!("{fingerprint}\n"));
    assert_eq!(shown(&path, &["--vkey"]).stdout, format!("{vkey}\n"));
    let both = shown(&path, &["--fingerprint", "--vkey"]);
    assert_eq!((both.code, both.stdout), (Some(0), format!("{fingerprint}\n{vkey}\n")));
    assert_eq!(snapshot(&path), before);
    daemon.stop();

    let (_other_dir, other) = place();
    assert_eq!(shown(&other, &["--fingerprint"]).code, Some(2));
    Daemon::start(&other, &[]).stop();
    fs::rename(path.join("keys"), path.with_file_name("aside")).unwrap();
    fs::rename(other.join("keys"), path.join("keys")).unwrap();
    let outcome = shown(&path, &["--vkey"]);
    assert_eq!(
        (outcome.code, outcome.stdout.as_str()),
        (Some(78), ""),
        "keys of another ledger: {outcome:?}"
    );
}

#[test]
fn an_operator_whose_key_cannot_be_registered_is_refused_before_there_is_a_ledger() {
    let (_dir, path) = place();
    let device = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/keys/ed25519_device.pem");
    let key =
        ledgerd::crypto::SigningKey::from_pkcs8_pem(&fs::read_to_string(device).unwrap(), None).unwrap();
    let file = path.with_extension("pem");
    fs::write(&file, key.public().to_pem()).unwrap();
    let outcome = run(&options(&path, &["--operator", file.to_str().unwrap()]));
    assert_eq!(outcome.code, Some(2), "{outcome:?}");
    assert!(outcome.stderr.contains("begins with a key of RSA"), "{outcome:?}");
    assert!(!path.exists());
}
