//! The overview of `ledgerctl`: its commands in groups, with a short line each. It is what `ledgerctl` alone shows, and
//! `ledgerctl --help`.

use std::fmt::Write as _;

use super::GROUPS;

/// Options that every command takes.
pub(super) const OPTIONS: &[(&str, &str)] = &[
    ("--home DIR", "where keys and pinned servers are (LEDGERCTL_HOME)"),
    ("--server HOST:PORT", "or A:1,B:2; 127.0.0.1:7878 if not given (LEDGERCTL_SERVER)"),
    ("--passphrase-file F", "file whose first line is the passphrase of the key"),
    ("--passphrase-fd N", "the same from a file that is open already"),
    ("--code DIGITS", "code of your second factor, for a command that needs one"),
    ("--json", "stable JSON instead of text"),
    ("-h, --help", "this, or help on a command"),
    ("-V, --version", "the version"),
];

/// Every command with its line.
pub fn overview_lines() -> impl Iterator<Item = (&'static str, &'static str)> {
    GROUPS.iter().flat_map(|(_, commands)| commands.iter().copied())
}

/// The whole text.
pub(super) fn text() -> String {
    let mut text = String::from(
        "The client of a tamper-evident ledger.\n\nUsage: ledgerctl [OPTIONS] COMMAND [ARGUMENTS]\n",
    );
    for (title, lines) in GROUPS.iter().chain([&("Options, before or behind the command", OPTIONS)]) {
        text.push_str(&group(title, lines));
    }
    text.push_str("\nledgerctl COMMAND --help tells more and shows an example.\n");
    text
}

/// The options that every command takes, as they stand at the end of the help on one.
pub(super) fn options_of_every_command() -> String {
    group("Options of every command", OPTIONS)
}

fn group(title: &str, lines: &[(&str, &str)]) -> String {
    let mut text = format!("\n{title}:\n");
    for (name, line) in lines {
        // Nothing can go wrong when a String is written to.
        writeln!(text, "  {name:21}{line}").unwrap_or_default();
    }
    text
}
