//! Members who hand cheques to each other over links that break, and who crash: the real listener and the
//! real sessions. What waits for the server goes over the simulated member's own connection to it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use ledgerd::chain::{Block, Message};
use ledgerd::client::SignedCheque;
use ledgerd::domain::payments::{ChequeId, Settle};
use ledgerd::domain::{Command, payments};
use ledgerd::driven::{ConnectionId, Handler as _};
use ledgerd::peer::{Answer, Incoming, Job, Listener, News, Settlement};
use ledgerd::session::{PeerEnv, PeerEvent, PeerIdentity, PeerSession};
use ledgerd::time::Now;
use ledgerd::wire::{self, Handover, PeerReply, PeerRequest, Refusal};

use super::payments::{CHEQUES, cheque, cheque_id, settlement};
use super::template::template;
use super::world::World;

/// Links at once.
const LINKS_MAX: usize = 4;

/// A dialler, and what is under way in both directions.
struct Wire {
    id: ConnectionId,
    payer: usize,
    payee: usize,
    number: u32,
    dialler: PeerSession,
    to_listener: Vec<u8>,
    to_dialler: Vec<u8>,
}

/// A payee who waits for the server.
struct Waiting {
    id: ConnectionId,
    request: u32,
    number: u32,
    cheque: Box<SignedCheque>,
}

/// One member as a peer. All of it is gone when the member crashes; what it has sent to the server is remembered
/// by its client, as by a run book.
struct Member {
    listener: Listener,
    jobs: VecDeque<Job>,
    waiting: Vec<Waiting>,
}

/// See the module.
#[derive(Default)]
pub(super) struct Peers {
    members: BTreeMap<usize, Member>,
    wires: Vec<Wire>,
    next_id: u64,
    /// Orders that a payer was told are settled, and in which block.
    told: BTreeMap<ChequeId, u64>,
    /// What listeners showed: who, and what.
    shown: Arc<Mutex<Vec<Incoming>>>,
}

fn identity(member: usize) -> PeerIdentity {
    let key_id = template().members[member].public().key_id();
    PeerIdentity { ledger_id: template().ledger_id, account: member as u64 + 1, key_id }
}

impl Peers {
    /// Orders of which a payer was told that they are settled, and payments that payees showed.
    pub(super) fn heard(&self) -> (usize, usize) {
        (self.told.len(), self.shown.lock().unwrap().len())
    }

    /// Everybody hangs up and stops listening.
    pub(super) fn hang_up(&mut self) {
        self.members.clear();
        self.wires.clear();
    }

    /// Whatever a payer was told, or a payee showed, stands in the ledger.
    pub(super) fn look_at(&self, blocks: &[Vec<u8>]) -> Result<(), String> {
        let settles = |index: u64| -> Option<Settle> {
            let block = Block::parse(blocks.get(index as usize)?).ok()?;
            let message = Message::parse(block.message).ok()?;
            match Command::decode(message.header.tag, message.body).ok()? {
                Command::Payments(payments::Command::Settle(settle)) => Some(settle),
                _ => None,
            }
        };
        for (cheque, index) in &self.told {
            if settles(*index).is_none_or(|settle| settle.cheque.cheque_id != *cheque) {
                return Err(format!("a payer was told that cheque {cheque} is settled in block {index}"));
            }
        }
        for Incoming { payer, amount, index, .. } in self.shown.lock().unwrap().iter() {
            let payer = payer.as_ref().expect("somebody pays here");
            let settled = settles(*index).map(|settle| (settle.cheque.payer, settle.cheque.amount));
            if settled != Some((*payer, *amount)) {
                return Err(format!("a payee showed money of {payer} that is not in block {index}"));
            }
        }
        Ok(())
    }

    fn start_listening(&mut self, member: usize) {
        let shown = Arc::clone(&self.shown);
        let tell = Box::new(move |news| {
            if let News::Incoming(incoming) = news {
                shown.lock().unwrap().push(incoming);
            }
        });
        let listener = Listener::new(identity(member), "a checkpoint".to_owned(), tell);
        self.members.insert(member, Member { listener, jobs: VecDeque::new(), waiting: Vec::new() });
    }
}

impl World {
    /// One step of whatever happens between members.
    pub(super) fn step_of_peers(&mut self) -> Result<(), String> {
        let member = self.choose(3) as usize;
        match self.choose(24) {
            0..=2 => self.dial(member),
            3..=13 => self.carry_peer_bytes()?,
            14..=19 => self.run_peer_job(member),
            20 => self.break_a_link(),
            21 if self.choose(3) == 0 => self.crash_member(member),
            _ => {}
        }
        if !self.peers.members.contains_key(&member) {
            self.peers.start_listening(member);
        }
        self.answer_waiting(member);
        self.turn_listener(member)
    }

