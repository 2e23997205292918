//! `ledgerctl add --each`: every line is a command of its own, and every line is answered once, on a line of its
//! own, the moment its answer is there. A thread reads the lines, because waiting for the next one must not hold up
//! the answers.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::time::Duration;

use serde::Serialize;

use super::Add;
use crate::chain::CommandId;
use crate::cli::context::Context;
use crate::cli::named_files::open_source;
use crate::cli::session::open_member;
use crate::cli::telling::refuse_order_of_key;
use crate::client::orders_input::{Element, parse_line};
use crate::client::{
    Bell, ClientError, Home, IdempotencyKey, Journal, News, Outcome, RunKind, Runner, Signer, Submitter,
};
use crate::crypto::{Digest, sha3};
use crate::domain::orders::{self, PlaceOrders};
use crate::domain::{AccountId, Command};
use crate::terminal::exit::Exit;
use crate::text::escape;

/// A line longer than this is no order.
const LINE_BYTES_MAX: u64 = 64 << 10;

/// A line, with its number from 1; or why there are no more.
type Line = (u64, Result<String, io::Error>);

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

#[derive(Default)]
struct Tally {
    refused: u64,
    unknown: u64,
    unsent: u64,
}

struct Stream<'a> {
    context: &'a Context,
    submitter: Submitter<'a>,
    signer: Signer,
    home: Home,
    key: Option<&'a IdempotencyKey>,
    /// None until the first order.
    journal: Option<Journal>,
    lines: Receiver<Line>,
    ended: bool,
    /// Why the input ended early.
    unreadable: Option<ClientError>,
    /// The ids of the commands under way, by line.
    under_way: BTreeMap<u64, CommandId>,
    inflight: usize,
    /// How long the next line is waited for once nothing is sent any more.
    patience: Duration,
    tally: Tally,
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
    refuse_order_of_key(&mut member, command.idempotency_key.as_ref())?;
    let signer = Signer {
        ledger_id: member.server().ledger_id,
        account: AccountId(member.account().account),
        key: member.key().clone(),
    };
    let (sender, lines) = sync_channel(command.inflight);
    let bell = member.bell();
    std::thread::spawn(move || read_lines(source, &sender, &bell));
    let (home, patience) = (member.home().clone(), Duration::from_secs(command.deadline));
    let mut stream = Stream {
        context,
        submitter: Submitter::new(&mut *member, patience),
        signer,
        home,
        key: command.idempotency_key.as_ref(),
        journal: None,
        lines,
        ended: false,
        unreadable: None,
        under_way: BTreeMap::new(),
        inflight: command.inflight,
        patience,
        tally: Tally::default(),
    };
    let stopped = loop {
        match stream.turn() {
            Ok(true) => {}
            Ok(false) => break None,
            Err(error) => break Some(error),
        }
    };
    match stopped {
        // What cannot be told is not tried again on every line.
        Some(error @ ClientError::Untold(_)) => Err(error),
        stopped => {
            let exit = stream.finish(stopped.is_none())?;
            stopped.map_or(Ok(exit), Err)
        }
    }
}

fn read_lines(source: Box<dyn Read + Send>, lines: &SyncSender<Line>, bell: &Bell) {
    let mut source = BufReader::new(source);
    for number in 1.. {
        let mut bytes = Vec::new();
        let read = source.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut bytes);
        let line = match read {
            Ok(0) => break,
            Ok(_) if bytes.last() != Some(&b'\n') && bytes.len() as u64 == LINE_BYTES_MAX => {
                // The rest of a line that is too long is thrown away; the line is refused like any bad one.
                let skipped = skip_line(&mut source);
                skipped.map(|()| String::new())
            }
            Ok(_) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
            Err(error) => Err(error),
        };
        let failed = line.is_err();
        if lines.send((number, line)).is_err() || failed {
            break;
        }
        bell.ring();
    }
}

fn skip_line(source: &mut impl BufRead) -> io::Result<()> {
    loop {
        let available = source.fill_buf()?;
        if available.is_empty() {
            return Ok(());
        }
        let end = available.iter().position(|byte| *byte == b'\n');
        let used = end.map_or(available.len(), |end| end + 1);
        source.consume(used);
        if end.is_some() {
            return Ok(());
        }
    }
}

