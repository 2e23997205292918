//! Whose requests are looked at next, and how long one turn of the loop does so.
//!
//! What a request costs is estimated in microseconds of the loop, because nothing here reads a clock: a little for every
//! message, also for one whose answer is empty, and what it reads, proves or signs on top. Each party has a share of
//! a turn before it is the next one's turn.

use rand_core::CryptoRng;

use super::door::Caller;
use super::party::Party;
use super::{ConnectionId, Service};
use crate::time::Now;

/// What a message costs at least.
const MESSAGE_WORK: u64 = 3;

/// Bytes of a message that cost another unit.
const BYTES_PER_WORK: u64 = 2 << 10;

/// What making a proof costs: a few dozen small reads.
pub(super) const PROOF_WORK: u64 = 40;

/// What checking or making a signature of a checkpoint costs, with what belongs to it.
pub(super) const CHECKPOINT_WORK: u64 = 100;

/// What a party may use before the next one's turn.
const WORK_PER_PARTY: u64 = 250;

/// What all may use in one turn of the loop: then the batch is written, and the answers leave.
const WORK_PER_TURN: u64 = 4_000;

impl Service {
    /// Has a connection's messages looked at when its turn comes. Called whenever there may be some whose answers have
    /// room.
    pub(super) fn await_turn(&mut self, id: ConnectionId) {
        if self.is_leaving(id) {
            return;
        }
        let Some(connection) = self.door.connections.get_mut(&id) else { return };
        let waits = !connection.inbox.is_empty() && !connection.ending && connection.has_room(&self.limits);
        if waits && !connection.in_turns {
            connection.in_turns = true;
            let party = connection.party();
            if self.door.shares.has_room(party, &self.limits) {
                self.turns.push(party, id);
            } else {
                self.door.shares.block(party, id);
            }
        }
    }

    /// Works through messages, each party's in turn, until there are none or this turn of the loop has had enough.
    pub(super) fn serve(&mut self, now: Now, rng: &mut dyn CryptoRng) {
        let mut done = 0;
        while done < WORK_PER_TURN
            && let Some((_, id)) = self.turns.pop()
        {
            done += self.serve_connection(id, now, rng);
        }
    }

    /// One party's share; gives what was used of it.
    fn serve_connection(&mut self, id: ConnectionId, now: Now, rng: &mut dyn CryptoRng) -> u64 {
        self.work = 0;
        if let Some(connection) = self.door.connections.get_mut(&id) {
            connection.in_turns = false;
        }
        while self.work < WORK_PER_PARTY
            && let Some(connection) = self.door.connections.get_mut(&id)
        {
            let has_room = connection.has_room(&self.limits);
            if connection.ending
                || self.door.leaving.contains(&id)
                || !has_room
                || !self.door.shares.has_room(connection.party(), &self.limits)
            {
                break;
            }
            let Some(message) = connection.next_message() else { break };
            self.work += MESSAGE_WORK + message.len() as u64 / BYTES_PER_WORK;
            self.door.touched.insert(id);
            self.dispatch(id, &message, now, rng);
        }
        self.note_input(id);
        self.await_turn(id);
        self.work
    }
}

impl super::door::Connection {
    /// Whose share of everything it uses.
    pub(super) fn party(&self) -> Party {
        match self.caller {
            Caller::Member(account, _) => Party::Member(account),
            Caller::Unknown | Caller::Anonymous => Party::Stranger(self.prefix()),
        }
    }
}