    fn dial(&mut self, payer: usize) {
        let (payee, number) = ((payer + 2) % 3, CHEQUES[self.choose(CHEQUES.len() as u64) as usize]);
        if self.peers.wires.len() >= LINKS_MAX || !self.peers.members.contains_key(&payee) {
            return;
        }
        let id = ConnectionId(1_000_000 + self.peers.next_id);
        self.peers.next_id += 1;
        let wanted = payee as u64 + 1;
        let dialler = PeerSession::dial(identity(payer), wanted, &mut self.rng);
        let (to_listener, to_dialler) = (dialler.output().to_vec(), Vec::new());
        let mut wire = Wire { id, payer, payee, number, dialler, to_listener, to_dialler };
        wire.dialler.take_output();
        self.peers.wires.push(wire);
        if let Some(member) = self.peers.members.get_mut(&payee) {
            member.listener.connected(id, ([127, 0, 0, 1], 1).into(), self.now, &mut self.rng);
        }
    }

    /// Carries some bytes over one link, in one direction, in a piece of any size.
    fn carry_peer_bytes(&mut self) -> Result<(), String> {
        if self.peers.wires.is_empty() {
            return Ok(());
        }
        let (place, share) = (self.choose(self.peers.wires.len() as u64) as usize, self.choose(4));
        let (back, now) = (self.choose(2) == 0, self.now);
        let wire = &mut self.peers.wires[place];
        let queue = if back { &mut wire.to_dialler } else { &mut wire.to_listener };
        let mut count = if share == 0 { queue.len() / 3 } else { queue.len() };
        if back {
            let bytes: Vec<u8> = queue.drain(..count).collect();
            let answer = wire.receive(&bytes, now, &mut self.rng)?;
            if let Some(index) = answer {
                let cheque = cheque_id(wire.payee, wire.number);
                if self.peers.told.insert(cheque, index).is_some_and(|before| before != index) {
                    return Err(format!("cheque {cheque} was settled in two blocks"));
                }
            }
            return Ok(());
        }
        let (id, payee) = (wire.id, wire.payee);
        if let Some(member) = self.peers.members.get_mut(&payee) {
            count = count.min(member.listener.input_room(id));
            let bytes: Vec<u8> = wire.to_listener.drain(..count).collect();
            if count > 0 {
                member.listener.received(id, &bytes, now, &mut self.rng);
            }
        }
        self.turn_listener(payee)
    }

    /// Lets a listener's output out and takes its jobs in.
    fn turn_listener(&mut self, member: usize) -> Result<(), String> {
        let now = self.now;
        let Some(peer) = self.peers.members.get_mut(&member) else { return Ok(()) };
        peer.listener.end_tick(now, &mut self.rng).map_err(|error| error.to_string())?;
        for job in peer.listener.take_jobs() {
            match job {
                // A look at what has come already waits for nobody.
                Job::Look => peer.listener.answered(Answer::Looked, now, &mut self.rng),
                job => peer.jobs.push_back(job),
            }
        }
        for id in peer.listener.touched() {
            let output = peer.listener.output(id).to_vec();
            peer.listener.written(id, output.len(), now);
            if let Some(wire) = self.peers.wires.iter_mut().find(|wire| wire.id == id) {
                wire.to_dialler.extend_from_slice(&output);
            }
            if peer.listener.is_finished(id) {
                peer.listener.hung_up(id, now, &mut self.rng);
            }
        }
        Ok(())
    }

    fn run_peer_job(&mut self, member: usize) {
        let now = self.now;
        let Some(peer) = self.peers.members.get_mut(&member) else { return };
        let answer = match peer.jobs.pop_front() {
            None => return,
            Some(Job::Sign { id, signed }) => {
                let signature = template().members[member].sign(&mut self.rng, &[&signed]);
                Answer::Signed { id, signature }
            }
            Some(Job::Verify { id, account, key_id, signed, signature }) => {
                let key = template().members.get(account.0 as usize - 1).map(|key| key.public());
                let good = key
                    .is_some_and(|key| key.key_id() == key_id && key.verify(&[&signed], &signature).is_ok());
                Answer::Verified { id, handle: good.then(|| format!("member-{account}")) }
            }
            Some(Job::Announce) => {
                let address = ([127, 0, 0, 1], 1).into();
                Answer::Announced { address, note: "a checkpoint".to_owned(), again: false, came: Vec::new() }
            }
            Some(Job::Look) => return,
            Some(Job::Settle { id, request, cheque, .. }) => {
                let number = settlement(u32::from(cheque.cheque.cheque_id.0[1]));
                peer.waiting.push(Waiting { id, request, number, cheque });
                return self.clients[member].submit(number, now);
            }
        };
        peer.listener.answered(answer, now, &mut self.rng);
    }

