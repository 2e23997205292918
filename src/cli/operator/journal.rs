//! `ledgerctl journal`: the server's own record of who asked for what.

use std::io::{self, Write as _};

use argh::{ArgsInfo, FromArgs};
use serde_json::Value;

use crate::cli::amounts::object;
use crate::cli::context::Context;
use crate::cli::instants::instant;
use crate::cli::members::account_number;
use crate::cli::run::Run;
use crate::cli::session::open_member;
use crate::client::{self, ClientError, Member, User, find_member};
use crate::domain::AccountId;
use crate::journal::{Code, Kind, described};
use crate::terminal::exit::Exit;
use crate::text::escape;
use crate::time::Timestamp;
use crate::wire::JournalLine;

/// The server's own record of log-ins, questions and refusals; for operators and agents.
///
/// Equal things within a minute are one line, with a count. The journal is the server's word: nothing in it is signed or
/// proven, and its oldest part is gone. That you look into it is recorded.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "journal", example = "ledgerctl journal --account 2 --since 2026-01-31")]
pub struct Journal {
    /// whose lines are shown: a handle, or a number, with or without a # before it; those of all accounts otherwise
    #[argh(option, arg_name = "user")]
    pub account: Option<String>,

    /// first day or time, in UTC: 2026-01-31 or 2026-01-31T12:00:00Z
    #[argh(option, arg_name = "time")]
    pub since: Option<String>,
}

/// The account that somebody means: by its number alone, or as members are named everywhere.
fn account_of(member: &mut Member, text: &str) -> Result<AccountId, ClientError> {
    if let Ok(account) = account_number(text) {
        return Ok(account);
    }
    let user: User = text.parse().map_err(ClientError::Usage)?;
    find_member(member, &user).map(|found| found.account)
}

impl Run for Journal {
    const REMEMBERS: bool = false;

    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let since = self.since.as_deref().map(|text| instant(text, "--since")).transpose()?;
        // There is no journal of the time before the epoch.
        let since_ms = since.map_or(0, |micros| u64::try_from(micros / 1_000).unwrap_or(0));
        let mut member = open_member(context)?;
        let account = self.account.as_deref().map(|text| account_of(&mut member, text)).transpose()?;
        let mut journal = client::Journal::start(&mut member, account, since_ms);
        let codes: Vec<(Code, Kind, &str)> = described().collect();
        let mut said = false;
        while let Some(lines) = journal.next_page()? {
            if !said {
                context.out.note("the journal is the server's word: nothing in it is signed or proven");
                said = true;
            }
            let mut out = Vec::new();
            for line in &lines {
                let known = codes.iter().find(|(code, ..)| *code == line.code);
                let known = known.map(|(_, kind, name)| (kind.name(), *name));
                let written = write_line(line, known, context.out.json, &mut out);
                written.map_err(|error| ClientError::Unexpected(error.to_string()))?;
            }
            if !context.out.data(|stdout| stdout.write_all(&out))? {
                break;
            }
        }
        Ok(Exit::Done)
    }
}

/// Writes a line. `known` is the kind and the name of its code; none of a server that is newer than this program.
fn write_line(
    line: &JournalLine,
    known: Option<(&str, &str)>,
    json: bool,
    out: &mut Vec<u8>,
) -> io::Result<()> {
    let JournalLine { account, handle, code, count, about, .. } = line;
    let time = Timestamp::from_millis(line.time_ms);
    let about = Some(about.0).filter(|about| *about > 0);
    if json {
        let (kind, name) =
            known.map_or((Value::Null, Value::Null), |(kind, name)| (kind.into(), name.into()));
        let fields = [
            ("time", time.to_string().into()),
            ("account", account.0.into()),
            ("handle", handle.as_str().into()),
            ("kind", kind),
            ("name", name),
            ("code", (*code).into()),
            ("count", (*count).into()),
            ("about", about.into()),
        ];
        return writeln!(out, "{}", object(fields));
    }
    let what = known.map_or_else(|| format!("code {code}"), |(kind, name)| format!("{kind:9} {name}"));
    let of_account = known.is_none_or(|(_, name)| !name.starts_with("purchase_") && name != "purchase");
    let number = if of_account { "#" } else { "" };
    let about = about.map(|about| format!(" of {number}{about}")).unwrap_or_default();
    writeln!(out, "{time} {count:>6}  {account} {}  {what}{about}", escape(handle))
}
