//! Sessions that end because a command took away what they were opened with: a key that has ended, a role, or
//! the account itself.
//!
//! Their tickets and follows go at once, and nothing more is read from them. What was under way is still answered, because
//! whoever asked for it could not find out otherwise what became of it; then the session is closed.

use super::door::Caller;
use super::{ConnectionId, Service};
use crate::crypto::KeyId;
use crate::domain::{AccountId, EndsSessions};
use crate::refusal;
use crate::time::Now;
use crate::wire::{Refusal, Reply};

impl Service {
    /// A command that ends sessions was accepted.
    pub(super) fn end_sessions(
        &mut self,
        whose: EndsSessions,
        (id, author): (ConnectionId, AccountId),
        now: Now,
    ) {
        match whose {
            EndsSessions::OfAccount(account) => {
                self.door.tickets.revoke_account(account.0, now.mono);
                let why = match self.ledger.replica().state().erased_at(account) {
                    Some(block) => {
                        Refusal::fail(refusal::ERASED, format!("the account was erased by block {block}"))
                    }
                    None => Refusal::fail(
                        refusal::NO_PERMISSION,
                        "a role or the second factor was taken away from the account",
                    ),
                };
                self.ask_no_more(account, why, |_, _| true);
            }
            EndsSessions::OthersOfAuthor => {
                self.door.tickets.revoke_account(author.0, now.mono);
                let why = Refusal::fail(refusal::NO_PERMISSION, "the password of the account has changed");
                self.ask_no_more(author, why, |other, _| other != id);
            }
            EndsSessions::OfKey(key_id) => {
                let Some(account) = self.ledger.replica().state().owner_of_key(&key_id) else { return };
                self.door.tickets.revoke_key(account.0, &key_id);
                let why = Refusal::fail(refusal::KEY_ENDED, "the key of this session has ended");
                self.ask_no_more(account, why, |_, key| key == key_id);
            }
        }
    }

    /// A member comes back with a key only: the tickets of the key of this session are forgotten, or those of all of its keys,
    /// and then its other sessions end as well.
    pub(super) fn log_out(&mut self, id: ConnectionId, account: AccountId, all: bool, now: Now) {
        if all {
            self.door.tickets.revoke_account(account.0, now.mono);
            let why = Refusal::fail(refusal::NO_PERMISSION, "the account was logged out everywhere");
            return self.ask_no_more(account, why, |other, _| other != id);
        }
        let caller = self.door.connections.get(&id).map(|connection| connection.caller);
        if let Some(Caller::Member(account, key_id)) = caller {
            self.door.tickets.revoke_key(account.0, &key_id);
        }
    }

    fn ask_no_more(&mut self, account: AccountId, why: Refusal, goes: impl Fn(ConnectionId, KeyId) -> bool) {
        let ids: Vec<ConnectionId> = self.door.shares.by_account.of(account).collect();
        for id in ids {
            let Some(connection) = self.door.connections.get_mut(&id) else { continue };
            if matches!(connection.caller, Caller::Member(_, key_id) if goes(id, key_id)) {
                connection.clear_inbox();
                self.end_follows(id, &why);
                self.door.leaving.insert(id);
                self.note_input(id);
            }
        }
    }

    /// Tells the followers on a connection why they are sent nothing more.
    fn end_follows(&mut self, id: ConnectionId, why: &Refusal) {
        for request in self.following.requests_of(id) {
            self.hold_durable(id, request, Reply::Refused(why.clone()));
        }
        self.following.forget(id);
    }

    /// Whether nothing more is read from a connection, because its session ends.
    pub(super) fn is_leaving(&self, id: ConnectionId) -> bool {
        self.door.leaving.contains(&id)
    }

    /// Closes those of them on which nothing is under way any more.
    pub(super) fn close_leaving(&mut self) {
        let is_done = |id: &ConnectionId| {
            let connection = self.door.connections.get(id);
            connection.is_none_or(|connection| connection.commands.is_empty() && connection.held_bytes == 0)
        };
        let done: Vec<ConnectionId> = self.door.leaving.iter().copied().filter(is_done).collect();
        for id in done {
            self.door.leaving.remove(&id);
            self.end(id, "what its session was opened with has been taken away");
        }
    }
}
