//! `ledgerctl add --each`: every line is a command of its own, and every line is answered the moment its answer
//! is there. A thread reads the lines, because waiting for the next one must not hold up the answers.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::time::Duration;

use super::Context;
use super::arguments::Add;
use super::named_files::open_source;
use super::settling::open_member;
use crate::chain::CommandId;
use crate::cli::exit::Exit;
use crate::client::orders_input::{Element, parse_line};
use crate::client::{Bell, ClientError, Journal, News, Outcome, Signer, Submitter};
use crate::crypto::random;
use crate::domain::orders::{self, PlaceOrders};
use crate::domain::{AccountId, Command};

/// A line longer than this is no order.
const LINE_BYTES_MAX: u64 = 64 << 10;

/// A line, with its number from 1; or why there are no more.
type Line = (u64, Result<String, io::Error>);

#[derive(Default)]
struct Tally {
    refused: u64,
    unknown: u64,
}

struct Stream<'a> {
    context: &'a Context,
    submitter: Submitter<'a>,
    signer: Signer,
    journal: Journal,
    lines: Receiver<Line>,
    ended: bool,
    /// The ids of the commands under way, by line.
    under_way: BTreeMap<u64, CommandId>,
    inflight: usize,
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
    let signer = Signer {
        ledger_id: member.server().ledger_id,
        account: AccountId(member.account().account),
        key: member.key().clone(),
    };
    let (sender, lines) = sync_channel(command.inflight);
    let bell = member.bell();
    std::thread::spawn(move || read_lines(source, &sender, &bell));
    let journal = Journal::create(member.home())?;
    let mut stream = Stream {
        context,
        submitter: Submitter::new(&mut *member, Duration::from_secs(command.deadline)),
        signer,
        journal,
        lines,
        ended: false,
        under_way: BTreeMap::new(),
        inflight: command.inflight,
        tally: Tally::default(),
    };
    let stopped = loop {
        match stream.turn() {
            Ok(true) => {}
            Ok(false) => break None,
            Err(error) => break Some(error),
        }
    };
    let exit = stream.finish()?;
    stopped.map_or(Ok(exit), Err)
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
        let line = line.map_err(|error| ClientError::Usage(format!("line {number}: {error}")))?;
        match parse_line(&line, number, true) {
            Ok(Some(element)) => self.send(number, element),
            // A line too long comes as an empty one, and an empty line is no order either way.
            Ok(None) if line.is_empty() => self.refuse(number, "invalid_input"),
            Ok(None) => Ok(()),
            Err(error) => {
                self.context.out.note(&error.to_string());
                self.refuse(number, "invalid_input")
            }
        }
    }

    fn send(&mut self, line: u64, element: Element) -> Result<(), ClientError> {
        let id = element.command_id.unwrap_or_else(|| CommandId(random::bytes(&mut random::os())));
        let orders = vec![element.order];
        let command = Command::Orders(orders::Command::PlaceOrders(PlaceOrders { orders }));
        let (message, signature) = self.signer.sign(id, &command);
        self.journal.sending(&message, &signature, false)?;
        self.under_way.insert(line, id);
        self.submitter.submit(line, message, signature);
        Ok(())
    }

    fn answer(&mut self, line: u64, outcome: &Outcome) -> Result<(), ClientError> {
        let Some(id) = self.under_way.remove(&line) else { return Ok(()) };
        match outcome {
            Outcome::Done(accepted) => {
                self.journal.settled(id)?;
                let word = if accepted.duplicate { "duplicate" } else { "ack" };
                self.context.out.line(&format!("{word} {line} {} {}", accepted.index, accepted.hash))
            }
            Outcome::Refused(refusal) => {
                self.journal.settled(id)?;
                let name = crate::cli::text::escape(&refusal.name).into_owned();
                self.refuse(line, &name)
            }
            Outcome::Unknown => self.unknown(line),
        }
    }

    fn refuse(&mut self, line: u64, name: &str) -> Result<(), ClientError> {
        self.tally.refused += 1;
        self.context.out.line(&format!("refused {line} {name}"))
    }

    fn unknown(&mut self, line: u64) -> Result<(), ClientError> {
        self.tally.unknown += 1;
        self.context.out.line(&format!("unknown {line}"))
    }

    /// Says what is still to be said of lines that were read, and how it all went.
    fn finish(mut self) -> Result<Exit, ClientError> {
        for line in std::mem::take(&mut self.under_way).into_keys() {
            self.unknown(line)?;
        }
        if !self.ended {
            // Lines that were read and never left are as unknown to whoever waits for their answer.
            while let Ok((number, Ok(_))) = self.lines.try_recv() {
                self.unknown(number)?;
            }
        }
        self.journal.finish()?;
        Ok(match self.tally {
            Tally { unknown: 1.., .. } => Exit::Unknown,
            Tally { refused: 1.., .. } => Exit::Refused,
            Tally { .. } => Exit::Done,
        })
    }
}
