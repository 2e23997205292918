//! A member who listens: connections of other members, each with one cheque at a time, and the presence at
//! the server. Without IO; the loop and the simulator both drive it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use rand_core::CryptoRng;

use super::job::{Answer, Job, Settlement};
use super::news::{Incoming, News};
use super::places::{
    MEMBERS_MAX, SETTLING_MAX, SETTLING_PER_MEMBER_MAX, STRANGERS_MAX, Waiting, oldest_of_most,
};
use crate::client::{ClientError, SignedCheque};
use crate::domain::AccountId;
use crate::domain::payments::{Cheque, Movement};
use crate::driven::{ConnectionId, Handler};
use crate::refusal;
use crate::session::{PeerEnv, PeerEvent, PeerIdentity, PeerSession, Stage};
use crate::time::{Monotonic, Now};
use crate::wire::{self, Handover, PeerReply, PeerRequest, Refusal};

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long an open connection may be silent.
const IDLE: Duration = Duration::from_secs(60);
/// How often the server hears that this member is there: three times within what it grants.
const ANNOUNCE_EVERY: Duration = Duration::from_secs(8);
/// How often it is looked whether this member listens somewhere else since.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// One connection.
struct Connection {
    /// Where it comes from.
    from: IpAddr,
    /// When it came, and once it is a member's, when it last said something.
    since: Monotonic,
    session: PeerSession,
    /// Who it is, once that is proven.
    payer: Option<(AccountId, String)>,
    /// The name that the ledger proved, until the handshake is over.
    handle: String,
    /// A cheque is being settled: nothing more is read until it is answered.
    settling: bool,
    deadline: Monotonic,
    finished: bool,
}

/// See the module.
pub struct Listener {
    own: PeerIdentity,
    connections: BTreeMap<ConnectionId, Connection>,
    jobs: Vec<Job>,
    /// Handshakes to be signed.
    signing: Waiting<Job>,
    /// Other sides to be looked up.
    looking_up: Waiting<Job>,
    /// Cheques that are being settled, by payer: also those whose payer has hung up.
    settling: BTreeMap<AccountId, usize>,
    touched: BTreeSet<ConnectionId>,
    /// The newest checkpoint of this side, for diallers.
    note: String,
    announce_due: Option<Monotonic>,
    look_due: Option<Monotonic>,
    online: Option<SocketAddr>,
    shutting_down: bool,
    failed: Option<ClientError>,
    tell: Box<dyn FnMut(News) + Send>,
}

impl Listener {
    /// Listens as this member. `note` is the newest checkpoint that it has; `tell` hears the news.
    pub fn new(own: PeerIdentity, note: String, tell: Box<dyn FnMut(News) + Send>) -> Listener {
        Listener {
            own,
            connections: BTreeMap::new(),
            jobs: Vec::new(),
            signing: Waiting::default(),
            looking_up: Waiting::default(),
            settling: BTreeMap::new(),
            touched: BTreeSet::new(),
            note,
            announce_due: Some(Monotonic::default()),
            look_due: Some(Monotonic::default()),
            online: None,
            shutting_down: false,
            failed: None,
            tell,
        }
    }

    /// Somebody connected from this address: taken in, and if there is no room, in the place of the dialler who has
    /// been silent longest among those from the address that most of them come from.
    fn take_in(&mut self, id: ConnectionId, from: IpAddr, now: Now) {
        self.touched.insert(id);
        if self.shutting_down {
            return;
        }
        let strangers = self.connections.values().filter(|connection| connection.payer.is_none()).count();
        if strangers >= STRANGERS_MAX {
            let strangers = self.connections.iter().filter(|(_, connection)| connection.payer.is_none());
            let oldest = oldest_of_most(strangers.map(|(id, one)| (one.from, one.since, *id)));
            oldest.into_iter().for_each(|oldest| self.forget(oldest));
        }
        let connection = Connection {
            from: from.to_canonical(),
            since: now.mono,
            session: PeerSession::listen(self.own),
            payer: None,
            handle: String::new(),
            settling: false,
            deadline: Monotonic(now.mono.0 + HANDSHAKE),
            finished: false,
        };
        self.connections.insert(id, connection);
    }

