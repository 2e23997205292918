//! `ledgerctl shell` with scripts, the completion scripts in the shells that are installed, and the man pages.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use super::binaries::{CLIENT, Daemon, Place};

/// Runs a script in the shell of a member.
fn script(place: &Place, at: &str, arguments: &[&str], script: &[u8]) -> (Option<i32>, String, String) {
    let mut command = place.command("alice", at, &[&["shell"], arguments].concat());
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(script).unwrap();
    said(&child.wait_with_output().unwrap())
}

fn said(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_script_is_read_as_shells_read_theirs() {
    let place = Place::new();
    let daemon = Daemon::start_with(&place.data(), "127.0.0.1:0", &["--opening-grant=100"]);
    let at = daemon.address.as_str();
    place.join("alice", at);
    let balance = "100 UNIT\n";
    let run = |arguments: &[&str], text: &[u8]| script(&place, at, arguments, text);

    let (code, out, errors) = run(&[], b"\xef\xbb\xbf# the rent\n\n  # and more\r\nbalance # now\r\nbalance");
    assert_eq!((code, out, errors.as_str()), (Some(0), balance.repeat(2), ""));

    let (code, out, errors) = run(&[], b"pay bob 1 --memo caf\xe9\nbalance\n");
    assert_eq!((code, out.as_str()), (Some(0), balance), "the next line is run");
    assert_eq!(errors, "ledgerctl: line 1: byte 21 of it is not UTF-8; it was not run\n");
    let (code, _, errors) = run(&[], b"balance\npay 'bob 1\n");
    assert_eq!(code, Some(2), "the exit code is that of the last command");
    assert!(errors.contains("line 2: a quote is not closed"), "{errors}");

    let failing = b"balance\npay nobody 1\nbalance\n";
    let (code, out, _) = run(&[], failing);
    assert_eq!((code, out), (Some(0), balance.repeat(2)));
    let (code, out, errors) = run(&["--stop-on-error"], failing);
    assert_eq!((code, out.as_str()), (Some(3), balance));
    assert!(errors.contains("invalid_user") && errors.contains("line 2 failed with exit code 3"), "{errors}");
    assert_eq!(run(&["--stop-on-error"], b"balance\xff\nbalance\n").0, Some(2));
    let (code, out, _) = run(&[], b"balance\nexit\nbalance\n");
    assert_eq!((code, out.as_str()), (Some(0), balance));

    let (code, _, errors) = run(&["--json", "--stop-on-error"], b"\xff\n");
    assert_eq!(code, Some(2));
    assert!(errors.starts_with("{\"error\":{\"name\":\"usage\",\"code\":2,"), "{errors}");
}

/// A shell in which `ledgerctl` is this build's; none if the machine does not have it.
fn shell(name: &str, directory: &Path, arguments: &[&str]) -> Option<(Option<i32>, String, String)> {
    let programs = Path::new(CLIENT).parent().unwrap().display();
    let path = format!("{programs}:{}", std::env::var("PATH").unwrap_or_default());
    let mut command = Command::new(name);
    command
        .args(arguments)
        .current_dir(directory)
        .env("PATH", path)
        .env("HOME", directory)
        .stdin(Stdio::null());
    match command.output() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        output => Some(said(&output.unwrap())),
    }
}

/// The script of a shell, in a directory with a file and a directory that can be completed.
fn prepared(name: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let script = Command::new(CLIENT).args(["completions", name]).output().unwrap();
    assert_eq!(script.status.code(), Some(0));
    std::fs::write(directory.path().join("script"), script.stdout).unwrap();
    std::fs::write(directory.path().join("my orders.json"), "").unwrap();
    std::fs::create_dir(directory.path().join("my ledger")).unwrap();
    directory
}

/// What stands on the line, and what has to be among the candidates; the last word is the one under the cursor.
const LINES: &[(&[&str], &[&str])] = &[
    (&["bal"], &["balance"]),
    (&["--json", "rev"], &["revoke", "revoke-cheque"]),
    (&["pay", "bob", "5", "--me"], &["--memo"]),
    (&["grant", "bob", ""], &["operator"]),
    (&["export", "--format", ""], &["hledger", "beancount", "csv", "jsonl"]),
    (&["add", "my"], &["my orders.json"]),
    (&["audit", "my"], &["my ledger"]),
];

