//! Resumption tickets: the server's table of them, and what a client keeps of one.
//!
//! The table lives in memory only: after a restart every client makes one full handshake. Times are of the
//! monotonic clock, so that a clock set back does not revive a ticket.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use super::schedule::Secret;
use crate::crypto::{Digest, KeyId, LedgerId};
use crate::time::Monotonic;

/// Names a ticket.
pub type TicketId = [u8; 16];

/// How many tickets are held and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TicketSettings {
    /// Tickets held in all; the least recently used one goes.
    pub tickets_max: usize,
    /// Tickets held of one account; its least recently used one goes.
    pub per_account_max: usize,
    /// How long a ticket can be used.
    pub lifetime: Duration,
    /// How long after a client's signature the tickets that descend from it can be used.
    pub authentication_age_max: Duration,
}

impl Default for TicketSettings {
    fn default() -> TicketSettings {
        TicketSettings {
            tickets_max: 100_000,
            per_account_max: 8,
            lifetime: Duration::from_secs(12 * 60 * 60),
            authentication_age_max: Duration::from_secs(24 * 60 * 60),
        }
    }
}

/// When a ticket was issued, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Issued {
    /// When.
    pub at: Monotonic,
    /// Seconds from then on in which it can be used.
    pub lifetime_s: u32,
}

impl Issued {
    /// When the ticket ends.
    pub(super) fn ends_at(self) -> Monotonic {
        Monotonic(self.at.0.saturating_add(Duration::from_secs(self.lifetime_s.into())))
    }

    /// Whether half of its life is over: it is time for a new one.
    pub(super) fn is_worn(self, now: Monotonic) -> bool {
        now.0.saturating_sub(self.at.0) * 2 >= Duration::from_secs(self.lifetime_s.into())
    }
}

/// What a ticket stands for, on the server.
#[derive(Clone)]
pub struct Ticket {
    /// The secret that both sides hold.
    pub psk: Secret,
    /// The account that authenticated.
    pub account: u64,
    /// The key with which it did.
    pub key_id: KeyId,
    /// When it did.
    pub authenticated_at: Monotonic,
    /// Number of that authentication: tickets and sessions that descend from one signature have the same.
    pub authentication: u64,
    /// The hash of the descriptor of the handshake from which the ticket comes.
    pub descriptor_hash: Digest,
    /// Its time.
    pub issued: Issued,
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ticket(account {}, [redacted])", self.account)
    }
}

struct Entry {
    ticket: Ticket,
    used: u64,
}

/// The tickets that a server will accept.
pub struct TicketTable {
    settings: TicketSettings,
    entries: BTreeMap<TicketId, Entry>,
    /// Order of use, in all.
    by_use: BTreeMap<u64, TicketId>,
    /// Order of use, by account.
    by_account: BTreeMap<(u64, u64), TicketId>,
    uses: u64,
    /// How many clients have authenticated with a signature.
    authentications: u64,
    /// When all sessions of an account were ended last. What descends from a signature of before is worth nothing. Of those
    /// that are older than any signature is good for, the next one that comes is rid.
    ended_at: BTreeMap<u64, Monotonic>,
}

impl TicketTable {
    /// An empty table.
    pub fn new(settings: TicketSettings) -> TicketTable {
        TicketTable {
            settings,
            entries: BTreeMap::new(),
            by_use: BTreeMap::new(),
            by_account: BTreeMap::new(),
            uses: 0,
            authentications: 0,
            ended_at: BTreeMap::new(),
        }
    }

    /// A number for an authentication that nothing else has.
    pub(super) fn next_authentication(&mut self) -> u64 {
        self.authentications += 1;
        self.authentications
    }

    /// The lifetime of a fresh ticket, in seconds.
    pub fn lifetime_s(&self) -> u32 {
        u32::try_from(self.settings.lifetime.as_secs()).unwrap_or(u32::MAX)
    }

    /// Whether all sessions of an account were ended since its owner signed.
    pub fn is_over(&self, account: u64, authenticated_at: Monotonic) -> bool {
        self.ended_at.get(&account).is_some_and(|ended_at| authenticated_at < *ended_at)
    }

    /// How many seconds a ticket issued now would live, given when its owner signed: none when that is too
    /// long ago to be worth a ticket, or all sessions of the account were ended since.
    pub fn lifetime_left_s(&self, account: u64, authenticated_at: Monotonic, now: Monotonic) -> Option<u32> {
        if self.is_over(account, authenticated_at) {
            return None;
        }
        let age = now.0.saturating_sub(authenticated_at.0);
        let left = self.settings.authentication_age_max.saturating_sub(age).min(self.settings.lifetime);
        u32::try_from(left.as_secs()).ok().filter(|seconds| *seconds > 0)
    }

