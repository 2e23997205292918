//! How `ledgerctl` behaves towards people and scripts: the order of words, `-` for files, help, suggestions.

use std::process::{Command, Output, Stdio};

use argh::ArgsInfo as _;
use ledgerd::cli::{Arguments, overview_lines};

use super::binaries::{CLIENT, DAEMON, Daemon, Place};

const NOBODY: &str = "127.0.0.1:1";

fn run(program: &str, arguments: &[&str]) -> Output {
    Command::new(program).args(arguments).stdin(Stdio::null()).output().unwrap()
}

fn said(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn the_overview_names_every_command_once_with_a_line_that_fits() {
    let mut listed: Vec<&str> = overview_lines().map(|(name, _)| name).collect();
    listed.sort_unstable();
    let info = Arguments::get_args_info();
    let mut commands: Vec<&str> = info.commands.iter().map(|command| command.name).collect();
    commands.sort_unstable();
    assert_eq!(listed, commands);
    for (name, line) in overview_lines() {
        assert!((1..=58).contains(&line.len()), "{name}: {line}");
    }
}

#[test]
fn a_bare_call_and_help_show_the_commands_in_groups() {
    let bare = said(&run(CLIENT, &[]));
    assert_eq!((bare.0, bare.2.as_str()), (Some(0), ""));
    for part in ["Usage: ledgerctl", "To begin:", "Money:", "  pay  ", "--home DIR"] {
        assert!(bare.1.contains(part), "{}", bare.1);
    }
    for word in ["-h", "--help", "help"] {
        assert_eq!(said(&run(CLIENT, &[word])), bare, "{word}");
    }
    let pay = said(&run(CLIENT, &["help", "pay"]));
    assert!(pay.0 == Some(0) && pay.1.contains("ledgerctl pay bob 12.50"), "{pay:?}");
    assert_eq!(said(&run(CLIENT, &["pay", "-h"])), pay);
}

#[test]
fn both_programs_tell_their_version() {
    for (program, name) in [(CLIENT, "ledgerctl"), (DAEMON, "ledgerd")] {
        for word in ["-V", "--version"] {
            let told = said(&run(program, &[word]));
            assert_eq!(told, (Some(0), format!("{name} {}\n", env!("CARGO_PKG_VERSION")), String::new()));
        }
        let help = said(&run(program, &["-h"]));
        assert!(help.0 == Some(0) && help.2.is_empty(), "{help:?}");
    }
}

#[test]
fn a_suggestion_comes_for_what_was_misspelt_and_for_nothing_else() {
    for (line, meant) in [
        (&["vrify"][..], "verify"),
        (&["pay", "bob", "1", "--meom", "x"], "--memo"),
        (&["checkpoint", "savee", "f"], "save"),
        (&["blance", "--json"], "balance"),
    ] {
        let (code, _, errors) = said(&run(CLIENT, line));
        assert_eq!(code, Some(2));
        assert!(errors.contains(&format!("Did you mean {meant}?")), "{line:?}: {errors}");
    }
    for line in [
        &["pay", "bob"][..],
        &["grant", "bob", "balance"],
        &["add", "--inflight", "copy", "f"],
        &["copy", "--limit", "limit"],
        &["receipt", "verify"],
        &["xyzzy", "different"],
    ] {
        let (code, _, errors) = said(&run(CLIENT, line));
        assert_eq!(code, Some(2), "{errors}");
        assert!(!errors.contains("Did you mean"), "{line:?}: {errors}");
    }
}

#[test]
fn options_stand_anywhere_and_a_dash_is_a_file_everywhere() {
    let place = Place::new();
    let daemon = Daemon::start_with(
        &place.data(),
        "127.0.0.1:0",
        &["--currency=USD", "--scale=2", "--opening-grant=10000"],
    );
    let at = daemon.address.as_str();
    for member in ["alice", "bob"] {
        place.join(member, at);
    }
    let alice = place.directory.path().join("alice");
    let (home, server) = (alice.to_str().unwrap(), format!("--server={at}"));
    let balance = said(&run(CLIENT, &["balance", "--home", home, "--json", &server]));
    assert_eq!((balance.0, balance.2.as_str()), (Some(0), ""));
    assert!(balance.1.starts_with("{\"balance\":"), "{balance:?}");

    let payment = "{\"to\":\"bob\",\"amount\":\"1.00\"}\n";
    let (code, paid) = place.feed("alice", at, &["pay", "--file", "-"], payment);
    assert_eq!(code, Some(0), "{paid}");
    let order = place.done("alice", at, &["order", "bob", "2.00", "--out", "-"]);
    assert!(order.starts_with("-----BEGIN"), "{order}");
    assert_eq!(place.feed("bob", at, &["settle", "-"], &order).0, Some(0));
    let note = place.done("alice", at, &["checkpoint", "save", "-"]);
    let (code, extended) = place.feed("alice", at, &["checkpoint", "verify", "-"], &note);
    assert!(code == Some(0) && extended.starts_with("extended"), "{extended}");
    let (code, audited) =
        place.feed("x", NOBODY, &["audit", "--checkpoint", "-", place.data().to_str().unwrap()], &note);
    assert_eq!(code, Some(0), "{audited}");
}

#[test]
fn the_help_on_a_command_and_the_script_for_nushell_name_the_options_of_every_command() {
    for line in [&["pay", "--help"][..], &["help", "checkpoint", "save"]] {
        let (code, help, _) = said(&run(CLIENT, line));
        assert_eq!(code, Some(0));
        for option in ["--home DIR", "--json", "--passphrase-fd N"] {
            assert!(help.contains(option), "{line:?}: {help}");
        }
    }
    let (_, script, _) = said(&run(CLIENT, &["completions", "nushell"]));
    let externs: Vec<&str> = script.split("export extern ").skip(1).collect();
    for name in ["\"ledgerctl pay\"", "\"ledgerctl checkpoint save\"", "\"ledgerctl\""] {
        let found = externs.iter().filter(|command| command.starts_with(&format!("{name} ["))).count();
        assert_eq!(found, 1, "{name}: {script}");
    }
    for command in &externs {
        assert_eq!(command.matches("    --json ").count(), 1, "{command}");
        assert_eq!(command.matches("    --home: string").count(), 1, "{command}");
    }
}