    /// The other side is gone. What it brought is settled all the same.
    fn forget(&mut self, id: ConnectionId) {
        self.connections.remove(&id);
        self.signing.forget(id);
        self.looking_up.forget(id);
        self.touched.insert(id);
    }

    /// Lets a session work, and carries out what it says.
    fn with_session(
        &mut self,
        id: ConnectionId,
        now: Now,
        rng: &mut dyn CryptoRng,
        work: impl FnOnce(&mut PeerSession, &mut PeerEnv<'_>),
    ) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        self.touched.insert(id);
        work(&mut connection.session, &mut PeerEnv { now, rng, checkpoint_note: &self.note });
        let events: Vec<PeerEvent> = std::iter::from_fn(|| connection.session.poll_event()).collect();
        for event in events {
            self.session_event(id, event, now, rng);
        }
    }

    fn session_event(&mut self, id: ConnectionId, event: PeerEvent, now: Now, rng: &mut dyn CryptoRng) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        match event {
            PeerEvent::Sign(signed) => self.signing.push(id, Job::Sign { id, signed }),
            PeerEvent::Verify { account, key_id, signed, signature } => {
                let account = AccountId(account);
                self.looking_up.push(id, Job::Verify { id, account, key_id, signed, signature });
            }
            PeerEvent::Opened { account, .. } => {
                let handle = std::mem::take(&mut connection.handle);
                connection.payer = Some((AccountId(account), handle));
                connection.deadline = Monotonic(now.mono.0 + IDLE);
                connection.since = now.mono;
                self.make_room_for_members(id, now, rng);
            }
            PeerEvent::Message(message) => self.asked(id, &message, now, rng),
            PeerEvent::Pong(_) => {}
            PeerEvent::Closed(_) => connection.finished = true,
        }
    }

    /// Ends a member's connection if there are too many: the one that has been silent longest among those of the member
    /// who has most. What is being settled is answered first, and the newcomer stays.
    fn make_room_for_members(&mut self, newcomer: ConnectionId, now: Now, rng: &mut dyn CryptoRng) {
        let members = || self.connections.iter().filter(|(_, one)| one.payer.is_some() && !one.finished);
        if members().count() > MEMBERS_MAX {
            let silent = members().filter(|(id, one)| **id != newcomer && !one.settling);
            let held = silent.filter_map(|(id, one)| Some((one.payer.as_ref()?.0, one.since, *id)));
            let oldest = oldest_of_most(held);
            oldest.into_iter().for_each(|oldest| self.end(oldest, now, rng));
        }
    }

    /// A request of another member. Whatever is not one ends the connection.
    fn asked(&mut self, id: ConnectionId, message: &[u8], now: Now, rng: &mut dyn CryptoRng) {
        let request = wire::open::<PeerRequest<'_>>(message);
        let idle = self.connections.get(&id).filter(|connection| !connection.settling);
        let payer = idle.and_then(|connection| connection.payer.clone());
        let (Ok((request, PeerRequest::Settle(handover))), Some((payer, handle))) = (request, payer) else {
            return self.with_session(id, now, rng, |session, env| session.close(env));
        };
        match self.screen(payer, &handover) {
            Ok(cheque) => {
                *self.settling.entry(payer).or_default() += 1;
                if let Some(connection) = self.connections.get_mut(&id) {
                    connection.settling = true;
                }
                let (note, cheque) = (handover.note.to_owned(), Box::new(cheque));
                self.jobs.push(Job::Settle { id, request, note, cheque });
            }
            Err(refusal) => {
                (self.tell)(News::Refused(handle, refusal.clone()));
                self.reply(id, request, &PeerReply::Refused(refusal), now, rng);
            }
        }
    }

    /// What can be said of a cheque without the ledger: it is the dialler's own, and for this member.
    fn screen(&self, payer: AccountId, handover: &Handover<'_>) -> Result<SignedCheque, Refusal> {
        let cheque = Cheque::parse(handover.cheque)
            .map_err(|error| Refusal::fail(refusal::MALFORMED_CHEQUE, error))?;
        if cheque.ledger_id != self.own.ledger_id {
            return Err(Refusal::fail(refusal::OTHER_LEDGER, "the cheque is of another ledger"));
        }
        if cheque.payer != payer {
            return Err(Refusal::fail(refusal::NO_PERMISSION, "a cheque is handed over by its payer"));
        }
        if cheque.payee.0 != self.own.account {
            return Err(Refusal::fail(refusal::NO_PERMISSION, "the cheque is for somebody else"));
        }
        let of_payer = self.settling.get(&payer).copied().unwrap_or_default();
        if of_payer >= SETTLING_PER_MEMBER_MAX || self.settling.values().sum::<usize>() >= SETTLING_MAX {
            return Err(Refusal::fail(
                refusal::BUSY,
                "as many cheques as this member takes are being settled",
            ));
        }
        Ok(SignedCheque { cheque, signature: handover.signature.to_vec() })
    }

    fn settled(
        &mut self,
        id: ConnectionId,
        request: u32,
        cheque: &Cheque,
        settlement: Settlement,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) {
        if let Some(settling) = self.settling.get_mut(&cheque.payer) {
            *settling -= 1;
            if *settling == 0 {
                self.settling.remove(&cheque.payer);
            }
        }
        // The payer may have hung up meanwhile; the news is news all the same.
        let handle = self.connections.get(&id).and_then(|connection| connection.payer.clone());
        let handle = handle.map(|(_, handle)| handle).unwrap_or_default();
        let reply = match settlement {
            Settlement::Done { receipt, index, already } => {
                if !already {
                    let Cheque { payer, amount, memo, .. } = cheque.clone();
                    let (movement, payer) = (Movement::Settlement, Some(payer));
                    (self.tell)(News::Incoming(Incoming { movement, payer, handle, amount, memo, index }));
                }
                PeerReply::Settled(receipt)
            }
            Settlement::Refused(refusal) => {
                (self.tell)(News::Refused(handle, refusal.clone()));
                PeerReply::Refused(refusal)
            }
            Settlement::Unknown => PeerReply::Unknown,
        };
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.settling = false;
            connection.deadline = Monotonic(now.mono.0 + IDLE);
        }
        self.reply(id, request, &reply, now, rng);
    }

    fn reply(
        &mut self,
        id: ConnectionId,
        request: u32,
        reply: &PeerReply,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) {
        let message = wire::seal(request, reply);
        self.with_session(id, now, rng, |session, env| {
            if session.send_message(&message, env).is_err() {
                session.close(env);
            }
        });
    }

    /// Says goodbye on a connection.
    fn end(&mut self, id: ConnectionId, now: Now, rng: &mut dyn CryptoRng) {
        self.with_session(id, now, rng, |session, env| session.close(env));
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.finished = true;
        }
    }
}

