//! The server's side of a connection: one state machine from the first byte to the close.
//!
//! Cheap and public checks come first. The two operations that take long, opening the client's secret and checking its
//! signature, leave as events and come back as answers, during which no input is parsed, so that a client can make the
//! server do one of them at a time at most.

mod handshake;

use rand_core::CryptoRng;

use self::handshake::{Client, Handshake, Hello};
use super::engine::{End, Occurrence, Session};
use super::error::{CloseReason, Fault, SendError, Stage};
use super::frame::{Frame, FrameType};
use super::identity::{KeySlot, ServerIdentity};
use super::record::Kind;
use super::schedule::{self, Secret};
use super::ticket::{Issued, Ticket, TicketTable};
use super::transport::Transport;
use crate::crypto::rsa::MODULUS_BYTES;
use crate::crypto::{Digest, KeyId, Signature, random};
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
    /// What a log-in over an anonymous channel is bound to. A member has none: nobody logs in over a member's session.
    exporter: Option<Secret>,
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

/// One connection, seen by the server.
pub type ServerSession = Session<Server>;

/// The server's end of a connection.
pub struct Server {
    state: State,
}

impl End for Server {
    type Env<'a> = ServerEnv<'a>;
    type Event = ServerEvent;

    fn now(env: &ServerEnv<'_>) -> Now {
        env.now
    }

    fn stage(&self) -> Stage {
        match &self.state {
            State::Start => Stage::Start,
            State::AwaitDecap(_) => Stage::Hello,
            State::SentHello(_) => Stage::Handshake,
            State::AwaitVerify(_) | State::Authed(_) => Stage::ClientAuth,
            State::Open(_) => Stage::Open,
            State::Closed => Stage::Closed,
        }
    }

    fn reads(&self) -> bool {
        !matches!(self.state, State::AwaitDecap(_) | State::AwaitVerify(_) | State::Closed)
    }

    fn handshake_bytes_max(&self, env: &ServerEnv<'_>) -> usize {
        env.settings.handshake_bytes_max
    }

    fn sends_alerts(&self) -> bool {
        true
    }

    fn transport(&mut self) -> Option<&mut Transport> {
        match &mut self.state {
            State::Open(open) => Some(&mut open.transport),
            _ => None,
        }
    }

    fn close(&mut self) {
        self.state = State::Closed;
    }

    fn step(session: &mut ServerSession, frame: Frame<'_>, env: &mut ServerEnv<'_>) -> Result<(), Fault> {
        let state = std::mem::replace(&mut session.end.state, State::Closed);
        session.end.state = session.step(state, frame, env)?;
        Ok(())
    }

    /// A client whose ticket has served half of its life gets a new one.
    fn before_message(&mut self, env: &mut ServerEnv<'_>, output: &mut Vec<u8>) -> Result<(), SendError> {
        match &mut self.state {
            State::Open(open) if open.ticket.is_some_and(|ticket| ticket.is_worn(env.now.mono)) => {
                open.issue_ticket(output, env)
            }
            _ => Ok(()),
        }
    }
}

impl Default for ServerSession {
    fn default() -> ServerSession {
        ServerSession::new()
    }
}

impl ServerSession {
    /// A fresh connection.
    pub fn new() -> ServerSession {
        Session::start(Server { state: State::Start }, Vec::new())
    }

    /// Bytes of memory that hold input which is not a whole message yet.
    pub fn input_bytes(&self) -> usize {
        let parts = match &self.end.state {
            State::Open(open) => open.transport.held_bytes(),
            _ => 0,
        };
        self.waiting_bytes() + parts
    }

    /// Takes the answer to [`ServerEvent::Decap`]; nothing happens if the session is past waiting for it.
    pub fn decapped(&mut self, secret: &[u8; 32], env: &mut ServerEnv<'_>) {
        match std::mem::replace(&mut self.end.state, State::Closed) {
            State::AwaitDecap(hello) => {
                let next = self.send_hello(*hello, secret, None, env);
                let next = next.map(|state| self.end.state = state);
                self.enter(next, Stage::Hello, env);
            }
            other => self.end.state = other,
        }
    }

