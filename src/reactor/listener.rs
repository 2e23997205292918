//! Accepting connections. mio reports readiness once: whoever stops accepting before the kernel says that there
//! is nothing more has to remember it. When the process has no file descriptors left, one that was kept in
//! reserve is given up for a moment, so that the newcomer can be told by a close instead of being left waiting.

use std::fs::File;
use std::io;
use std::net::SocketAddr;

use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Registry, Token};

/// Connections accepted in one turn at most, so that a flood of them does not hold up those that are there.
const ACCEPTED_PER_TURN: usize = 256;

/// See the module.
#[derive(Debug)]
pub(super) struct Listener {
    socket: TcpListener,
    reserve: Option<File>,
    /// The kernel may have more connections for us, although it will not say so again.
    ready: bool,
    exhausted: bool,
}

fn take_reserve() -> Option<File> {
    File::open("/dev/null").ok()
}

impl Listener {
    /// Listens on an address.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub(super) fn bind(address: SocketAddr, registry: &Registry, token: Token) -> io::Result<Listener> {
        let mut socket = TcpListener::bind(address)?;
        registry.register(&mut socket, token, Interest::READABLE)?;
        Ok(Listener { socket, reserve: take_reserve(), ready: true, exhausted: false })
    }

    /// The address that is listened on.
    ///
    /// # Errors
    /// What the kernel says.
    pub(super) fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// The kernel says that there are connections, or there may be room for them again.
    pub(super) fn wake(&mut self) {
        self.ready = true;
        self.exhausted = false;
    }

    /// Whether accepting should go on without waiting for the kernel.
    pub(super) fn is_ready(&self) -> bool {
        self.ready && !self.exhausted
    }

    /// Whether the process ran out of file descriptors: try again after a while or when a connection closes.
    pub(super) fn is_exhausted(&self) -> bool {
        self.exhausted
    }

    /// Accepts what is there.
    pub(super) fn accept(&mut self, take: &mut dyn FnMut(TcpStream, SocketAddr)) {
        for _ in 0..ACCEPTED_PER_TURN {
            if !self.is_ready() {
                return;
            }
            match self.socket.accept() {
                Ok((stream, peer)) => {
                    if self.reserve.is_none() {
                        self.reserve = take_reserve();
                    }
                    take(stream, peer);
                }
                Err(error) => self.failed(&error),
            }
        }
    }

    fn failed(&mut self, error: &io::Error) {
        match error.kind() {
            io::ErrorKind::WouldBlock => self.ready = false,
            // The connection is gone before it was accepted.
            io::ErrorKind::ConnectionAborted
            | io::ErrorKind::Interrupted
            | io::ErrorKind::ConnectionReset => {}
            _ => self.turn_one_away(error),
        }
    }

    /// No descriptors are left: the reserve lets one connection in, which is closed at once.
    fn turn_one_away(&mut self, error: &io::Error) {
        let had_reserve = self.reserve.take().is_some();
        if had_reserve && self.socket.accept().is_ok() {
            tracing::warn!(%error, "a connection was turned away");
        }
        self.reserve = take_reserve();
        if self.reserve.is_none() || !had_reserve {
            self.exhausted = true;
        }
    }
}
