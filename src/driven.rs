//! The interface between a loop and what it drives: the daemon's service, or a member who listens. The loop knows sockets, ticks and helper threads,
//! and no frame and no command; what it drives knows no socket. The reactor is such a loop, the simulator another.
//!
//! ```text
//! for each input { handler.connected, received, hung_up or answered (…) }
//! handler.end_tick(now, rng)?            // an error ends the process; nothing more is sent
//! for job in handler.take_jobs()         { to a helper of its lane; what comes of it goes to handler.answered }
//! for id in handler.touched()            { write handler.output(id), or close if it is finished }
//! wait until handler.next_deadline()
//! ```

use std::fmt;
use std::net::SocketAddr;

use rand_core::CryptoRng;

use crate::time::{Monotonic, Now};

/// The number of a connection. Numbers are never used twice, so that an answer for a connection that is gone reaches nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConnectionId(pub u64);

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Figures of the process that only the loop can know, for `status`.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProcessFigures {
    /// Resident memory, in bytes.
    pub resident_bytes: u64,
    /// CPU time used, in microseconds.
    pub cpu_us: u64,
}

/// The part that a loop drives. Nothing that an input leads to may leave the process before [`Handler::end_tick`] has returned.
pub trait Handler {
    /// Work for helper threads.
    type Job: Send + 'static;
    /// The result of such work.
    type Answer: Send + 'static;
    /// The error that ends the loop before it is asked to end.
    type Failure;

    /// Somebody connected.
    fn connected(&mut self, id: ConnectionId, address: SocketAddr, now: Now, rng: &mut dyn CryptoRng);

    /// Bytes arrived, no more than [`Handler::input_room`].
    fn received(&mut self, id: ConnectionId, bytes: &[u8], now: Now, rng: &mut dyn CryptoRng);

    /// The other side is gone, or reading and writing failed.
    fn hung_up(&mut self, id: ConnectionId, now: Now, rng: &mut dyn CryptoRng);

    /// A helper has finished a job, or tells how far it is.
    fn answered(&mut self, answer: Self::Answer, now: Now, rng: &mut dyn CryptoRng);

    /// Ends a tick: runs what is due, and makes ready what may leave.
    ///
    /// # Errors
    /// The error that ends the loop. Nothing more is sent then.
    fn end_tick(&mut self, now: Now, rng: &mut dyn CryptoRng) -> Result<(), Self::Failure>;

    /// Takes the work for helpers that has come up since the last call.
    fn take_jobs(&mut self) -> Vec<Self::Job>;

    /// The number of the lane that a job goes to, from 0, in the order in which the loop was given its lanes.
    fn lane(job: &Self::Job) -> usize;

    /// Takes the connections that have output, are finished or may be read from again, since the last call.
    fn touched(&mut self) -> Vec<ConnectionId>;

    /// All bytes that wait to be written on a connection.
    fn output(&self, id: ConnectionId) -> &[u8];

    /// `count` bytes of the output were written; 0 if the connection takes nothing at the moment.
    fn written(&mut self, id: ConnectionId, count: usize, now: Now);

    /// The number of bytes that may be read from a connection now.
    fn input_room(&self, id: ConnectionId) -> usize;

    /// Whether a connection is to be closed as soon as its output is written.
    fn is_finished(&self, id: ConnectionId) -> bool;

    /// The time at which [`Handler::end_tick`] has to run again even if nothing happens.
    fn next_deadline(&self) -> Option<Monotonic>;

    /// Whether answers may wait until [`Handler::next_deadline`], because one turn for several is worth more than one for
    /// each. A handler without a deadline gathers nothing.
    fn gathers(&self) -> bool {
        false
    }

    /// Asks the handler to take nothing new on. The tick that ends next answers what is under way.
    fn shut_down(&mut self);

    /// Tells the handler what memory and processor time the process has used.
    fn set_process_figures(&mut self, _: ProcessFigures) {}

    /// Finishes the work of the handler, because the loop is over.
    ///
    /// # Errors
    /// The error for which the work could not be finished.
    fn close(self) -> Result<(), Self::Failure>;
}
