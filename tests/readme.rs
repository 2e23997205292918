//! The README is followed to the letter: every command in it is typed, and what it shows is what one sees.
//!
//! In a block a line that begins with a `$` is a command; the word before it says in whose terminal. The lines behind
//! it are the output. An ellipsis stands for what is different each time: alone on a line for any number of lines, else
//! for any text. A prompt without a command shows what else comes in that terminal.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

use super::binaries::{CLIENT, ORDERS};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// A machine that is busy with other tests may take long; a README that is wrong does not get this far.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is printed when a command has ended.
const ENDED: &str = "-- the command has ended --";

/// One command with what the README shows of it.
struct Step {
    terminal: String,
    command: String,
    shown: Vec<String>,
}

/// The steps of a section, in order.
fn steps(section: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut in_block = false;
    for line in section.lines() {
        let Some(line) = line.strip_prefix("    ") else {
            in_block = false;
            continue;
        };
        let prompt = line.split_once('$').filter(|(who, rest)| {
            who.bytes().all(|byte| byte.is_ascii_lowercase()) && (rest.is_empty() || rest.starts_with(' '))
        });
        match prompt {
            Some((terminal, command)) => {
                in_block = true;
                let (terminal, command) = (terminal.to_owned(), command.trim().to_owned());
                steps.push(Step { terminal, command, shown: Vec::new() });
            }
            None if in_block => steps.last_mut().unwrap().shown.push(line.trim_end().to_owned()),
            None => {}
        }
    }
    steps
}

/// A shell in which somebody types; everything in it ends with the test.
struct Terminal {
    shell: Child,
    input: ChildStdin,
    lines: Receiver<String>,
    /// What came since the last step.
    seen: Vec<String>,
}

impl Terminal {
    fn open(directory: &Path, name: &str, server: &str) -> Terminal {
        let home = directory.join("homes").join(name);
        std::fs::create_dir_all(&home).unwrap();
        let path =
            format!("{}:{}", Path::new(CLIENT).parent().unwrap().display(), std::env::var("PATH").unwrap());
        let mut shell = Command::new("bash");
        shell.args(["--norc", "--noprofile"]).current_dir(directory).process_group(0);
        shell.env("PATH", path).env("HOME", home).env_remove("XDG_DATA_HOME");
        for variable in ["LEDGERCTL_HOME", "LEDGERCTL_PASSPHRASE", "LEDGERD_LOG"] {
            shell.env_remove(variable);
        }
        // In place of the port that both programs agree on, which may be taken here.
        shell.env("LEDGERCTL_SERVER", server);
        let mut shell = shell.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (mut input, output) = (shell.stdin.take().unwrap(), shell.stdout.take().unwrap());
        writeln!(input, "exec 2>&1").unwrap();
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            BufReader::new(output).lines().map_while(Result::ok).all(|line| sender.send(line).is_ok())
        });
        Terminal { shell, input, lines, seen: Vec::new() }
    }

    /// Types a command, or none, and waits for what the README shows.
    fn follow(&mut self, command: &str, shown: &[String]) -> Result<(), String> {
        let stays = command.starts_with("ledgerd ") || command.contains(" listen");
        self.seen.clear();
        if !command.is_empty() {
            let end = if stays { " &".to_owned() } else { format!("\necho; echo '{ENDED}'") };
            // A comment behind the command would take the rest with it.
            let command = command.split_once("  #").map_or(command, |(command, _)| command);
            writeln!(self.input, "{command}{end}").unwrap();
        }
        if stays || command.is_empty() {
            while !begins_with(&self.seen, shown) {
                let line = self.lines.recv_timeout(PATIENCE);
                self.seen.push(line.map_err(|_| self.differs(command, shown))?);
            }
            return Ok(());
        }
        loop {
            let line = self.lines.recv_timeout(PATIENCE).map_err(|_| self.differs(command, shown))?;
            if line == ENDED {
                break;
            }
            self.seen.push(line);
        }
        // The empty line that sets the mark apart.
        if self.seen.last().is_some_and(String::is_empty) {
            self.seen.pop();
        }
        matches(&self.seen, shown).then_some(()).ok_or_else(|| self.differs(command, shown))
    }

    fn differs(&self, command: &str, shown: &[String]) -> String {
        format!("$ {command}\nREADME.md shows:\n{}\none sees:\n{}\n", shown.join("\n"), self.seen.join("\n"))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // A shell that has ended by itself has nothing left to end.
        kill_process_group(Pid::from_raw(self.shell.id() as i32).unwrap(), Signal::KILL).unwrap_or_default();
        drop(self.shell.wait());
    }
}

