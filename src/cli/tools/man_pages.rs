//! The man pages of both programs, made from the same descriptions as `--help`.

use argh::{CommandInfoWithArgs, FlagInfo, FlagInfoKind, Optionality};
use roff::{Inline, Roff, bold, italic, roman};

use crate::cli::overview::OPTIONS;
use crate::daemon;
use crate::terminal::exit::MEANINGS;

/// Variables that `ledgerctl` reads.
const CLIENT_VARIABLES: &[(&str, &str)] = &[
    ("LEDGERCTL_HOME", "directory of keys and pinned servers, if --home is not given"),
    ("LEDGERCTL_SERVER", "HOST:PORT of the server, or several with commas, if --server is not given"),
    ("LEDGERCTL_PASSPHRASE", "passphrase of the key, where there is no terminal to ask at"),
];

/// Files of the home directory that matter to people.
const CLIENT_FILES: &[(&str, &str)] = &[
    ("~/.local/share/ledgerctl", "the home directory; another one with --home"),
    ("key.pem", "in it: your key. Keep a copy: nobody can give you another key to the same account"),
    ("known_servers", "in it: the pinned servers, the addresses and the newest checkpoint of each"),
    ("evidence", "in it: signed checkpoints that contradict each other, if there are any"),
    ("shell_history", "in it: lines of the shell"),
];

const DAEMON_VARIABLES: &[(&str, &str)] =
    &[("LEDGERD_LOG", "how much is logged: error, warn, info or debug")];

/// What lies in the ledger's directory.
const DAEMON_FILES: &[(&str, &str)] = &[
    ("DIR/log, DIR/anchor", "the ledger; copy these"),
    ("DIR/keys", "the one thing to keep secret"),
    ("DIR/tree", "hashes of the blocks; made again when it is missing"),
    ("DIR/checkpoint", "the newest checkpoint that was shown to anybody; elsewhere with --checkpoint-file"),
    ("DIR/ledgerd.toml", "limits; elsewhere with --config"),
];

/// Every page, with the name of its file.
pub(super) fn pages(client: &CommandInfoWithArgs) -> Vec<(String, String)> {
    let mut pages = vec![
        ("ledgerctl.1".to_owned(), client_page("ledgerctl", client, None)),
        ("ledgerd.1".to_owned(), daemon_page(&daemon::describe())),
    ];
    for sub in &client.commands {
        let name = format!("ledgerctl-{}", sub.name);
        pages.push((format!("{name}.1"), client_page(&name, &sub.command, Some(sub.name))));
    }
    pages
}

/// The page of `ledgerctl`, or of one of its commands.
fn client_page(name: &str, info: &CommandInfoWithArgs, command: Option<&str>) -> String {
    let mut page = begin(name, info);
    synopsis(&mut page, "ledgerctl", command, info);
    description(&mut page, info);
    arguments(&mut page, info);
    options(&mut page, info.flags);
    if command.is_some() {
        page.text([roman("Every command also takes:")]);
        named(&mut page, OPTIONS);
    }
    commands(&mut page, info);
    examples(&mut page, info);
    section(&mut page, "EXIT STATUS");
    // The daemon's own code.
    for (code, meaning) in MEANINGS.iter().filter(|(code, _)| *code != 74) {
        item(&mut page, bold(code.to_string()), meaning);
    }
    section(&mut page, "ENVIRONMENT");
    named(&mut page, CLIENT_VARIABLES);
    section(&mut page, "FILES");
    named(&mut page, CLIENT_FILES);
    let mut others = vec!["ledgerctl".to_owned(), "ledgerd".to_owned()];
    if command.is_none() {
        others.extend(info.commands.iter().map(|sub| format!("ledgerctl-{}", sub.name)));
    }
    others.retain(|other| other != name);
    see_also(&mut page, &others);
    page.render()
}

fn daemon_page(info: &CommandInfoWithArgs) -> String {
    let mut page = begin("ledgerd", info);
    synopsis(&mut page, "ledgerd", None, info);
    description(&mut page, info);
    options(&mut page, info.flags);
    item(&mut page, bold("-h, --help"), "the same as this, and every setting of the configuration file");
    for note in info.notes {
        section(&mut page, "NOTES");
        preformatted(&mut page, note);
    }
    examples(&mut page, info);
    section(&mut page, "EXIT STATUS");
    for code in info.error_codes {
        item(&mut page, bold(code.code.to_string()), code.description);
    }
    section(&mut page, "ENVIRONMENT");
    named(&mut page, DAEMON_VARIABLES);
    section(&mut page, "FILES");
    named(&mut page, DAEMON_FILES);
    see_also(&mut page, &["ledgerctl".to_owned()]);
    page.render()
}

