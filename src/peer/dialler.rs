//! A member who dials another one and hands over a cheque. One exchange, on a thread that may wait.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::identity_of;
use crate::client::{
    ClientError, Member, Registrant, Reopen, SignedCheque, away, clock, fetch_standing_key, no_answer,
};
use crate::crypto::SigningKey;
use crate::crypto::random::{self, OsRandom};
use crate::domain::AccountId;
use crate::session::{CloseReason, Params, PeerEnv, PeerEvent, PeerSession};
use crate::time::Monotonic;
use crate::wire::{self, Handover, PeerReply, PeerRequest};

/// How long connecting may take, and how long the handshake after it.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the payee may take to settle: longer than it asks the server itself.
const SETTLING: Duration = Duration::from_secs(45);
/// Bytes read at once.
const READ_BYTES: usize = 16 << 10;

/// What came of handing a cheque over.
#[derive(Debug)]
pub enum HandedOver {
    /// The payee answered.
    Answered(PeerReply),
    /// The connection ended or fell silent when the cheque had left: it may be settled, now or later.
    Lost(String),
}

/// An open connection to another member, who has proven to be the one that was looked up.
pub struct PeerLink {
    stream: TcpStream,
    session: PeerSession,
    rng: OsRandom,
    params: Option<Params>,
    message: Option<Vec<u8>>,
    closed: Option<CloseReason>,
}

impl PeerLink {
    /// Connects to a member at an address, and compares checkpoints with it.
    ///
    /// # Errors
    /// [`ClientError::Unreachable`] when nobody is there, or somebody else; [`ClientError::Integrity`] when the
    /// server shows this member and the other one different histories.
    pub fn open(
        member: &mut Member,
        wanted: &Registrant,
        address: SocketAddr,
    ) -> Result<PeerLink, ClientError> {
        let failed = |error: std::io::Error| away(address, PATIENCE, &error);
        // The address is the server's word; it points this member at nobody who has nothing to do with the ledger. A
        // loopback address points at this machine itself.
        if let Err(kind) = wire::check_dialled(address.ip(), true) {
            return Err(ClientError::Unreachable(format!("{address}: {kind} is not dialled")));
        }
        let stream = TcpStream::connect_timeout(&address, PATIENCE).map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        stream.set_write_timeout(Some(PATIENCE)).map_err(failed)?;
        let key = member.key().clone();
        let mut rng = random::os();
        let session = PeerSession::dial(identity_of(member), wanted.account.0, &mut rng);
        let mut link = PeerLink { stream, session, rng, params: None, message: None, closed: None };
        let until = Monotonic(clock::now().mono.0 + PATIENCE);
        while link.params.is_none() {
            let who = &wanted.handle;
            if let Some(reason) = link.closed {
                return Err(ClientError::Unreachable(format!(
                    "{address}: whoever listens there did not prove to be {who}: {reason}"
                )));
            }
            if !link.turn(until, Some((&key, &mut *member)))? {
                return Err(no_answer(format_args!("{who} at {address}"), PATIENCE));
            }
        }
        let note = link.params.as_ref().map(|params| params.checkpoint_note.clone()).unwrap_or_default();
        let note = String::from_utf8(note).unwrap_or_default();
        if !member.has_signed(&note) {
            let text = format!("{address}: {} shows a checkpoint that is not of this ledger", wanted.handle);
            return Err(ClientError::Unreachable(text));
        }
        member.newest_checkpoint()?;
        member.prove_kept(&note)?;
        Ok(link)
    }

    /// Hands a cheque over and waits for what becomes of it. `note` is the newest checkpoint of this side.
    pub fn hand_over(mut self, note: &str, cheque: &SignedCheque) -> HandedOver {
        let bytes = cheque.cheque.encode();
        let handover = Handover { note, cheque: &bytes, signature: &cheque.signature };
        let message = wire::seal(1, &PeerRequest::Settle(handover));
        let mut env = PeerEnv { now: clock::now(), rng: &mut self.rng, checkpoint_note: "" };
        if let Err(error) = self.session.send_message(&message, &mut env) {
            return HandedOver::Lost(error.to_string());
        }
        let until = Monotonic(clock::now().mono.0 + SETTLING);
        loop {
            if let Some(message) = self.message.take() {
                let reply = wire::open::<PeerReply>(&message);
                self.close();
                return match reply {
                    Ok((1, reply)) => HandedOver::Answered(reply),
                    _ => HandedOver::Lost("the answer cannot be understood".to_owned()),
                };
            }
            if let Some(reason) = self.closed {
                return HandedOver::Lost(reason.to_string());
            }
            match self.turn(until, None) {
                Ok(true) => {}
                Ok(false) => return HandedOver::Lost("no answer came in time".to_owned()),
                Err(error) => return HandedOver::Lost(error.to_string()),
            }
        }
    }

    /// Writes what is to be written, reads once, and answers what the session asks. False when the time is up.
    fn turn(
        &mut self,
        until: Monotonic,
        handshake: Option<(&SigningKey, &mut Member)>,
    ) -> Result<bool, ClientError> {
        let failed = |error: std::io::Error| away("the payee", PATIENCE, &error);
        self.stream.write_all(&self.session.take_output()).map_err(failed)?;
        let left = until.0.saturating_sub(clock::now().mono.0);
        if left.is_zero() {
            return Ok(false);
        }
        self.stream.set_read_timeout(Some(left)).map_err(failed)?;
        let mut chunk = [0; READ_BYTES];
        let room = self.session.room().min(READ_BYTES);
        match self.stream.read(chunk.get_mut(..room).unwrap_or_default()) {
            Ok(0) => self.session.eof(),
            Ok(count) => {
                let mut env = PeerEnv { now: clock::now(), rng: &mut self.rng, checkpoint_note: "" };
                self.session.receive(chunk.get(..count).unwrap_or_default(), &mut env);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if [ErrorKind::WouldBlock, ErrorKind::TimedOut].contains(&error.kind()) => {
                return Ok(false);
            }
            Err(_) => self.session.eof(),
        }
        self.take_events(handshake)?;
        Ok(true)
    }

    fn take_events(&mut self, mut handshake: Option<(&SigningKey, &mut Member)>) -> Result<(), ClientError> {
        while let Some(event) = self.session.poll_event() {
            let mut env = PeerEnv { now: clock::now(), rng: &mut random::os(), checkpoint_note: "" };
            match (event, &mut handshake) {
                (PeerEvent::Sign(signed), Some((key, _))) => {
                    let signature = key.sign(&mut random::os(), &[&signed]);
                    self.session.signed(signature, &mut env);
                }
                (PeerEvent::Verify { account, key_id, signed, signature }, Some((_, member))) => {
                    let peer = fetch_standing_key(member, AccountId(account), key_id)?;
                    let good = peer.is_some_and(|peer| peer.key.verify(&[&signed], &signature).is_ok());
                    self.session.verified(good, &mut env);
                }
                (PeerEvent::Opened { params, .. }, _) => self.params = params,
                (PeerEvent::Message(message), _) => self.message = Some(message),
                (PeerEvent::Closed(reason), _) => {
                    self.closed.get_or_insert(reason);
                }
                (PeerEvent::Sign(_) | PeerEvent::Verify { .. } | PeerEvent::Pong(_), _) => {}
            }
        }
        Ok(())
    }

    /// Says goodbye; whether that arrives changes nothing.
    fn close(&mut self) {
        let mut env = PeerEnv { now: clock::now(), rng: &mut self.rng, checkpoint_note: "" };
        self.session.close(&mut env);
        self.stream.write_all(self.session.output()).unwrap_or_default();
    }
}