    /// Takes a ticket in, at the cost of the least recently used ones.
    pub fn insert(&mut self, id: TicketId, ticket: Ticket) {
        self.remove(&id);
        let account = ticket.account;
        while self.by_account.range((account, 0)..=(account, u64::MAX)).count()
            >= self.settings.per_account_max.max(1)
        {
            let Some((_, oldest)) = self.by_account.range((account, 0)..).next() else { break };
            self.remove(&oldest.clone());
        }
        while self.entries.len() >= self.settings.tickets_max.max(1) {
            let Some((_, oldest)) = self.by_use.first_key_value() else { break };
            self.remove(&oldest.clone());
        }
        let used = self.next_use();
        self.by_use.insert(used, id);
        self.by_account.insert((account, used), id);
        self.entries.insert(id, Entry { ticket, used });
    }

    /// The ticket of this name, if it is still good. An expired one is forgotten.
    pub fn find(&mut self, id: &TicketId, now: Monotonic) -> Option<&Ticket> {
        let entry = self.entries.get(id)?;
        let age = now.0.saturating_sub(entry.ticket.authenticated_at.0);
        if now >= entry.ticket.issued.ends_at() || age >= self.settings.authentication_age_max {
            self.remove(id);
            return None;
        }
        self.entries.get(id).map(|entry| &entry.ticket)
    }

    /// Marks a ticket as used: its holder has proven that it holds it.
    pub(super) fn touch(&mut self, id: &TicketId) {
        let used = self.next_use();
        let Some(entry) = self.entries.get_mut(id) else { return };
        self.by_use.remove(&entry.used);
        self.by_account.remove(&(entry.ticket.account, entry.used));
        entry.used = used;
        self.by_use.insert(used, *id);
        self.by_account.insert((entry.ticket.account, used), *id);
    }

    /// Forgets every ticket of an account, a role of which was taken away, and those to come from signatures of before.
    pub fn revoke_account(&mut self, account: u64, now: Monotonic) {
        self.revoke(account, |_| true);
        let age_max = self.settings.authentication_age_max;
        self.ended_at.retain(|_, ended_at| now.0.saturating_sub(ended_at.0) < age_max);
        self.ended_at.insert(account, now);
    }

    /// Forgets every ticket of an account that came from this key: the key has ended.
    pub fn revoke_key(&mut self, account: u64, key_id: &KeyId) {
        self.revoke(account, |ticket| ticket.key_id == *key_id);
    }

    fn revoke(&mut self, account: u64, goes: impl Fn(&Ticket) -> bool) {
        let of_account = self.by_account.range((account, 0)..=(account, u64::MAX)).map(|(_, id)| *id);
        let goes = |id: &TicketId| self.entries.get(id).is_some_and(|entry| goes(&entry.ticket));
        let ids: Vec<TicketId> = of_account.filter(goes).collect();
        ids.iter().for_each(|id| self.remove(id));
    }

    /// How many tickets are held.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether no ticket is held.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn remove(&mut self, id: &TicketId) {
        if let Some(entry) = self.entries.remove(id) {
            self.by_use.remove(&entry.used);
            self.by_account.remove(&(entry.ticket.account, entry.used));
        }
    }

    fn next_use(&mut self) -> u64 {
        self.uses += 1;
        self.uses
    }
}

impl fmt::Debug for TicketTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TicketTable({} tickets, [redacted])", self.len())
    }
}

/// What a client keeps of a ticket, in a file of mode 0600. Wipes its secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientTicket {
    /// The ledger that it opens.
    pub ledger_id: LedgerId,
    /// The account that it stands for.
    pub account: u64,
    /// The key with which that account authenticated.
    pub key_id: KeyId,
    /// The serial of the server's descriptor then: a newer one makes the ticket worthless.
    pub serial: u64,
    /// The hash of that descriptor.
    pub descriptor_hash: Digest,
    /// Its name at the server.
    pub id: TicketId,
    /// Milliseconds since the Unix epoch at which it ends.
    pub expires_ms: u64,
    psk: [u8; 32],
}

impl ClientTicket {
    pub(super) fn new(owner: &TicketOwner, id: TicketId, psk: &Secret, expires_ms: u64) -> ClientTicket {
        let TicketOwner { ledger_id, account, key_id, serial, descriptor_hash } = *owner;
        ClientTicket { ledger_id, account, key_id, serial, descriptor_hash, id, expires_ms, psk: **psk }
    }

    pub(super) fn psk(&self) -> Secret {
        Zeroizing::new(self.psk)
    }

    pub(super) fn owner(&self) -> TicketOwner {
        let ClientTicket { ledger_id, account, key_id, serial, descriptor_hash, .. } = *self;
        TicketOwner { ledger_id, account, key_id, serial, descriptor_hash }
    }
}

impl Drop for ClientTicket {
    fn drop(&mut self) {
        self.psk.zeroize();
    }
}

impl fmt::Debug for ClientTicket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientTicket(account {}, until {} ms, [redacted])", self.account, self.expires_ms)
    }
}

