//! A simulated member: the real client session, and what it was told.

use std::collections::{BTreeMap, BTreeSet};

use ledgerd::crypto::Digest;
use ledgerd::crypto::random::Seeded;
use ledgerd::domain::AccountId;
use ledgerd::driven::ConnectionId;
use ledgerd::session::{ClientAuth, ClientEnv, ClientEvent, ClientSession, ClientTicket, CloseReason};
use ledgerd::time::Now;
use ledgerd::wire::{self, FactorGiven, Reply, Request, Submission};

use super::domains;
use super::factors::{self, Code};
use super::template::template;
use super::vault::side_of;

/// A connection, with what is under way in both directions.
pub(super) struct Link {
    pub(super) id: ConnectionId,
    session: ClientSession,
    pub(super) to_server: Vec<u8>,
    pub(super) to_client: Vec<u8>,
    open: bool,
    under_way: BTreeMap<u32, u32>,
    codes: BTreeMap<u32, Code>,
    next_request: u32,
}

/// What a member knows.
pub(super) struct Client {
    pub(super) member: usize,
    pub(super) link: Option<Link>,
    ticket: Option<ClientTicket>,
    pub(super) sent: BTreeSet<u32>,
    pub(super) acknowledged: BTreeMap<u32, (u64, Digest)>,
    pub(super) refused: BTreeMap<u32, String>,
    pub(super) notes: Vec<String>,
    /// Codes of the second factor that were right.
    pub(super) used: BTreeSet<Code>,
    /// How many were not.
    pub(super) not_right: usize,
    /// Signs in with the key that came in the place of the first one.
    rotated: bool,
    rng: Seeded,
}

impl Client {
    pub(super) fn new(member: usize, seed: u64) -> Client {
        Client {
            member,
            link: None,
            ticket: None,
            sent: BTreeSet::new(),
            acknowledged: BTreeMap::new(),
            refused: BTreeMap::new(),
            notes: Vec::new(),
            used: BTreeSet::new(),
            not_right: 0,
            rotated: false,
            rng: Seeded::new(&format!("client {member} {seed}")),
        }
    }

    pub(super) fn connect(&mut self, id: ConnectionId) {
        let session = match self.ticket.take() {
            Some(ticket) => ClientSession::resume(&ticket, &mut self.rng),
            None => {
                let keys = if self.rotated { &template().next } else { &template().members };
                let key = keys[self.member].clone();
                let auth = ClientAuth { account: self.member as u64 + 1, key };
                // The same hello every time: its decapsulation is remembered between runs.
                let mut rng = Seeded::new(&format!("hello {}", self.member));
                ClientSession::full(&template().descriptor(), Some(auth), &mut rng)
            }
        };
        self.link = Some(Link {
            id,
            session,
            to_server: Vec::new(),
            to_client: Vec::new(),
            open: false,
            under_way: BTreeMap::new(),
            codes: BTreeMap::new(),
            next_request: 0,
        });
        self.collect();
    }

    pub(super) fn is_open(&self) -> bool {
        self.link.as_ref().is_some_and(|link| link.open)
    }

    pub(super) fn is_idle(&self) -> bool {
        self.link.as_ref().is_some_and(|link| link.open && link.under_way.is_empty() && link.codes.is_empty())
    }

    /// Commands that were sent and not answered.
    pub(super) fn unknown(&self) -> Vec<u32> {
        let answered = |n: &u32| self.acknowledged.contains_key(n) || self.refused.contains_key(n);
        self.sent.iter().filter(|n| !answered(n)).copied().collect()
    }

    pub(super) fn submit(&mut self, number: u32, now: Now) {
        let (message, signature) = template().command(self.member, number);
        let Some(link) = self.link.as_mut().filter(|link| link.open) else { return };
        link.next_request += 1;
        let side = side_of(&message);
        let submission = Submission { message: &message, signature: &signature };
        let request = match side.is_empty() {
            true => Request::Submit(submission),
            false => Request::SubmitWith { submission, side: &side },
        };
        let mut env = ClientEnv { now, rng: &mut self.rng };
        if link.session.send_message(&wire::seal(link.next_request, &request), &mut env).is_ok() {
            self.sent.insert(number);
            link.under_way.insert(link.next_request, number);
        }
        self.collect();
    }

