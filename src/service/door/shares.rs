//! Everybody's share of what there is a limited number of: connections, commands under way, bytes that are read in a turn
//! of the loop, memory for messages that have not arrived whole.

use std::collections::BTreeMap;

use crate::domain::AccountId;
use crate::limits::Limits;
use crate::service::holdings::Holdings;
use crate::service::party::{Party, Prefix};
use crate::service::{ConnectionId, Service};
use crate::time::Now;

/// Bytes of one party's commands under way before it is no longer listened to.
const PENDING_BYTES_MAX: usize = 4 << 20;

/// Bytes that one party may have read in one turn of the loop, over all its connections.
const READ_PER_TURN: usize = 256 << 10;

/// What one party has under way.
#[derive(Debug, Default)]
struct Share {
    commands: u64,
    command_bytes: usize,
    /// Bytes read in this turn of the loop.
    read: usize,
    /// Connections whose messages wait until commands of this party are answered.
    blocked: Vec<ConnectionId>,
}

impl Share {
    fn has_room(&self, limits: &Limits) -> bool {
        self.commands < limits.commands_in_flight_max && self.command_bytes < PENDING_BYTES_MAX
    }

    fn is_unused(&self) -> bool {
        self.commands == 0 && self.read == 0 && self.blocked.is_empty()
    }
}

/// See the module.
#[derive(Default)]
pub(in crate::service) struct Shares {
    under_way: BTreeMap<Party, Share>,
    /// Parties of whose share something was read in this turn.
    readers: Vec<Party>,
    /// Open connections of members.
    pub(in crate::service) by_account: Holdings<AccountId, ConnectionId>,
    /// All connections.
    pub(in crate::service) by_prefix: Holdings<Prefix, ConnectionId>,
    /// Connections that have not authenticated.
    pub(in crate::service) unauthenticated: Holdings<Prefix, ConnectionId>,
    /// Bytes of messages that have not arrived whole, or that nobody has looked at yet.
    pub(in crate::service) input_bytes: usize,
}

impl Shares {
    /// Whether a party may submit more: what it submitted so far has room.
    pub(in crate::service) fn has_room(&self, party: Party, limits: &Limits) -> bool {
        self.under_way.get(&party).is_none_or(|share| share.has_room(limits))
    }

    /// Has a connection wait until its party has room.
    pub(in crate::service) fn block(&mut self, party: Party, id: ConnectionId) {
        self.under_way.entry(party).or_default().blocked.push(id);
    }

    /// A command was submitted.
    pub(in crate::service) fn begin(&mut self, party: Party, bytes: usize) {
        let share = self.under_way.entry(party).or_default();
        share.commands += 1;
        share.command_bytes += bytes;
    }

    /// Commands were answered, or their connection is gone; gives the connections that waited for it.
    pub(in crate::service) fn end(
        &mut self,
        party: Party,
        commands: u64,
        bytes: usize,
        limits: &Limits,
    ) -> Vec<ConnectionId> {
        let Some(share) = self.under_way.get_mut(&party) else { return Vec::new() };
        share.commands = share.commands.saturating_sub(commands);
        share.command_bytes = share.command_bytes.saturating_sub(bytes);
        let freed = if share.has_room(limits) { std::mem::take(&mut share.blocked) } else { Vec::new() };
        if share.is_unused() {
            self.under_way.remove(&party);
        }
        freed
    }

    /// Whether a party may be read from in this turn. Strangers may not say much anyway.
    pub(in crate::service) fn may_read(&self, party: Party) -> bool {
        self.under_way.get(&party).is_none_or(|share| share.read < READ_PER_TURN)
    }

    /// So much was read from a party.
    pub(in crate::service) fn note_read(&mut self, party: Party, bytes: usize) {
        if let Party::Stranger(_) = party {
            return;
        }
        let share = self.under_way.entry(party).or_default();
        if share.read == 0 {
            self.readers.push(party);
        }
        share.read += bytes;
    }

    /// The next turn of the loop: everybody may be read from again. Gives those who had no more of their share left.
    fn turn(&mut self) -> Vec<Party> {
        let mut waited = Vec::new();
        for party in std::mem::take(&mut self.readers) {
            let Some(share) = self.under_way.get_mut(&party) else { continue };
            if std::mem::take(&mut share.read) >= READ_PER_TURN {
                waited.push(party);
            }
            if share.is_unused() {
                self.under_way.remove(&party);
            }
        }
        waited
    }
}

impl Service {
    /// Lets everybody be read from again; the loop asks for their bytes when it looks at their connections.
    pub(in crate::service) fn share_reading_anew(&mut self) {
        for party in self.door.shares.turn() {
            if let Party::Member(account) = party {
                self.door.touched.extend(self.door.shares.by_account.of(account));
            }
        }
    }

    /// Commands of a connection are no longer under way: whoever waited for that is looked at in turn.
    pub(in crate::service) fn commands_ended(&mut self, party: Party, commands: u64, bytes: usize) {
        for id in self.door.shares.end(party, commands, bytes, &self.limits) {
            if let Some(connection) = self.door.connections.get_mut(&id) {
                connection.in_turns = false;
            }
            self.await_turn(id);
        }
    }

    /// Counts what a connection has sent that nobody has looked at.
    pub(in crate::service) fn note_input(&mut self, id: ConnectionId) {
        let Some(connection) = self.door.connections.get_mut(&id) else { return };
        let held =
            if connection.ending { 0 } else { connection.session.input_bytes() + connection.inbox_bytes };
        let before = std::mem::replace(&mut connection.input_bytes, held);
        self.door.shares.input_bytes = (self.door.shares.input_bytes + held).saturating_sub(before);
    }

    /// When what nobody has looked at is more than there is room for, the party that holds most of it loses the connection
    /// on which it holds most, until it fits.
    pub(in crate::service) fn bound_input(&mut self, now: Now) {
        while self.door.shares.input_bytes as u64 > self.limits.input_bytes_max
            && let Some(id) = self.largest_input()
        {
            self.displace(id, "the messages of all connections take more memory than there is for them", now);
        }
    }

    fn largest_input(&self) -> Option<ConnectionId> {
        let mut by_party: BTreeMap<Party, (usize, usize, ConnectionId)> = BTreeMap::new();
        for (id, connection) in
            self.door.connections.iter().filter(|(_, connection)| connection.input_bytes > 0)
        {
            let (sum, most, largest) = by_party.entry(connection.party()).or_insert((0, 0, *id));
            *sum += connection.input_bytes;
            if connection.input_bytes > *most {
                (*most, *largest) = (connection.input_bytes, *id);
            }
        }
        by_party.into_values().max().map(|(_, _, id)| id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_kept_of_who_has_nothing_under_way() {
        let limits = Limits { commands_in_flight_max: 2, ..Limits::default() };
        let (party, id) = (Party::Member(AccountId(1)), ConnectionId(7));
        let mut shares = Shares::default();
        shares.begin(party, 10);
        assert!(shares.has_room(party, &limits));
        shares.begin(party, 10);
        assert!(!shares.has_room(party, &limits) && shares.has_room(Party::Member(AccountId(2)), &limits));
        shares.block(party, id);
        shares.note_read(party, READ_PER_TURN);
        assert!(!shares.may_read(party));
        assert_eq!(shares.end(party, 1, 10, &limits), [id]);
        assert_eq!((shares.turn(), shares.may_read(party)), (vec![party], true));
        assert!(shares.end(party, 1, 10, &limits).is_empty());
        assert!(shares.under_way.is_empty() && shares.turn().is_empty());
    }
}
