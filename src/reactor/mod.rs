//! The event loop: one thread that owns the state. It reads what has arrived, lets the service decide, makes
//! the tick's blocks durable, and only then writes replies.
//!
//! mio is edge-triggered: a socket that was not drained is not reported again, so the loop remembers which
//! connections may have more.

pub mod clock;
mod helpers;
mod listener;
mod sockets;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use mio::{Events, Poll, Token, Waker};
use signal_hook::consts::{SIGINT, SIGPIPE, SIGTERM, SIGXFSZ};
use signal_hook_mio::v1_0::Signals;

use crate::crypto::random::{self, OsRandom};
use crate::eventlog::LogError;
use crate::service::{ConnectionId, Input, Keys, Service};
use crate::time::{Monotonic, Now};
use clock::Clock;
use helpers::Helpers;
use listener::Listener;
use sockets::Socket;

const LISTENER: Token = Token(0);
const WAKER: Token = Token(1);
const SIGNALS: Token = Token(2);
/// Connection `n` has the token `n + FIRST_CONNECTION`.
const FIRST_CONNECTION: usize = 3;

/// How long to wait before accepting is tried again when there were no file descriptors.
const ACCEPT_AGAIN: Duration = Duration::from_millis(250);

/// How often the process's own figures are read.
const FIGURES_EVERY: Duration = Duration::from_secs(1);

/// Why the loop ended other than by being asked to.
#[derive(Debug)]
pub enum ReactorError {
    /// The log cannot be trusted any more.
    Log(LogError),
    /// The operating system refused something that the loop cannot do without.
    Io(io::Error),
}

impl From<io::Error> for ReactorError {
    fn from(error: io::Error) -> ReactorError {
        ReactorError::Io(error)
    }
}

/// See the module.
pub struct Reactor {
    poll: Poll,
    events: Events,
    listener: Listener,
    signals: Signals,
    helpers: Helpers,
    service: Service,
    sockets: BTreeMap<ConnectionId, Socket>,
    /// Connections that may have more to read than was read.
    unread: Vec<ConnectionId>,
    next_connection: u64,
    clock: Clock,
    rng: OsRandom,
    stopping: bool,
    figures_due: Monotonic,
}

