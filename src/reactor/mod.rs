//! The loop: the one thread that owns a process's state and its sockets, in the daemon and in a member's client that
//! listens. One turn of the loop is a tick; in the daemon, all blocks of a tick are one batch:
//!
//! ```text
//! wait      until a socket, a helper, a signal or a deadline has something
//! accept    new connections
//! read      the bytes that are there, a bounded share of every connection → handler
//! collect   the answers of helper threads                                 → handler
//! end tick  the batch is written and synced; an error ends the process, and nothing more is sent
//! flush     held replies and everything else                              → sockets
//! ```
//!
//! Only connections that have something to do are visited, never all of them. The handler decides, and this room
//! carries bytes: it knows no frame and no command.

mod clock;
mod connection;
mod daemon;
mod helpers;
mod listener;
mod process;
mod signal;
mod token;

pub use clock::Clock;
pub use daemon::lanes;
pub use helpers::{Lane, Work};
pub use signal::SignalSource;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::io;
use std::time::Duration;

use mio::net::TcpListener;
use mio::{Events, Poll, Waker};

use crate::crypto::random;
use crate::driven::{ConnectionId, Handler};
use crate::time::{Monotonic, Now};
use connection::{Connection, ReadOutcome, WriteOutcome};
use helpers::Helpers;
use listener::Listener;
use process::FigureSource;

/// Events that are taken from the poll at once. Further events come with the next tick.
const EVENTS_PER_TICK_MAX: usize = 1_024;
/// Bytes of the buffer into which all connections are read.
const SCRATCH_BYTES: usize = 64 << 10;
/// Bytes read from one connection in one tick, so that nobody keeps the others waiting.
const READ_PER_CONNECTION_MAX: usize = 256 << 10;
/// Bytes read from all connections in one tick, so that a tick ends and its replies leave.
const READ_PER_TICK_MAX: usize = 8 << 20;
/// How long the last replies may take to leave when the process was asked to end. Together with the work that is under way
/// at that moment, the process ends within two seconds, even if a caller does not read.
const FAREWELL: Duration = Duration::from_millis(1_500);

/// The reason for which the loop ended before it was asked to end.
#[derive(Debug)]
pub enum Failure<E> {
    /// The handler cannot go on.
    Handler(E),
    /// The system refused something that a loop needs. The text says what that was.
    System(&'static str, io::Error),
}

/// The parts from which a loop is made.
pub struct Parts<H: Handler> {
    /// The owner of the state, which decides what is answered.
    pub handler: H,
    /// The helper threads, in the order in which the handler counts them.
    pub lanes: Vec<Lane<H::Job, H::Answer>>,
    /// The socket on which the process listens.
    pub socket: TcpListener,
    /// The clocks of the process.
    pub clock: Clock,
    /// The signals of the process; none where the loop is one thread among others and ends when they end.
    pub signals: Option<SignalSource>,
}

/// The loop of a process, as the module describes it.
pub struct Reactor<H: Handler> {
    poll: Poll,
    events: Events,
    clock: Clock,
    signals: Option<SignalSource>,
    helpers: Helpers<H::Job, H::Answer>,
    handler: H,
    /// The listening socket; none once the process was asked to end.
    listener: Option<Listener>,
    connections: BTreeMap<ConnectionId, Connection>,
    next_id: ConnectionId,
    /// Connections that may have bytes and whose bytes are wanted.
    to_read: VecDeque<ConnectionId>,
    /// Connections to look at when the tick has ended.
    to_flush: BTreeSet<ConnectionId>,
    /// The buffer into which all connections are read.
    scratch: Vec<u8>,
    /// Whether there is more to do than fitted into the tick.
    more: bool,
    /// The time at which the process ends even if replies have not left; none as long as it was not asked to end.
    farewell: Option<Monotonic>,
    figures: FigureSource,
}

impl<H: Handler> Reactor<H> {
    /// Makes the loop, which starts with [`Reactor::run`].
    ///
    /// # Errors
    /// [`Failure::System`] when there is no poll, no thread or no socket to be had.
    pub fn new(parts: Parts<H>) -> Result<Reactor<H>, Failure<H::Failure>> {
        let system = |what| move |error| Failure::System(what, error);
        let poll = Poll::new().map_err(system("making a poll"))?;
        let waker = Waker::new(poll.registry(), token::HELPERS).map_err(system("making a waker"))?;
        let helpers = Helpers::start(parts.lanes, parts.clock, waker).map_err(system("starting a thread"))?;
        let mut signals = parts.signals;
        if let Some(signals) = &mut signals {
            signals.register(poll.registry()).map_err(system("watching signals"))?;
        }
        let listener = Listener::open(parts.socket, poll.registry()).map_err(system("listening"))?;
        Ok(Reactor {
            poll,
            events: Events::with_capacity(EVENTS_PER_TICK_MAX),
            clock: parts.clock,
            signals,
            helpers,
            handler: parts.handler,
            listener: Some(listener),
            connections: BTreeMap::new(),
            next_id: token::FIRST_CONNECTION,
            to_read: VecDeque::new(),
            to_flush: BTreeSet::new(),
            scratch: vec![0; SCRATCH_BYTES],
            more: false,
            farewell: None,
            figures: FigureSource::default(),
        })
    }

