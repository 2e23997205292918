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

use rand_core::CryptoRng;

use handshake::{Handshake, Hello, answered};

use super::PeerRole;
use super::engine::{End, Occurrence, Session};
use super::ephemeral::Ephemeral;
use super::error::{CloseReason, Fault, SendError, Stage};
use super::frame::{Frame, FrameType};
use super::hello::{Params, PeerGreeting};
use super::schedule::Transcript;
use super::transport::Transport;
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
    /// Sign this with this side's key, then call [`PeerSession::signed`].
    Sign(Vec<u8>),
    /// Look up the key of this account in the ledger, check that it is this one and that it signed these bytes,
    /// then call [`PeerSession::verified`].
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

/// One connection between peers, seen from one of its ends.
pub type PeerSession = Session<Peer>;

/// A peer's end of a connection.
pub struct Peer {
    own: PeerIdentity,
    role: PeerRole,
    /// The account that a dialler wants to reach; nobody else will do.
    wanted: Option<u64>,
    state: State,
}

impl End for Peer {
    type Env<'a> = PeerEnv<'a>;
    type Event = PeerEvent;

    fn now(env: &PeerEnv<'_>) -> Now {
        env.now
    }

    fn stage(&self) -> Stage {
        match &self.state {
            State::Start => Stage::Start,
            State::SentHello(_) => Stage::Hello,
            State::AwaitSign(_) | State::AwaitAuth(_) => Stage::Handshake,
            State::AwaitVerify(_) | State::Authed(_) => Stage::ClientAuth,
            State::Open(_) => Stage::Open,
            State::Closed => Stage::Closed,
        }
    }

    fn reads(&self) -> bool {
        !matches!(self.state, State::AwaitSign(_) | State::AwaitVerify(_) | State::Closed)
    }

    /// What a listener's params take is bounded by one record; what a dialler sends is less.
    fn handshake_bytes_max(&self, _: &PeerEnv<'_>) -> usize {
        match self.role {
            PeerRole::Dialler => usize::MAX,
            PeerRole::Listener => HANDSHAKE_BYTES_MAX,
        }
    }

    fn sends_alerts(&self) -> bool {
        self.role == PeerRole::Listener
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

    fn step(session: &mut PeerSession, frame: Frame<'_>, env: &mut PeerEnv<'_>) -> Result<(), Fault> {
        let state = std::mem::replace(&mut session.end.state, State::Closed);
        session.end.state = session.step(state, frame, env)?;
        Ok(())
    }

    fn before_message(&mut self, _: &mut PeerEnv<'_>, _: &mut Vec<u8>) -> Result<(), SendError> {
        Ok(())
    }
}

impl PeerSession {
    /// Waits for a dialler.
    pub fn listen(own: PeerIdentity) -> PeerSession {
        let (role, state) = (PeerRole::Listener, State::Start);
        Session::start(Peer { own, role, wanted: None, state }, Vec::new())
    }

    /// Dials a member: this account, with whichever of its keys.
    pub fn dial(own: PeerIdentity, wanted: u64, rng: &mut dyn CryptoRng) -> PeerSession {
        let ephemeral = Ephemeral::new(rng);
        let greeting = PeerGreeting { random: random::bytes(rng), ephemeral: ephemeral.public };
        let frame = greeting.encode_hello();
        let mut transcript = Transcript::of_peers(&own.ledger_id);
        transcript.frame(&frame);
        let state = State::SentHello(Box::new(Hello { transcript, ephemeral }));
        let (role, wanted) = (PeerRole::Dialler, Some(wanted));
        Session::start(Peer { own, role, wanted, state }, frame)
    }

    /// Takes the answer to [`PeerEvent::Sign`]; nothing happens if the session is past waiting for it.
    pub fn signed(&mut self, signature: Signature, env: &mut PeerEnv<'_>) {
        match std::mem::replace(&mut self.end.state, State::Closed) {
            State::AwaitSign(handshake) => {
                let next = self.send_auth(handshake, signature, env);
                let next = next.map(|state| self.end.state = state);
                self.enter(next, Stage::Handshake, env);
            }
            other => self.end.state = other,
        }
    }

    /// Takes the answer to [`PeerEvent::Verify`]; nothing happens if the session is past waiting for it.
    pub fn verified(&mut self, good: bool, env: &mut PeerEnv<'_>) {
        match std::mem::replace(&mut self.end.state, State::Closed) {
            State::AwaitVerify(handshake) => {
                let next = if good { Ok(State::Authed(handshake)) } else { Err(Fault::Crypto) };
                let next = next.map(|state| self.end.state = state);
                self.enter(next, Stage::ClientAuth, env);
            }
            other => self.end.state = other,
        }
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
                if self.end.role == PeerRole::Dialler =>
            {
                Ok(self.alerted(&frame))
            }
            (State::Open(open), T::Alert) if self.end.role == PeerRole::Dialler && !open.accepted => {
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
        self.report_alert(frame);
        State::Closed
    }

    fn open_record(
        &mut self,
        mut open: Box<Open>,
        frame: Frame<'_>,
        env: &mut PeerEnv<'_>,
    ) -> Result<State, Fault> {
        let is_open = self.take_record(&mut open.transport, frame, env.now.mono, |_, _| None)?;
        open.accepted = true;
        Ok(if is_open { State::Open(open) } else { State::Closed })
    }
}

impl From<Occurrence> for PeerEvent {
    fn from(occurrence: Occurrence) -> PeerEvent {
        match occurrence {
            Occurrence::Message(message) => PeerEvent::Message(message),
            Occurrence::Pong(token) => PeerEvent::Pong(token),
            Occurrence::Closed(reason) => PeerEvent::Closed(reason),
        }
    }
}
