//! A connection that somebody else waits for: a program with many of them has one poll for all.

use mio::{Interest, Registry, Token};

use super::{Connection, PATIENCE, unreachable};
use crate::client::{ClientError, clock};
use crate::session::ClientEnv;
use crate::wire::{self, Reply, Request};

impl Connection {
    /// Gives the waiting away: from now on `registry` is told, under `token`, when there is something to do, and
    /// [`Connection::wait`] and what uses it must not be called any more.
    ///
    /// # Errors
    /// [`ClientError::Unreachable`] when the system refuses.
    pub(in crate::client) fn watch_with(
        &mut self,
        registry: &Registry,
        token: Token,
    ) -> Result<(), ClientError> {
        let moved = self.poll.registry().deregister(&mut self.stream).and_then(|()| {
            registry.register(&mut self.stream, token, Interest::READABLE | Interest::WRITABLE)
        });
        moved.map_err(unreachable(&self.address, PATIENCE))
    }

    /// Puts a request behind what is to be written; [`Connection::write_queued`] writes it.
    ///
    /// # Errors
    /// [`ClientError::Unreachable`] when the connection is gone.
    pub(in crate::client) fn queue(&mut self, request: &Request<'_>) -> Result<u32, ClientError> {
        self.next_request = self.next_request.checked_add(1).unwrap_or(1);
        let message = wire::seal(self.next_request, request);
        let mut env = ClientEnv { now: clock::now(), rng: &mut self.rng };
        let sent = self.session.send_message(&message, &mut env);
        sent.map_err(|error| ClientError::Unreachable(format!("{}: {error}", self.address)))?;
        Ok(self.next_request)
    }

    /// Writes what can be written.
    pub(in crate::client) fn write_queued(&mut self) {
        self.write_out();
    }

    /// Reads and writes what can be; never waits.
    pub(in crate::client) fn progress(&mut self) {
        self.read_in();
        self.write_out();
    }

    /// The next reply that was read, with the number of its request.
    pub(in crate::client) fn take_reply(&mut self) -> Option<(u32, Reply)> {
        self.inbox.pop_front()
    }
}
