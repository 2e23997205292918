//! Answers about money: balances and statements, each computed from durable blocks.

use super::pages::Reading;
use super::{ConnectionId, Service};
use crate::chain::{Block, Message};
use crate::domain::{self, AccountId, Movement, Place, Transfer};
use crate::eventlog::LogError;
use crate::ledger;
use crate::wire::{
    Balance, COPY_PAGE_BYTES_MAX, Member, Refusal, Reply, StatementLine, StatementPage, StatementPlace,
};

/// Bytes that a line takes beside its memo and its handle, generously.
const LINE_BYTES: usize = 64;

impl Service {
    pub(super) fn balance(&self, account: AccountId) -> Reply {
        let state = self.ledger.replica().state();
        let currency = &state.settings.currency;
        Reply::Balance(Balance {
            balance: state.balance(account),
            currency: currency.name.clone(),
            scale: currency.scale,
        })
    }

    pub(super) fn member(&self, handle: &str) -> Reply {
        let state = self.ledger.replica().state();
        let member = state.owner_of_handle(handle).and_then(|account| {
            let (handle, key_id) = (state.handle(account)?.to_owned(), state.key_id(account)?);
            Some(Member { account, handle, key_id })
        });
        match member {
            Some(member) => Reply::Member(member),
            None => Reply::Refused(Refusal::fail("invalid_user", "there is no member of this name")),
        }
    }

    /// One page of the movements of the caller's money.
    pub(super) fn statement(
        &mut self,
        id: ConnectionId,
        request: u32,
        account: AccountId,
        from: StatementPlace,
        limit: u64,
    ) {
        let mut reading = Reading::default();
        match self.statement_page(account, from, limit.max(1), &mut reading) {
            Ok(page) => self.hold_durable(id, request, Reply::Statement(page)),
            Err(error) => {
                self.fatal.get_or_insert(error);
            }
        }
        self.work += reading.work();
    }

    fn statement_page(
        &self,
        account: AccountId,
        from: StatementPlace,
        limit: u64,
        reading: &mut Reading,
    ) -> Result<StatementPage, LogError> {
        let entries = self.ledger.replica().state().money_entries(account);
        let first = entries.partition_point(|entry| entry.index < from.index);
        let before = first.checked_sub(1).and_then(|n| entries.get(n)).map_or(0, |entry| entry.balance);
        let mut page =
            Page { account, from, limit, balance: before, bytes: 0, lines: Vec::new(), next: None };
        for entry in entries.iter().skip(first) {
            if reading.is_spent() {
                page.next = Some(StatementPlace { index: entry.index, element: 0 });
                break;
            }
            let Some(block) = self.ledger.block(entry.index)? else { break };
            reading.add(block.len());
            self.add_lines(&mut page, &block);
            if page.next.is_some() {
                break;
            }
            page.balance = entry.balance;
        }
        Ok(StatementPage { lines: page.lines, next: page.next })
    }

    /// Adds the lines of a block to a page, as many as it has room for. A block can hold thousands of payments, most of
    /// them nothing to this account or before the place that is asked for: those are passed over and cost next to nothing.
    fn add_lines(&self, page: &mut Page, bytes: &[u8]) {
        let Ok(block) = Block::parse(bytes) else { return };
        let Ok(message) = Message::parse(block.message) else { return };
        let settings = &self.ledger.replica().state().settings;
        let context = ledger::context_of(&message, block.timestamp, block.index);
        let stored = (message.header.tag, message.body, block.event);
        let mut element = 0;
        // What does not decode is not in the log.
        let _accepted = domain::visit_transfers(settings, &context, stored, &mut |transfer| {
            let place = StatementPlace { index: block.index, element };
            element += 1;
            self.add_line(page, &block, place, &transfer)
        });
    }

    /// Adds a movement to a page if it concerns the account; false when the page has no room for it.
    fn add_line(
        &self,
        page: &mut Page,
        block: &Block<'_>,
        place: StatementPlace,
        transfer: &Transfer<'_>,
    ) -> bool {
        // What was issued fits an i64.
        let units = i64::try_from(transfer.amount).unwrap_or(i64::MAX);
        let (amount, counterparty) = if transfer.from == Place::Account(page.account) {
            (-units, transfer.to.account())
        } else if transfer.to == Place::Account(page.account) {
            let issuer = (transfer.movement == Movement::Issue).then_some(block.author);
            (units, transfer.from.account().or(issuer))
        } else {
            return true;
        };
        let balance = page.balance.saturating_add_signed(amount);
        if place >= page.from {
            let state = self.ledger.replica().state();
            let handle = counterparty.and_then(|account| state.handle(account)).unwrap_or_default();
            page.bytes += LINE_BYTES + transfer.memo.len() + handle.len();
            let is_full = page.lines.len() as u64 >= page.limit || page.bytes > COPY_PAGE_BYTES_MAX;
            if is_full && !page.lines.is_empty() {
                page.next = Some(place);
                return false;
            }
            page.lines.push(StatementLine {
                place,
                timestamp: block.timestamp,
                movement: transfer.movement,
                amount,
                balance,
                counterparty,
                handle: handle.to_owned(),
                memo: transfer.memo.to_owned(),
            });
        }
        page.balance = balance;
        true
    }
}

/// A page of a statement that is being made.
struct Page {
    account: AccountId,
    from: StatementPlace,
    limit: u64,
    /// What the account had after the movement before.
    balance: u64,
    bytes: usize,
    lines: Vec<StatementLine>,
    next: Option<StatementPlace>,
}
