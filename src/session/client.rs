//! The client's side of a connection.
//!
//! A client speaks first and only to a server whose descriptor it has verified, so that there is nothing to
//! negotiate: one suite, one key, one answer. It never retries with less.

use std::collections::VecDeque;

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::descriptor::Descriptor;
use super::ephemeral::Ephemeral;
use super::error::{CloseReason, Fault, SendError, Stage};
use super::frame::{Frame, FrameBuffer, FrameType};
use super::hello::{self, ClientAuthBody, ClientHello, Params, ResumeHello, ServerHello};
use super::record::{Kind, Opener, Sealer};
use super::schedule::{self, Schedule, Secret, Side, Transcript};
use super::ticket::{ClientTicket, TicketOwner};
use super::transport::{Incoming, MessageCaps, Transport};
use crate::crypto::{Digest, LedgerId, SigningKey, random};
use crate::limits;
use crate::time::Now;

/// With which account and key a client authenticates.
#[derive(Clone, Debug)]
pub struct ClientAuth {
    /// The account.
    pub account: u64,
    /// Its key.
    pub key: SigningKey,
}

/// What a session needs from the world around it, lent for one call.
pub struct ClientEnv<'a> {
    /// Both clocks.
    pub now: Now,
    /// Random bytes fit for keys.
    pub rng: &'a mut dyn CryptoRng,
}

/// What a session reports, in order.
#[derive(Debug, PartialEq, Eq)]
pub enum ClientEvent {
    /// The server has proven itself and says this. Verify the checkpoint.
    Params(Params),
    /// The channel is open: messages may be sent, in the same flight as the end of the handshake.
    Opened {
        /// Whether a ticket was used.
        resumed: bool,
    },
    /// The server sent a message.
    Message(Vec<u8>),
    /// Keep this for the next connection.
    Ticket(ClientTicket),
    /// The server echoed a ping.
    Pong([u8; 8]),
    /// Nothing more comes. Send what is in the output, then close the connection.
    Closed(CloseReason),
}

/// The hello is on its way.
struct Hello {
    transcript: Transcript,
    ephemeral: Ephemeral,
    /// The transported secret, or that of the ticket.
    secret: Secret,
    terms: Terms,
}

/// The server's hello is there; its proof is not.
struct Handshake {
    terms: Terms,
    transcript: Transcript,
    schedule: Schedule,
    server_secret: Secret,
    opener: Opener,
}

/// With whom and as whom: settled before the hello was sent.
struct Terms {
    ledger_id: LedgerId,
    descriptor_hash: Digest,
    serial: u64,
    auth: Option<ClientAuth>,
    /// Whose ticket it is, on a resumption.
    owner: Option<TicketOwner>,
}

struct Open {
    transport: Transport,
    resumption: Secret,
    /// To whom tickets belong: none on an anonymous channel.
    owner: Option<TicketOwner>,
    /// Whether the server has shown with a record that it accepted the handshake. Until then it may still say
    /// in the clear that it did not.
    accepted: bool,
}

enum State {
    SentHello(Box<Hello>),
    Handshake(Box<Handshake>),
    Open(Box<Open>),
    Closed,
}

/// One connection.
pub struct ClientSession {
    state: State,
    input: FrameBuffer,
    output: Vec<u8>,
    events: VecDeque<ClientEvent>,
}

impl ClientSession {
    /// Starts a full handshake with the server of a verified descriptor, as `auth` or anonymously.
    pub fn full(descriptor: &Descriptor, auth: Option<ClientAuth>, rng: &mut dyn CryptoRng) -> ClientSession {
        let key = descriptor.encryption_key();
        let random = random::bytes(rng);
        let ephemeral = Ephemeral::new(rng);
        let secret = Zeroizing::new(random::bytes(rng));
        let frame = ClientHello {
            key_hint: hello::key_hint(&key.key_id()),
            random,
            ephemeral: ephemeral.public,
            ciphertext: key.encrypt_oaep(rng, &secret),
        }
        .encode();
        let (ledger_id, descriptor_hash, serial) =
            (descriptor.ledger_id(), descriptor.hash(), descriptor.serial());
        let terms = Terms { ledger_id, descriptor_hash, serial, auth, owner: None };
        let transcript = Transcript::of_server(&descriptor_hash);
        ClientSession::start(Hello { transcript, ephemeral, secret, terms }, frame)
    }

