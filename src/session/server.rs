//! The server's side of a connection: one state machine from the first byte to the close.
//!
//! Cheap and public checks come first. The two operations that take long, opening the client's secret and checking its
//! signature, leave as events and come back as answers, during which no input is parsed, so that a client can make the
//! server do one of them at a time at most.

mod handshake;

use std::collections::VecDeque;

use rand_core::CryptoRng;

use self::handshake::{Client, Handshake, Hello};
use super::error::{CloseReason, Fault, SendError, Stage};
use super::frame::{Frame, FrameBuffer, FrameType};
use super::hello;
use super::identity::{KeySlot, ServerIdentity};
use super::record::Kind;
use super::schedule::{self, Secret};
use super::ticket::{Issued, Ticket, TicketTable};
use super::transport::{Incoming, Transport};
use crate::crypto::rsa::MODULUS_BYTES;
use crate::crypto::{Digest, KeyId, Signature, random};
use crate::limits;
use crate::time::Now;

/// Bytes of memory kept for output by a connection for which nothing waits.
const IDLE_BYTES_MAX: usize = 1 << 10;

/// What an operator may set about the channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelSettings {
    /// Bytes of all frames of a connection up to the client's finished message, at most.
    pub handshake_bytes_max: usize,
    /// Bytes of a message on an authenticated channel, at most.
    pub message_bytes_max: usize,
    /// Bytes of a message on an anonymous channel, at most.
    pub message_anonymous_bytes_max: usize,
}

impl Default for ChannelSettings {
    fn default() -> ChannelSettings {
        ChannelSettings {
            handshake_bytes_max: 4_096,
            message_bytes_max: limits::MESSAGE_BYTES_MAX,
            message_anonymous_bytes_max: limits::MESSAGE_ANONYMOUS_BYTES_MAX,
        }
    }
}

/// What a session needs from the world around it, lent for one call.
pub struct ServerEnv<'a> {
    /// Both clocks.
    pub now: Now,
    /// Random bytes fit for keys.
    pub rng: &'a mut dyn CryptoRng,
    /// The tickets of all sessions.
    pub tickets: &'a mut TicketTable,
    /// Who the server is.
    pub identity: &'a ServerIdentity,
    /// The operator's settings.
    pub settings: &'a ChannelSettings,
    /// The newest checkpoint over synced batches, a signed note of at most 16 KiB less 64 bytes.
    pub checkpoint_note: &'a str,
    /// Set by the session when the note stands in its output.
    pub note_told: bool,
}

/// What a session asks for or reports, in order.
#[derive(Debug, PartialEq, Eq)]
pub enum ServerEvent {
    /// The client asked for the descriptor and was answered.
    GetKey,
    /// Open this ciphertext with the named key (`PrivateKey::decap`), then call [`ServerSession::decapped`].
    Decap {
        /// Which key.
        slot: KeySlot,
        /// What to open.
        ciphertext: Box<[u8; MODULUS_BYTES]>,
    },
    /// Look up the key of this account, check that it is not revoked and that it signed these bytes, then
    /// call [`ServerSession::client_auth_verified`].
    VerifyClientAuth {
        /// The account that the client claims.
        account: u64,
        /// The key that it claims.
        key_id: KeyId,
        /// What it signed.
        signed: Vec<u8>,
        /// The signature.
        signature: Signature,
    },
    /// The channel is open. On a resumption the key was checked when the ticket was issued: check it again.
    Opened {
        /// Who the client is, none for an anonymous one.
        account: Option<(u64, KeyId)>,
        /// Whether a ticket was used.
        resumed: bool,
    },
    /// The client sent a message.
    Message(Vec<u8>),
    /// The client echoed a ping.
    Pong([u8; 8]),
    /// Nothing more comes. Send what is in the output, then close the connection.
    Closed(CloseReason),
}

struct Open {
    transport: Transport,
    resumption: Secret,
    descriptor_hash: Digest,
    client: Option<Client>,
    /// The newest ticket that the client has.
    ticket: Option<Issued>,
}

enum State {
    Start,
    AwaitDecap(Box<Hello>),
    SentHello(Box<Handshake>),
    AwaitVerify(Box<Handshake>),
    Authed(Box<Handshake>),
    Open(Box<Open>),
    Closed,
}

/// One connection.
pub struct ServerSession {
    state: State,
    input: FrameBuffer,
    output: Vec<u8>,
    events: VecDeque<ServerEvent>,
    handshake_bytes: usize,
}

impl Default for ServerSession {
    fn default() -> ServerSession {
        ServerSession::new()
    }
}

impl ServerSession {
    /// A fresh connection.
    pub fn new() -> ServerSession {
        ServerSession {
            state: State::Start,
            input: FrameBuffer::default(),
            output: Vec::new(),
            events: VecDeque::new(),
            handshake_bytes: 0,
        }
    }

