//! `ledgerctl add --each`: a stream of orders, a line of output for each line of input.

use std::time::Duration;

use serde::Serialize;

use super::Add;
use crate::cli::context::Context;
use crate::cli::named_files::open_source;
use crate::cli::session::open_member;
use crate::client::{ClientError, LineAnswer, StreamTold, Tally, place_each};
use crate::terminal::exit::Exit;
use crate::text::escape;

/// What is said of a line.
#[derive(Serialize)]
struct Answer<'a> {
    line: u64,
    result: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hash: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

impl<'a> Answer<'a> {
    fn of(line: u64, answer: LineAnswer<'a>) -> Answer<'a> {
        match answer {
            LineAnswer::Placed(accepted) => {
                let result = if accepted.duplicate { "duplicate" } else { "ack" };
                let (index, hash) = (Some(accepted.index), Some(accepted.hash.to_string()));
                Answer { index, hash, ..Answer::word(line, result) }
            }
            LineAnswer::Refused(name) => Answer { name: Some(name), ..Answer::word(line, "refused") },
            LineAnswer::Unknown => Answer::word(line, "unknown"),
            LineAnswer::Unsent => Answer::word(line, "unsent"),
            LineAnswer::Blank => Answer::word(line, "blank"),
        }
    }

    /// An answer of one word.
    fn word(line: u64, result: &'static str) -> Answer<'a> {
        Answer { line, result, index: None, hash: None, name: None }
    }
}

impl std::fmt::Display for Answer<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.result, self.line)?;
        self.index.map_or(Ok(()), |index| write!(f, " {index}"))?;
        self.hash.as_ref().map_or(Ok(()), |hash| write!(f, " {hash}"))?;
        self.name.map_or(Ok(()), |name| write!(f, " {}", escape(name)))
    }
}

pub(super) fn run(context: &Context, command: &Add) -> Result<Exit, ClientError> {
    if command.receipt.is_some() {
        let text =
            "--receipt goes with one command, not with --each; use `ledgerctl receipt INDEX` for each block";
        return Err(ClientError::Usage(text.to_owned()));
    }
    if command.csv || command.columns.is_some() {
        let text = "--each takes JSON, one order a line; --csv goes without it";
        return Err(ClientError::Usage(text.to_owned()));
    }
    let source = open_source(&command.file)?;
    let mut member = open_member(context)?;
    let pace = (command.inflight, Duration::from_secs(command.deadline));
    let key = command.idempotency_key.as_ref();
    let tally = place_each(&mut member, source, key, pace, &mut Told { context })?;
    Ok(match tally {
        Tally { unknown: 1.., .. } => Exit::Unknown,
        Tally { unsent: 1.., .. } => Exit::Unreachable,
        Tally { refused: 1.., .. } => Exit::Refused,
        Tally { .. } => Exit::Done,
    })
}

/// What is printed of a stream.
struct Told<'a> {
    context: &'a Context,
}

impl StreamTold for Told<'_> {
    fn goes_on(&mut self) {
        self.context.out.note(
            "a stream that began like this one did not end well: lines of it that stand are answered with \
             `duplicate`, and not placed a second time",
        );
    }

    fn not_an_order(&mut self, why: &str) {
        self.context.out.note(why);
    }

    fn answer(&mut self, line: u64, answer: LineAnswer<'_>) -> Result<(), ClientError> {
        let answer = Answer::of(line, answer);
        let text = if self.context.out.json {
            serde_json::to_string(&answer).map_err(|error| ClientError::Unexpected(error.to_string()))?
        } else {
            answer.to_string()
        };
        self.context.out.tell(&text)
    }
}
