//! One connection's socket: reading until it would block or the service has no room, writing until it would
//! block.
#![expect(clippy::disallowed_methods, reason = "the process's figures come from the kernel as files")]

use std::io::{ErrorKind, Read, Write};

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use rand_core::CryptoRng;

use crate::service::{ConnectionId, Input, ProcessFigures, Service};
use crate::time::Now;

/// Bytes read at once.
const READ_BYTES: usize = 64 << 10;

/// Reads of one connection in one turn, so that a fast sender does not hold up the others.
const READS_PER_TURN: usize = 16;

/// See the module.
#[derive(Debug)]
pub(super) struct Socket {
    stream: TcpStream,
    /// The kernel may have bytes for us, although it will not say so again.
    pub(super) readable: bool,
}

impl Socket {
    pub(super) fn register(
        mut stream: TcpStream,
        registry: &Registry,
        token: Token,
    ) -> std::io::Result<Socket> {
        stream.set_nodelay(true)?;
        registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
        Ok(Socket { stream, readable: true })
    }

    pub(super) fn deregister(&mut self, registry: &Registry) {
        if let Err(error) = registry.deregister(&mut self.stream) {
            tracing::debug!(%error, "a socket was not watched any more");
        }
    }

    /// Reads and hands in; true if there may be more and the service would take it.
    pub(super) fn read(
        &mut self,
        id: ConnectionId,
        service: &mut Service,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> bool {
        let mut chunk = [0; READ_BYTES];
        for _ in 0..READS_PER_TURN {
            let room = service.input_room(id).min(READ_BYTES);
            if !self.readable || room == 0 {
                // A writable event brings us here as well.
                service.touch(id);
                return false;
            }
            match self.stream.read(chunk.get_mut(..room).unwrap_or_default()) {
                Ok(0) => {
                    service.handle(Input::HungUp { id }, now, rng);
                    self.readable = false;
                }
                Ok(count) => {
                    let bytes = chunk.get(..count).unwrap_or_default();
                    service.handle(Input::Received { id, bytes }, now, rng);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.readable = false,
                Err(_) => {
                    service.handle(Input::HungUp { id }, now, rng);
                    self.readable = false;
                }
            }
        }
        service.touch(id);
        self.readable && service.input_room(id) > 0
    }

    /// Writes what the service has; false if the connection is gone.
    pub(super) fn write(&mut self, id: ConnectionId, service: &mut Service, now: Now) -> bool {
        loop {
            let output = service.output(id);
            if output.is_empty() {
                return true;
            }
            match self.stream.write(output) {
                Ok(0) => return false,
                Ok(count) => service.written(id, count, now),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return true,
                Err(_) => return false,
            }
        }
    }
}

/// What the process has used, from the kernel's own account of it.
pub(super) fn process_figures() -> ProcessFigures {
    let page = rustix::param::page_size() as u64;
    let resident = std::fs::read_to_string("/proc/self/statm").ok();
    let resident = resident.and_then(|text| text.split(' ').nth(1)?.parse::<u64>().ok());
    let ticks = rustix::param::clock_ticks_per_second().max(1);
    // After the process's name, which may hold anything, utime and stime are fields 12 and 13.
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let used: u64 =
        fields.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    ProcessFigures {
        resident_bytes: resident.unwrap_or(0).saturating_mul(page),
        cpu_us: used.saturating_mul(1_000_000 / ticks),
    }
}
