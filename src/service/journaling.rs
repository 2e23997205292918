//! What the service notes in the journal, and looks into it. The journal is the server's own record of log-ins, refusals and
//! questions; together with the log it has all that members have asked for. Nothing waits for it, and what fails of it is told
//! in the daemon's log and changes nothing else.

use std::io;
use std::sync::Arc;

use super::answers::lacks_role;
use super::job::LookIntoJournal;
use super::{ConnectionId, Job, Service};
use crate::domain::{AccountId, Fact, Role};
use crate::journal::{
    Code, PURCHASE_KEY_GIVEN, Page, QUESTIONS_FROM, REQUESTS_FROM, Read, SESSION_OPENED, SESSION_RESUMED,
    of_refusal,
};
use crate::refusal;
use crate::time::Now;
use crate::wire::{JournalLine, JournalPage, ReceiptOf, Refusal, Reply, Request};

/// Looks into the journal that wait for a helper, or are with one, at most.
const LOOKS_MAX: u32 = 16;

impl Service {
    /// Notes that a member opened a session.
    pub(super) fn note_session(&mut self, account: AccountId, resumed: bool) {
        self.journal.note(account.0, if resumed { SESSION_RESUMED } else { SESSION_OPENED }, 0);
    }

    /// Notes a member's question. What a stranger asks is nobody's, and commands stand in the log or are refused.
    pub(super) fn note_question(&mut self, account: AccountId, request: &Request<'_>) {
        if account == AccountId::NONE {
            return;
        }
        if let Some((code, about)) = code_of(request) {
            self.journal.note(account.0, code, about.0);
        }
    }

    /// Notes that an agent was given the key of the texts of a customer's purchase.
    pub(super) fn note_purchase_key(&mut self, account: AccountId, purchase: u64) {
        self.journal.note(account.0, PURCHASE_KEY_GIVEN, purchase);
    }

    /// Notes a refusal, whoever was refused.
    pub(super) fn note_refusal(&mut self, account: AccountId, refusal: &Refusal) {
        let about = refusal.number(Fact::Account).unwrap_or_default();
        self.journal.note(account.0, of_refusal(&refusal.name), about);
    }

    /// Has a helper write what was noted, when it is time.
    pub(super) fn write_journal(&mut self) {
        if let Some(write) = self.journal.write_if_due() {
            self.jobs.push(Job::WriteJournal { storage: Arc::clone(&self.storage), write });
        }
    }

    /// Takes word from a helper of what it had to write. What it could not write is lost, and counted.
    pub(super) fn journal_written(&mut self, written: Result<(), (u64, io::Error)>) {
        match written {
            Ok(()) => self.journal.written(),
            Err((records, error)) => {
                if self.journal.failed(records) {
                    tracing::warn!(%error, records, "the journal could not be written; it rests for a minute");
                }
            }
        }
    }

    /// Has a helper look into the journal, for an operator or an agent.
    pub(super) fn look_into_journal(
        &mut self,
        (connection, request): (ConnectionId, u32),
        account: AccountId,
        read: Read,
        now: Now,
    ) {
        let state = self.ledger.replica().state();
        let roles = [Role::Operator, Role::Agent];
        if !roles.iter().any(|role| state.has_role(account, *role)) {
            return self.hold(connection, request, lacks_role());
        }
        if let Some(needed) = self.factor_for_question(connection, (account, &roles), now) {
            return self.hold(connection, request, Reply::Refused(needed));
        }
        if self.journal_looks >= LOOKS_MAX {
            let sentence = "others look into the journal at the moment; try again";
            let refusal = Refusal::fail(refusal::BUSY, sentence);
            return self.hold_durable(connection, request, Reply::Refused(refusal));
        }
        // Whoever looks sees what was noted until now: one thread does both, one after the other.
        if let Some(write) = self.journal.write_now() {
            self.jobs.push(Job::WriteJournal { storage: Arc::clone(&self.storage), write });
        }
        self.journal_looks += 1;
        let storage = Arc::clone(&self.storage);
        self.jobs.push(Job::ReadJournal(LookIntoJournal { storage, connection, request, read }));
    }

    /// Answers who looks into the journal.
    pub(super) fn journal_read(&mut self, connection: ConnectionId, request: u32, page: io::Result<Page>) {
        self.journal_looks = self.journal_looks.saturating_sub(1);
        let reply = match page {
            Ok(page) => Reply::Journal(self.journal_page(page)),
            Err(error) => {
                tracing::warn!(%error, "the journal could not be read");
                let sentence = format!("the journal could not be read: {error}");
                Reply::Refused(Refusal::fail(refusal::UNREADABLE, sentence))
            }
        };
        self.hold(connection, request, reply);
    }

    fn journal_page(&self, page: Page) -> JournalPage {
        let state = self.ledger.replica().state();
        let lines = page.records.into_iter().map(|record| {
            let account = AccountId(record.account);
            JournalLine {
                time_ms: record.time_ms,
                account,
                handle: state.handle(account).unwrap_or_default().to_owned(),
                code: record.code,
                count: record.count,
                about: AccountId(record.about),
            }
        });
        JournalPage { lines: lines.collect(), next: page.next }
    }
}

/// The code of a question, and the account that it is about; none of a command.
fn code_of(request: &Request<'_>) -> Option<(Code, AccountId)> {
    let nobody = AccountId::NONE;
    let (number, about) = match request {
        Request::Submit(_) | Request::SubmitWith { .. } => return None,
        Request::Ask(query) => {
            let (number, about) = query.noted();
            return Some((QUESTIONS_FROM + number, AccountId(about)));
        }
        Request::Follow { .. } => (2, nobody),
        Request::Copy { .. } => (3, nobody),
        Request::Receipt(ReceiptOf::Registration(account)) => (4, *account),
        Request::Receipt(_) => (4, nobody),
        Request::Inclusions { .. } => (5, nobody),
        Request::Consistency { .. } => (6, nobody),
        Request::Checkpoint => (7, nobody),
        Request::Cosigned(_) => (8, nobody),
        Request::Cosign { .. } => (9, nobody),
        Request::Whoami => (10, nobody),
        Request::Status => (11, nobody),
        Request::Verify => (12, nobody),
        Request::Announce { .. } => (13, nobody),
        Request::Online { .. } => (14, nobody),
        Request::Locate(account) => (15, *account),
        Request::ScopeKeys(_) => (17, nobody),
        Request::Erasure(account) => (18, *account),
        Request::PasswordRegister { .. } => (19, nobody),
        Request::PasswordStart { .. } => (20, nobody),
        Request::PasswordFinish { .. } => (21, nobody),
        Request::Recover { .. } => (22, nobody),
        Request::LogOut { .. } => (23, nobody),
        Request::Journal { account, .. } => (24, account.unwrap_or(nobody)),
        Request::SecondFactorBegin { .. } => (25, nobody),
        Request::SecondFactor(_) => (26, nobody),
    };
    Some((REQUESTS_FROM + number, about))
}
