//! From bytes to messages: connections come and go, handshakes are carried through with the helpers' results.

use std::net::SocketAddr;

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::DECAPS_WITH_HELPER_MAX;
use super::connection::{Caller, Connection};
use crate::crypto::rsa::MODULUS_BYTES;
use crate::crypto::{KeyId, KeyKind, VerifyingKey};
use crate::domain::AccountId;
use crate::service::lines::Line;
use crate::service::party::{Party, Prefix};
use crate::service::{ConnectionId, Job, Service};
use crate::session::{CloseReason, Fault, KeySlot, ServerEnv, ServerEvent, ServerSession};
use crate::time::Now;

impl Service {
    /// Somebody connected: taken in if there is a place, else told that there is none.
    pub(in crate::service) fn take_in(
        &mut self,
        id: ConnectionId,
        address: SocketAddr,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) {
        self.door.touched.insert(id);
        if self.shutting_down {
            return;
        }
        let connection = Connection::new(address, ServerSession::new(), now.mono);
        let prefix = connection.prefix();
        let has_place = self.make_place(prefix);
        self.door.connections.insert(id, connection);
        self.door.shares.by_prefix.insert(prefix, id);
        self.door.shares.unauthenticated.insert(prefix, id);
        self.schedule(id);
        if has_place {
            tracing::debug!(connection = %id, %address, "connected");
        } else {
            tracing::debug!(connection = %id, %address, "connection refused: there are too many");
            self.with_env(id, now, rng, |connection, env| {
                connection.session.refuse_busy(env);
                connection.ending = true;
            });
        }
    }

    /// Whether there is a place for one more from this network. Where those who have not authenticated take it, one of
    /// them goes: whoever says nothing keeps nobody out.
    fn make_place(&mut self, prefix: Prefix) -> bool {
        let limits = &self.limits;
        let (all, of_prefix) = (limits.connections_max, limits.connections_per_prefix_max);
        let unauthenticated = limits.connections_unauthenticated_max;
        let counted = of_prefix > 0 && !prefix.is_loopback();
        if counted
            && self.door.shares.by_prefix.count(prefix) as u64 >= of_prefix
            && !self.drop_silent(prefix)
        {
            return false;
        }
        if self.door.shares.unauthenticated.len() as u64 >= unauthenticated
            && let Some(largest) = self.door.shares.unauthenticated.largest()
            && !self.drop_silent(largest)
        {
            let oldest = self.door.shares.unauthenticated.of(largest).next();
            tracing::debug!(connection = oldest.map(|id| id.0), "closed: too many have not authenticated");
            oldest.into_iter().for_each(|oldest| self.forget(oldest));
        }
        if (self.door.connections.len() as u64) < all {
            return true;
        }
        self.door.shares.unauthenticated.largest().is_some_and(|largest| self.drop_silent(largest))
    }

    /// Closes the oldest connection from a network that has not sent a whole frame; false when there is none.
    fn drop_silent(&mut self, prefix: Prefix) -> bool {
        let is_silent = |id: &ConnectionId| self.door.connections.get(id).is_some_and(Connection::is_silent);
        let Some(oldest) = self.door.shares.unauthenticated.of(prefix).find(is_silent) else { return false };
        tracing::debug!(connection = %oldest, "closed: it said nothing, and others wait");
        self.forget(oldest);
        true
    }

    /// A connection is gone; what its commands lead to is decided no more.
    pub(in crate::service) fn forget(&mut self, id: ConnectionId) {
        self.door.touched.insert(id);
        let Some(connection) = self.door.connections.remove(&id) else { return };
        self.door.deadlines.forget(id);
        let prefix = connection.prefix();
        self.door.shares.by_prefix.remove(prefix, id);
        self.door.shares.unauthenticated.remove(prefix, id);
        self.door.shares.by_account.remove(connection.account(), id);
        self.door.shares.input_bytes = self.door.shares.input_bytes.saturating_sub(connection.input_bytes);
        let party = connection.party();
        // Of those that a helper has, it is seen later that they belong to nobody.
        let waiting = self.checks.retain(party, |check| check.connection != id) as u64;
        self.checks_under_way = self.checks_under_way.saturating_sub(waiting);
        let bytes = connection.commands.iter().map(|command| command.bytes).sum();
        self.commands_ended(party, connection.commands.len() as u64, bytes);
        self.verifications.forget(id);
        self.following.forget(id);
        if connection.present {
            self.presence.gone(connection.account(), id);
        }
        self.door
            .handshakes
            .retain(prefix, |job| !matches!(job, Job::Decap { connection, .. } if *connection == id));
        self.door.leaving.remove(&id);
        tracing::debug!(connection = %id, account = %connection.account(), "disconnected");
    }

