//! Accepting connections, and what to do when the process has no descriptor left for one.
//!
//! The poll tells once that connections wait. After `EMFILE` nothing would tell again, so the listener
//! remembers that they do. It keeps a descriptor in reserve: given up for a moment, it lets the newest be
//! accepted and closed at once, so that whoever waits learns it. Whoever still waits is looked at again when a
//! connection closes, or a little later, and never in a loop that only burns time.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd as _, OwnedFd};
use std::time::Duration;

use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Registry};

use super::token;
use crate::time::Monotonic;

/// Connections accepted in one tick, so that a flood of them does not keep the others waiting.
const ACCEPTED_PER_TICK_MAX: usize = 256;
/// Connections turned away in one tick for want of a descriptor.
const TURNED_AWAY_PER_TICK_MAX: usize = 16;
/// When to look again after the system refused to accept.
const RETRY_AFTER: Duration = Duration::from_millis(100);
/// How often a line is written about it.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// See the module.
pub(super) struct Listener {
    socket: TcpListener,
    /// A copy of the socket's own descriptor: it takes a place in the table and needs no file.
    reserve: Option<OwnedFd>,
    /// Connections may be waiting.
    waiting: bool,
    /// The system refused; nothing is tried before this.
    retry_at: Option<Monotonic>,
    /// No further line about refused connections before this: a flood must not fill the disk with its story.
    quiet_until: Monotonic,
}

impl Listener {
    /// Lets the poll tell of those who connect to a listening socket.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn open(mut socket: TcpListener, registry: &Registry) -> io::Result<Listener> {
        registry.register(&mut socket, token::LISTENER, Interest::READABLE)?;
        let reserve = Some(socket.as_fd().try_clone_to_owned()?);
        Ok(Listener { socket, reserve, waiting: true, retry_at: None, quiet_until: Monotonic::default() })
    }

    /// The poll says that connections wait.
    pub(super) fn is_ready(&mut self) {
        self.waiting = true;
    }

    /// A connection was closed: there is a descriptor again.
    pub(super) fn descriptor_freed(&mut self) {
        self.retry_at = None;
    }

    /// When the listener wants to be looked at although nothing happened.
    pub(super) fn next_try(&self) -> Option<Monotonic> {
        self.waiting.then(|| self.retry_at.unwrap_or_default())
    }

    /// Accepts who waits and hands them to `take`.
    pub(super) fn accept(&mut self, now: Monotonic, mut take: impl FnMut(TcpStream, SocketAddr)) {
        if !self.waiting || self.retry_at.is_some_and(|at| now < at) {
            return;
        }
        self.retry_at = None;
        let mut turned_away = 0;
        for _ in 0..ACCEPTED_PER_TICK_MAX {
            match self.socket.accept() {
                Ok((stream, address)) => take(stream, address),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.waiting = false;
                    break;
                }
                // The one who waited has gone meanwhile.
                Err(error) if is_passing(&error) => {}
                Err(error) => {
                    turned_away += 1;
                    self.complain(&error, now);
                    let stuck = turned_away > TURNED_AWAY_PER_TICK_MAX || !self.turn_away(&error);
                    if stuck {
                        self.retry_at = Some(Monotonic(now.0 + RETRY_AFTER));
                        break;
                    }
                }
            }
        }
    }

    fn complain(&mut self, error: &io::Error, now: Monotonic) {
        if now >= self.quiet_until {
            self.quiet_until = Monotonic(now.0 + LINE_EVERY);
            tracing::warn!(%error, "new connections are turned away");
        }
    }

    /// Accepts one connection with the descriptor in reserve and closes it. False when that cannot be done.
    fn turn_away(&mut self, error: &io::Error) -> bool {
        let no_descriptor = rustix::io::Errno::from_io_error(error)
            .is_some_and(|errno| [rustix::io::Errno::MFILE, rustix::io::Errno::NFILE].contains(&errno));
        let had_reserve = self.reserve.take().is_some();
        let accepted = if no_descriptor && had_reserve { self.socket.accept().ok() } else { None };
        let turned_away = accepted.is_some();
        drop(accepted);
        self.reserve = self.socket.as_fd().try_clone_to_owned().ok();
        turned_away && self.reserve.is_some()
    }

    /// Stops listening; who waits is refused by the system.
    pub(super) fn close(mut self, registry: &Registry) {
        if let Err(error) = registry.deregister(&mut self.socket) {
            tracing::debug!(%error, "the listener was not registered");
        }
    }
}

fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::Interrupted)
}