    /// Resumes with a ticket.
    pub fn resume(ticket: &ClientTicket, rng: &mut dyn CryptoRng) -> ClientSession {
        let random = random::bytes(rng);
        let ephemeral = Ephemeral::new(rng);
        let public = ephemeral.public;
        let mut frame =
            ResumeHello { ticket_id: ticket.id, random, ephemeral: public, binder: [0; 32] }.encode();
        let transcript = Transcript::of_server(&ticket.descriptor_hash);
        let mut bound = transcript.clone();
        bound.frame(ResumeHello::bound(&frame));
        ResumeHello::set_binder(&mut frame, &schedule::binder(&ticket.psk(), &bound.hash()));
        let ClientTicket { ledger_id, descriptor_hash, serial, .. } = *ticket;
        let terms = Terms { ledger_id, descriptor_hash, serial, auth: None, owner: Some(ticket.owner()) };
        ClientSession::start(Hello { transcript, ephemeral, secret: ticket.psk(), terms }, frame)
    }

    fn start(mut hello: Hello, frame: Vec<u8>) -> ClientSession {
        hello.transcript.frame(&frame);
        ClientSession {
            state: State::SentHello(Box::new(hello)),
            input: FrameBuffer::default(),
            output: frame,
            events: VecDeque::new(),
        }
    }

    /// How many bytes [`ClientSession::receive`] takes now: always some, until the session is closed.
    pub fn room(&self) -> usize {
        if self.wants_close() { 0 } else { self.input.room() }
    }