    /// Serves until the process is asked to end, then closes the handler.
    ///
    /// # Errors
    /// [`Failure`], and then no reply that waited for the running batch was sent.
    pub fn run(mut self) -> Result<(), Failure<H::Failure>> {
        loop {
            // Input: everything that has arrived since the last tick.
            self.wait()?;
            let now = self.clock.now();
            self.accept(now);
            self.read(now);
            self.collect(now);
            self.tell_figures(now);
            // The end of the tick: what was decided becomes durable before anybody hears of it.
            self.handler.end_tick(now, &mut random::os()).map_err(Failure::Handler)?;
            // Output: work for the helpers, and bytes for the sockets.
            self.more |= self.helpers.gather(self.handler.gathers());
            let jobs = self.handler.take_jobs().into_iter();
            self.helpers.submit(jobs.map(|job| (H::lane(&job), job)).collect());
            self.flush(now);
            if self.farewell.is_some_and(|end| self.connections.is_empty() || now.mono >= end) {
                return self.handler.close().map_err(Failure::Handler);
            }
        }
    }

    /// Waits until there is something to do, and notes at which connections.
    fn wait(&mut self) -> Result<(), Failure<H::Failure>> {
        let timeout = self.timeout();
        match self.poll.poll(&mut self.events, timeout) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                return Err(Failure::System("waiting for events", error));
            }
            _ => {}
        }
        let mut asked_to_end = false;
        for event in &self.events {
            match event.token() {
                token::LISTENER => self.listener.iter_mut().for_each(Listener::is_ready),
                // The answers are looked at in every tick anyway.
                token::HELPERS => {}
                token::SIGNALS => {
                    asked_to_end = self.signals.as_mut().is_some_and(SignalSource::asked_to_end)
                }
                of_connection => {
                    let id = token::connection(of_connection);
                    let Some(connection) = self.connections.get_mut(&id) else { continue };
                    // A broken connection counts as readable and writable: reading or writing will tell.
                    connection.read_closed |= event.is_read_closed() || event.is_error();
                    connection.readable |= event.is_readable() || event.is_read_closed() || event.is_error();
                    connection.writable |= event.is_writable() || event.is_write_closed() || event.is_error();
                    self.to_flush.insert(id);
                    Self::queue_to_read(&mut self.to_read, connection, id);
                }
            }
        }
        if asked_to_end && self.farewell.is_none() {
            self.say_farewell();
        }
        Ok(())
    }

    /// How long to wait for events: not at all while there is more to do, and otherwise until the first deadline.
    fn timeout(&self) -> Option<Duration> {
        if self.more || !self.to_read.is_empty() || !self.to_flush.is_empty() {
            return Some(Duration::ZERO);
        }
        let listener = self.listener.as_ref().and_then(Listener::next_try);
        let first = [self.handler.next_deadline(), listener, self.farewell].into_iter().flatten().min()?;
        Some(first.0.saturating_sub(self.clock.monotonic().0))
    }

    /// Begins the end of the process, which takes no further connections and commands. Commands in the open batch are
    /// answered before the end.
    fn say_farewell(&mut self) {
        tracing::info!(connections = self.connections.len(), "asked to end: finishing the running batch");
        self.farewell = Some(Monotonic(self.clock.monotonic().0 + FAREWELL));
        if let Some(listener) = self.listener.take() {
            listener.close(self.poll.registry());
        }
        self.handler.shut_down();
    }

    /// Takes the connections that wait at the listening socket.
    fn accept(&mut self, now: Now) {
        let Some(listener) = &mut self.listener else { return };
        listener.accept(now.mono, |stream, address| {
            let id = self.next_id;
            self.next_id = ConnectionId(id.0 + 1);
            match Connection::open(stream, id, self.poll.registry()) {
                Ok(connection) => {
                    self.connections.insert(id, connection);
                    self.handler.connected(id, address, now, &mut random::os());
                }
                Err(error) => tracing::warn!(%address, %error, "a connection cannot be watched"),
            }
        });
    }

    /// Reads from every connection in the queue once, as far as the bytes of a tick suffice.
    fn read(&mut self, now: Now) {
        let mut budget = READ_PER_TICK_MAX;
        for _ in 0..self.to_read.len() {
            if budget == 0 {
                break;
            }
            let Some(id) = self.to_read.pop_front() else { break };
            if let Some(connection) = self.connections.get_mut(&id) {
                connection.queued = false;
                budget = budget.saturating_sub(self.read_from(id, now));
            }
        }
    }

    /// Reads the share of one connection, and returns how many bytes that were. A connection with more bytes is queued
    /// again.
    fn read_from(&mut self, id: ConnectionId, now: Now) -> usize {
        let mut done = 0;
        while let Some(connection) = self.connections.get_mut(&id).filter(|connection| connection.readable) {
            let room = self.handler.input_room(id).min(self.scratch.len());
            let Some(buffer) = self.scratch.get_mut(..room).filter(|buffer| !buffer.is_empty()) else {
                break;
            };
            if done >= READ_PER_CONNECTION_MAX {
                Self::queue_to_read(&mut self.to_read, connection, id);
                break;
            }
            match connection.read(buffer) {
                ReadOutcome::Bytes(count) => {
                    done += count;
                    let bytes = self.scratch.get(..count).unwrap_or_default();
                    self.handler.received(id, bytes, now, &mut random::os());
                }
                ReadOutcome::WouldBlock => break,
                ReadOutcome::Gone => {
                    self.close(id, now);
                    break;
                }
            }
        }
        done
    }

    /// Puts a connection that may have bytes into the queue, once.
    fn queue_to_read(queue: &mut VecDeque<ConnectionId>, connection: &mut Connection, id: ConnectionId) {
        if connection.readable && !connection.queued {
            connection.queued = true;
            queue.push_back(id);
        }
    }

    /// Hands the answers of the helper threads to the handler.
    fn collect(&mut self, now: Now) {
        let handler = &mut self.handler;
        self.more = self.helpers.collect(|answer| handler.answered(answer, now, &mut random::os()));
    }

    /// Tells the handler now and then how much of the machine the process has used.
    fn tell_figures(&mut self, now: Now) {
        if let Some(figures) = self.figures.read(now.mono) {
            self.handler.set_process_figures(figures);
        }
    }

    /// Writes the output that may leave now that the batch is durable. Output that has left can make room for questions that
    /// waited, and the answers to those belong to the next tick.
    fn flush(&mut self, now: Now) {
        let mut ids = std::mem::take(&mut self.to_flush);
        ids.extend(self.handler.touched());
        for id in ids {
            self.flush_connection(id, now);
        }
        self.to_flush.extend(self.handler.touched());
        self.to_flush.retain(|id| self.connections.contains_key(id));
    }

    /// Writes the output of one connection as far as its socket takes it, and closes the connection if that was the last
    /// output.
    fn flush_connection(&mut self, id: ConnectionId, now: Now) {
        while let Some(connection) = self.connections.get_mut(&id).filter(|connection| connection.writable) {
            let output = self.handler.output(id);
            if output.is_empty() {
                break;
            }
            match connection.write(output) {
                WriteOutcome::Bytes(count) => self.handler.written(id, count, now),
                WriteOutcome::WouldBlock => {
                    self.handler.written(id, 0, now);
                    break;
                }
                WriteOutcome::Gone => return self.close(id, now),
            }
        }
        if self.handler.is_finished(id) && self.handler.output(id).is_empty() {
            return self.close(id, now);
        }
        let wanted = self.handler.input_room(id) > 0;
        if let Some(connection) = self.connections.get_mut(&id).filter(|_| wanted) {
            Self::queue_to_read(&mut self.to_read, connection, id);
        }
    }

    /// Closes a connection and tells the handler.
    fn close(&mut self, id: ConnectionId, now: Now) {
        if self.connections.remove(&id).is_some() {
            self.handler.hung_up(id, now, &mut random::os());
            self.listener.iter_mut().for_each(Listener::descriptor_freed);
        }
    }
}

impl<E: fmt::Display> fmt::Display for Failure<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Handler(error) => error.fmt(f),
            Failure::System(what, error) => write!(f, "{what}: {error}"),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> std::error::Error for Failure<E> {}
