//! A connection between two members, without the server: both prove a registered key, nobody decrypts, and there
//! are no tickets.
//!
//! ```text
//! D → L  PeerHello                              L → D  PeerReply, {ServerAuth}, {ServerFinished}
//! D → L  {ClientAuth}, {ClientFinished}
//! ```
//! Frames, records and the key schedule are those of the channel; the transcript starts with the ledger, and the
//! transported secret is 32 zero bytes. The two operations of each side with a member's key leave as events and come
//! back as answers, because a listener must not wait for them.

mod handshake;

use std::collections::VecDeque;

use rand_core::CryptoRng;

use handshake::{Handshake, Hello, answered};

use super::PeerRole;
use super::ephemeral::Ephemeral;
use super::error::{CloseReason, Fault, SendError, Stage};
use super::frame::{Frame, FrameBuffer, FrameType};
use super::hello::{self, Params, PeerGreeting};
use super::schedule::Transcript;
use super::transport::{Incoming, Transport};
use crate::crypto::{KeyId, LedgerId, Signature, random};
use crate::time::Now;

/// Bytes of frames up to and including the dialler's Finished, at most.
const HANDSHAKE_BYTES_MAX: usize = 4_096;

/// Who this side is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerIdentity {
    /// On which ledger.
    pub ledger_id: LedgerId,
    /// Which account.
    pub account: u64,
    /// With which key.
    pub key_id: KeyId,
}

/// What a session needs from the world around it, lent for one call.
pub struct PeerEnv<'a> {
    /// Both clocks.
    pub now: Now,
    /// Random bytes fit for keys.
    pub rng: &'a mut dyn CryptoRng,
    /// The newest checkpoint that this side has, for a listener to tell: a signed note of at most 16 KiB less 64.
    pub checkpoint_note: &'a str,
}

/// What a session asks for or reports, in order.
#[derive(Debug, PartialEq, Eq)]
pub enum PeerEvent {
    /// Sign this with this side's key (PSS), then call [`PeerSession::signed`].
    Sign(Vec<u8>),
    /// Look up the key of this account in the ledger, check that it is this one and that it signed these bytes
    /// (PSS), then call [`PeerSession::verified`].
    Verify {
        /// The account that the other side claims.
        account: u64,
        /// The key that it claims.
        key_id: KeyId,
        /// What it signed.
        signed: Vec<u8>,
        /// The signature.
        signature: Signature,
    },
    /// The channel is open.
    Opened {
        /// Who the other side is.
        account: u64,
        /// What a listener said; its checkpoint is not verified yet.
        params: Option<Params>,
    },
    /// The other side sent a message.
    Message(Vec<u8>),
    /// The other side echoed a ping.
    Pong([u8; 8]),
    /// Nothing more comes. Send what is in the output, then close the connection.
    Closed(CloseReason),
}

struct Open {
    transport: Transport,
    /// Whether the other side has shown with a record that it accepted the handshake.
    accepted: bool,
}

enum State {
    Start,
    SentHello(Box<Hello>),
    /// This side's signature is being made.
    AwaitSign(Box<Handshake>),
    /// The other side's signature has not come yet.
    AwaitAuth(Box<Handshake>),
    /// It is being checked.
    AwaitVerify(Box<Handshake>),
    /// It is good; the other side's Finished has not come yet.
    Authed(Box<Handshake>),
    Open(Box<Open>),
    Closed,
}

/// One connection, seen from one of its ends.
pub struct PeerSession {
    own: PeerIdentity,
    role: PeerRole,
    /// Whom a dialler wants to reach; nobody else will do.
    wanted: Option<(u64, KeyId)>,
    state: State,
    input: FrameBuffer,
    output: Vec<u8>,
    events: VecDeque<PeerEvent>,
    handshake_bytes: usize,
}

impl PeerSession {
    /// Waits for a dialler.
    pub fn listen(own: PeerIdentity) -> PeerSession {
        PeerSession::start(own, PeerRole::Listener, None, State::Start, Vec::new())
    }

    /// Dials a member: this account, with this key.
    pub fn dial(own: PeerIdentity, wanted: (u64, KeyId), rng: &mut dyn CryptoRng) -> PeerSession {
        let ephemeral = Ephemeral::new(rng);
        let greeting = PeerGreeting { random: random::bytes(rng), ephemeral: ephemeral.public };
        let frame = greeting.encode_hello();
        let mut transcript = Transcript::of_peers(&own.ledger_id);
        transcript.frame(&frame);
        let state = State::SentHello(Box::new(Hello { transcript, ephemeral }));
        PeerSession::start(own, PeerRole::Dialler, Some(wanted), state, frame)
    }