    /// Takes the answer to [`ServerEvent::VerifyClientAuth`]; nothing happens if the session is past waiting.
    pub fn client_auth_verified(&mut self, good: bool, env: &mut ServerEnv<'_>) {
        match std::mem::replace(&mut self.end.state, State::Closed) {
            State::AwaitVerify(handshake) => {
                let next = if good { Ok(State::Authed(handshake)) } else { Err(Fault::Crypto) };
                let next = next.map(|state| self.end.state = state);
                self.enter(next, Stage::ClientAuth, env);
            }
            other => self.end.state = other,
        }
    }

    /// Turns a handshake away because too many are under way.
    pub fn refuse_busy(&mut self, env: &mut ServerEnv<'_>) {
        if self.stage() < Stage::Open {
            self.fail(Fault::Busy, self.stage(), env.now.mono);
        }
    }

    /// Who the client is: none before the channel is open, and on an anonymous one.
    pub fn account(&self) -> Option<(u64, KeyId)> {
        match &self.end.state {
            State::Open(open) => open.client.map(|client| (client.account, client.key_id)),
            _ => None,
        }
    }

    /// When the client signed, in this handshake or in the one that its ticket descends from; none before the channel is
    /// open, and on an anonymous one.
    pub fn authenticated_at(&self) -> Option<Monotonic> {
        match &self.end.state {
            State::Open(open) => open.client.map(|client| client.authenticated_at),
            _ => None,
        }
    }

    /// The number of the authentication that the session descends from: that of its own handshake, or of the one that its ticket
    /// comes from. None before the channel is open, and on an anonymous one.
    pub fn authentication(&self) -> Option<u64> {
        match &self.end.state {
            State::Open(open) => open.client.map(|client| client.authentication),
            _ => None,
        }
    }

    /// The secret by which something outside the channel is bound to it (docs/channel.md); only an open, anonymous channel has
    /// one.
    pub fn exporter(&self) -> Option<&Secret> {
        match &self.end.state {
            State::Open(open) => open.exporter.as_ref(),
            _ => None,
        }
    }

    /// Forgets the exporter: it has served its purpose.
    pub fn forget_exporter(&mut self) {
        if let State::Open(open) = &mut self.end.state {
            open.exporter = None;
        }
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
        // Only servers give tickets.
        let is_open = self.take_record(&mut open.transport, frame, env.now.mono, |_, _| None)?;
        Ok(if is_open { State::Open(open) } else { State::Closed })
    }
}

impl From<Occurrence> for ServerEvent {
    fn from(occurrence: Occurrence) -> ServerEvent {
        match occurrence {
            Occurrence::Message(message) => ServerEvent::Message(message),
            Occurrence::Pong(token) => ServerEvent::Pong(token),
            Occurrence::Closed(reason) => ServerEvent::Closed(reason),
        }
    }
}

impl Open {
    /// Gives an authenticated client a ticket, unless its signature is too old for one, or so old that the new
    /// ticket would end no later than the one it has.
    fn issue_ticket(&mut self, output: &mut Vec<u8>, env: &mut ServerEnv<'_>) -> Result<(), SendError> {
        let now = env.now.mono;
        let Some(Client { account, key_id, authenticated_at, authentication }) = self.client else {
            return Ok(());
        };
        let Some(lifetime_s) = env.tickets.lifetime_left_s(account, authenticated_at, now) else {
            return Ok(());
        };
        let issued = Issued { at: now, lifetime_s };
        if self.ticket.is_some_and(|before| issued.ends_at() <= before.ends_at()) {
            return Ok(());
        }
        let id: [u8; 16] = random::bytes(env.rng);
        let psk = schedule::ticket_psk(&self.resumption, &id);
        let descriptor_hash = self.descriptor_hash;
        let ticket =
            Ticket { psk, account, key_id, authenticated_at, authentication, descriptor_hash, issued };
        env.tickets.insert(id, ticket);
        self.ticket = Some(issued);
        self.transport.record(Kind::NewTicket, &[&id, &lifetime_s.to_be_bytes()], now, output)
    }
}
