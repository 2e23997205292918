//! What reaches the service, and what it hands out to be done elsewhere. The reactor and the simulator both
//! speak to it through these types and no others.

use std::fmt;
use std::net::SocketAddr;

use super::job::JobResult;

/// Names a connection. Numbers are never used twice, so that the answer to a question of a connection that is
/// gone reaches nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConnectionId(pub u64);

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Something happened outside.
pub enum Input<'a> {
    /// Somebody connected.
    Connected {
        /// The new connection.
        id: ConnectionId,
        /// From where.
        peer: SocketAddr,
    },
    /// Bytes arrived.
    Received {
        /// On which connection.
        id: ConnectionId,
        /// The bytes.
        bytes: &'a [u8],
    },
    /// The other side is gone, or reading and writing failed.
    HungUp {
        /// Which connection.
        id: ConnectionId,
    },
    /// A helper has finished, or tells how far it is.
    JobDone(JobResult),
}