/// To whom a client's tickets belong.
#[derive(Clone, Copy, Debug)]
pub(super) struct TicketOwner {
    pub(super) ledger_id: LedgerId,
    pub(super) account: u64,
    pub(super) key_id: KeyId,
    pub(super) serial: u64,
    pub(super) descriptor_hash: Digest,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Monotonic {
        Monotonic(Duration::from_secs(seconds))
    }

    fn ticket(account: u64, lifetime_s: u32) -> Ticket {
        Ticket {
            psk: Zeroizing::new([account as u8; 32]),
            account,
            key_id: KeyId([1; 32]),
            authenticated_at: at(0),
            authentication: 1,
            descriptor_hash: Digest([2; 32]),
            issued: Issued { at: at(0), lifetime_s },
        }
    }

    fn id(n: usize) -> TicketId {
        (n as u128).to_be_bytes()
    }

    #[test]
    fn tickets_end_with_their_lifetime_and_a_day_after_the_signature() {
        let mut table = TicketTable::new(TicketSettings::default());
        table.insert(id(1), ticket(1, table.lifetime_s()));
        assert!(table.find(&id(1), at(12 * 3600 - 1)).is_some());
        assert!(table.find(&id(1), at(12 * 3600)).is_none());
        assert!(table.is_empty(), "an expired ticket is forgotten");
        table.insert(id(2), ticket(1, u32::MAX));
        assert!(table.find(&id(2), at(24 * 3600 - 1)).is_some());
        assert!(table.find(&id(2), at(24 * 3600)).is_none());
        assert_eq!(table.lifetime_left_s(1, at(0), at(20 * 3600)), Some(4 * 3600));
        assert_eq!(table.lifetime_left_s(1, at(0), at(24 * 3600)), None);
        let issued = Issued { at: at(0), lifetime_s: 12 * 3600 };
        assert!(issued.is_worn(at(6 * 3600)) && !issued.is_worn(at(6 * 3600 - 1)));
    }

    #[test]
    fn a_signature_from_before_the_sessions_of_an_account_ended_brings_no_ticket_any_more() {
        let mut table = TicketTable::new(TicketSettings::default());
        table.insert(id(1), ticket(1, table.lifetime_s()));
        table.revoke_account(1, at(100));
        assert!(table.find(&id(1), at(100)).is_none());
        let worth =
            |table: &TicketTable, account, signed| table.lifetime_left_s(account, at(signed), at(200));
        assert_eq!((worth(&table, 1, 0), worth(&table, 1, 99)), (None, None));
        assert!(worth(&table, 1, 100).is_some() && worth(&table, 2, 0).is_some());
        table.revoke_account(2, at(100 + 24 * 3600));
        assert_eq!(table.ended_at.len(), 1, "what no signature is old enough for is forgotten");
    }

    #[test]
    fn the_least_recently_used_ticket_goes_first() {
        let mut table = TicketTable::new(TicketSettings { tickets_max: 20, ..TicketSettings::default() });
        (0..8).for_each(|n| table.insert(id(n), ticket(1, 100)));
        table.touch(&id(0));
        table.insert(id(8), ticket(1, 100));
        assert_eq!(table.len(), 8, "eight of one account");
        assert!(table.find(&id(1), at(0)).is_none() && table.find(&id(0), at(0)).is_some());
        (100..200).for_each(|n| table.insert(id(n), ticket(n as u64, 100)));
        assert_eq!(table.len(), 20, "twenty in all");
        assert!(table.find(&id(179), at(0)).is_none() && table.find(&id(180), at(0)).is_some());
        assert_eq!((table.by_use.len(), table.by_account.len()), (20, 20));
    }

    #[test]
    fn revoking_an_account_takes_all_its_tickets_and_no_others() {
        let mut table = TicketTable::new(TicketSettings::default());
        (0..30).for_each(|n| table.insert(id(n), ticket(n as u64 % 5, 100)));
        table.revoke_account(3, at(50));
        let left: Vec<bool> = (0..30).map(|n| table.find(&id(n), at(0)).is_some()).collect();
        assert!(left.iter().enumerate().all(|(n, there)| *there == (n % 5 != 3)));
        assert!(!format!("{table:?}{:?}", ticket(1, 100)).contains("01, 01"));
    }

    #[test]
    fn a_client_ticket_survives_its_file_and_prints_no_secret() {
        let owner = TicketOwner {
            ledger_id: LedgerId([1; 32]),
            account: 7,
            key_id: KeyId([2; 32]),
            serial: 3,
            descriptor_hash: Digest([4; 32]),
        };
        let ticket = ClientTicket::new(&owner, id(9), &Zeroizing::new([0xab; 32]), 5);
        let read: ClientTicket = serde_json::from_str(&serde_json::to_string(&ticket).unwrap()).unwrap();
        assert_eq!(read, ticket);
        assert_eq!(format!("{ticket:?}"), "ClientTicket(account 7, until 5 ms, [redacted])");
    }
}
