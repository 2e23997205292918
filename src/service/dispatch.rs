//! From a message to its answer: decodes the request and asks the ledger.

use serde_bytes::ByteBuf;

use super::commands::not_authenticated;
use super::connection::Peer;
use super::{ConnectionId, Service};
use crate::audit::{AuditError, Report};
use crate::domain::AccountId;
use crate::eventlog;
use crate::time::Now;
use crate::wire::{
    self, COPY_PAGE_BYTES_MAX, CheckpointNote, CopyPage, Mode, Progress, Refusal, Reply, Request, Status,
    Whoami,
};

impl Service {
    /// Works through the messages that a connection sent, as long as their answers have room.
    pub(super) fn run_inbox(&mut self, id: ConnectionId, now: Now) {
        while let Some(connection) = self.connections.get_mut(&id) {
            if connection.ending || !connection.has_room(&self.limits) {
                break;
            }
            let Some(message) = connection.inbox.pop_front() else { break };
            self.touched.insert(id);
            self.dispatch(id, &message, now);
        }
    }

    fn dispatch(&mut self, id: ConnectionId, message: &[u8], now: Now) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        connection.messages += 1;
        let anonymous = connection.peer == Peer::Anonymous;
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
        match (request, anonymous) {
            (Request::Submit(submission), _) => self.submit(id, request_id, submission, now),
            (Request::Checkpoint, _) => {
                self.sign_checkpoint();
                let note = self.checkpoint_note.1.clone();
                self.hold(id, request_id, Reply::Checkpoint(CheckpointNote { note }));
            }
            (Request::Inclusion { index, size }, _) => {
                let proof = self.ledger.inclusion(index, size).map(Reply::Inclusion);
                self.hold(id, request_id, proof.unwrap_or_else(|_| no_such_proof()));
            }
            (Request::Consistency { old_size, size }, _) => {
                let proof = self.ledger.consistency(old_size, size).map(Reply::Consistency);
                self.hold(id, request_id, proof.unwrap_or_else(|_| no_such_proof()));
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
                self.hold(id, request_id, not_authenticated());
            }
            (Request::Copy { from, limit }, false) => self.copy(id, request_id, account, from, limit),
            (Request::Cosigned(keys), _) => self.hold_cosigned(id, request_id, &keys),
            (Request::Cosign { size, vkey, line }, false) => {
                let reply = self.cosign(account, size, vkey, line, now);
                self.hold(id, request_id, reply);
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
                let reply = self.announce(id, account, address, hidden);
                self.hold(id, request_id, reply);
            }
            (Request::Online { from, limit }, false) => {
                let reply = self.online(from, limit);
                self.hold(id, request_id, reply);
            }
            (Request::Locate(account), false) => {
                let reply = self.locate(account);
                self.hold(id, request_id, reply);
            }
            (Request::Registration(of), false) => self.registration(id, request_id, Some(of)),
            (Request::RegistrationOfKey(key_id), _) => {
                let of = self.ledger.replica().state().accounts.by_key(&key_id);
                self.registration(id, request_id, of);
            }
            (Request::Receipt(of), false) => self.receipt(id, request_id, account, of),
            (Request::Verify, false) => self.verifications.ask((id, request_id)),
            (Request::Status, false) => {
                let status = Reply::Status(self.status(now));
                self.hold(id, request_id, status);
            }
            (Request::Whoami, false) => {
                let reply = self.whoami(account);
                self.hold(id, request_id, reply);
            }
        }
    }

    /// One page of the caller's own blocks.
    fn copy(&mut self, id: ConnectionId, request: u32, account: AccountId, from: u64, limit: u64) {
        let mut blocks = Vec::new();
        let mut bytes = 0;
        let visited = self.ledger.own_blocks(account, from, &mut |block| {
            let fits = blocks.is_empty() || bytes + block.len() <= COPY_PAGE_BYTES_MAX;
            if fits && (blocks.len() as u64) < limit {
                bytes += block.len();
                blocks.push(ByteBuf::from(block));
                true
            } else {
                false
            }
        });
        match visited {
            Ok(next) => self.hold(id, request, Reply::CopyPage(CopyPage { blocks, next })),
            Err(error) => {
                self.fatal.get_or_insert(error);
            }
        }
    }

    fn status(&self, now: Now) -> Status {
        let committed = self.ledger.committed();
        let figures = self.ledger.log().figures();
        let state = self.ledger.replica().state();
        Status {
            blocks: committed.size,
            head: committed.head,
            accounts: state.accounts.count(),
            orders: state.orders.count(),
            segments: figures.segments,
            bytes_written: figures.bytes_written,
            log_bytes: figures.log_bytes,
            batches: figures.batches,
            syncs: figures.syncs,
            connections: self.connections.len() as u64,
            handshakes: self.counters.handshakes,
            accepted: self.counters.accepted,
            refused: self.counters.refused,
            duplicate: self.counters.duplicate,
            mode: match self.ledger.log().mode() {
                eventlog::Mode::ReadWrite => Mode::ReadWrite,
                eventlog::Mode::ReadOnly { reason } => Mode::ReadOnly(reason.to_string()),
            },
            resident_bytes: self.process.resident_bytes,
            cpu_us: self.process.cpu_us,
            uptime_us: now.mono.0.as_micros() as u64,
        }
    }

    fn whoami(&self, account: AccountId) -> Reply {
        let replica = self.ledger.replica();
        let Some(member) = replica.state().accounts.get(account) else { return not_authenticated() };
        let tally = replica.state().orders.tally(account);
        Reply::Whoami(Whoami {
            account,
            handle: member.handle.clone(),
            registered_at: member.registered_at,
            orders_buy: tally.buy,
            orders_sell: tally.sell,
            last_block: replica.blocks_of(account).last().copied(),
        })
    }

    /// Tells everybody who waits for it how far the verification is.
    pub(super) fn log_progress(&mut self, done: u64, total: u64) {
        for (id, request) in self.verifications.askers().to_vec() {
            self.hold(id, request, Reply::Progress(Progress { done, total }));
        }
    }

    /// Answers a verification.
    pub(super) fn log_verified(&mut self, report: Result<Box<Report>, AuditError>) {
        let (askers, reply) = match report {
            Ok(report) => {
                let Some((askers, verdict)) = self.verifications.finish(*report) else { return };
                tracing::info!(blocks = verdict.blocks, findings = verdict.findings_total, "log verified");
                (askers, Reply::Verification(verdict))
            }
            Err(error) => {
                tracing::warn!(%error, "the log could not be verified");
                let reply =
                    Reply::Refused(Refusal::fail("unreadable", "the log could not be read to its end"));
                (self.verifications.abandon(), reply)
            }
        };
        for (id, request) in askers {
            self.hold(id, request, reply.clone());
        }
    }
}

fn no_such_proof() -> Reply {
    Reply::Refused(Refusal::fail("no_such_proof", "there is no such block or tree to prove"))
}
