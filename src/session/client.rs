//! The client's side of a connection.
//!
//! A client speaks first and only to a server whose descriptor it has verified, so that there is nothing to
//! negotiate: one suite, one key, one answer. It never retries with less.

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::descriptor::Descriptor;
use super::engine::{End, Occurrence, Session};
use super::ephemeral::Ephemeral;
use super::error::{CloseReason, Fault, SendError, Stage};
use super::frame::{Frame, FrameType};
use super::hello::{self, ClientAuthBody, ClientHello, Params, ResumeHello, ServerHello};
use super::record::{Kind, Opener, Sealer};
use super::schedule::{self, Schedule, Secret, Side, Transcript};
use super::ticket::{ClientTicket, TicketOwner};
use super::transport::{MessageCaps, Transport};
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
    /// What a log-in over an anonymous channel is bound to.
    exporter: Option<Secret>,
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

/// One connection, seen by the client. [`Session::receive`] signs, which takes about 6 ms, once in every full handshake
/// with authentication.
pub type ClientSession = Session<Client>;

/// The client's end of a connection.
pub struct Client {
    state: State,
}

impl End for Client {
    type Env<'a> = ClientEnv<'a>;
    type Event = ClientEvent;

    fn now(env: &ClientEnv<'_>) -> Now {
        env.now
    }

    fn stage(&self) -> Stage {
        match &self.state {
            State::SentHello(_) => Stage::Hello,
            State::Handshake(_) => Stage::Handshake,
            State::Open(_) => Stage::Open,
            State::Closed => Stage::Closed,
        }
    }

    /// Always, until the session is closed.
    fn reads(&self) -> bool {
        !matches!(self.state, State::Closed)
    }

    /// What a server says in a handshake is two frames, and bounded by their types.
    fn handshake_bytes_max(&self, _: &ClientEnv<'_>) -> usize {
        usize::MAX
    }

    /// A client says nothing in the clear about what it did not like.
    fn sends_alerts(&self) -> bool {
        false
    }

    fn transport(&mut self) -> Option<&mut Transport> {
        match &mut self.state {
            State::Open(open) => Some(&mut open.transport),
            State::SentHello(_) | State::Handshake(_) | State::Closed => None,
        }
    }

    fn close(&mut self) {
        self.state = State::Closed;
    }

    fn step(session: &mut ClientSession, frame: Frame<'_>, env: &mut ClientEnv<'_>) -> Result<(), Fault> {
        let state = std::mem::replace(&mut session.end.state, State::Closed);
        session.end.state = session.step(state, frame, env)?;
        Ok(())
    }

    fn before_message(&mut self, _: &mut ClientEnv<'_>, _: &mut Vec<u8>) -> Result<(), SendError> {
        Ok(())
    }
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
        ClientSession::greet(Hello { transcript, ephemeral, secret, terms }, frame)
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
        ClientSession::greet(Hello { transcript, ephemeral, secret: ticket.psk(), terms }, frame)
    }

    fn greet(mut hello: Hello, frame: Vec<u8>) -> ClientSession {
        hello.transcript.frame(&frame);
        Session::start(Client { state: State::SentHello(Box::new(hello)) }, frame)
    }

    /// The secret by which something outside the channel is bound to it (docs/channel.md); only an open, anonymous channel has
    /// one.
    pub fn exporter(&self) -> Option<&Secret> {
        match &self.end.state {
            State::Open(open) => open.exporter.as_ref(),
            State::SentHello(_) | State::Handshake(_) | State::Closed => None,
        }
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
        self.report_alert(frame);
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
        let taken = usize::try_from(params.message_bytes_max).unwrap_or(usize::MAX);
        let caps = MessageCaps { send_bytes: own_max.min(taken), receive_bytes: own_max };
        let transport = Transport::new(&schedule, Side::Client, &th4, caps, env.now.mono);
        self.events.push_back(ClientEvent::Params(params));
        self.events.push_back(ClientEvent::Opened { resumed: terms.owner.is_some() });
        let resumption = schedule.resumption(&th4);
        let exporter = owner.is_none().then(|| schedule.exporter(&th4));
        Ok(State::Open(Box::new(Open { transport, resumption, exporter, owner, accepted: false })))
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
        let (resumption, owner, wall) = (&open.resumption, &open.owner, env.now.wall);
        // An anonymous channel has no tickets.
        let ticket = |id, lifetime_s| {
            let psk = schedule::ticket_psk(resumption, &id);
            let expires_ms = wall.millis().saturating_add(u64::from(lifetime_s) * 1_000);
            let owner = owner.as_ref()?;
            Some(ClientEvent::Ticket(ClientTicket::new(owner, id, &psk, expires_ms)))
        };
        let is_open = self.take_record(&mut open.transport, frame, env.now.mono, ticket)?;
        open.accepted = true;
        Ok(if is_open { State::Open(open) } else { State::Closed })
    }
}

impl From<Occurrence> for ClientEvent {
    fn from(occurrence: Occurrence) -> ClientEvent {
        match occurrence {
            Occurrence::Message(message) => ClientEvent::Message(message),
            Occurrence::Pong(token) => ClientEvent::Pong(token),
            Occurrence::Closed(reason) => ClientEvent::Closed(reason),
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
