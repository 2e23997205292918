//! The server's handshakes: from the hello to the open channel, full or resumed.

use super::{Open, ServerEnv, ServerEvent, ServerSession, State};
use crate::crypto::{Digest, KeyId, random};
use crate::session::client_auth_bytes;
use crate::session::ephemeral::Ephemeral;
use crate::session::error::{CloseReason, Fault};
use crate::session::frame::Frame;
use crate::session::hello::{self, ClientAuthBody, ClientHello, Params, ResumeHello, ServerHello};
use crate::session::record::{Kind, Opener, Sealer};
use crate::session::schedule::{self, Schedule, Secret, Side, Transcript};
use crate::session::ticket::{Issued, Ticket};
use crate::session::transport::{MessageCaps, Transport};
use crate::time::Monotonic;

/// Who a client is and when it last signed something to prove it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Client {
    pub(super) account: u64,
    pub(super) key_id: KeyId,
    pub(super) authenticated_at: Monotonic,
    pub(super) authentication: u64,
}

/// A hello whose ciphertext is being opened.
pub(super) struct Hello {
    pub(super) transcript: Transcript,
    pub(super) descriptor_hash: Digest,
    pub(super) server_ephemeral: [u8; 32],
    pub(super) shared: Secret,
}

/// From the server's hello to the client's finished message.
pub(super) struct Handshake {
    pub(super) transcript: Transcript,
    pub(super) descriptor_hash: Digest,
    pub(super) schedule: Schedule,
    /// The secret under which the client sends: its finished message proves that it has it.
    pub(super) client_secret: Secret,
    pub(super) opener: Opener,
    pub(super) client: Option<Client>,
    /// The ticket that was used, on a resumption.
    pub(super) ticket: Option<Issued>,
}

impl ServerSession {
    pub(super) fn get_key(&mut self, frame: &Frame<'_>, env: &mut ServerEnv<'_>) -> Result<State, Fault> {
        hello::check_get_key(frame.body())?;
        self.output.extend_from_slice(env.identity.key_info());
        self.events.push_back(ServerEvent::GetKey);
        self.events.push_back(ServerEvent::Closed(CloseReason::Local));
        Ok(State::Closed)
    }

    pub(super) fn client_hello(
        &mut self,
        frame: &Frame<'_>,
        env: &mut ServerEnv<'_>,
    ) -> Result<State, Fault> {
        let client = ClientHello::decode(frame.body())?;
        let (slot, descriptor_hash) = env.identity.slot(&client.key_hint).ok_or(Fault::Unsupported)?;
        let (server_ephemeral, shared) = Ephemeral::answer(&client.ephemeral, env.rng)?;
        let mut transcript = Transcript::of_server(&descriptor_hash);
        transcript.frame(frame.bytes);
        self.events.push_back(ServerEvent::Decap { slot, ciphertext: Box::new(client.ciphertext) });
        Ok(State::AwaitDecap(Box::new(Hello { transcript, descriptor_hash, server_ephemeral, shared })))
    }

    pub(super) fn resume_hello(
        &mut self,
        frame: &Frame<'_>,
        env: &mut ServerEnv<'_>,
    ) -> Result<State, Fault> {
        let resume = ResumeHello::decode(frame.body())?;
        let ticket = env.tickets.find(&resume.ticket_id, env.now.mono).ok_or(Fault::UnknownTicket)?.clone();
        let mut transcript = Transcript::of_server(&ticket.descriptor_hash);
        let mut bound = transcript.clone();
        bound.frame(ResumeHello::bound(frame.bytes));
        if !schedule::same(&schedule::binder(&ticket.psk, &bound.hash()), &resume.binder) {
            return Err(Fault::UnknownTicket);
        }
        env.tickets.touch(&resume.ticket_id);
        let (server_ephemeral, shared) = Ephemeral::answer(&resume.ephemeral, env.rng)?;
        transcript.frame(frame.bytes);
        let Ticket { psk, account, key_id, authenticated_at, authentication, descriptor_hash, issued } =
            ticket;
        let client = Client { account, key_id, authenticated_at, authentication };
        self.send_hello(
            Hello { transcript, descriptor_hash, server_ephemeral, shared },
            &psk,
            Some((client, issued)),
            env,
        )
    }

    /// Sends the server's hello and finished message: the same for a full handshake and a resumption, and the
    /// same for a ciphertext that was none.
    pub(super) fn send_hello(
        &mut self,
        hello: Hello,
        secret: &[u8; 32],
        resumed: Option<(Client, Issued)>,
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
        env.note_told = true;
        let payload = [&schedule::finished(&server_secret, &th1)[..], &params.encode()].concat();
        self.output.extend_from_slice(&frame);
        Sealer::new(server_secret, env.now.mono).seal(Kind::ServerFinished, &[&payload], &mut self.output)?;
        transcript.message(Kind::ServerFinished as u8, &payload);
        let client_secret = schedule.handshake(Side::Client);
        let opener = Opener::new(client_secret.clone());
        let (client, ticket) = resumed.unzip();
        let next = Handshake { transcript, descriptor_hash, schedule, client_secret, opener, client, ticket };
        Ok(State::SentHello(Box::new(next)))
    }

    pub(super) fn handshake_record(
        &mut self,
        mut handshake: Box<Handshake>,
        authed: bool,
        frame: Frame<'_>,
        env: &mut ServerEnv<'_>,
    ) -> Result<State, Fault> {
        let (kind, payload) = handshake.opener.open(frame.bytes)?;
        match kind {
            Kind::ClientAuth if !authed && handshake.ticket.is_none() => {
                self.client_auth(handshake, payload, env)
            }
            Kind::ClientFinished => self.client_finished(handshake, payload, env),
            // Also a second authentication, one on a resumed session, and application data before its time.
            _ => Err(Fault::Crypto),
        }
    }

    pub(super) fn client_auth(
        &mut self,
        mut handshake: Box<Handshake>,
        payload: &[u8],
        env: &mut ServerEnv<'_>,
    ) -> Result<State, Fault> {
        let ClientAuthBody { account, key_id, signature } =
            ClientAuthBody::decode(payload).map_err(|_| Fault::Crypto)?;
        let th2 = handshake.transcript.hash();
        let signed = client_auth_bytes(&env.identity.ledger_id(), account, &key_id, &th2);
        handshake.transcript.message(Kind::ClientAuth as u8, payload);
        let (authenticated_at, authentication) = (env.now.mono, env.tickets.next_authentication());
        handshake.client = Some(Client { account, key_id, authenticated_at, authentication });
        self.events.push_back(ServerEvent::VerifyClientAuth { account, key_id, signed, signature });
        Ok(State::AwaitVerify(handshake))
    }

    pub(super) fn client_finished(
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
        let mut open = Open {
            transport: Transport::new(schedule, Side::Server, &th4, caps, env.now.mono),
            resumption: schedule.resumption(&th4),
            exporter: handshake.client.is_none().then(|| schedule.exporter(&th4)),
            descriptor_hash: handshake.descriptor_hash,
            client: handshake.client,
            ticket: handshake.ticket,
        };
        let account = open.client.map(|client| (client.account, client.key_id));
        self.events.push_back(ServerEvent::Opened { account, resumed: handshake.ticket.is_some() });
        if open.ticket.is_none_or(|ticket| ticket.is_worn(env.now.mono)) {
            open.issue_ticket(&mut self.output, env).map_err(|_| Fault::Protocol)?;
        }
        Ok(State::Open(Box::new(open)))
    }
}