impl Stream<'_> {
    /// Sends what can be sent, then waits for an answer or a line. False when all is said.
    ///
    /// While the connection is lost no line is taken. Those under way wait for the next one until their
    /// deadline; when none of them is left, the outage has lasted long enough and the stream ends.
    fn turn(&mut self) -> Result<bool, ClientError> {
        while !self.ended && !self.submitter.is_lost() && self.under_way.len() < self.inflight {
            let next = if self.under_way.is_empty() {
                self.lines.recv().map_err(|_| TryRecvError::Disconnected)
            } else {
                self.lines.try_recv()
            };
            match next {
                Ok((number, line)) => self.take_line(number, line)?,
                Err(TryRecvError::Disconnected) => self.ended = true,
                Err(TryRecvError::Empty) => break,
            }
        }
        match self.submitter.wait()? {
            News::Outcome(line, outcome) => self.answer(line, &outcome).map(|()| true),
            News::Rung => Ok(true),
            News::Idle => Ok(!self.ended && !self.submitter.is_lost()),
        }
    }

    fn take_line(&mut self, number: u64, line: io::Result<String>) -> Result<(), ClientError> {
        let line = match line {
            Ok(line) => line,
            Err(error) => {
                // Those under way are still answered.
                self.ended = true;
                self.unreadable = Some(ClientError::Usage(format!("line {number}: {error}")));
                return Ok(());
            }
        };
        match parse_line(&line, number, true) {
            Ok(Some(element)) => self.send(number, element),
            // A line too long comes as an empty one, and an empty line is no order either way.
            Ok(None) if line.is_empty() => self.refuse(number, "invalid_input"),
            Ok(None) => self.say(None, &Answer::word(number, "blank")),
            Err(error) => {
                self.context.out.note(&error.to_string());
                self.refuse(number, "invalid_input")
            }
        }
    }

    fn send(&mut self, line: u64, element: Element) -> Result<(), ClientError> {
        if self.key.is_some() && line > u64::from(u32::MAX) {
            return Err(ClientError::Usage(format!("line {line}: a key stands for 2^32 lines")));
        }
        let orders = vec![element.order];
        let command = Command::Orders(orders::Command::PlaceOrders(PlaceOrders { orders }));
        let (tag, body) = command.encode();
        let journal = match self.journal.take() {
            Some(journal) => journal,
            None => self.open_journal(sha3(&[&tag.schema.to_be_bytes(), &tag.kind.to_be_bytes(), &body]))?,
        };
        let journal = self.journal.insert(journal);
        let id = element.command_id.unwrap_or_else(|| journal.id(line, tag, &body));
        let (message, signature) = self.signer.sign(id, &command);
        journal.sending(&message, &signature, false)?;
        self.under_way.insert(line, id);
        self.submitter.submit(line, message, signature);
        Ok(())
    }

    /// The journal of the stream that begins with this order.
    fn open_journal(&self, first: Digest) -> Result<Journal, ClientError> {
        let Signer { ledger_id, account, .. } = self.signer;
        let runner = Runner { home: &self.home, ledger_id, account };
        let journal = Journal::open(runner, RunKind::Lines, first, self.key)?;
        if journal.goes_on() {
            self.context.out.note(
                "a stream that began like this one did not end well: lines of it that stand are answered with \
                 `duplicate`, and not placed a second time",
            );
        }
        Ok(journal)
    }

    fn answer(&mut self, line: u64, outcome: &Outcome) -> Result<(), ClientError> {
        let Some(id) = self.under_way.remove(&line) else { return Ok(()) };
        match outcome {
            Outcome::Done(accepted) => {
                let result = if accepted.duplicate { "duplicate" } else { "ack" };
                let (index, hash) = (Some(accepted.index), Some(accepted.hash.to_string()));
                self.say(Some(accepted.index), &Answer { index, hash, ..Answer::word(line, result) })?;
                self.journal.as_mut().map_or(Ok(()), |journal| journal.told(id))
            }
            Outcome::Refused(refusal) => {
                self.refuse(line, &refusal.name)?;
                self.journal.as_mut().map_or(Ok(()), |journal| journal.refused(id))
            }
            Outcome::Unknown => self.unknown(line),
        }
    }

    fn refuse(&mut self, line: u64, name: &str) -> Result<(), ClientError> {
        self.tally.refused += 1;
        self.say(None, &Answer { name: Some(name), ..Answer::word(line, "refused") })
    }

    fn unknown(&mut self, line: u64) -> Result<(), ClientError> {
        self.tally.unknown += 1;
        self.say(None, &Answer::word(line, "unknown"))
    }

    fn unsent(&mut self, line: u64) -> Result<(), ClientError> {
        self.tally.unsent += 1;
        self.say(None, &Answer::word(line, "unsent"))
    }

    /// Tells an answer; `block` is the one that it is about.
    fn say(&self, block: Option<u64>, answer: &Answer<'_>) -> Result<(), ClientError> {
        let text = if self.context.out.json {
            serde_json::to_string(answer).map_err(|error| ClientError::Unexpected(error.to_string()))?
        } else {
            answer.to_string()
        };
        let line = answer.line;
        self.context.out.tell(&text).map_err(|error| {
            let done = block.map_or_else(String::new, |index| format!("block {index} is written for line {line}, but "));
            ClientError::Untold(format!(
                "{done}the answer to line {line} could not be told: {error}. Lines of this run may stand that were not \
                 told; the same command given again tells them, and does nothing a second time"
            ))
        })
    }

    /// Says what is still to be said: every line of the input has one answer. `in_order` is false when something
    /// stopped the stream before its time.
    fn finish(mut self, in_order: bool) -> Result<Exit, ClientError> {
        for line in std::mem::take(&mut self.under_way).into_keys() {
            self.unknown(line)?;
        }
        // The lines that were read and did not leave, and those that come yet: a pipe that stays silent is not waited
        // for longer than a command would be.
        while !self.ended {
            match self.lines.recv_timeout(self.patience) {
                Ok((number, Ok(_))) => self.unsent(number)?,
                Ok((number, Err(error))) => {
                    self.ended = true;
                    self.unreadable = Some(ClientError::Usage(format!("line {number}: {error}")));
                }
                Err(_) => self.ended = true,
            }
        }
        let exit = match self.tally {
            Tally { unknown: 1.., .. } => Exit::Unknown,
            Tally { unsent: 1.., .. } => Exit::Unreachable,
            Tally { refused: 1.., .. } => Exit::Refused,
            Tally { .. } => Exit::Done,
        };
        let all_told = in_order && matches!(exit, Exit::Done | Exit::Refused) && self.unreadable.is_none();
        if let Some(journal) = self.journal.filter(|_| all_told) {
            journal.finish()?;
        }
        self.unreadable.map_or(Ok(exit), Err)
    }
}