    /// Takes bytes from the connection, no more than [`ClientSession::room`]. Look at the events and the output
    /// afterwards. Signing takes about 6 ms, once per full handshake with authentication.
    pub fn receive(&mut self, bytes: &[u8], env: &mut ClientEnv<'_>) {
        if self.wants_close() {
            return;
        }
        let mut input = std::mem::take(&mut self.input);
        let mut stage = self.stage();
        let mut more = input.push(bytes).map(|()| true);
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

    /// The connection ended. Without a close record before it, what was under way may be cut off.
    pub fn eof(&mut self) {
        self.end(CloseReason::Truncated);
    }

    /// Seals a message into the output.
    ///
    /// # Errors
    /// [`SendError`]; the session goes on.
    pub fn send_message(&mut self, message: &[u8], env: &mut ClientEnv<'_>) -> Result<(), SendError> {
        let State::Open(open) = &mut self.state else { return Err(SendError::NotOpen) };
        open.transport.send(message, env.now.mono, &mut self.output)
    }

    /// Sends a ping; its echo comes as [`ClientEvent::Pong`].
    ///
    /// # Errors
    /// [`SendError::NotOpen`].
    pub fn ping(&mut self, token: [u8; 8], env: &mut ClientEnv<'_>) -> Result<(), SendError> {
        let State::Open(open) = &mut self.state else { return Err(SendError::NotOpen) };
        open.transport.record(Kind::Ping, &[&token], env.now.mono, &mut self.output)
    }

    /// Ends the session from this side, in good order if it is open.
    pub fn close(&mut self, env: &mut ClientEnv<'_>) {
        if let State::Open(open) = &mut self.state {
            open.transport.close(env.now.mono, &mut self.output);
        }
        self.end(CloseReason::Local);
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<ClientEvent> {
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
            State::SentHello(_) => Stage::Hello,
            State::Handshake(_) => Stage::Handshake,
            State::Open(_) => Stage::Open,
            State::Closed => Stage::Closed,
        }
    }

    /// Handles the next frame, if there is one.
    fn next(&mut self, input: &mut FrameBuffer, env: &mut ClientEnv<'_>) -> Result<bool, Fault> {
        if self.wants_close() {
            return Ok(false);
        }
        let Some(frame) = input.next_frame()? else { return Ok(false) };
        let state = std::mem::replace(&mut self.state, State::Closed);
        self.state = self.step(state, frame, env)?;
        Ok(true)
    }

    /// The state machine. Every pair of state and frame stands here.
    fn step(&mut self, state: State, frame: Frame<'_>, env: &mut ClientEnv<'_>) -> Result<State, Fault> {
        use FrameType as T;
        match (state, frame.kind) {
            (State::SentHello(hello), T::ServerHello) => server_hello(*hello, &frame),
            (State::Handshake(handshake), T::Data) => self.server_finished(*handshake, frame, env),
            (State::Open(open), T::Data) => self.open_record(open, frame, env),
            (State::SentHello(_) | State::Handshake(_), T::Alert) => Ok(self.alerted(&frame)),
            (State::Open(open), T::Alert) if !open.accepted => Ok(self.alerted(&frame)),
            // The channel being open, even this is answered under encryption.
            (State::Open(mut open), T::GetKey | T::KeyInfo | T::ClientHello | T::ServerHello)
            | (State::Open(mut open), T::ResumeHello | T::PeerHello | T::PeerReply | T::Alert) => {
                open.transport.give_up(env.now.mono, &mut self.output);
                Err(Fault::Protocol)
            }
            (State::SentHello(_), T::Data)
            | (State::Handshake(_), T::ServerHello)
            | (State::SentHello(_) | State::Handshake(_), T::GetKey | T::KeyInfo | T::ClientHello)
            | (State::SentHello(_) | State::Handshake(_), T::ResumeHello | T::PeerHello | T::PeerReply)
            // Not reached: no input is parsed any more.
            | (State::Closed, _) => Err(Fault::Protocol),
        }
    }

    fn alerted(&mut self, frame: &Frame<'_>) -> State {
        let code = frame.body().first().copied().unwrap_or_default();
        self.events.push_back(ClientEvent::Closed(CloseReason::Alert(code)));
        State::Closed
    }

    fn server_finished(
        &mut self,
        handshake: Handshake,
        frame: Frame<'_>,
        env: &mut ClientEnv<'_>,
    ) -> Result<State, Fault> {
        let Handshake { terms, mut transcript, schedule, server_secret, mut opener } = handshake;
        let (Kind::ServerFinished, payload) = opener.open(frame.bytes)? else { return Err(Fault::Crypto) };
        let (proof, params) = payload.split_at_checked(32).ok_or(Fault::Crypto)?;
        if !schedule::same(&schedule::finished(&server_secret, &transcript.hash()), proof) {
            return Err(Fault::Crypto);
        }
        let params = Params::decode(params)?;
        transcript.message(Kind::ServerFinished as u8, payload);
        let client_secret = schedule.handshake(Side::Client);
        let mut sealer = Sealer::new(client_secret.clone(), env.now.mono);
        let owner = self.authenticate(&terms, &mut transcript, &mut sealer, env)?;
        let proof = schedule::finished(&client_secret, &transcript.hash());
        sealer.seal(Kind::ClientFinished, &[&proof], &mut self.output)?;
        transcript.message(Kind::ClientFinished as u8, &proof);

        let th4 = transcript.hash();
        let own_max = match owner {
            Some(_) => limits::MESSAGE_BYTES_MAX,
            None => limits::MESSAGE_ANONYMOUS_BYTES_MAX,
        };
        let (sending, receiving) =
            (schedule.application(Side::Client, &th4), schedule.application(Side::Server, &th4));
        let taken = usize::try_from(params.message_bytes_max).unwrap_or(usize::MAX);
        let caps = MessageCaps { send_bytes: own_max.min(taken), receive_bytes: own_max };
        let transport = Transport::new(sending, receiving, caps, env.now.mono);
        self.events.push_back(ClientEvent::Params(params));
        self.events.push_back(ClientEvent::Opened { resumed: terms.owner.is_some() });
        let resumption = schedule.resumption(&th4);
        Ok(State::Open(Box::new(Open { transport, resumption, owner, accepted: false })))
    }

    /// Sends the client's authentication if there is one to send; says to whom tickets will belong.
    fn authenticate(
        &mut self,
        terms: &Terms,
        transcript: &mut Transcript,
        sealer: &mut Sealer,
        env: &mut ClientEnv<'_>,
    ) -> Result<Option<TicketOwner>, Fault> {
        let Some(ClientAuth { account, key }) = &terms.auth else { return Ok(terms.owner) };
        let (account, key_id) = (*account, key.public().key_id());
        let signed = super::client_auth_bytes(&terms.ledger_id, account, &key_id, &transcript.hash());
        let signature = key.sign(env.rng, &[&signed]);
        let payload = ClientAuthBody { account, key_id, signature }.encode();
        sealer.seal(Kind::ClientAuth, &[&payload], &mut self.output)?;
        transcript.message(Kind::ClientAuth as u8, &payload);
        let Terms { ledger_id, descriptor_hash, serial, .. } = *terms;
        Ok(Some(TicketOwner { ledger_id, account, key_id, serial, descriptor_hash }))
    }

    fn open_record(
        &mut self,
        mut open: Box<Open>,
        frame: Frame<'_>,
        env: &mut ClientEnv<'_>,
    ) -> Result<State, Fault> {
        let incoming = open.transport.receive(frame.bytes, env.now.mono, &mut self.output);
        open.accepted |= incoming.is_ok();
        match (incoming, open.owner) {
            (Ok(Incoming::Nothing), _) => {}
            (Ok(Incoming::Message(message)), _) => self.events.push_back(ClientEvent::Message(message)),
            (Ok(Incoming::Pong(token)), _) => self.events.push_back(ClientEvent::Pong(token)),
            (Ok(Incoming::Ticket(id, lifetime_s)), Some(owner)) => {
                let psk = schedule::ticket_psk(&open.resumption, &id);
                let expires_ms = env.now.wall.millis().saturating_add(u64::from(lifetime_s) * 1_000);
                let ticket = ClientTicket::new(&owner, id, &psk, expires_ms);
                self.events.push_back(ClientEvent::Ticket(ticket));
            }
            (Ok(Incoming::Ended(reason)), _) => {
                self.events.push_back(ClientEvent::Closed(reason));
                return Ok(State::Closed);
            }
            // An anonymous channel has no tickets.
            (Ok(Incoming::Ticket(..)), None) => {
                open.transport.give_up(env.now.mono, &mut self.output);
                return Err(Fault::Protocol);
            }
            (Err(fault), _) => return Err(fault),
        }
        Ok(State::Open(open))
    }

    fn fail(&mut self, fault: Fault, stage: Stage, env: &mut ClientEnv<'_>) {
        match &mut self.state {
            State::Open(open) => open.transport.give_up(env.now.mono, &mut self.output),
            // A client says nothing in the clear about what it did not like.
            State::SentHello(_) | State::Handshake(_) | State::Closed => {}
        }
        self.state = State::Closed;
        self.input = FrameBuffer::default();
        self.events.push_back(ClientEvent::Closed(CloseReason::Failed(fault, stage)));
    }

    /// Closes once and says so once.
    fn end(&mut self, reason: CloseReason) {
        if !self.wants_close() {
            self.state = State::Closed;
            self.input = FrameBuffer::default();
            self.events.push_back(ClientEvent::Closed(reason));
        }
    }
}

fn server_hello(hello: Hello, frame: &Frame<'_>) -> Result<State, Fault> {
    let Hello { mut transcript, ephemeral, secret, terms } = hello;
    let server = ServerHello::decode(frame.body())?;
    let shared = ephemeral.agree(&server.ephemeral)?;
    transcript.frame(frame.bytes);
    let schedule = Schedule::new(transcript.hash(), &secret, &shared);
    let server_secret = schedule.handshake(Side::Server);
    let opener = Opener::new(server_secret.clone());
    Ok(State::Handshake(Box::new(Handshake { terms, transcript, schedule, server_secret, opener })))
}

impl std::fmt::Debug for ClientSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ClientSession({:?})", self.stage())
    }
}