/// Whether lines are what is shown, all of them.
fn matches(lines: &[String], shown: &[String]) -> bool {
    match shown.split_first() {
        None => lines.is_empty(),
        Some((first, rest)) if first.trim() == "…" => {
            (0..=lines.len()).any(|from| matches(&lines[from..], rest))
        }
        Some((first, rest)) => {
            lines.split_first().is_some_and(|(line, others)| is_shown(line, first) && matches(others, rest))
        }
    }
}

fn begins_with(lines: &[String], shown: &[String]) -> bool {
    (0..=lines.len()).any(|to| matches(&lines[..to], shown))
}

fn is_shown(line: &str, shown: &str) -> bool {
    let mut parts = shown.split('…');
    let Some(mut rest) = line.trim_end().strip_prefix(parts.next().unwrap()) else { return false };
    let mut open = false;
    for part in parts {
        open = true;
        if part.is_empty() {
            continue;
        }
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
        open = false;
    }
    open || rest.is_empty()
}

/// What the README leaves open in a command and an earlier output has told.
fn filled_in(command: &str, told: &str) -> String {
    let mut command = command.to_owned();
    for start in ["SHA3-256:", "ledger.example/prod+"] {
        let word = told.split_whitespace().find(|word| word.starts_with(start));
        if let Some(word) = word {
            command = command.replace(&format!("{start}…"), word);
        }
    }
    command
}

/// Follows a section; gives what was different.
fn follow(section: &str) -> Vec<String> {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("fixtures")).unwrap();
    std::fs::copy(ORDERS, directory.path().join("fixtures/orders.json")).unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let placed = |text: &str| {
        ["0.0.0.0:7878", "127.0.0.1:7878", "ledger.example:7878"]
            .iter()
            .fold(text.to_owned(), |text, address| text.replace(address, &free))
    };
    let mut terminals: BTreeMap<String, Terminal> = BTreeMap::new();
    let (mut told, mut wrong) = (String::new(), Vec::new());
    for step in steps(section) {
        let command = step.command.replace("cargo install --locked --path . && ", "");
        if command.starts_with("cargo ") {
            continue;
        }
        let mut command = filled_in(&placed(&command), &told);
        if command.starts_with("ledgerd ") && !command.contains("--listen") {
            command = format!("{command} --listen {free}");
        }
        let shown: Vec<String> = step.shown.iter().map(|line| placed(line)).collect();
        let terminal = terminals
            .entry(step.terminal.clone())
            .or_insert_with(|| Terminal::open(directory.path(), &step.terminal, &free));
        let followed = terminal.follow(&command, &shown);
        told = format!("{}\n{told}", terminal.seen.join("\n"));
        wrong.extend(followed.err());
    }
    wrong
}

fn sections() -> Vec<String> {
    let text = std::fs::read_to_string(Path::new(ROOT).join("README.md")).unwrap();
    format!("\n{text}").split("\n## ").map(str::to_owned).collect()
}

fn shows_what_one_sees(title: &str) {
    let section = sections().into_iter().find(|section| section.starts_with(title));
    let section = section.unwrap_or_else(|| panic!("README.md has no section {title:?}"));
    assert!(!steps(&section).is_empty(), "{title} has no commands");
    let wrong = follow(&section);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_first_screen_shows_what_one_sees() {
    shows_what_one_sees("\n# ledgerd");
}

#[test]
fn the_set_up_shows_what_one_sees() {
    shows_what_one_sees("Five minutes to a real set-up");
}

#[test]
fn the_second_machine_shows_what_one_sees() {
    shows_what_one_sees("A second machine, and one that is lost");
}

#[test]
fn the_password_shows_what_one_sees() {
    shows_what_one_sees("Five minutes with a password");
}

#[test]
fn the_money_shows_what_one_sees() {
    shows_what_one_sees("Five minutes of money");
}

#[test]
fn no_other_section_has_commands_that_nobody_has_tried() {
    let followed = [
        "\n# ledgerd",
        "Five minutes to a real set-up",
        "A second machine, and one that is lost",
        "Five minutes with a password",
        "Five minutes of money",
    ];
    for section in
        sections().iter().filter(|section| !followed.iter().any(|title| section.starts_with(title)))
    {
        assert!(steps(section).is_empty(), "{section}");
    }
}

#[test]
fn an_ellipsis_is_any_text_and_alone_any_number_of_lines() {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    assert!(matches(&lines("a\nb\nc"), &lines("a\n…\nc")) && matches(&lines("a\nc"), &lines("a\n…\nc")));
    assert!(!matches(&lines("a\nb"), &lines("a")) && !matches(&lines("a"), &lines("a\nb")));
    assert!(is_shown("block 2 abc 12 orders", "block 2 … 12 orders") && is_shown("x y", "x…"));
    assert!(!is_shown("block 3 abc 12 orders", "block 2 … 12 orders") && !is_shown("x y z", "x … y"));
}