impl Handler for Listener {
    type Job = Job;
    type Answer = Answer;
    type Failure = ClientError;

    fn connected(&mut self, id: ConnectionId, from: SocketAddr, now: Now, _: &mut dyn CryptoRng) {
        self.take_in(id, from.ip(), now);
    }

    fn received(&mut self, id: ConnectionId, bytes: &[u8], now: Now, rng: &mut dyn CryptoRng) {
        if let Some(connection) = self.connections.get_mut(&id)
            && connection.session.stage() == Stage::Open
        {
            connection.deadline = Monotonic(now.mono.0 + IDLE);
            connection.since = now.mono;
        }
        self.with_session(id, now, rng, |session, env| session.receive(bytes, env));
    }

    fn hung_up(&mut self, id: ConnectionId, _: Now, _: &mut dyn CryptoRng) {
        self.forget(id);
    }

    fn answered(&mut self, answer: Answer, now: Now, rng: &mut dyn CryptoRng) {
        match answer {
            Answer::Signed { id, signature } => {
                self.signing.done();
                self.with_session(id, now, rng, |session, env| session.signed(signature, env));
            }
            Answer::Verified { id, handle } => {
                self.looking_up.done();
                let good = handle.is_some();
                if let Some(connection) = self.connections.get_mut(&id) {
                    connection.handle = handle.unwrap_or_default();
                }
                self.with_session(id, now, rng, |session, env| session.verified(good, env));
            }
            Answer::Settled { id, request, cheque, settlement } => {
                self.settled(id, request, &cheque.cheque, settlement, now, rng);
            }
            Answer::Announced { address, note, again, came } => {
                self.note = note;
                came.into_iter().for_each(|incoming| (self.tell)(News::Incoming(incoming)));
                if self.online.replace(address) != Some(address) || again {
                    (self.tell)(News::Online(address));
                }
                self.announce_due = Some(Monotonic(now.mono.0 + ANNOUNCE_EVERY));
            }
            Answer::NotAnnounced(why) => {
                if self.online.take().is_some() {
                    (self.tell)(News::Offline(why));
                }
                self.announce_due = Some(Monotonic(now.mono.0 + ANNOUNCE_EVERY / 8));
            }
            Answer::Looked => self.look_due = Some(Monotonic(now.mono.0 + LOOK_EVERY)),
            Answer::Failed(error) => self.failed = Some(error),
        }
    }