    /// Ends a connection whose other side broke the rules; what is in its output still goes out.
    pub(in crate::service) fn end(&mut self, id: ConnectionId, why: &str) {
        self.door.touched.insert(id);
        if let Some(connection) = self.door.connections.get_mut(&id) {
            tracing::debug!(connection = %id, why, "ending the connection");
            connection.ending = true;
            connection.clear_inbox();
            self.door.to_close.push(id);
        }
        self.note_input(id);
    }

    /// Ends a connection for the room that it takes.
    pub(in crate::service) fn displace(&mut self, id: ConnectionId, why: &str, now: Now) {
        if let Some(connection) = self.door.connections.get(&id)
            && self.lines.take(connection.party(), Line::Displaced, now.mono)
        {
            let account = connection.account();
            tracing::warn!(connection = %id, %account, address = %connection.address, why, "connection closed");
        }
        self.end(id, why);
    }

    /// Bytes arrived.
    pub(in crate::service) fn read(
        &mut self,
        id: ConnectionId,
        bytes: &[u8],
        now: Now,
        rng: &mut dyn CryptoRng,
    ) {
        if let Some(connection) = self.door.connections.get(&id) {
            self.door.shares.note_read(connection.party(), bytes.len());
        }
        self.advance(id, now, rng, |session, env| session.receive(bytes, env));
    }

    /// A helper took the secret out of a hello.
    pub(in crate::service) fn decapped(
        &mut self,
        id: ConnectionId,
        secret: &Zeroizing<[u8; 32]>,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) {
        self.door.decaps_with_helper = self.door.decaps_with_helper.saturating_sub(1);
        self.start_decaps();
        self.advance(id, now, rng, |session, env| session.decapped(secret, env));
    }

    /// A helper checked a client's signature over the handshake.
    pub(in crate::service) fn client_verified(
        &mut self,
        id: ConnectionId,
        key: Option<VerifyingKey>,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) {
        let valid = key.is_some();
        // Its owner's first command finds it ready. The next authentication does not look here.
        key.into_iter().for_each(|key| self.keys.keep(key));
        self.advance(id, now, rng, |session, env| session.client_auth_verified(valid, env));
    }