    /// How many bytes [`ServerSession::receive`] takes now. Read no more than that from the connection, and
    /// nothing at all while it is zero.
    pub fn room(&self) -> usize {
        if matches!(self.state, State::Closed) { 0 } else { self.input.room() }
    }

    /// Bytes of memory that hold input which is not a whole message yet.
    pub fn input_bytes(&self) -> usize {
        let parts = match &self.state {
            State::Open(open) => open.transport.held_bytes(),
            _ => 0,
        };
        self.input.len() + parts
    }

    /// Takes bytes from the connection. Look at the events and the output afterwards. More bytes than
    /// [`ServerSession::room`] close the session.
    pub fn receive(&mut self, bytes: &[u8], env: &mut ServerEnv<'_>) {
        if matches!(self.state, State::Closed) {
            return;
        }
        match self.input.push(bytes) {
            Ok(()) => self.advance(env),
            Err(fault) => self.fail(fault, self.stage(), env),
        }
    }

    /// The connection ended.
    pub fn eof(&mut self) {
        self.end(CloseReason::Truncated);
    }

    /// Takes the answer to [`ServerEvent::Decap`]; nothing happens if the session is past waiting for it.
    pub fn decapped(&mut self, secret: &[u8; 32], env: &mut ServerEnv<'_>) {
        match std::mem::replace(&mut self.state, State::Closed) {
            State::AwaitDecap(hello) => {
                let next = self.send_hello(*hello, secret, None, env);
                self.enter(next, Stage::Hello, env);
            }
            other => self.state = other,
        }
    }

    /// Takes the answer to [`ServerEvent::VerifyClientAuth`]; nothing happens if the session is past waiting.
    pub fn client_auth_verified(&mut self, good: bool, env: &mut ServerEnv<'_>) {
        match std::mem::replace(&mut self.state, State::Closed) {
            State::AwaitVerify(handshake) => {
                let next = if good { Ok(State::Authed(handshake)) } else { Err(Fault::Crypto) };
                self.enter(next, Stage::ClientAuth, env);
            }
            other => self.state = other,
        }
    }

    /// Turns a handshake away because too many are under way.
    pub fn refuse_busy(&mut self, env: &mut ServerEnv<'_>) {
        if self.stage() < Stage::Open {
            self.fail(Fault::Busy, self.stage(), env);
        }
    }

    /// Seals a message into the output.
    ///
    /// # Errors
    /// [`SendError`]; the session goes on.
    pub fn send_message(&mut self, message: &[u8], env: &mut ServerEnv<'_>) -> Result<(), SendError> {
        let State::Open(open) = &mut self.state else { return Err(SendError::NotOpen) };
        if open.ticket.is_some_and(|ticket| ticket.is_worn(env.now.mono)) {
            open.issue_ticket(&mut self.output, env)?;
        }
        open.transport.send(message, env.now.mono, &mut self.output)
    }

    /// Sends a ping; its echo comes as [`ServerEvent::Pong`].
    ///
    /// # Errors
    /// [`SendError::NotOpen`].
    pub fn ping(&mut self, token: [u8; 8], env: &mut ServerEnv<'_>) -> Result<(), SendError> {
        let State::Open(open) = &mut self.state else { return Err(SendError::NotOpen) };
        open.transport.record(Kind::Ping, &[&token], env.now.mono, &mut self.output)
    }