    fn start(
        own: PeerIdentity,
        role: PeerRole,
        wanted: Option<(u64, KeyId)>,
        state: State,
        output: Vec<u8>,
    ) -> PeerSession {
        let (input, events) = (FrameBuffer::default(), VecDeque::new());
        PeerSession { own, role, wanted, state, input, output, events, handshake_bytes: 0 }
    }

    /// How many bytes [`PeerSession::receive`] takes now. Read no more than that from the connection, and nothing
    /// at all while it is zero.
    pub fn room(&self) -> usize {
        if self.wants_close() { 0 } else { self.input.room() }
    }

    /// Takes bytes from the connection. Look at the events and the output afterwards.
    pub fn receive(&mut self, bytes: &[u8], env: &mut PeerEnv<'_>) {
        if self.wants_close() {
            return;
        }
        match self.input.push(bytes) {
            Ok(()) => self.advance(env),
            Err(fault) => self.fail(fault, self.stage(), env),
        }
    }

    /// The connection ended. Without a close record before it, what was under way may be cut off.
    pub fn eof(&mut self) {
        self.end(CloseReason::Truncated);
    }

    /// Takes the answer to [`PeerEvent::Sign`]; nothing happens if the session is past waiting for it.
    pub fn signed(&mut self, signature: Signature, env: &mut PeerEnv<'_>) {
        match std::mem::replace(&mut self.state, State::Closed) {
            State::AwaitSign(handshake) => {
                let next = self.send_auth(handshake, signature, env);
                self.enter(next, Stage::Handshake, env);
            }
            other => self.state = other,
        }
    }

    /// Takes the answer to [`PeerEvent::Verify`]; nothing happens if the session is past waiting for it.
    pub fn verified(&mut self, good: bool, env: &mut PeerEnv<'_>) {
        match std::mem::replace(&mut self.state, State::Closed) {
            State::AwaitVerify(handshake) => {
                let next = if good { Ok(State::Authed(handshake)) } else { Err(Fault::Crypto) };
                self.enter(next, Stage::ClientAuth, env);
            }
            other => self.state = other,
        }
    }

    /// Seals a message into the output.
    ///
    /// # Errors
    /// [`SendError`]; the session goes on.
    pub fn send_message(&mut self, message: &[u8], env: &mut PeerEnv<'_>) -> Result<(), SendError> {
        let State::Open(open) = &mut self.state else { return Err(SendError::NotOpen) };
        open.transport.send(message, env.now.mono, &mut self.output)
    }

