//! The handshake between peers, from the hello to the open channel.

use super::{Open, PeerEnv, PeerEvent, PeerIdentity, PeerSession, State};
use crate::crypto::{KeyId, Signature, random};
use crate::limits::PEER_MESSAGE_BYTES_MAX;
use crate::session::ephemeral::Ephemeral;
use crate::session::error::Fault;
use crate::session::frame::Frame;
use crate::session::hello::{ClientAuthBody, Params, PeerGreeting};
use crate::session::record::{Kind, Opener, Sealer};
use crate::session::schedule::{self, Schedule, Secret, Side, Transcript};
use crate::session::transport::{MessageCaps, Transport};
use crate::session::{PeerRole, peer_auth_bytes};
use crate::time::Now;

/// A dialler's hello is on its way.
pub(super) struct Hello {
    pub(super) transcript: Transcript,
    pub(super) ephemeral: Ephemeral,
}

/// From the listener's reply to the dialler's Finished.
pub(super) struct Handshake {
    transcript: Transcript,
    schedule: Schedule,
    own_secret: Secret,
    their_secret: Secret,
    sealer: Sealer,
    pub(super) opener: Opener,
    /// Who the other side says it is.
    peer: Option<(u64, KeyId)>,
    params: Option<Params>,
}

impl PeerSession {
    /// The listener's answer to a hello; its signature comes before its Finished.
    pub(super) fn greeted(&mut self, frame: &Frame<'_>, env: &mut PeerEnv<'_>) -> Result<State, Fault> {
        let theirs = PeerGreeting::decode_hello(frame.body())?;
        let (ephemeral, shared) = Ephemeral::answer(&theirs.ephemeral, env.rng)?;
        let mut transcript = Transcript::of_peers(&self.end.own.ledger_id);
        transcript.frame(frame.bytes);
        let reply = PeerGreeting { random: random::bytes(env.rng), ephemeral }.encode_reply();
        transcript.frame(&reply);
        self.output.extend_from_slice(&reply);
        let handshake = Handshake::new(transcript, &shared, PeerRole::Listener, env.now);
        self.ask_signature(&handshake.transcript);
        Ok(State::AwaitSign(Box::new(handshake)))
    }

    fn ask_signature(&mut self, transcript: &Transcript) {
        let PeerIdentity { ledger_id, account, key_id } = self.end.own;
        let signed = peer_auth_bytes(self.end.role, &ledger_id, account, &key_id, &transcript.hash());
        self.events.push_back(PeerEvent::Sign(signed));
    }

    /// The signature is made: this side authenticates and finishes, in one flight.
    pub(super) fn send_auth(
        &mut self,
        mut handshake: Box<Handshake>,
        signature: Signature,
        env: &mut PeerEnv<'_>,
    ) -> Result<State, Fault> {
        let PeerIdentity { account, key_id, .. } = self.end.own;
        let payload = ClientAuthBody { account, key_id, signature }.encode();
        let (auth, finished) = match self.end.role {
            PeerRole::Dialler => (Kind::ClientAuth, Kind::ClientFinished),
            PeerRole::Listener => (Kind::ServerAuth, Kind::ServerFinished),
        };
        handshake.say(auth, &payload, &mut self.output)?;
        let mut payload = schedule::finished(&handshake.own_secret, &handshake.transcript.hash()).to_vec();
        if self.end.role == PeerRole::Listener {
            let params = Params {
                time_ms: env.now.wall.millis(),
                message_bytes_max: PEER_MESSAGE_BYTES_MAX as u32,
                ticket_lifetime_s: 0,
                checkpoint_note: env.checkpoint_note.as_bytes().to_vec(),
            };
            payload.extend_from_slice(&params.encode());
        }
        handshake.say(finished, &payload, &mut self.output)?;
        match self.end.role {
            PeerRole::Dialler => Ok(self.open(*handshake, env)),
            PeerRole::Listener => Ok(State::AwaitAuth(handshake)),
        }
    }