    /// Ends the session from this side, in good order if it is open.
    pub fn close(&mut self, env: &mut ServerEnv<'_>) {
        if let State::Open(open) = &mut self.state {
            open.transport.close(env.now.mono, &mut self.output);
        }
        self.end(CloseReason::Local);
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<ServerEvent> {
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
        matches!(self.state, State::Closed)
    }

    /// How far the session has come.
    pub fn stage(&self) -> Stage {
        match &self.state {
            State::Start => Stage::Start,
            State::AwaitDecap(_) => Stage::Hello,
            State::SentHello(_) => Stage::Handshake,
            State::AwaitVerify(_) | State::Authed(_) => Stage::ClientAuth,
            State::Open(_) => Stage::Open,
            State::Closed => Stage::Closed,
        }
    }

    /// Who the client is: none before the channel is open, and on an anonymous one.
    pub fn account(&self) -> Option<(u64, KeyId)> {
        match &self.state {
            State::Open(open) => open.client.map(|client| (client.account, client.key_id)),
            _ => None,
        }
    }

    fn advance(&mut self, env: &mut ServerEnv<'_>) {
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
    fn next(&mut self, input: &mut FrameBuffer, env: &mut ServerEnv<'_>) -> Result<bool, Fault> {
        if matches!(self.state, State::AwaitDecap(_) | State::AwaitVerify(_) | State::Closed) {
            return Ok(false);
        }
        let Some(len) = input.next_len()? else { return Ok(false) };
        let early = self.stage() < Stage::Open;
        // Held against the header: nobody makes us wait for a body that is too much anyway.
        if early && len > env.settings.handshake_bytes_max.saturating_sub(self.handshake_bytes) {
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
    fn step(&mut self, state: State, frame: Frame<'_>, env: &mut ServerEnv<'_>) -> Result<State, Fault> {
        use FrameType as T;
        match (state, frame.kind) {
            (State::Start, T::GetKey) => self.get_key(&frame, env),
            (State::Start, T::ClientHello) => self.client_hello(&frame, env),
            (State::Start, T::ResumeHello) => self.resume_hello(&frame, env),
            (State::SentHello(handshake), T::Data) => self.handshake_record(handshake, false, frame, env),
            (State::Authed(handshake), T::Data) => self.handshake_record(handshake, true, frame, env),
            (State::Open(open), T::Data) => self.open_record(open, frame, env),
            // The channel being open, even this is answered under encryption.
            (State::Open(mut open), T::GetKey | T::KeyInfo | T::ClientHello | T::ServerHello)
            | (State::Open(mut open), T::ResumeHello | T::PeerHello | T::PeerReply | T::Alert) => {
                open.transport.give_up(env.now.mono, &mut self.output);
                Err(Fault::Protocol)
            }
            (State::Start, T::Data)
            | (State::SentHello(_) | State::Authed(_), T::GetKey | T::ClientHello | T::ResumeHello)
            | (State::Start | State::SentHello(_) | State::Authed(_), T::KeyInfo | T::ServerHello)
            | (State::Start | State::SentHello(_) | State::Authed(_), T::PeerHello | T::PeerReply | T::Alert)
            // Not reached: no input is parsed in these.
            | (State::AwaitDecap(_) | State::AwaitVerify(_) | State::Closed, _) => Err(Fault::Protocol),
        }
    }

    fn open_record(
        &mut self,
        mut open: Box<Open>,
        frame: Frame<'_>,
        env: &mut ServerEnv<'_>,
    ) -> Result<State, Fault> {
        match open.transport.receive(frame.bytes, env.now.mono, &mut self.output)? {
            Incoming::Nothing => {}
            Incoming::Message(message) => self.events.push_back(ServerEvent::Message(message)),
            Incoming::Pong(token) => self.events.push_back(ServerEvent::Pong(token)),
            Incoming::Ended(reason) => {
                self.events.push_back(ServerEvent::Closed(reason));
                return Ok(State::Closed);
            }
            Incoming::Ticket(..) => {
                open.transport.give_up(env.now.mono, &mut self.output);
                return Err(Fault::Protocol);
            }
        }
        Ok(State::Open(open))
    }

    fn enter(&mut self, next: Result<State, Fault>, stage: Stage, env: &mut ServerEnv<'_>) {
        match next {
            Ok(state) => {
                self.state = state;
                self.advance(env);
            }
            Err(fault) => self.fail(fault, stage, env),
        }
    }

    fn fail(&mut self, fault: Fault, stage: Stage, env: &mut ServerEnv<'_>) {
        if let State::Open(open) = &mut self.state {
            open.transport.give_up(env.now.mono, &mut self.output);
        } else if let Some(code) = fault.alert().filter(|_| stage < Stage::Open) {
            self.output.extend_from_slice(&hello::alert_frame(code));
        }
        self.state = State::Closed;
        self.input = FrameBuffer::default();
        self.events.push_back(ServerEvent::Closed(CloseReason::Failed(fault, stage)));
    }

    /// Closes once and says so once.
    fn end(&mut self, reason: CloseReason) {
        if !matches!(self.state, State::Closed) {
            self.state = State::Closed;
            self.input = FrameBuffer::default();
            self.events.push_back(ServerEvent::Closed(reason));
        }
    }
}

impl Open {
    /// Gives an authenticated client a ticket, unless its signature is too old for one, or so old that the new
    /// ticket would end no later than the one it has.
    fn issue_ticket(&mut self, output: &mut Vec<u8>, env: &mut ServerEnv<'_>) -> Result<(), SendError> {
        let now = env.now.mono;
        let Some(Client { account, key_id, authenticated_at }) = self.client else { return Ok(()) };
        let Some(lifetime_s) = env.tickets.lifetime_left_s(authenticated_at, now) else { return Ok(()) };
        let issued = Issued { at: now, lifetime_s };
        if self.ticket.is_some_and(|before| issued.ends_at() <= before.ends_at()) {
            return Ok(());
        }
        let id: [u8; 16] = random::bytes(env.rng);
        let psk = schedule::ticket_psk(&self.resumption, &id);
        let descriptor_hash = self.descriptor_hash;
        let ticket = Ticket { psk, account, key_id, authenticated_at, descriptor_hash, issued };
        env.tickets.insert(id, ticket);
        self.ticket = Some(issued);
        self.transport.record(Kind::NewTicket, &[&id, &lifetime_s.to_be_bytes()], now, output)
    }
}

impl std::fmt::Debug for ServerSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ServerSession({:?})", self.stage())
    }
}

#[cfg(test)]
mod tests {
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
