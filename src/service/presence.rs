//! Who is online and where: nothing of it is written down, and all of it ends with the connection.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::{ConnectionId, Service};
use crate::domain::AccountId;
use crate::limits::PAGE_MEMBERS_READ_MAX;
use crate::refusal;
use crate::wire::{self, OnlineMember, OnlinePage, Push, Refusal, Reply};

/// Members in one answer at most.
const PAGE_MEMBERS_MAX: usize = 1_024;

/// Members that are looked at in about a microsecond.
const MEMBERS_PER_WORK: u64 = 4;

/// One member's place.
struct Place {
    connection: ConnectionId,
    /// The request that announced it: what has to be said about it is said under this.
    request: u32,
    address: SocketAddr,
    hidden: bool,
}

/// See the module. A member who announces itself again, perhaps over another connection, moves.
#[derive(Default)]
pub(super) struct Presence(BTreeMap<AccountId, Place>);

impl Presence {
    /// A connection is gone, and whoever was online through it.
    pub(super) fn gone(&mut self, account: AccountId, connection: ConnectionId) {
        if self.0.get(&account).is_some_and(|place| place.connection == connection) {
            self.0.remove(&account);
        }
    }
}

impl Service {
    /// Notes where a member listens.
    pub(super) fn announce(
        &mut self,
        id: ConnectionId,
        request: u32,
        account: AccountId,
        mut address: SocketAddr,
        hidden: bool,
    ) -> Reply {
        if address.port() == 0 {
            return Reply::Refused(Refusal::fail(refusal::INVALID_ADDRESS, "nobody listens on port 0"));
        }
        if let Some(connection) = self.door.connections.get_mut(&id) {
            let seen = connection.address.ip().to_canonical();
            if address.ip().to_canonical().is_unspecified() {
                address.set_ip(seen);
            }
            if let Err(kind) = wire::check_dialled(address.ip(), seen.is_loopback()) {
                let text = format!(
                    "others would be sent to {}, {kind}: nobody can be told to dial it",
                    address.ip()
                );
                return Reply::Refused(Refusal::fail(refusal::INVALID_ADDRESS, text));
            }
            connection.present = true;
            self.schedule(id);
        }
        let before = self.presence.0.insert(account, Place { connection: id, request, address, hidden });
        if let Some(before) = before.filter(|before| before.connection != id) {
            // Whoever listens there would wait for ever for what goes elsewhere now.
            self.hold_durable(before.connection, before.request, Reply::Push(Push::Displaced(address)));
        }
        Reply::Announced(address)
    }

    /// Those who are online and may be listed. A page in which only hidden ones were found is empty, and goes on.
    pub(super) fn online(&mut self, from: AccountId, limit: u64) -> Reply {
        let most = usize::try_from(limit).unwrap_or(usize::MAX).clamp(1, PAGE_MEMBERS_MAX);
        let (mut members, mut looked_at, mut next) = (Vec::new(), 0, None);
        for (account, place) in self.presence.0.range(from..) {
            if members.len() >= most || looked_at >= PAGE_MEMBERS_READ_MAX {
                next = Some(*account);
                break;
            }
            looked_at += 1;
            if !place.hidden {
                members.extend(self.face(*account, place));
            }
        }
        self.work += looked_at as u64 / MEMBERS_PER_WORK;
        Reply::Online(OnlinePage { members, next })
    }

    /// Where one member is, if it is online.
    pub(super) fn locate(&self, account: AccountId) -> Reply {
        let place = self.presence.0.get(&account);
        let members = place.and_then(|place| self.face(account, place)).into_iter().collect();
        Reply::Online(OnlinePage { members, next: None })
    }

    fn face(&self, account: AccountId, place: &Place) -> Option<OnlineMember> {
        let state = self.ledger.replica().state();
        let (handle, keys) = (state.handle(account)?.to_owned(), state.standing_keys(account));
        Some(OnlineMember { account, handle, address: place.address, keys })
    }
}