    /// Gives a code of the second factor.
    pub(super) fn give(&mut self, code: Code, now: Now) {
        let words = factors::words(AccountId(self.member as u64 + 1), &code);
        let Some(link) = self.link.as_mut().filter(|link| link.open) else { return };
        link.next_request += 1;
        let request = Request::SecondFactor(FactorGiven::Code(&words));
        let mut env = ClientEnv { now, rng: &mut self.rng };
        if link.session.send_message(&wire::seal(link.next_request, &request), &mut env).is_ok() {
            link.codes.insert(link.next_request, code);
        }
        self.collect();
    }

    /// Bytes arrived from the server.
    pub(super) fn receive(&mut self, mut bytes: &[u8], now: Now) -> Result<(), String> {
        while let Some(link) = self.link.as_mut().filter(|_| !bytes.is_empty()) {
            let (chunk, rest) = bytes.split_at(link.session.room().clamp(1, bytes.len()));
            let mut env = ClientEnv { now, rng: &mut self.rng };
            link.session.receive(chunk, &mut env);
            self.collect();
            self.events()?;
            bytes = rest;
        }
        Ok(())
    }

    fn events(&mut self) -> Result<(), String> {
        while let Some(event) = self.link.as_mut().and_then(|link| link.session.poll_event()) {
            match event {
                ClientEvent::Params(params) => {
                    self.notes
                        .push(String::from_utf8(params.checkpoint_note).map_err(|error| error.to_string())?);
                }
                ClientEvent::Opened { .. } => {
                    if let Some(link) = self.link.as_mut() {
                        link.open = true;
                    }
                }
                ClientEvent::Message(message) => self.message(&message)?,
                ClientEvent::Ticket(ticket) => self.ticket = Some(ticket),
                ClientEvent::Pong(_) => {}
                ClientEvent::Closed(CloseReason::Failed(fault, stage)) => {
                    return Err(format!(
                        "member {} does not believe the server: {fault} at {stage:?}",
                        self.member
                    ));
                }
                ClientEvent::Closed(_) => {
                    // Who has asked for a rotation does not know which of two keys stands, and tries them in turn.
                    let asked = self.sent.iter().any(|number| domains::rotates(*number));
                    self.rotated ^= asked;
                    self.link = None;
                }
            }
        }
        Ok(())
    }

    fn message(&mut self, message: &[u8]) -> Result<(), String> {
        let (request, reply) = wire::open::<Reply>(message).map_err(|error| error.to_string())?;
        if let Some(code) = self.link.as_mut().and_then(|link| link.codes.remove(&request)) {
            let right = factors::was_right(&reply)?;
            self.not_right += usize::from(!right);
            if right && !self.used.insert(code.clone()) {
                return Err(format!("{code:?} of member {} was right a second time", self.member));
            }
            return Ok(());
        }
        let number = self.link.as_mut().and_then(|link| link.under_way.remove(&request));
        let Some(number) = number else {
            return Err(format!("an answer to request {request}, which was not asked"));
        };
        match reply {
            Reply::Accepted(accepted) => {
                let place = (accepted.index, accepted.hash);
                if let Some(before) = self.acknowledged.insert(number, place)
                    && before != place
                {
                    return Err(format!("command {number} has two receipts: {before:?} and {place:?}"));
                }
                if let Some(name) = self.refused.get(&number) {
                    return Err(format!("command {number} was accepted after it was refused ({name})"));
                }
            }
            Reply::Refused(refusal) => {
                if self.acknowledged.contains_key(&number) {
                    return Err(format!(
                        "command {number} was refused ({}) after it was accepted",
                        refusal.name
                    ));
                }
                // What lies in the vault opens what a member has sealed, always.
                if ["key_missing", "seal_broken", "side_mismatch"].contains(&refusal.name.as_str()) {
                    return Err(format!("command {number} was refused: {}", refusal.name));
                }
                self.refused.insert(number, refusal.name);
            }
            other => return Err(format!("command {number} was answered with {other:?}")),
        }
        Ok(())
    }

    fn collect(&mut self) {
        if let Some(link) = self.link.as_mut() {
            let output = link.session.take_output();
            link.to_server.extend_from_slice(&output);
        }
    }
}