#[test]
fn bash_completes_commands_options_values_and_files() {
    let directory = prepared("bash");
    for (words, expected) in LINES {
        let words: String = words.iter().map(|word| format!(" '{word}'")).collect();
        let line = format!(
            "source ./script; COMP_WORDS=(ledgerctl{words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _ledgerctl; \
             printf '%s\\n' \"${{COMPREPLY[@]}}\""
        );
        let Some((code, out, errors)) = shell("bash", directory.path(), &["--norc", "-c", &line]) else {
            return;
        };
        assert_eq!((code, errors.as_str()), (Some(0), ""), "{line}");
        for word in *expected {
            assert!(out.lines().any(|found| found == *word), "{line}: {out}");
        }
    }
}

#[test]
fn fish_of_any_age_completes_commands_options_values_and_files() {
    let directory = prepared("fish");
    let script = std::fs::read_to_string(directory.path().join("script")).unwrap();
    assert!(!script.contains("commandline -x"), "fish before 4.0 does not have it");
    for (words, expected) in LINES {
        let line = format!("source ./script; complete -C 'ledgerctl {}'", words.join(" "));
        let Some((_, out, errors)) = shell("fish", directory.path(), &["--no-config", "-c", &line]) else {
            return;
        };
        assert_eq!(errors, "", "{line}");
        for word in *expected {
            let found = |found: &str| found.split('\t').next().unwrap_or_default().replace('\\', "");
            assert!(out.lines().any(|line| found(line).trim_end_matches('/') == *word), "{line}: {out}");
        }
    }
}

#[test]
fn zsh_reads_its_script_and_the_words_it_asks_for() {
    let directory = prepared("zsh");
    // The completion system needs a terminal; what it would be given is looked at instead.
    let line = "compdef() { :; }; compset() { return 1; }; _files() { echo files $*; }; _describe() { print -l ${(P)2}; }; \
                source ./script; words=(ledgerctl export --format ''); CURRENT=4; _ledgerctl; \
                words=(ledgerctl add my); CURRENT=3; _ledgerctl; words=(ledgerctl audit my); CURRENT=3; _ledgerctl";
    let Some((code, out, errors)) = shell("zsh", directory.path(), &["-f", "-c", line]) else { return };
    assert_eq!((code, errors.as_str()), (Some(0), ""), "{out}");
    for word in ["hledger", "jsonl"] {
        assert!(out.lines().any(|line| line.starts_with(&format!("{word}:"))), "{out}");
    }
    assert!(out.lines().any(|line| line == "files") && out.lines().any(|line| line == "files -/"), "{out}");
}

#[test]
fn man_pages_of_both_programs_have_the_sections_that_people_look_for() {
    let directory = tempfile::tempdir().unwrap();
    let written = Command::new(CLIENT).arg("man").arg(directory.path()).output().unwrap();
    assert_eq!(written.status.code(), Some(0));
    let mut names = Vec::new();
    for entry in std::fs::read_dir(directory.path()).unwrap() {
        let path = entry.unwrap().path();
        names.push(path.file_name().unwrap().to_string_lossy().into_owned());
        let page = std::fs::read_to_string(&path).unwrap();
        for title in ["NAME", "SYNOPSIS", "EXIT STATUS", "ENVIRONMENT", "FILES", "SEE ALSO"] {
            let found =
                page.lines().any(|line| line == format!(".SH {title}") || line == format!(".SH \"{title}\""));
            assert!(found, "{}: no {title}\n{page}", path.display());
        }
        assert!(!page.contains("{command_name}"), "{page}");
        let lint =
            Command::new("groff").args(["-K", "utf8", "-man", "-T", "utf8", "-ww", "-z"]).arg(&path).output();
        let Ok(lint) = lint else { continue };
        let (code, _, warnings) = said(&lint);
        assert_eq!((code, warnings.as_str()), (Some(0), ""), "{}", path.display());
    }
    for name in ["ledgerd.1", "ledgerctl.1", "ledgerctl-pay.1"] {
        assert!(names.contains(&name.to_owned()), "{names:?}");
    }
}
