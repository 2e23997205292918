//! Who is there: connections and their sessions, how many there may be of whom, when each has to be looked at, and the
//! tickets with which members come back. What they want is no matter of this room.

mod connection;
mod deadlines;
mod sessions;
mod shares;

pub(super) use connection::{Caller, Connection, PendingCommand};

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::driven::ConnectionId;
use crate::limits::Limits;
use crate::service::Job;
use crate::service::admission::{Bucket, Buckets};
use crate::service::fair_queue::FairQueue;
use crate::service::party::Prefix;
use crate::session::{ChannelSettings, ServerIdentity, TicketSettings, TicketTable};
use crate::time::Timestamp;
use deadlines::Deadlines;
use shares::Shares;

/// Handshakes given to the private lane at once: enough that it is never idle, few enough that the fair
/// queue, and not the lane's own, decides who is next.
const DECAPS_WITH_HELPER_MAX: u64 = 2;

/// See the module.
pub(super) struct Door {
    /// What the server proves itself with.
    pub(super) identity: ServerIdentity,
    /// Until when hellos for the key before the current one are accepted.
    pub(super) previous_key_until: Option<Timestamp>,
    /// With which members come back without a private operation of the server.
    pub(super) tickets: TicketTable,
    pub(super) settings: ChannelSettings,
    pub(super) connections: BTreeMap<ConnectionId, Connection>,
    /// How much of everything each party has.
    pub(super) shares: Shares,
    pub(super) deadlines: Deadlines,
    /// Connections that the loop has to look at when the turn ends.
    pub(super) touched: BTreeSet<ConnectionId>,
    /// Connections that are asked nothing more, and are closed when what is under way on them is answered.
    pub(super) leaving: BTreeSet<ConnectionId>,
    /// Connections to be closed at the end of the turn.
    pub(super) to_close: Vec<ConnectionId>,
    /// DER `SubjectPublicKeyInfo` of an Ed25519 key that is no member's: a client who claims a key that is not there is
    /// checked with it.
    pub(super) decoy: Vec<u8>,
    /// Full handshakes that wait for the RSA helper.
    pub(super) handshakes: FairQueue<Prefix, Job>,
    /// Full handshakes that the RSA helper has.
    pub(super) decaps_with_helper: u64,
    /// How many registrations are taken in all.
    pub(super) registrations: Bucket,
    /// How many registrations are taken from each network.
    pub(super) registrations_by_prefix: Buckets,
}

impl Door {
    /// Nobody is there yet.
    pub(super) fn new(identity: ServerIdentity, decoy: Vec<u8>, limits: &Limits) -> Door {
        let tickets = TicketTable::new(TicketSettings {
            tickets_max: limits.tickets_max as usize,
            per_account_max: limits.tickets_per_account_max as usize,
            lifetime: Duration::from_millis(limits.ticket_lifetime_ms),
            ..TicketSettings::default()
        });
        let settings = ChannelSettings {
            handshake_bytes_max: limits.handshake_bytes_max as usize,
            ..ChannelSettings::default()
        };
        let registrations_by_prefix =
            Buckets::new(limits.registrations_per_prefix_per_second, limits.registrations_per_prefix_burst);
        Door {
            identity,
            previous_key_until: None,
            tickets,
            settings,
            connections: BTreeMap::new(),
            shares: Shares::default(),
            deadlines: Deadlines::default(),
            touched: BTreeSet::new(),
            leaving: BTreeSet::new(),
            to_close: Vec::new(),
            decoy,
            handshakes: FairQueue::default(),
            decaps_with_helper: 0,
            registrations: Bucket::new(limits.registrations_per_second, limits.registrations_burst),
            registrations_by_prefix,
        }
    }
}
