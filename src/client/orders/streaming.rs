//! Placing a stream of orders: every line is a command of its own, and every line is answered once, the moment its
//! answer is there. A thread reads the lines, because waiting for the next one must not hold up the answers.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::time::Duration;

use super::input::{Element, parse_line};
use super::signing::{SignedLine, Signing};
use crate::chain::CommandId;
use crate::client::link::{Bell, Member, Reopen as _};
use crate::client::sending::{
    IdempotencyKey, News, Outcome, RunBook, RunKind, Runner, Submitter, refuse_key_of_cheque,
};
use crate::client::{ClientError, Home, Signer};
use crate::crypto::{Digest, sha3};
use crate::domain::Command;
use crate::domain::orders::{self, PlaceOrders};
use crate::refusal;
use crate::wire::Accepted;

/// A line longer than this is no order.
const LINE_BYTES_MAX: u64 = 64 << 10;

/// A line, with its number from 1; or why there are no more.
type Line = (u64, Result<String, io::Error>);

/// What came of a line.
#[derive(Clone, Copy, Debug)]
pub enum LineAnswer<'a> {
    /// Its order stands in a block.
    Placed(&'a Accepted),
    /// Its order was refused, by a rule or because it is none: the stable name of the reason.
    Refused(&'a str),
    /// No answer came: whether its order stands is not known.
    Unknown,
    /// It did not leave.
    Unsent,
    /// It holds nothing.
    Blank,
}

/// Hears what becomes of a stream.
pub trait StreamTold {
    /// A stream that began like this one did not end well, and this one goes on with it.
    fn goes_on(&mut self);

    /// A line is no order, and why.
    fn not_an_order(&mut self, why: &str);

    /// Tells what came of a line.
    ///
    /// # Errors
    /// Why it could not be told.
    fn answer(&mut self, line: u64, answer: LineAnswer<'_>) -> Result<(), ClientError>;
}

/// Lines whose orders do not stand, or may not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Refused.
    pub refused: u64,
    /// Without an answer.
    pub unknown: u64,
    /// Not sent.
    pub unsent: u64,
}

/// Places each line of `source` by a command of its own, `inflight` of them under way at once, each with `deadline` for
/// its answer.
///
/// # Errors
/// [`ClientError::Untold`] when an answer could not be told; otherwise what ended the stream before its time, once every
/// line has its answer.
pub fn place_each(
    member: &mut Member,
    source: Box<dyn Read + Send>,
    key: Option<&IdempotencyKey>,
    (inflight, deadline): (usize, Duration),
    telling: &mut dyn StreamTold,
) -> Result<Tally, ClientError> {
    refuse_key_of_cheque(member, key)?;
    let signer = Signer {
        ledger_id: member.server().ledger_id,
        account: member.account_id(),
        key: member.key().clone(),
    };
    let (sender, lines) = sync_channel(inflight);
    let bell = member.bell();
    let signing = Signing::new(signer, &bell);
    std::thread::spawn(move || read_lines(source, &sender, &bell));
    let mut stream = Stream {
        telling,
        home: member.home().clone(),
        submitter: Submitter::new(member, deadline),
        signing,
        key,
        book: None,
        lines,
        ended: false,
        unreadable: None,
        under_way: BTreeMap::new(),
        inflight,
        patience: deadline,
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
            let tally = stream.finish(stopped.is_none())?;
            stopped.map_or(Ok(tally), Err)
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

struct Stream<'a> {
    telling: &'a mut dyn StreamTold,
    submitter: Submitter<'a>,
    signing: Signing,
    home: Home,
    key: Option<&'a IdempotencyKey>,
    /// None until the first order.
    book: Option<RunBook>,
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

impl Stream<'_> {
    /// Sends what can be sent, then waits for an answer or a line. False when all is said.
    ///
    /// While the connection is lost no line is taken. Those under way wait for the next one until their
    /// deadline; when none of them is left, the outage has lasted long enough and the stream ends.
    fn turn(&mut self) -> Result<bool, ClientError> {
        while !self.ended && !self.submitter.is_lost() && self.busy() < self.inflight {
            let next = if self.busy() == 0 {
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
        while let Some(signed) = self.signing.pop() {
            self.submit(signed)?;
        }
        // Where nothing is under way, no answer ends the wait.
        if self.under_way.is_empty()
            && let Some(signed) = self.signing.wait()
        {
            self.submit(signed)?;
        }
        match self.submitter.wait()? {
            News::Outcome(line, outcome) => self.answer(line, &outcome).map(|()| true),
            News::Rung => Ok(true),
            News::Idle => Ok(!self.ended && !self.submitter.is_lost()),
        }
    }

    /// Lines that are being signed or under way.
    fn busy(&self) -> usize {
        self.under_way.len() + self.signing.len()
    }

    fn submit(&mut self, signed: SignedLine) -> Result<(), ClientError> {
        let SignedLine { line, id, signed } = signed;
        if let Some(book) = &mut self.book {
            book.sending(&signed, false)?;
        }
        self.under_way.insert(line, id);
        self.submitter.submit(line, signed);
        Ok(())
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
            Ok(None) if line.is_empty() => self.refuse(number, refusal::INVALID_INPUT),
            Ok(None) => self.say(number, LineAnswer::Blank),
            Err(error) => {
                self.telling.not_an_order(&error.to_string());
                self.refuse(number, refusal::INVALID_INPUT)
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
        let book = match self.book.take() {
            Some(book) => book,
            None => self.open_run_book(sha3(&[&tag.schema.to_be_bytes(), &tag.kind.to_be_bytes(), &body]))?,
        };
        let book = self.book.insert(book);
        let id = element.command_id.unwrap_or_else(|| book.id(line, tag, &body));
        self.signing.push(line, id, command);
        Ok(())
    }

    /// The run book of the stream that begins with this order.
    fn open_run_book(&mut self, first: Digest) -> Result<RunBook, ClientError> {
        let Signer { ledger_id, account, .. } = *self.signing.signer();
        let runner = Runner { home: &self.home, ledger_id, account };
        let book = RunBook::open(runner, RunKind::Lines, first, self.key)?;
        if book.goes_on() {
            self.telling.goes_on();
        }
        Ok(book)
    }

    fn answer(&mut self, line: u64, outcome: &Outcome) -> Result<(), ClientError> {
        let Some(id) = self.under_way.remove(&line) else { return Ok(()) };
        match outcome {
            Outcome::Done(accepted) => {
                self.say(line, LineAnswer::Placed(accepted))?;
                self.book.as_mut().map_or(Ok(()), |book| book.told(id))
            }
            Outcome::Refused(refusal) => {
                self.refuse(line, &refusal.name)?;
                self.book.as_mut().map_or(Ok(()), |book| book.refused(id))
            }
            Outcome::Unknown => self.unknown(line),
        }
    }

    fn refuse(&mut self, line: u64, name: &str) -> Result<(), ClientError> {
        self.tally.refused += 1;
        self.say(line, LineAnswer::Refused(name))
    }

    fn unknown(&mut self, line: u64) -> Result<(), ClientError> {
        self.tally.unknown += 1;
        self.say(line, LineAnswer::Unknown)
    }

    fn unsent(&mut self, line: u64) -> Result<(), ClientError> {
        self.tally.unsent += 1;
        self.say(line, LineAnswer::Unsent)
    }

    /// Tells an answer. That it cannot be told ends the stream.
    fn say(&mut self, line: u64, answer: LineAnswer<'_>) -> Result<(), ClientError> {
        self.telling.answer(line, answer).map_err(|error| {
            let done = match answer {
                LineAnswer::Placed(Accepted { index, .. }) => {
                    format!("block {index} is written for line {line}, but ")
                }
                _ => String::new(),
            };
            ClientError::Untold(format!(
                "{done}the answer to line {line} could not be told: {error}. Lines of this run may stand that were not \
                 told; the same command given again tells them, and does nothing a second time"
            ))
        })
    }

    /// Says what is still to be said: every line of the input has one answer. `in_order` is false when something
    /// stopped the stream before its time.
    fn finish(mut self, in_order: bool) -> Result<Tally, ClientError> {
        for line in std::mem::take(&mut self.under_way).into_keys() {
            self.unknown(line)?;
        }
        while let Some(signed) = self.signing.wait() {
            self.unsent(signed.line)?;
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
        let Tally { unknown, unsent, .. } = self.tally;
        let all_told = in_order && (unknown, unsent) == (0, 0) && self.unreadable.is_none();
        if let Some(book) = self.book.filter(|_| all_told) {
            book.finish()?;
        }
        self.unreadable.map_or(Ok(self.tally), Err)
    }
}