    /// Lets a session work, and carries out what it says.
    fn advance(
        &mut self,
        id: ConnectionId,
        now: Now,
        rng: &mut dyn CryptoRng,
        work: impl FnOnce(&mut ServerSession, &mut ServerEnv<'_>),
    ) {
        if self.door.connections.get(&id).is_none_or(|connection| connection.ending) {
            return;
        }
        let events = self.with_env(id, now, rng, |connection, env| {
            work(&mut connection.session, env);
            connection.received(now.mono);
            std::iter::from_fn(|| connection.session.poll_event()).collect::<Vec<_>>()
        });
        for event in events.unwrap_or_default() {
            self.session_event(id, event, now, rng);
        }
        self.note_input(id);
        self.await_turn(id);
        self.bound_input(now);
    }

    fn session_event(&mut self, id: ConnectionId, event: ServerEvent, now: Now, rng: &mut dyn CryptoRng) {
        match event {
            ServerEvent::Decap { slot, ciphertext } => self.queue_decap(id, slot, ciphertext, now, rng),
            ServerEvent::VerifyClientAuth { account, key_id, signed, signature } => {
                let (key, known) = self.claimed_key(AccountId(account), &key_id, signature.len());
                self.jobs.push(Job::VerifyClient { connection: id, key, known, signed, signature });
            }
            ServerEvent::Opened { account, resumed } => self.opened(id, account, resumed, now),
            ServerEvent::Message(message) => {
                if let Some(connection) = self.door.connections.get_mut(&id) {
                    connection.push_message(message);
                }
            }
            ServerEvent::GetKey | ServerEvent::Pong(_) => {}
            ServerEvent::Closed(reason) => self.session_closed(id, reason, now),
        }
    }

    /// The key that a client claims to hold, and whether it is a standing one of the account. Where it is not, or where no
    /// signature of its kind has that length, another key of the kind takes its place: the check takes as long, and fails.
    fn claimed_key(&self, account: AccountId, key_id: &KeyId, signature_bytes: usize) -> (Vec<u8>, bool) {
        let key = self.ledger.replica().state().key(account, key_id);
        let key = key.filter(|key| key.stands() && key.kind().signature_bytes() == signature_bytes);
        match key {
            Some(key) => (key.spki.clone(), true),
            None if signature_bytes == KeyKind::Ed25519.signature_bytes() => (self.door.decoy.clone(), false),
            None => (self.door.identity.current().encryption_key().spki().to_vec(), false),
        }
    }

    /// Puts a hello into the fair queue, or turns it away if that is full.
    fn queue_decap(
        &mut self,
        id: ConnectionId,
        slot: KeySlot,
        ciphertext: Box<[u8; MODULUS_BYTES]>,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) {
        let Some(prefix) = self.door.connections.get(&id).map(Connection::prefix) else { return };
        if self.door.handshakes.len() as u64 >= self.limits.handshakes_waiting_max {
            tracing::debug!(connection = %id, %prefix, "busy: too many handshakes wait");
            return self.advance(id, now, rng, |session, env| session.refuse_busy(env));
        }
        self.door.handshakes.push(prefix, Job::Decap { connection: id, slot, ciphertext });
        self.start_decaps();
    }

    /// Gives waiting handshakes to the private lane.
    fn start_decaps(&mut self) {
        while self.door.decaps_with_helper < DECAPS_WITH_HELPER_MAX {
            let Some((_, job)) = self.door.handshakes.pop() else { break };
            self.door.decaps_with_helper += 1;
            self.jobs.push(job);
        }
    }

    /// The channel is open. On a resumption the account is looked at again: a key may have gone meanwhile.
    fn opened(&mut self, id: ConnectionId, account: Option<(u64, KeyId)>, resumed: bool, now: Now) {
        let caller = match account {
            None => Caller::Anonymous,
            Some((account, key_id)) => {
                let account = AccountId(account);
                if !self.ledger.replica().state().stands(account, &key_id) {
                    self.door.tickets.revoke_key(account.0, &key_id);
                    return self.end(id, "the key has ended");
                }
                let signed = self.door.connections.get(&id).and_then(|open| open.session.authenticated_at());
                if resumed && signed.is_some_and(|signed| self.door.tickets.is_over(account.0, signed)) {
                    return self.end(id, "the sessions of its account were ended");
                }
                Caller::Member(account, key_id)
            }
        };
        let most = self.limits.connections_per_account_max;
        let Some(connection) = self.door.connections.get_mut(&id) else { return };
        if let Caller::Member(account, _) = caller
            && most > 0
            && self.door.shares.by_account.count(account) as u64 >= most
        {
            // Its owner learns it from the answer to the first request; until then it takes the place of a stranger.
            connection.in_excess = true;
            return;
        }
        connection.opened(caller, now.mono);
        let (prefix, address) = (connection.prefix(), connection.address);
        self.schedule(id);
        let handshakes = &mut self.counters.handshakes;
        if resumed {
            handshakes.resumed += 1
        } else {
            handshakes.full += 1
        }
        if let Caller::Member(account, _) = caller {
            self.door.shares.unauthenticated.remove(prefix, id);
            self.door.shares.by_account.insert(account, id);
            self.note_session(account, resumed);
            if self.lines.take(Party::Member(account), Line::Opened, now.mono) {
                tracing::info!(connection = %id, %address, %account, resumed, "session open");
            }
        } else {
            tracing::debug!(connection = %id, %address, "anonymous session open");
        }
    }

    fn session_closed(&mut self, id: ConnectionId, reason: CloseReason, now: Now) {
        let Some(connection) = self.door.connections.get_mut(&id) else { return };
        connection.ending = true;
        let (party, address) = (connection.party(), connection.address);
        let failed = match reason {
            // A ticket from before a restart, or a key from before a rotation, is nothing that anybody did wrong.
            CloseReason::Failed(Fault::UnknownTicket | Fault::Unsupported, _) => None,
            CloseReason::Failed(_, stage) if connection.caller == Caller::Unknown => Some(stage),
            _ => None,
        };
        if let Some(stage) = failed {
            self.counters.handshakes.failed += 1;
            if self.lines.take(party, Line::Failed, now.mono) {
                tracing::warn!(connection = %id, %address, "handshake failed at stage {}", stage as u8);
            }
        }
    }
}
