//! `ledgerctl show`: what a file is, who signed it and for whom, in words. It asks nobody: what can be checked is
//! checked with the file itself and with what the home directory knows, and what cannot is said.

mod known;
mod private;
mod signed;

use std::io::Read as _;
use std::path::{Path, PathBuf};

use argh::{ArgsInfo, FromArgs};
use serde_json::{Map, Value};

use crate::chain::armour;
use crate::cli::context::Context;
use crate::cli::named_files::{open_source, read_bytes};
use crate::cli::run::Run;
use crate::client::ClientError;
use crate::terminal::exit::Exit;
use crate::text::escape;
use known::Known;

/// Say in words what a file is: a receipt, a checkpoint, a cheque, a key, a key request, or another file of a ledger's.
///
/// Who signed it, for whom, and what of it could be checked with what your home directory knows. No server is asked.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "show", example = "ledgerctl show rent.cheque")]
pub struct Show {
    /// file to read, - for standard input
    #[argh(positional)]
    pub file: PathBuf,
}

/// Bytes that tell the binary files of a ledger apart.
const FIRST_BYTES: u64 = 16;

impl Run for Show {
    const REMEMBERS: bool = false;

    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let name = self.file.display().to_string();
        let shown = if self.file.is_dir() {
            folder(&self.file)
        } else if let Some(shown) = by_first_bytes(&self.file)? {
            Some(shown)
        } else {
            file(&read_bytes(&self.file)?, &self.file, &Known::of(context))
        };
        let shown = shown.ok_or_else(|| {
            ClientError::Usage(format!(
                "{name}: neither a receipt, a checkpoint, a cheque, a key, a key request, nor another file of a ledger's that this \
                 program knows"
            ))
        })?;
        if context.out.json {
            context.out.line(&shown.as_json().to_string())?;
        } else {
            context.out.line(shown.in_words(&name).trim_end())?;
        }
        Ok(if shown.is_wrong() { Exit::Integrity } else { Exit::Done })
    }
}

/// What a file turned out to be.
struct Shown {
    /// The stable machine name.
    kind: &'static str,
    /// The same in words.
    title: String,
    facts: Vec<Fact>,
    checks: Vec<Check>,
}

/// Something that stands in the file.
struct Fact {
    /// The stable machine name; with blanks for underscores, what people read.
    name: &'static str,
    value: Value,
    words: String,
}

/// What was, or would have to be, checked.
enum Check {
    /// This holds.
    Holds(String),
    /// This does not hold.
    Wrong(String),
    /// This could not be checked here.
    Open(String),
}

impl Shown {
    fn new(kind: &'static str, title: impl Into<String>) -> Shown {
        Shown { kind, title: title.into(), facts: Vec::new(), checks: Vec::new() }
    }

    /// Adds a fact that reads the same for programs and for people.
    fn fact(self, name: &'static str, value: impl ToString) -> Shown {
        let words = value.to_string();
        self.fact_as(name, words.clone(), words)
    }

    /// Adds a fact with a form for programs and one for people.
    fn fact_as(mut self, name: &'static str, value: impl Into<Value>, words: impl Into<String>) -> Shown {
        self.facts.push(Fact { name, value: value.into(), words: words.into() });
        self
    }

    fn check(mut self, check: Check) -> Shown {
        self.checks.push(check);
        self
    }

    fn is_wrong(&self) -> bool {
        self.checks.iter().any(|check| matches!(check, Check::Wrong(_)))
    }

    fn in_words(&self, name: &str) -> String {
        let mut text = format!("{}: {}\n", escape(name), self.title);
        for Fact { name, words, .. } in &self.facts {
            let label = name.replace('_', " ");
            for (number, line) in words.lines().enumerate() {
                let label = if number == 0 { label.as_str() } else { "" };
                text.push_str(&format!("  {label:14} {}\n", escape(line)));
            }
        }
        for check in &self.checks {
            let (label, said) = match check {
                Check::Holds(said) => ("checked", said),
                Check::Wrong(said) => ("WRONG", said),
                Check::Open(said) => ("not checked", said),
            };
            text.push_str(&format!("{label}: {}\n", escape(said)));
        }
        text
    }

    fn as_json(&self) -> Value {
        let said = |wanted: fn(&Check) -> Option<&String>| -> Vec<&String> {
            self.checks.iter().filter_map(wanted).collect()
        };
        let mut object = Map::new();
        object.insert("kind".to_owned(), self.kind.into());
        for Fact { name, value, .. } in &self.facts {
            object.insert((*name).to_owned(), value.clone());
        }
        let checked = said(|check| if let Check::Holds(said) = check { Some(said) } else { None });
        let wrong = said(|check| if let Check::Wrong(said) = check { Some(said) } else { None });
        let open = said(|check| if let Check::Open(said) = check { Some(said) } else { None });
        for (name, said) in [("checked", checked), ("wrong", wrong), ("not_checked", open)] {
            object.insert(name.to_owned(), serde_json::json!(said));
        }
        Value::Object(object)
    }
}

/// A file of a ledger's directory, which may be too long to be read as a whole.
fn by_first_bytes(path: &Path) -> Result<Option<Shown>, ClientError> {
    if !path.is_file() {
        return Ok(None);
    }
    let mut first = Vec::new();
    let read = open_source(path)?.take(FIRST_BYTES).read_to_end(&mut first);
    read.map_err(|error| ClientError::Usage(format!("{}: {error}", path.display())))?;
    Ok(private::binary(&first))
}

/// A folder that other commands are for.
fn folder(path: &Path) -> Option<Shown> {
    let has = |name: &str| path.join(name).exists();
    let advice = |command: &str| Check::Open(format!("`ledgerctl {command} {}` does", path.display()));
    if has("log") && has("anchor") {
        let title = "the directory of a ledger: its blocks and its server's keys";
        return Some(Shown::new("ledger", title).check(advice("audit")));
    }
    if has("tile") && has("checkpoint") {
        let title = "a ledger as static files, for a web server";
        return Some(Shown::new("tiles", title).check(advice("audit")));
    }
    if has("known_servers") || has("key.pem") {
        let title = "the home directory of a member: keep key.pem in it secret, and a copy of it";
        return Some(Shown::new("home", title));
    }
    None
}

fn file(bytes: &[u8], path: &Path, known: &Known) -> Option<Shown> {
    let text = armour::text_of(bytes);
    signed::receipt(&text, known)
        .or_else(|| signed::cheque(&text, known))
        .or_else(|| signed::key_request(&text, known))
        .or_else(|| private::private_key(&text, known))
        .or_else(|| signed::public_key(&text, known))
        .or_else(|| signed::descriptor(&text, known))
        .or_else(|| signed::checkpoint(&text, known))
        // What a home holds is known by its form, and some of it by its name too.
        .or_else(|| private::of_home(&text, path))
        .or_else(|| signed::verifier_key(&text, known))
        .or_else(|| private::input(&text))
}