    /// Ends the session from this side, in good order if it is open.
    pub fn close(&mut self, env: &mut PeerEnv<'_>) {
        if let State::Open(open) = &mut self.state {
            open.transport.close(env.now.mono, &mut self.output);
        }
        self.end(CloseReason::Local);
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<PeerEvent> {
        self.events.pop_front()
    }

    /// Bytes for the connection.
    pub fn output(&self) -> &[u8] {
        &self.output
    }

    /// Bytes for the connection. Remove what has been written.
    pub fn output_mut(&mut self) -> &mut Vec<u8> {
        &mut self.output
    }

    /// Whether the connection is to be closed once the output is written.
    pub fn wants_close(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    /// How far the session has come.
    pub fn stage(&self) -> Stage {
        match &self.state {
            State::Start => Stage::Start,
            State::SentHello(_) => Stage::Hello,
            State::AwaitSign(_) | State::AwaitAuth(_) => Stage::Handshake,
            State::AwaitVerify(_) | State::Authed(_) => Stage::ClientAuth,
            State::Open(_) => Stage::Open,
            State::Closed => Stage::Closed,
        }
    }

    fn advance(&mut self, env: &mut PeerEnv<'_>) {
        let mut input = std::mem::take(&mut self.input);
        let (mut stage, mut more) = (self.stage(), Ok(true));
        while let Ok(true) = more {
            stage = self.stage();
            more = self.next(&mut input, env);
        }
        if let Err(fault) = more {
            self.fail(fault, stage, env);
        }
        if !self.wants_close() {
            input.release();
            self.input = input;
        }
    }

    /// Handles the next frame, if there is one and the session reads input.
    fn next(&mut self, input: &mut FrameBuffer, env: &mut PeerEnv<'_>) -> Result<bool, Fault> {
        if matches!(self.state, State::AwaitSign(_) | State::AwaitVerify(_) | State::Closed) {
            return Ok(false);
        }
        let Some(len) = input.next_len()? else { return Ok(false) };
        let early = self.stage() < Stage::Open;
        // What a listener's params take is bounded by one record; what a dialler sends is less.
        let listens = self.role == PeerRole::Listener;
        if early && listens && len > HANDSHAKE_BYTES_MAX.saturating_sub(self.handshake_bytes) {
            return Err(Fault::Protocol);
        }
        let Some(frame) = input.next_frame()? else { return Ok(false) };
        if early {
            self.handshake_bytes += len;
        }
        let state = std::mem::replace(&mut self.state, State::Closed);
        self.state = self.step(state, frame, env)?;
        Ok(true)
    }

    /// The state machine. Every pair of state and frame stands here.
    fn step(&mut self, state: State, frame: Frame<'_>, env: &mut PeerEnv<'_>) -> Result<State, Fault> {
        use FrameType as T;
        match (state, frame.kind) {
            (State::Start, T::PeerHello) => self.greeted(&frame, env),
            (State::SentHello(hello), T::PeerReply) => answered(*hello, &frame, env),
            (State::AwaitAuth(handshake), T::Data) => self.auth_record(handshake, frame),
            (State::Authed(handshake), T::Data) => self.finished_record(handshake, frame, env),
            (State::Open(open), T::Data) => self.open_record(open, frame, env),
            (State::SentHello(_) | State::AwaitAuth(_) | State::Authed(_), T::Alert)
                if self.role == PeerRole::Dialler =>
            {
                Ok(self.alerted(&frame))
            }
            (State::Open(open), T::Alert) if self.role == PeerRole::Dialler && !open.accepted => {
                Ok(self.alerted(&frame))
            }
            // The channel being open, even this is answered under encryption.
            (State::Open(mut open), T::GetKey | T::KeyInfo | T::ClientHello | T::ServerHello)
            | (State::Open(mut open), T::ResumeHello | T::PeerHello | T::PeerReply | T::Alert) => {
                open.transport.give_up(env.now.mono, &mut self.output);
                Err(Fault::Protocol)
            }
            (State::Start, T::PeerReply | T::Data)
            | (State::SentHello(_), T::PeerHello | T::Data)
            | (State::AwaitAuth(_) | State::Authed(_), T::PeerHello | T::PeerReply)
            | (State::Start | State::SentHello(_) | State::AwaitAuth(_) | State::Authed(_), T::Alert)
            | (
                State::Start | State::SentHello(_) | State::AwaitAuth(_) | State::Authed(_),
                T::GetKey | T::KeyInfo | T::ClientHello | T::ServerHello | T::ResumeHello,
            )
            // Not reached: no input is parsed in these.
            | (State::AwaitSign(_) | State::AwaitVerify(_) | State::Closed, _) => Err(Fault::Protocol),
        }
    }

    fn alerted(&mut self, frame: &Frame<'_>) -> State {
        let code = frame.body().first().copied().unwrap_or_default();
        self.events.push_back(PeerEvent::Closed(CloseReason::Alert(code)));
        State::Closed
    }

    fn open_record(
        &mut self,
        mut open: Box<Open>,
        frame: Frame<'_>,
        env: &mut PeerEnv<'_>,
    ) -> Result<State, Fault> {
        let incoming = open.transport.receive(frame.bytes, env.now.mono, &mut self.output)?;
        open.accepted = true;
        match incoming {
            Incoming::Nothing => {}
            Incoming::Message(message) => self.events.push_back(PeerEvent::Message(message)),
            Incoming::Pong(token) => self.events.push_back(PeerEvent::Pong(token)),
            Incoming::Ended(reason) => {
                self.events.push_back(PeerEvent::Closed(reason));
                return Ok(State::Closed);
            }
            Incoming::Ticket(..) => {
                open.transport.give_up(env.now.mono, &mut self.output);
                return Err(Fault::Protocol);
            }
        }
        Ok(State::Open(open))
    }

    fn enter(&mut self, next: Result<State, Fault>, stage: Stage, env: &mut PeerEnv<'_>) {
        match next {
            Ok(state) => {
                self.state = state;
                self.advance(env);
            }
            Err(fault) => self.fail(fault, stage, env),
        }
    }

    fn fail(&mut self, fault: Fault, stage: Stage, env: &mut PeerEnv<'_>) {
        if let State::Open(open) = &mut self.state {
            open.transport.give_up(env.now.mono, &mut self.output);
        } else if let Some(code) =
            fault.alert().filter(|_| stage < Stage::Open && self.role == PeerRole::Listener)
        {
            self.output.extend_from_slice(&hello::alert_frame(code));
        }
        self.state = State::Closed;
        self.input = FrameBuffer::default();
        self.events.push_back(PeerEvent::Closed(CloseReason::Failed(fault, stage)));
    }

    /// Closes once and says so once.
    fn end(&mut self, reason: CloseReason) {
        if !self.wants_close() {
            self.state = State::Closed;
            self.input = FrameBuffer::default();
            self.events.push_back(PeerEvent::Closed(reason));
        }
    }
}

impl std::fmt::Debug for PeerSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PeerSession({:?}, {:?})", self.role, self.stage())
    }
}
