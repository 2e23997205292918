//! Answers to questions: those of the domains, which the domains answer, and pages of blocks. What one answer reads has a
//! bound, as what it sends has. A page that came to its bound says where the next one begins, and may be empty: whoever
//! asked goes on from there.

use serde_bytes::ByteBuf;

use super::commands::not_authenticated;
use super::{ConnectionId, Service};
use crate::domain::{self, Access, AccountId, Query};
use crate::ledger::{Reading, ReadingCost};
use crate::limits::PAGE_BYTES_MAX;
use crate::refusal;
use crate::time::Now;
use crate::wire::{CopyPage, Figure, Figures, Refusal, Reply};

/// Bytes that are read, decoded, sealed and sent in about a microsecond.
const BYTES_PER_WORK: u64 = 512;

/// What finding and reading a block takes, whatever its size.
const BLOCK_WORK: u64 = 4;

/// Lines of an account's list that are looked at in about a microsecond.
const LINES_PER_WORK: u64 = 256;

/// What a reading cost the loop.
pub(super) fn work_of(cost: ReadingCost) -> u64 {
    cost.blocks * BLOCK_WORK + cost.bytes / BYTES_PER_WORK + cost.lines / LINES_PER_WORK
}

impl Service {
    /// Has a domain answer.
    pub(super) fn ask(
        &mut self,
        id: ConnectionId,
        request: u32,
        (account, query): (AccountId, &Query<'_>),
        now: Now,
    ) {
        let state = self.ledger.replica().state();
        let may_ask = match query.access() {
            Access::Anybody => true,
            Access::Member | Access::MemberOrRole(_) => account != AccountId::NONE,
            Access::Role(role) => state.has_role(account, role),
        };
        if !may_ask {
            let reply = if account == AccountId::NONE { not_authenticated() } else { lacks_role() };
            return self.hold_durable(id, request, reply);
        }
        if let Access::Role(role) | Access::MemberOrRole(role) = query.access()
            && let Some(needed) = self.factor_for_question(id, (account, &[role]), now)
        {
            return self.hold_durable(id, request, Reply::Refused(needed));
        }
        let mut reading = self.ledger.reading();
        let reply = match domain::answer(state, &mut reading, account, query, now.wall) {
            Ok(answer) => Reply::Answer(answer),
            Err(declined) => Reply::Refused(Refusal::from(declined)),
        };
        let ended = reading.end();
        self.hold_read(id, request, reply, ended);
    }

    /// One page of the blocks that an account may read: its own, or those that concern it as well.
    pub(super) fn copy(
        &mut self,
        id: ConnectionId,
        request: u32,
        account: AccountId,
        (from, limit, concerning): (u64, u64, bool),
    ) {
        let mut reading = self.ledger.reading();
        let page = self.copy_page(&mut reading, account, (from, limit.max(1), concerning));
        let ended = reading.end();
        self.hold_read(id, request, Reply::CopyPage(page), ended);
    }

    fn copy_page(
        &self,
        reading: &mut Reading<'_>,
        account: AccountId,
        (from, limit, concerning): (u64, u64, bool),
    ) -> CopyPage {
        let mut page = CopyPage { blocks: Vec::new(), next: None };
        let mut bytes = 0;
        for line in self.ledger.replica().past().of_from(account, from).0 {
            page.next = Some(line.index());
            if page.blocks.len() as u64 >= limit || reading.is_spent() {
                return page;
            }
            reading.looks_at_line();
            let is_wanted = if concerning { line.is_readable() } else { line.is_own() };
            if !is_wanted {
                continue;
            }
            // What is not durable yet belongs to a later page.
            let Some(block) = reading.block(line.index()) else { break };
            bytes += block.len();
            if bytes > PAGE_BYTES_MAX && !page.blocks.is_empty() {
                return page;
            }
            page.blocks.push(ByteBuf::from(block));
        }
        page.next = None;
        page
    }

    /// Holds an answer for which the log was read. The answer may have seen the open batch.
    fn hold_read(
        &mut self,
        id: ConnectionId,
        request: u32,
        reply: Reply,
        (cost, failed): (ReadingCost, Option<crate::eventlog::LogError>),
    ) {
        self.work += work_of(cost);
        match failed {
            Some(error) => {
                self.fatal.get_or_insert(error);
            }
            None => self.hold(id, request, reply),
        }
    }

    /// What an account may know of itself.
    pub(super) fn whoami(&self, account: AccountId) -> Reply {
        let replica = self.ledger.replica();
        if replica.state().registered_at(account).is_none() {
            return not_authenticated();
        }
        let mut figures = Vec::new();
        replica.state().visit_account(account, &mut |name, value| {
            figures.push(Figure { name: name.to_owned(), value });
        });
        figures.push(Figure { name: "last_block".to_owned(), value: replica.link().last_of(account).into() });
        Reply::Whoami(Figures(figures))
    }
}

/// The reply to a member who asks for something that needs a role.
pub(super) fn lacks_role() -> Reply {
    Reply::Refused(Refusal::fail(refusal::NO_PERMISSION, "this needs a role that the account does not have"))
}