    /// Who waits for the server is answered when the server has answered.
    fn answer_waiting(&mut self, member: usize) {
        let now = self.now;
        let client = &mut self.clients[member];
        let Some(peer) = self.peers.members.get_mut(&member) else { return };
        for waiting in std::mem::take(&mut peer.waiting) {
            let Waiting { id, request, number, ref cheque } = waiting;
            let settlement = match (client.acknowledged.get(&number), client.refused.get(&number)) {
                (Some((index, _)), _) => {
                    Settlement::Done { receipt: index.to_string(), index: *index, already: false }
                }
                (None, Some(name)) => Settlement::Refused(Refusal::fail(name, "")),
                (None, None) => {
                    // Lost on the way to the server, perhaps: asked again.
                    if client.is_idle() {
                        client.submit(number, now);
                    }
                    peer.waiting.push(waiting);
                    continue;
                }
            };
            let answer = Answer::Settled { id, request, cheque: cheque.clone(), settlement };
            peer.listener.answered(answer, now, &mut self.rng);
        }
    }

    fn break_a_link(&mut self) {
        if self.peers.wires.is_empty() {
            return;
        }
        let place = self.choose(self.peers.wires.len() as u64) as usize;
        let wire = self.peers.wires.remove(place);
        if let Some(member) = self.peers.members.get_mut(&wire.payee) {
            member.listener.hung_up(wire.id, self.now, &mut self.rng);
        }
    }

    /// A member's process is gone: what it listened to, whom it dialled, and its connection to the server.
    fn crash_member(&mut self, member: usize) {
        self.peers.members.remove(&member);
        let gone = |wire: &Wire| wire.payer == member || wire.payee == member;
        let (dropped, kept) = std::mem::take(&mut self.peers.wires).into_iter().partition(gone);
        self.peers.wires = kept;
        for wire in dropped {
            if let Some(other) = self.peers.members.get_mut(&wire.payee) {
                other.listener.hung_up(wire.id, self.now, &mut self.rng);
            }
        }
        self.hang_up(member);
    }
}

impl Wire {
    /// Bytes arrived at the dialler. Gives the block of the settlement, once the payee tells it.
    fn receive(
        &mut self,
        mut bytes: &[u8],
        now: Now,
        rng: &mut ledgerd::crypto::random::Seeded,
    ) -> Result<Option<u64>, String> {
        let mut settled = None;
        while !bytes.is_empty() && !self.dialler.wants_close() {
            let (chunk, rest) = bytes.split_at(self.dialler.room().clamp(1, bytes.len()));
            bytes = rest;
            self.dialler.receive(chunk, &mut PeerEnv { now, rng, checkpoint_note: "" });
            while let Some(event) = self.dialler.poll_event() {
                settled = settled.or(self.event(event, now, rng)?);
            }
        }
        self.to_listener.append(&mut self.dialler.take_output());
        Ok(settled)
    }

    fn event(
        &mut self,
        event: PeerEvent,
        now: Now,
        rng: &mut ledgerd::crypto::random::Seeded,
    ) -> Result<Option<u64>, String> {
        match event {
            PeerEvent::Sign(signed) => {
                let signature = template().members[self.payer].sign(rng, &[&signed]);
                self.dialler.signed(signature, &mut PeerEnv { now, rng, checkpoint_note: "" });
            }
            PeerEvent::Verify { signed, signature, .. } => {
                let key = template().members[self.payee].public();
                let good = key.verify(&[&signed], &signature).is_ok();
                self.dialler.verified(good, &mut PeerEnv { now, rng, checkpoint_note: "" });
            }
            PeerEvent::Opened { account, .. } => {
                if account != self.payee as u64 + 1 {
                    return Err(format!("account {account} answered for {}", self.payee + 1));
                }
                let Settle { cheque, signature } = cheque(template(), self.payee, self.number);
                let handover = Handover { note: "", cheque: &cheque.encode(), signature: &signature };
                let message = wire::seal(1, &PeerRequest::Settle(handover));
                let mut env = PeerEnv { now, rng, checkpoint_note: "" };
                self.dialler.send_message(&message, &mut env).map_err(|error| error.to_string())?;
            }
            PeerEvent::Message(message) => {
                let (_, reply) = wire::open::<PeerReply>(&message).map_err(|error| error.to_string())?;
                if let PeerReply::Settled(index) = reply {
                    return index.parse().map(Some).map_err(|_| format!("no index: {index}"));
                }
            }
            PeerEvent::Pong(_) | PeerEvent::Closed(_) => {}
        }
        Ok(None)
    }
}
