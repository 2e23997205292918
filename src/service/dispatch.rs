//! From a message to its answer: decodes the request and asks the ledger.

use rand_core::CryptoRng;

use super::commands::not_authenticated;
use super::door::{Caller, Connection};
use super::lines::Line;
use super::party::Party;
use super::turns::CHECKPOINT_WORK;
use super::verification::Asker;
use super::{ConnectionId, Service};
use crate::audit::{AuditError, Report};
use crate::journal;
use crate::refusal;
use crate::time::Now;
use crate::wire::{self, CheckpointNote, Progress, Push, ReceiptOf, Refusal, Reply, Request};

impl Service {
    /// Answers one message, or has its answer come later.
    pub(super) fn dispatch(&mut self, id: ConnectionId, message: &[u8], now: Now, rng: &mut dyn CryptoRng) {
        let Some(connection) = self.door.connections.get_mut(&id) else { return };
        connection.messages += 1;
        let (anonymous, in_excess) = (connection.caller == Caller::Anonymous, connection.in_excess);
        let account = connection.account();
        if anonymous && connection.messages > connection.anonymous_messages_max(&self.limits) {
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
            self.hold_durable(id, request_id, Reply::Refused(Refusal::fail(refusal::BUSY, sentence)));
            return self.end(id, "its account has as many connections as it may have");
        }
        if anonymous && needs_account(&request) {
            return self.hold_durable(id, request_id, not_authenticated());
        }
        self.note_question(account, &request);
        match request {
            Request::Submit(submission) => self.submit(id, request_id, (submission, &[]), now),
            Request::SubmitWith { submission, side } => self.submit(id, request_id, (submission, side), now),
            Request::Ask(query) => self.ask(id, request_id, (account, &query), now),
            Request::Follow { from, of } => self.follow(id, request_id, account, (from, of), now),
            Request::Copy { from, limit, concerning } => {
                self.copy(id, request_id, account, (from, limit, concerning));
            }
            Request::Receipt(of) => self.receipt((id, request_id), account, of, now),
            Request::Inclusions { size, indexes } => self.inclusions(id, request_id, size, &indexes),
            Request::Consistency { old_size, size } => {
                self.consistency(id, request_id, old_size, size);
            }
            Request::Checkpoint => {
                let (_, note) = self.hand_out_note();
                self.hold_durable(id, request_id, Reply::Checkpoint(CheckpointNote { note }));
            }
            Request::Cosigned(keys) => {
                self.work += CHECKPOINT_WORK;
                self.hold_cosigned(id, request_id, &keys);
            }
            Request::Cosign { size, vkey, line } => {
                self.work += CHECKPOINT_WORK;
                let reply = self.cosign(account, size, vkey, line, now);
                self.hold(id, request_id, reply);
            }
            Request::ScopeKeys(scopes) => {
                let reply = self.scope_keys((id, account), &scopes, now);
                self.hold(id, request_id, reply);
            }
            Request::Erasure(of) => self.erasure(id, request_id, of),
            Request::PasswordRegister { e_mail, request } => {
                self.password_register(id, request_id, (account, e_mail, request), now);
            }
            Request::PasswordStart { e_mail, ke1 } => {
                self.password_start(id, request_id, (e_mail, &ke1), now);
            }
            Request::PasswordFinish { ke3 } => self.password_finish(id, request_id, &ke3),
            Request::Recover { e_mail, shown } => {
                self.recover(id, request_id, (e_mail, &shown), now);
            }
            Request::LogOut { all } => {
                self.log_out(id, account, all, now);
                self.hold_durable(id, request_id, Reply::LoggedOut);
            }
            Request::Journal { account: of, since_ms, from, limit } => {
                let of = of.map(|account| account.0);
                let limit = usize::try_from(limit).unwrap_or(usize::MAX);
                let read = journal::Read { account: of, since_ms, from, limit };
                self.look_into_journal((id, request_id), account, read, now);
            }
            Request::SecondFactorBegin { keep_secret } => {
                self.second_factor_begin(id, request_id, (account, keep_secret), rng);
            }
            Request::SecondFactor(factor) => self.second_factor(id, request_id, factor, now, rng),
            Request::Whoami => {
                let reply = self.whoami(account);
                self.hold(id, request_id, reply);
            }
            Request::Status => {
                let status = Reply::Status(self.figures(now));
                self.hold(id, request_id, status);
            }
            Request::Verify => {
                let asker = Asker { account, connection: id, request: request_id };
                if let Err(refusal) = self.verifications.ask(asker) {
                    self.hold_durable(id, request_id, Reply::Refused(refusal));
                }
            }
            Request::Announce { address, hidden } => {
                let reply = self.announce(id, request_id, account, address, hidden);
                self.hold_durable(id, request_id, reply);
            }
            Request::Online { from, limit } => {
                let reply = self.online(from, limit);
                self.hold_durable(id, request_id, reply);
            }
            Request::Locate(account) => {
                let reply = self.locate(account);
                self.hold_durable(id, request_id, reply);
            }
        }
    }

    /// Tells those who have the log checked how far the check is. A client that has not taken the last push is told by a
    /// later one.
    pub(super) fn log_progress(&mut self, done: u64, total: u64) {
        for asker in self.verifications.next_to_tell() {
            let connection = self.door.connections.get(&asker.connection);
            if connection.is_some_and(Connection::has_taken_all) {
                let progress = Reply::Push(Push::Progress(Progress { done, total }));
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
                let reply = Reply::Refused(Refusal::fail(
                    refusal::UNREADABLE,
                    "the log could not be read to its end",
                ));
                (self.verifications.abandon(), reply)
            }
        };
        for asker in askers {
            self.hold_durable(asker.connection, asker.request, reply.clone());
        }
    }
}

/// Whether a request needs a session with an account. Whether a question of a domain does, the domain says.
fn needs_account(request: &Request<'_>) -> bool {
    match request {
        Request::Submit(_)
        | Request::SubmitWith { .. }
        | Request::Erasure(_)
        | Request::PasswordRegister { .. }
        | Request::PasswordStart { .. }
        | Request::PasswordFinish { .. }
        | Request::Recover { .. }
        | Request::SecondFactor(_)
        | Request::Ask(_)
        | Request::Receipt(ReceiptOf::Key(_))
        | Request::Inclusions { .. }
        | Request::Consistency { .. }
        | Request::Checkpoint
        | Request::Cosigned(_) => false,
        Request::Follow { .. }
        | Request::Copy { .. }
        | Request::Receipt(_)
        | Request::Cosign { .. }
        | Request::Whoami
        | Request::Status
        | Request::Verify
        | Request::Announce { .. }
        | Request::Online { .. }
        | Request::Locate(_)
        | Request::ScopeKeys(_)
        | Request::LogOut { .. }
        | Request::Journal { .. }
        | Request::SecondFactorBegin { .. } => true,
    }
}