    fn end_tick(&mut self, now: Now, rng: &mut dyn CryptoRng) -> Result<(), ClientError> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let late = |connection: &Connection| connection.deadline <= now.mono && !connection.settling;
        let late = self.connections.iter().filter(|(_, connection)| late(connection));
        for id in late.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.end(id, now, rng);
        }
        if self.announce_due.is_some_and(|due| due <= now.mono) && !self.shutting_down {
            self.announce_due = None;
            self.jobs.push(Job::Announce);
        }
        if self.look_due.is_some_and(|due| due <= now.mono) && !self.shutting_down {
            self.look_due = None;
            self.jobs.push(Job::Look);
        }
        Ok(())
    }

    fn take_jobs(&mut self) -> Vec<Job> {
        let mut jobs = std::mem::take(&mut self.jobs);
        jobs.extend(self.signing.take());
        jobs.extend(self.looking_up.take());
        jobs
    }

    fn lane(job: &Job) -> usize {
        job.lane()
    }

    fn touched(&mut self) -> Vec<ConnectionId> {
        std::mem::take(&mut self.touched).into_iter().collect()
    }

    fn output(&self, id: ConnectionId) -> &[u8] {
        self.connections.get(&id).map_or(&[], |connection| connection.session.output())
    }

    fn written(&mut self, id: ConnectionId, count: usize, _: Now) {
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.session.written(count);
        }
    }

    fn input_room(&self, id: ConnectionId) -> usize {
        let reads = |connection: &&Connection| !connection.settling && !connection.finished;
        self.connections.get(&id).filter(reads).map_or(0, |connection| connection.session.room())
    }

    fn is_finished(&self, id: ConnectionId) -> bool {
        self.connections.get(&id).is_none_or(|connection| connection.finished)
    }

    fn next_deadline(&self) -> Option<Monotonic> {
        let waiting = self.connections.values().filter(|connection| !connection.settling);
        let connections = waiting.map(|connection| connection.deadline).min();
        let jobs = !self.jobs.is_empty() || self.signing.is_due() || self.looking_up.is_due();
        let at_once = (jobs || self.failed.is_some()).then_some(Monotonic::default());
        [connections, self.announce_due, self.look_due, at_once].into_iter().flatten().min()
    }

    fn shut_down(&mut self) {
        self.shutting_down = true;
        self.announce_due = None;
        self.look_due = None;
        for (id, connection) in &mut self.connections {
            connection.finished |= !connection.settling;
            self.touched.insert(*id);
        }
    }

    fn close(self) -> Result<(), ClientError> {
        Ok(())
    }
}