impl Reactor {
    /// Listens, and starts the helpers.
    ///
    /// # Errors
    /// What the operating system refuses.
    pub fn new(service: Service, keys: Keys, listen: SocketAddr, clock: Clock) -> io::Result<Reactor> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        let listener = Listener::bind(listen, poll.registry(), LISTENER)?;
        let mut signals = Signals::new([SIGTERM, SIGINT, SIGXFSZ, SIGPIPE])?;
        poll.registry().register(&mut signals, SIGNALS, mio::Interest::READABLE)?;
        Ok(Reactor {
            poll,
            events: Events::with_capacity(1_024),
            listener,
            signals,
            helpers: Helpers::start(keys, waker)?,
            service,
            sockets: BTreeMap::new(),
            unread: Vec::new(),
            next_connection: 0,
            clock,
            rng: random::os(),
            stopping: false,
            figures_due: Monotonic::default(),
        })
    }

    /// The address that is listened on.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.address()
    }

    /// Runs until a signal asks to stop; the log is closed cleanly then.
    ///
    /// # Errors
    /// [`ReactorError`]: not one reply of the last tick was sent.
    pub fn run(mut self) -> Result<(), ReactorError> {
        while !self.stopping {
            self.wait()?;
            let now = self.clock.now();
            self.take_signals();
            self.accept(now);
            self.read(now);
            self.take_results(now);
            self.end_tick()?;
            self.write(now);
        }
        self.stop()
    }

    /// Waits for something to happen; not at all if something is left over from the last turn.
    fn wait(&mut self) -> io::Result<()> {
        let now = self.clock.now().mono;
        let left_over = !self.unread.is_empty() || self.listener.is_ready();
        let mut timeout = self.service.next_deadline().map(|at| at.0.saturating_sub(now.0));
        if self.listener.is_exhausted() {
            timeout = Some(timeout.map_or(ACCEPT_AGAIN, |timeout| timeout.min(ACCEPT_AGAIN)));
        }
        let timeout = if left_over { Some(Duration::ZERO) } else { timeout };
        match self.poll.poll(&mut self.events, timeout) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        if self.events.is_empty() && self.listener.is_exhausted() {
            self.listener.wake();
        }
        for event in &self.events {
            match event.token() {
                LISTENER => self.listener.wake(),
                WAKER | SIGNALS => {}
                Token(number) => {
                    let id = ConnectionId((number - FIRST_CONNECTION) as u64);
                    if let Some(socket) = self.sockets.get_mut(&id) {
                        socket.readable |= event.is_readable() || event.is_read_closed() || event.is_error();
                        self.unread.push(id);
                    }
                }
            }
        }
        Ok(())
    }

    fn take_signals(&mut self) {
        for signal in self.signals.pending() {
            match signal {
                SIGTERM | SIGINT if self.stopping => {}
                SIGTERM | SIGINT => {
                    tracing::info!(signal, "stopping");
                    self.stopping = true;
                }
                // A write over the limit of file sizes is an error of that write, and so is one to a
                // connection that is gone.
                _ => {}
            }
        }
    }

    fn accept(&mut self, now: Now) {
        let (service, sockets, poll) = (&mut self.service, &mut self.sockets, &self.poll);
        let next = &mut self.next_connection;
        let rng = &mut self.rng;
        self.listener.accept(&mut |stream, peer| {
            let id = ConnectionId(*next);
            *next += 1;
            let token = Token(id.0 as usize + FIRST_CONNECTION);
            match Socket::register(stream, poll.registry(), token) {
                Ok(socket) => {
                    sockets.insert(id, socket);
                    service.handle(Input::Connected { id, peer }, now, rng);
                }
                Err(error) => tracing::warn!(%error, "a connection could not be watched"),
            }
        });
    }

    /// Reads from every connection that may have something, as much as the service takes.
    fn read(&mut self, now: Now) {
        let mut ids = std::mem::take(&mut self.unread);
        ids.sort_unstable();
        ids.dedup();
        for id in ids {
            let Some(socket) = self.sockets.get_mut(&id) else { continue };
            if socket.read(id, &mut self.service, now, &mut self.rng) {
                self.unread.push(id);
            }
        }
    }

    fn take_results(&mut self, now: Now) {
        while let Some(result) = self.helpers.result() {
            self.service.handle(Input::JobDone(result), now, &mut self.rng);
        }
        if now.mono >= self.figures_due {
            self.figures_due = Monotonic(now.mono.0 + FIGURES_EVERY);
            self.service.set_process_figures(sockets::process_figures());
        }
    }

    /// Makes the tick durable. Nothing is sent if that fails.
    fn end_tick(&mut self) -> Result<(), ReactorError> {
        let now = self.clock.now();
        self.service.end_tick(now, &mut self.rng).map_err(ReactorError::Log)?;
        for job in self.service.take_jobs() {
            self.helpers.give(job);
        }
        Ok(())
    }

    /// Writes what the tick has released, closes what is finished, and notes who may be read from again.
    fn write(&mut self, now: Now) {
        let touched = self.service.touched();
        for id in touched {
            let Some(socket) = self.sockets.get_mut(&id) else { continue };
            let alive = socket.write(id, &mut self.service, now);
            let finished = self.service.is_finished(id) && self.service.output(id).is_empty();
            if !alive || finished {
                self.close(id, now);
            } else if socket.readable && self.service.input_room(id) > 0 {
                self.unread.push(id);
            }
        }
    }

    fn close(&mut self, id: ConnectionId, now: Now) {
        if let Some(mut socket) = self.sockets.remove(&id) {
            socket.deregister(self.poll.registry());
            self.service.handle(Input::HungUp { id }, now, &mut self.rng);
            // There may be a descriptor for somebody who waits.
            self.listener.wake();
        }
    }

    /// Says goodbye to everybody and closes the log cleanly. A second signal ends the process at once.
    fn stop(mut self) -> Result<(), ReactorError> {
        let stop_now = signal_hook::flag::register_conditional_shutdown;
        let armed = Arc::new(std::sync::atomic::AtomicBool::new(true));
        for signal in [SIGTERM, SIGINT] {
            stop_now(signal, 1, Arc::clone(&armed))?;
        }
        self.service.shut_down();
        self.end_tick()?;
        self.write(self.clock.now());
        self.service.close().map_err(ReactorError::Log)
    }
}