    /// The other side's authentication: whose it is and what it signed goes out to be checked.
    pub(super) fn auth_record(
        &mut self,
        mut handshake: Box<Handshake>,
        frame: Frame<'_>,
    ) -> Result<State, Fault> {
        let (wanted, role) = match self.end.role {
            PeerRole::Dialler => (Kind::ServerAuth, PeerRole::Listener),
            PeerRole::Listener => (Kind::ClientAuth, PeerRole::Dialler),
        };
        let (kind, payload) = handshake.opener.open(frame.bytes)?;
        let auth = ClientAuthBody::decode(payload).map_err(|_| Fault::Crypto)?;
        let ClientAuthBody { account, key_id, signature } = auth;
        if kind != wanted || self.end.wanted.is_some_and(|wanted| wanted != account) {
            return Err(Fault::Crypto);
        }
        let transcript = handshake.transcript.hash();
        let signed = peer_auth_bytes(role, &self.end.own.ledger_id, account, &key_id, &transcript);
        handshake.transcript.message(kind as u8, payload);
        handshake.peer = Some((account, key_id));
        self.events.push_back(PeerEvent::Verify { account, key_id, signed, signature });
        Ok(State::AwaitVerify(handshake))
    }

    pub(super) fn finished_record(
        &mut self,
        mut handshake: Box<Handshake>,
        frame: Frame<'_>,
        env: &mut PeerEnv<'_>,
    ) -> Result<State, Fault> {
        let (kind, payload) = handshake.opener.open(frame.bytes)?;
        let (proof, rest) = payload.split_at_checked(32).ok_or(Fault::Crypto)?;
        let expected = schedule::finished(&handshake.their_secret, &handshake.transcript.hash());
        if !schedule::same(&expected, proof) {
            return Err(Fault::Crypto);
        }
        match (self.end.role, kind) {
            (PeerRole::Dialler, Kind::ServerFinished) => handshake.params = Some(Params::decode(rest)?),
            (PeerRole::Listener, Kind::ClientFinished) if rest.is_empty() => {}
            _ => return Err(Fault::Crypto),
        }
        handshake.transcript.message(kind as u8, payload);
        match self.end.role {
            PeerRole::Listener => Ok(self.open(*handshake, env)),
            PeerRole::Dialler => {
                self.ask_signature(&handshake.transcript);
                Ok(State::AwaitSign(handshake))
            }
        }
    }

    fn open(&mut self, handshake: Handshake, env: &mut PeerEnv<'_>) -> State {
        let (schedule, th4) = (handshake.schedule, handshake.transcript.hash());
        let caps = MessageCaps { send_bytes: PEER_MESSAGE_BYTES_MAX, receive_bytes: PEER_MESSAGE_BYTES_MAX };
        let transport = Transport::new(&schedule, side(self.end.role), &th4, caps, env.now.mono);
        let account = handshake.peer.map_or(0, |(account, _)| account);
        self.events.push_back(PeerEvent::Opened { account, params: handshake.params });
        State::Open(Box::new(Open { transport, accepted: false }))
    }
}

fn side(role: PeerRole) -> Side {
    match role {
        PeerRole::Dialler => Side::Client,
        PeerRole::Listener => Side::Server,
    }
}

/// The dialler's way from the reply on: the listener's authentication comes next.
pub(super) fn answered(hello: Hello, frame: &Frame<'_>, env: &mut PeerEnv<'_>) -> Result<State, Fault> {
    let Hello { mut transcript, ephemeral } = hello;
    let theirs = PeerGreeting::decode_reply(frame.body())?;
    let shared = ephemeral.agree(&theirs.ephemeral)?;
    transcript.frame(frame.bytes);
    Ok(State::AwaitAuth(Box::new(Handshake::new(transcript, &shared, PeerRole::Dialler, env.now))))
}

impl Handshake {
    fn new(transcript: Transcript, shared: &Secret, role: PeerRole, now: Now) -> Handshake {
        let schedule = Schedule::new(transcript.hash(), &[0; 32], shared);
        let own = side(role);
        let (own_secret, their_secret) = (schedule.handshake(own), schedule.handshake(own.other()));
        let sealer = Sealer::new(own_secret.clone(), now.mono);
        let opener = Opener::new(their_secret.clone());
        let (peer, params) = (None, None);
        Handshake { transcript, schedule, own_secret, their_secret, sealer, opener, peer, params }
    }

    /// Sends a handshake message and counts it into the transcript.
    fn say(&mut self, kind: Kind, payload: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
        self.sealer.seal(kind, &[payload], out)?;
        self.transcript.message(kind as u8, payload);
        Ok(())
    }
}
