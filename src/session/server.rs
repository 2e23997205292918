//! The server's side of a connection: one state machine from the first byte to the close.
//!
//! Cheap and public checks come first. The two RSA operations leave as events and come back as answers, during
//! which no input is parsed, so that a client can make the server do one of them at a time at most.

use std::collections::VecDeque;

use rand_core::CryptoRng;
use x25519_dalek::{EphemeralSecret, PublicKey as EphemeralKey};
use zeroize::Zeroizing;

use super::error::{CloseReason, Fault, SendError, Stage};
use super::frame::{Frame, FrameBuffer, FrameType};
use super::hello::{self, ClientAuthBody, ClientHello, Params, ResumeHello, ServerHello};
use super::identity::{KeySlot, ServerIdentity};
use super::record::{Kind, Opener, Sealer};
use super::schedule::{self, Schedule, Secret, Side, Transcript};
use super::ticket::{Ticket, TicketTable};
use super::transport::{Incoming, MessageCaps, Transport};
use crate::crypto::rsa::MODULUS_BYTES;
use crate::crypto::{Digest, KeyId, random};
use crate::limits;
use crate::time::{Monotonic, Now};

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
    /// Look up the key of this account, check that it is not revoked and that it signed these bytes (PSS), then
    /// call [`ServerSession::client_auth_verified`].
    VerifyClientAuth {
        /// The account that the client claims.
        account: u64,
        /// The key that it claims.
        key_id: KeyId,
        /// What it signed.
        signed: Vec<u8>,
        /// The signature.
        signature: Box<[u8; MODULUS_BYTES]>,
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

/// Who a client is and when it last signed something to prove it.
#[derive(Clone, Copy, Debug)]
struct Client {
    account: u64,
    key_id: KeyId,
    authenticated_at: Monotonic,
}

/// A hello whose ciphertext is being opened.
struct Hello {
    transcript: Transcript,
    descriptor_hash: Digest,
    server_ephemeral: [u8; 32],
    shared: Secret,
}

/// From the server's hello to the client's finished message.
struct Handshake {
    transcript: Transcript,
    descriptor_hash: Digest,
    schedule: Schedule,
    /// The secret under which the client sends: its finished message proves that it has it.
    client_secret: Secret,
    opener: Opener,
    client: Option<Client>,
    resumed: bool,
}

struct Open {
    transport: Transport,
    resumption: Secret,
    descriptor_hash: Digest,
    client: Option<Client>,
    /// The newest ticket's lifetime in seconds, and when it was issued.
    ticket: Option<(u32, Monotonic)>,
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
        if open
            .ticket
            .is_some_and(|(lifetime_s, at)| TicketTable::past_half_life(lifetime_s, at, env.now.mono))
        {
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

    /// Bytes for the connection. Remove what has been written.
    pub fn output_mut(&mut self) -> &mut Vec<u8> {
        &mut self.output
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

    /// The state machine. Every pair of state and frame stands here; what has no row of its own ends the
    /// session.
    fn step(&mut self, state: State, frame: Frame<'_>, env: &mut ServerEnv<'_>) -> Result<State, Fault> {
        use FrameType as T;
        match (state, frame.kind) {
            (State::Start, T::GetKey) => self.get_key(&frame, env),
            (State::Start, T::ClientHello) => self.client_hello(&frame, env),
            (State::Start, T::ResumeHello) => self.resume_hello(&frame, env),
            (State::SentHello(handshake), T::Data) => self.handshake_record(handshake, false, frame, env),
            (State::Authed(handshake), T::Data) => self.handshake_record(handshake, true, frame, env),
            (State::Open(open), T::Data) => self.open_record(open, frame, env),
            (State::Open(mut open), T::GetKey | T::ClientHello | T::ResumeHello) => {
                open.transport.give_up(env.now.mono, &mut self.output);
                Err(Fault::Protocol)
            }
            (State::Start, T::Data)
            | (State::SentHello(_) | State::Authed(_), T::GetKey | T::ClientHello | T::ResumeHello)
            | (State::AwaitDecap(_) | State::AwaitVerify(_) | State::Closed, T::GetKey | T::ClientHello)
            | (State::AwaitDecap(_) | State::AwaitVerify(_) | State::Closed, T::ResumeHello | T::Data)
            | (_, T::KeyInfo | T::ServerHello | T::PeerHello | T::PeerReply | T::Alert) => {
                Err(Fault::Protocol)
            }
        }
    }

    fn get_key(&mut self, frame: &Frame<'_>, env: &mut ServerEnv<'_>) -> Result<State, Fault> {
        hello::check_get_key(frame.body())?;
        self.output.extend_from_slice(env.identity.key_info());
        self.events.push_back(ServerEvent::GetKey);
        self.events.push_back(ServerEvent::Closed(CloseReason::Local));
        Ok(State::Closed)
    }

    fn client_hello(&mut self, frame: &Frame<'_>, env: &mut ServerEnv<'_>) -> Result<State, Fault> {
        let client = ClientHello::decode(frame.body())?;
        let (slot, descriptor_hash) = env.identity.slot(&client.key_hint).ok_or(Fault::Unsupported)?;
        let (server_ephemeral, shared) = agree(&client.ephemeral, env.rng)?;
        let mut transcript = Transcript::of_server(&descriptor_hash);
        transcript.frame(frame.bytes);
        self.events.push_back(ServerEvent::Decap { slot, ciphertext: Box::new(client.ciphertext) });
        Ok(State::AwaitDecap(Box::new(Hello { transcript, descriptor_hash, server_ephemeral, shared })))
    }

    fn resume_hello(&mut self, frame: &Frame<'_>, env: &mut ServerEnv<'_>) -> Result<State, Fault> {
        let resume = ResumeHello::decode(frame.body())?;
        let ticket = env.tickets.find(&resume.ticket_id, env.now.mono).ok_or(Fault::UnknownTicket)?.clone();
        let mut transcript = Transcript::of_server(&ticket.descriptor_hash);
        let mut bound = transcript.clone();
        bound.frame(ResumeHello::bound(frame.bytes));
        if !schedule::same(&schedule::binder(&ticket.psk, &bound.hash()), &resume.binder) {
            return Err(Fault::UnknownTicket);
        }
        env.tickets.touch(&resume.ticket_id);
        let (server_ephemeral, shared) = agree(&resume.ephemeral, env.rng)?;
        transcript.frame(frame.bytes);
        let Ticket { psk, account, key_id, authenticated_at, descriptor_hash } = ticket;
        let client = Client { account, key_id, authenticated_at };
        self.send_hello(
            Hello { transcript, descriptor_hash, server_ephemeral, shared },
            &psk,
            Some(client),
            env,
        )
    }

    /// Sends the server's hello and finished message: the same for a full handshake and a resumption, and the
    /// same for a ciphertext that was none.
    fn send_hello(
        &mut self,
        hello: Hello,
        secret: &[u8; 32],
        client: Option<Client>,
        env: &mut ServerEnv<'_>,
    ) -> Result<State, Fault> {
        let Hello { mut transcript, descriptor_hash, server_ephemeral, shared } = hello;
        let frame = ServerHello { random: random::bytes(env.rng), ephemeral: server_ephemeral }.encode();
        transcript.frame(&frame);
        let th1 = transcript.hash();
        let schedule = Schedule::new(th1, secret, &shared);
        let server_secret = schedule.handshake(Side::Server);
        let params = Params {
            time_ms: env.now.wall.millis(),
            message_bytes_max: u32::try_from(env.settings.message_bytes_max).unwrap_or(u32::MAX),
            ticket_lifetime_s: env.tickets.lifetime_s(),
            checkpoint_note: env.checkpoint_note.as_bytes().to_vec(),
        };
        let payload = [&schedule::finished(&server_secret, &th1)[..], &params.encode()].concat();
        self.output.extend_from_slice(&frame);
        Sealer::new(server_secret, env.now.mono).seal(Kind::ServerFinished, &[&payload], &mut self.output)?;
        transcript.message(Kind::ServerFinished as u8, &payload);
        let client_secret = schedule.handshake(Side::Client);
        let opener = Opener::new(client_secret.clone());
        let resumed = client.is_some();
        let next =
            Handshake { transcript, descriptor_hash, schedule, client_secret, opener, client, resumed };
        Ok(State::SentHello(Box::new(next)))
    }

    fn handshake_record(
        &mut self,
        mut handshake: Box<Handshake>,
        authed: bool,
        frame: Frame<'_>,
        env: &mut ServerEnv<'_>,
    ) -> Result<State, Fault> {
        let (kind, payload) = handshake.opener.open(frame.bytes)?;
        match kind {
            Kind::ClientAuth if !authed && !handshake.resumed => self.client_auth(handshake, payload, env),
            Kind::ClientFinished => self.client_finished(handshake, payload, env),
            // Also a second authentication, one on a resumed session, and application data before its time.
            _ => Err(Fault::Crypto),
        }
    }

    fn client_auth(
        &mut self,
        mut handshake: Box<Handshake>,
        payload: &[u8],
        env: &mut ServerEnv<'_>,
    ) -> Result<State, Fault> {
        let ClientAuthBody { account, key_id, signature } =
            ClientAuthBody::decode(payload).map_err(|_| Fault::Crypto)?;
        let th2 = handshake.transcript.hash();
        let signed = super::client_auth_bytes(&env.identity.ledger_id(), account, &key_id, &th2);
        handshake.transcript.message(Kind::ClientAuth as u8, payload);
        handshake.client = Some(Client { account, key_id, authenticated_at: env.now.mono });
        let signature = Box::new(signature);
        self.events.push_back(ServerEvent::VerifyClientAuth { account, key_id, signed, signature });
        Ok(State::AwaitVerify(handshake))
    }

    fn client_finished(
        &mut self,
        mut handshake: Box<Handshake>,
        payload: &[u8],
        env: &mut ServerEnv<'_>,
    ) -> Result<State, Fault> {
        let expected = schedule::finished(&handshake.client_secret, &handshake.transcript.hash());
        if !schedule::same(&expected, payload) {
            return Err(Fault::Crypto);
        }
        handshake.transcript.message(Kind::ClientFinished as u8, payload);
        let th4 = handshake.transcript.hash();
        let schedule = &handshake.schedule;
        let bytes_max = match handshake.client {
            Some(_) => env.settings.message_bytes_max,
            None => env.settings.message_anonymous_bytes_max,
        };
        let caps = MessageCaps { send_bytes: bytes_max, receive_bytes: bytes_max };
        let (sending, receiving) =
            (schedule.application(Side::Server, &th4), schedule.application(Side::Client, &th4));
        let mut open = Open {
            transport: Transport::new(sending, receiving, caps, env.now.mono),
            resumption: schedule.resumption(&th4),
            descriptor_hash: handshake.descriptor_hash,
            client: handshake.client,
            ticket: None,
        };
        let account = open.client.map(|client| (client.account, client.key_id));
        self.events.push_back(ServerEvent::Opened { account, resumed: handshake.resumed });
        open.issue_ticket(&mut self.output, env).map_err(|_| Fault::Protocol)?;
        Ok(State::Open(Box::new(open)))
    }

    fn open_record(
        &mut self,
        mut open: Box<Open>,
        frame: Frame<'_>,
        env: &mut ServerEnv<'_>,
    ) -> Result<State, Fault> {
        match open.transport.receive(frame.bytes, env.now.mono, &mut self.output) {
            Ok(Incoming::Nothing) => {}
            Ok(Incoming::Message(message)) => self.events.push_back(ServerEvent::Message(message)),
            Ok(Incoming::Pong(token)) => self.events.push_back(ServerEvent::Pong(token)),
            Ok(Incoming::Close) => {
                open.transport.close(env.now.mono, &mut self.output);
                self.events.push_back(ServerEvent::Closed(CloseReason::Remote));
                return Ok(State::Closed);
            }
            Ok(Incoming::Alert(code)) => {
                self.events.push_back(ServerEvent::Closed(CloseReason::GaveUp(code)));
                return Ok(State::Closed);
            }
            Ok(Incoming::Ticket(..)) => {
                open.transport.give_up(env.now.mono, &mut self.output);
                return Err(Fault::Protocol);
            }
            Err(fault) => {
                open.transport.give_up(env.now.mono, &mut self.output);
                return Err(fault);
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
    /// Gives an authenticated client a ticket, unless its signature is too old for one.
    fn issue_ticket(&mut self, output: &mut Vec<u8>, env: &mut ServerEnv<'_>) -> Result<(), SendError> {
        let now = env.now.mono;
        self.ticket = None;
        let Some(Client { account, key_id, authenticated_at }) = self.client else { return Ok(()) };
        let Some(lifetime_s) = env.tickets.lifetime_left_s(authenticated_at, now) else { return Ok(()) };
        let id: [u8; 16] = random::bytes(env.rng);
        let psk = schedule::ticket_psk(&self.resumption, &id);
        let descriptor_hash = self.descriptor_hash;
        let ticket = Ticket { psk, account, key_id, authenticated_at, descriptor_hash };
        env.tickets.insert(id, ticket, lifetime_s, now);
        self.ticket = Some((lifetime_s, now));
        self.transport.record(Kind::NewTicket, &[&id, &lifetime_s.to_be_bytes()], now, output)
    }
}

/// Makes the server's ephemeral key and agrees with the client's: public half, shared secret.
fn agree(theirs: &[u8; 32], rng: &mut dyn CryptoRng) -> Result<([u8; 32], Secret), Fault> {
    let ours = EphemeralSecret::random_from_rng(rng);
    let public = EphemeralKey::from(&ours).to_bytes();
    let shared = ours.diffie_hellman(&EphemeralKey::from(*theirs));
    // A point of low order would make the secret known to everybody.
    if shared.was_contributory() {
        Ok((public, Zeroizing::new(shared.to_bytes())))
    } else {
        Err(Fault::Crypto)
    }
}

impl std::fmt::Debug for ServerSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ServerSession({:?})", self.stage())
    }
}