fn begin(name: &str, info: &CommandInfoWithArgs) -> Roff {
    let mut page = Roff::new();
    let version = concat!("ledgerd ", env!("CARGO_PKG_VERSION"));
    page.control("TH", [name, "1", "", version, "ledgerd"]);
    section(&mut page, "NAME");
    let summary = info.description.lines().next().unwrap_or_default().trim_end_matches('.');
    page.text([roman(format!("{name} - {summary}"))]);
    page
}

fn section(page: &mut Roff, title: &str) {
    page.control("SH", [title]);
}

/// How the command is written, with what may be left out in brackets.
fn synopsis(page: &mut Roff, program: &str, command: Option<&str>, info: &CommandInfoWithArgs) {
    section(page, "SYNOPSIS");
    let mut words: Vec<Inline> = vec![bold(program)];
    if let Some(command) = command {
        words.extend([roman(" [OPTIONS] "), bold(command)]);
    }
    for flag in info.flags {
        let (open, close) = brackets(&flag.optionality);
        words.extend([roman(format!(" {open}")), bold(flag.long)]);
        if let FlagInfoKind::Option { arg_name } = flag.kind {
            words.extend([roman(" "), italic(arg_name)]);
        }
        words.push(roman(close));
    }
    for argument in info.positionals {
        let (open, close) = brackets(&argument.optionality);
        words.extend([roman(format!(" {open}")), italic(argument.name), roman(close)]);
    }
    if !info.commands.is_empty() {
        words.extend([roman(" "), italic("command"), roman(" ...")]);
    }
    page.text(words);
}

fn brackets(optionality: &Optionality) -> (&'static str, &'static str) {
    match optionality {
        Optionality::Required => ("", ""),
        Optionality::Optional => ("[", "]"),
        Optionality::Repeating | Optionality::Greedy => ("[", "]..."),
    }
}

fn description(page: &mut Roff, info: &CommandInfoWithArgs) {
    section(page, "DESCRIPTION");
    for (number, paragraph) in info.description.split("\n\n").enumerate() {
        if number > 0 {
            page.control("PP", []);
        }
        page.text([roman(paragraph)]);
    }
}

fn arguments(page: &mut Roff, info: &CommandInfoWithArgs) {
    if info.positionals.is_empty() {
        return;
    }
    section(page, "ARGUMENTS");
    for argument in info.positionals {
        item(page, italic(argument.name), argument.description);
    }
}

fn options(page: &mut Roff, flags: &[FlagInfo<'_>]) {
    section(page, "OPTIONS");
    for flag in flags {
        let name = match flag.kind {
            FlagInfoKind::Switch => flag.long.to_owned(),
            FlagInfoKind::Option { arg_name } => format!("{} {arg_name}", flag.long),
        };
        item(page, bold(name), flag.description);
    }
}

fn commands(page: &mut Roff, info: &CommandInfoWithArgs) {
    if info.commands.is_empty() {
        return;
    }
    section(page, "COMMANDS");
    for sub in &info.commands {
        item(page, bold(sub.name), sub.command.description.lines().next().unwrap_or_default());
    }
}

fn examples(page: &mut Roff, info: &CommandInfoWithArgs) {
    if info.examples.is_empty() {
        return;
    }
    section(page, "EXAMPLES");
    for example in info.examples {
        preformatted(page, &example.replace("{command_name}", "ledgerd"));
    }
}

/// Text whose lines stay as they are.
fn preformatted(page: &mut Roff, text: &str) {
    page.control("nf", []);
    for line in text.lines() {
        page.text([roman(line)]);
    }
    page.control("fi", []);
}

fn named(page: &mut Roff, rows: &[(&str, &str)]) {
    for (name, meaning) in rows {
        item(page, bold(*name), meaning);
    }
}

fn item(page: &mut Roff, name: Inline, meaning: &str) {
    page.control("TP", []);
    page.text([name]);
    page.text([roman(meaning)]);
}

fn see_also(page: &mut Roff, names: &[String]) {
    section(page, "SEE ALSO");
    let mut words: Vec<Inline> = Vec::new();
    for name in names {
        if !words.is_empty() {
            words.push(roman(", "));
        }
        words.extend([bold(name), roman("(1)")]);
    }
    page.text(words);
}
