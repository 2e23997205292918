//! From a message to its answer: decodes the request and asks the ledger.

use super::commands::not_authenticated;
use super::connection::{Connection, Peer};
use super::lines::Line;
use super::party::Party;
use super::turns::CHECKPOINT_WORK;
use super::verification::Asker;
use super::{ConnectionId, Service};
use crate::audit::{AuditError, Report};
use crate::domain::AccountId;
use crate::time::Now;
use crate::wire::{self, CheckpointNote, Progress, Refusal, Reply, Request, Whoami};

impl Service {
    /// Answers one message, or has its answer come later.
    pub(super) fn dispatch(&mut self, id: ConnectionId, message: &[u8], now: Now) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        connection.messages += 1;
        let (anonymous, in_excess) = (connection.peer == Peer::Anonymous, connection.in_excess);
        let account = connection.account();
        if anonymous && connection.messages > self.limits.anonymous_messages_max {
            return self.end(id, "an anonymous session asked too often");
        }
        let Ok((request_id, request)) = wire::open::<Request<'_>>(message) else {
            return self.end(id, "a message is not canonical");
        };
        if request_id == 0 {
            return self.end(id, "a request has the id of pushes");
        }
        if in_excess {
            let most = self.limits.connections_per_account_max;
            let sentence = format!("this account has {most} connections, which is as many as it may have");
            self.hold_durable(id, request_id, Reply::Refused(Refusal::fail("busy", sentence)));
            return self.end(id, "its account has as many connections as it may have");
        }
        match (request, anonymous) {
            (Request::Submit(submission), _) => self.submit(id, request_id, submission, now),
            (Request::Checkpoint, _) => {
                let (_, note) = self.hand_out_note();
                self.hold_durable(id, request_id, Reply::Checkpoint(CheckpointNote { note }));
            }
            (Request::Inclusion { index, size }, _) => self.inclusion(id, request_id, index, size),
            (Request::Consistency { old_size, size }, _) => {
                self.consistency(id, request_id, old_size, size);
            }
            (
                Request::Copy { .. }
                | Request::Verify
                | Request::Status
                | Request::Whoami
                | Request::Receipt(_)
                | Request::Cosign { .. }
                | Request::Balance
                | Request::Statement { .. }
                | Request::Member(_)
                | Request::Announce { .. }
                | Request::Online { .. }
                | Request::Locate(_)
                | Request::Registration(_),
                true,
            ) => {
                self.hold_durable(id, request_id, not_authenticated());
            }
            (Request::Copy { from, limit }, false) => self.copy(id, request_id, account, from, limit),
            (Request::Cosigned(keys), _) => {
                self.work += CHECKPOINT_WORK;
                self.hold_cosigned(id, request_id, &keys);
            }
            (Request::Cosign { size, vkey, line }, false) => {
                self.work += CHECKPOINT_WORK;
                let reply = self.cosign(account, size, vkey, line, now);
                match reply {
                    // Whether there is a place may have been decided in the open batch.
                    Reply::Refused(_) => self.hold(id, request_id, reply),
                    _ => self.hold_durable(id, request_id, reply),
                }
            }
            (Request::Balance, false) => {
                let reply = self.balance(account);
                self.hold(id, request_id, reply);
            }
            (Request::Statement { from, limit }, false) => {
                self.statement(id, request_id, account, from, limit);
            }
            (Request::Member(handle), false) => {
                let reply = self.member(handle);
                self.hold(id, request_id, reply);
            }
            (Request::Announce { address, hidden }, false) => {
                let reply = self.announce(id, request_id, account, address, hidden);
                self.hold_durable(id, request_id, reply);
            }
            (Request::Online { from, limit }, false) => {
                let reply = self.online(from, limit);
                self.hold_durable(id, request_id, reply);
            }
            (Request::Locate(account), false) => {
                let reply = self.locate(account);
                self.hold_durable(id, request_id, reply);
            }
            (Request::Registration(of), false) => self.registration(id, request_id, Some(of)),
            (Request::RegistrationOfKey(key_id), _) => {
                let of = self.ledger.replica().state().owner_of_key(&key_id);
                self.registration(id, request_id, of);
            }
            (Request::Receipt(of), false) => self.receipt(id, request_id, account, of),
            (Request::Verify, false) => {
                let asker = Asker { account, connection: id, request: request_id };
                if let Err(refusal) = self.verifications.ask(asker) {
                    self.hold_durable(id, request_id, Reply::Refused(refusal));
                }
            }
            (Request::Status, false) => {
                let status = Reply::Status(self.figures(now));
                self.hold(id, request_id, status);
            }
            (Request::Whoami, false) => {
                let reply = self.whoami(account);
                self.hold(id, request_id, reply);
            }
        }
    }

    fn whoami(&self, account: AccountId) -> Reply {
        let replica = self.ledger.replica();
        let state = replica.state();
        let (Some(handle), Some(registered_at)) = (state.handle(account), state.registered_at(account))
        else {
            return not_authenticated();
        };
        let tally = state.orders_of(account);
        Reply::Whoami(Whoami {
            account,
            handle: handle.to_owned(),
            registered_at,
            orders_buy: tally.buy,
            orders_sell: tally.sell,
            last_block: replica.past().own(account).last().copied(),
        })
    }

    /// Tells those who wait for it how far the verification is. Who has not taken the last push is told by a later one.
    pub(super) fn log_progress(&mut self, done: u64, total: u64) {
        for asker in self.verifications.next_to_tell() {
            let connection = self.connections.get(&asker.connection);
            if connection.is_some_and(Connection::has_taken_all) {
                let progress = Reply::Progress(Progress { done, total });
                self.hold_durable(asker.connection, asker.request, progress);
            }
        }
    }

    /// Answers a verification.
    pub(super) fn log_verified(&mut self, report: Result<Box<Report>, AuditError>, now: Now) {
        let (askers, reply) = match report {
            Ok(report) => {
                let Some((askers, verdict)) = self.verifications.finish(*report) else { return };
                let asker = askers.first().map(|asker| Party::Member(asker.account));
                let quiet = verdict.findings_total == 0;
                if !quiet || asker.is_none_or(|asker| self.lines.take(asker, Line::Verified, now.mono)) {
                    tracing::info!(
                        blocks = verdict.blocks,
                        findings = verdict.findings_total,
                        "log verified"
                    );
                }
                (askers, Reply::Verification(verdict))
            }
            // Nobody waits for it any more.
            Err(AuditError::Cancelled) => {
                self.verifications.abandon();
                return;
            }
            Err(error) => {
                tracing::warn!(%error, "the log could not be verified");
                let reply =
                    Reply::Refused(Refusal::fail("unreadable", "the log could not be read to its end"));
                (self.verifications.abandon(), reply)
            }
        };
        for asker in askers {
            self.hold_durable(asker.connection, asker.request, reply.clone());
        }
    }
}
