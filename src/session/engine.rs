//! The plumbing of a session, the same for every end of a connection: bytes are gathered into frames and handed to the
//! state machine of the end, what it says and what goes out is kept until it is fetched, and whatever ends the session
//! ends it once. Server, client and peer differ in their [`End`]: the states and what each of them does with a frame.
//!
//! ```text
//! receive → input → frame → End::step → output, events
//!                      │        └ open channel: transport
//!                      └ a fault → the other side is told what it may know → closed
//! ```

use std::collections::VecDeque;
use std::fmt;

use super::error::{CloseReason, Fault, SendError, Stage};
use super::frame::{Frame, FrameBuffer};
use super::hello;
use super::record::Kind;
use super::transport::{Incoming, Transport};
use crate::time::{Monotonic, Now};

/// Bytes of memory kept for output by a connection for which nothing waits.
const IDLE_BYTES_MAX: usize = 1 << 10;

/// What one end of a connection is by itself: its state machine, and the little in which it is treated unlike the others.
pub trait End: Sized {
    /// What a session needs from the world around it, lent for one call.
    type Env<'a>;

    /// What a session asks for or reports.
    type Event: From<Occurrence>;

    /// Both clocks.
    fn now(env: &Self::Env<'_>) -> Now;

    /// How far the session has come; [`Stage::Closed`] is final.
    fn stage(&self) -> Stage;

    /// Whether input is parsed now. What arrives while it is not waits in the bounded buffer.
    fn reads(&self) -> bool;

    /// Bytes of all frames that this end takes before the channel is open.
    fn handshake_bytes_max(&self, env: &Self::Env<'_>) -> usize;

    /// Whether this end says in the clear what it did not like, before the channel is open.
    fn sends_alerts(&self) -> bool;

    /// The open channel, if it is open.
    fn transport(&mut self) -> Option<&mut Transport>;

    /// Goes to the final state.
    fn close(&mut self);

    /// Takes one frame to the next state. On a fault the state is the final one.
    ///
    /// # Errors
    /// The [`Fault`] that ends the session.
    fn step(session: &mut Session<Self>, frame: Frame<'_>, env: &mut Self::Env<'_>) -> Result<(), Fault>;

    /// Puts out what has to go before a message.
    ///
    /// # Errors
    /// [`SendError`]; the session goes on.
    fn before_message(&mut self, env: &mut Self::Env<'_>, output: &mut Vec<u8>) -> Result<(), SendError>;
}

/// What every end reports.
#[derive(Debug)]
pub enum Occurrence {
    /// The other side sent a message.
    Message(Vec<u8>),
    /// The other side echoed a ping.
    Pong([u8; 8]),
    /// Nothing more comes.
    Closed(CloseReason),
}

/// One connection, seen from one of its ends: see [`super::ServerSession`], [`super::ClientSession`] and
/// [`super::PeerSession`].
pub struct Session<E: End> {
    pub(super) end: E,
    input: FrameBuffer,
    pub(super) output: Vec<u8>,
    pub(super) events: VecDeque<E::Event>,
    /// Bytes of frames that came before the channel was open.
    handshake_bytes: usize,
}

impl<E: End> Session<E> {
    /// A fresh connection, on which `output` is sent first.
    pub(super) fn start(end: E, output: Vec<u8>) -> Session<E> {
        Session { end, input: FrameBuffer::default(), output, events: VecDeque::new(), handshake_bytes: 0 }
    }

    /// How many bytes [`Session::receive`] takes now. Read no more than that from the connection, and nothing at all
    /// while it is zero.
    pub fn room(&self) -> usize {
        if self.wants_close() { 0 } else { self.input.room() }
    }

    /// Takes bytes from the connection. Look at the events and the output afterwards. More bytes than [`Session::room`]
    /// close the session.
    pub fn receive(&mut self, bytes: &[u8], env: &mut E::Env<'_>) {
        if self.wants_close() {
            return;
        }
        match self.input.push(bytes) {
            Ok(()) => self.advance(env),
            Err(fault) => self.fail(fault, self.stage(), E::now(env).mono),
        }
    }

    /// The connection ended. Without a close record before it, what was under way may be cut off.
    pub fn eof(&mut self) {
        self.conclude(CloseReason::Truncated);
    }

    /// Seals a message into the output.
    ///
    /// # Errors
    /// [`SendError`]; the session goes on.
    pub fn send_message(&mut self, message: &[u8], env: &mut E::Env<'_>) -> Result<(), SendError> {
        self.end.before_message(env, &mut self.output)?;
        let transport = self.end.transport().ok_or(SendError::NotOpen)?;
        transport.send(message, E::now(env).mono, &mut self.output)
    }

    /// Sends a ping; its echo comes as an event.
    ///
    /// # Errors
    /// [`SendError::NotOpen`].
    pub fn ping(&mut self, token: [u8; 8], env: &mut E::Env<'_>) -> Result<(), SendError> {
        let transport = self.end.transport().ok_or(SendError::NotOpen)?;
        transport.record(Kind::Ping, &[&token], E::now(env).mono, &mut self.output)
    }

    /// Ends the session from this side, in good order if it is open.
    pub fn close(&mut self, env: &mut E::Env<'_>) {
        if let Some(transport) = self.end.transport() {
            transport.close(E::now(env).mono, &mut self.output);
        }
        self.conclude(CloseReason::Local);
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<E::Event> {
        self.events.pop_front()
    }

    /// Bytes for the connection.
    pub fn output(&self) -> &[u8] {
        &self.output
    }

    /// The first `count` bytes of the output were written. What held a long answer gives its memory back.
    pub fn written(&mut self, count: usize) {
        self.output.drain(..count.min(self.output.len()));
        if self.output.is_empty() {
            self.output.shrink_to(IDLE_BYTES_MAX);
        }
    }

    /// Takes all bytes for the connection.
    pub fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    /// Whether the connection is to be closed once the output is written.
    pub fn wants_close(&self) -> bool {
        self.stage() == Stage::Closed
    }

    /// How far the session has come.
    pub fn stage(&self) -> Stage {
        self.end.stage()
    }

    /// Bytes of input that wait to be parsed.
    pub(super) fn waiting_bytes(&self) -> usize {
        self.input.len()
    }

    /// Works through the input, as far as it is there and the end reads it.
    fn advance(&mut self, env: &mut E::Env<'_>) {
        // A frame is opened where it lies, while the session works on what it says.
        let mut input = std::mem::take(&mut self.input);
        let (mut stage, mut more) = (self.stage(), Ok(true));
        while let Ok(true) = more {
            stage = self.stage();
            more = self.next(&mut input, env);
        }
        if let Err(fault) = more {
            self.fail(fault, stage, E::now(env).mono);
        }
        if !self.wants_close() {
            input.release();
            self.input = input;
        }
    }

    /// Handles the next frame, if there is one and the end reads input.
    fn next(&mut self, input: &mut FrameBuffer, env: &mut E::Env<'_>) -> Result<bool, Fault> {
        if !self.end.reads() {
            return Ok(false);
        }
        let Some(len) = input.next_len()? else { return Ok(false) };
        let early = self.stage() < Stage::Open;
        // Held against the header: nobody makes us wait for a body that is too much anyway.
        if early && len > self.end.handshake_bytes_max(env).saturating_sub(self.handshake_bytes) {
            return Err(Fault::Protocol);
        }
        let Some(frame) = input.next_frame()? else { return Ok(false) };
        if early {
            self.handshake_bytes += len;
        }
        E::step(self, frame, env)?;
        Ok(true)
    }

    /// Goes on after an answer from outside, for which the input has waited. `done` says what came of it, `stage` where
    /// the session was before.
    pub(super) fn enter(&mut self, done: Result<(), Fault>, stage: Stage, env: &mut E::Env<'_>) {
        match done {
            Ok(()) => self.advance(env),
            Err(fault) => self.fail(fault, stage, E::now(env).mono),
        }
    }

    /// Takes one record of the open channel; says whether the channel is still open after it. `ticket` takes in a
    /// ticket with its lifetime in seconds; it gives none where this end can use none.
    ///
    /// # Errors
    /// The fault that ends the session; the other side has been told.
    pub(super) fn take_record(
        &mut self,
        transport: &mut Transport,
        frame: Frame<'_>,
        now: Monotonic,
        ticket: impl FnOnce([u8; 16], u32) -> Option<E::Event>,
    ) -> Result<bool, Fault> {
        let event = match transport.receive(frame.bytes, now, &mut self.output)? {
            Incoming::Nothing => return Ok(true),
            Incoming::Message(message) => Occurrence::Message(message).into(),
            Incoming::Pong(token) => Occurrence::Pong(token).into(),
            Incoming::Ended(reason) => {
                self.events.push_back(Occurrence::Closed(reason).into());
                return Ok(false);
            }
            Incoming::Ticket(id, lifetime_s) => match ticket(id, lifetime_s) {
                Some(event) => event,
                None => {
                    transport.give_up(now, &mut self.output);
                    return Err(Fault::Protocol);
                }
            },
        };
        self.events.push_back(event);
        Ok(true)
    }

    /// Reports the alert that the other side sent in the clear. The next state is the final one.
    pub(super) fn report_alert(&mut self, frame: &Frame<'_>) {
        let code = frame.body().first().copied().unwrap_or_default();
        self.events.push_back(Occurrence::Closed(CloseReason::Alert(code)).into());
    }

    /// Ends the session because the other side broke the rules, and tells it what it may know.
    pub(super) fn fail(&mut self, fault: Fault, stage: Stage, now: Monotonic) {
        if let Some(transport) = self.end.transport() {
            transport.give_up(now, &mut self.output);
        } else if let Some(code) = fault.alert().filter(|_| stage < Stage::Open && self.end.sends_alerts()) {
            self.output.extend_from_slice(&hello::alert_frame(code));
        }
        self.shut(CloseReason::Failed(fault, stage));
    }

    /// Closes once and says so once.
    fn conclude(&mut self, reason: CloseReason) {
        if !self.wants_close() {
            self.shut(reason);
        }
    }

    fn shut(&mut self, reason: CloseReason) {
        self.end.close();
        self.input = FrameBuffer::default();
        self.events.push_back(Occurrence::Closed(reason).into());
    }
}

impl<E: End> fmt::Debug for Session<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Session({:?})", self.stage())
    }
}

#[cfg(test)]
mod tests {
    use super::super::server::ServerSession;
    use super::*;

    #[test]
    fn a_long_answer_that_has_left_takes_no_memory() {
        let mut session = ServerSession::new();
        session.output = vec![7; 1 << 20];
        session.written(1 << 19);
        assert_eq!(session.output(), vec![7; 1 << 19]);
        session.written(1 << 20);
        assert!(session.output.is_empty() && session.output.capacity() <= IDLE_BYTES_MAX);
    }
}
