//! One connection as the loop sees it: a socket, and what is known of its readiness. mio tells of readiness
//! once, when it begins (edge-triggered), so it is remembered here until the socket says `WouldBlock`.

use std::io::{self, Read as _, Write as _};

use mio::net::TcpStream;
use mio::{Interest, Registry};

use super::token;
use crate::driven::ConnectionId;

/// See the module.
pub(super) struct Connection {
    stream: TcpStream,
    /// There may be bytes to read.
    pub(super) readable: bool,
    /// The other side has ended its half: reading goes on until that shows.
    pub(super) read_closed: bool,
    /// The socket may take bytes.
    pub(super) writable: bool,
    /// Whether the connection stands in the loop's queue of those to be read from.
    pub(super) queued: bool,
}

/// What came of reading.
pub(super) enum ReadOutcome {
    /// This many bytes; there may be more.
    Bytes(usize),
    /// Nothing now.
    WouldBlock,
    /// The other side will send no more, or the connection is broken.
    Gone,
}

/// What came of writing.
pub(super) enum WriteOutcome {
    /// This many bytes were taken; it may take more.
    Bytes(usize),
    /// It takes nothing now.
    WouldBlock,
    /// The connection is broken.
    Gone,
}

impl Connection {
    /// Takes a socket in and lets the poll tell of its readiness. Answers are small and people wait for them,
    /// so they are not held back to be joined with later ones; a socket that cannot be told so works as well.
    ///
    /// # Errors
    /// What the poll says.
    pub(super) fn open(
        mut stream: TcpStream,
        id: ConnectionId,
        registry: &Registry,
    ) -> io::Result<Connection> {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(connection = %id, %error, "small answers may be delayed");
        }
        registry.register(&mut stream, token::of(id), Interest::READABLE | Interest::WRITABLE)?;
        Ok(Connection { stream, readable: false, read_closed: false, writable: true, queued: false })
    }

    /// Reads at most a buffer full.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> ReadOutcome {
        loop {
            match self.stream.read(buffer) {
                Ok(0) => return ReadOutcome::Gone,
                Ok(count) => {
                    // Less than there was room for is all there was (epoll(7)): asking again would be a
                    // system call to hear so.
                    self.readable = count == buffer.len() || self.read_closed;
                    return ReadOutcome::Bytes(count);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.readable = false;
                    return ReadOutcome::WouldBlock;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return ReadOutcome::Gone,
            }
        }
    }

    /// Writes from the start of `bytes`, which are not empty.
    pub(super) fn write(&mut self, bytes: &[u8]) -> WriteOutcome {
        loop {
            match self.stream.write(bytes) {
                Ok(0) => return WriteOutcome::Gone,
                Ok(count) => return WriteOutcome::Bytes(count),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.writable = false;
                    return WriteOutcome::WouldBlock;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return WriteOutcome::Gone,
            }
        }
    }
}
