//! Answers about money: balances and statements, each computed from durable blocks.

use super::{ConnectionId, Service};
use crate::chain::{Block, Message};
use crate::domain::accounts::Handle;
use crate::domain::payments::{self, Movement, Transfer};
use crate::domain::{AccountId, Command};
use crate::eventlog::LogError;
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
            balance: state.payments.balance(account),
            currency: currency.name.clone(),
            scale: currency.scale,
        })
    }

    pub(super) fn member(&self, handle: &str) -> Reply {
        let accounts = &self.ledger.replica().state().accounts;
        let account = Handle::new(handle).ok().and_then(|handle| accounts.by_handle(&handle));
        match account.and_then(|account| Some((account, accounts.get(account)?))) {
            Some((account, member)) => {
                Reply::Member(Member { account, handle: member.handle.clone(), key_id: member.key_id })
            }
            None => Reply::Refused(Refusal::fail("invalid_user", "there is no member of this name")),
        }
    }

    pub(super) fn statement(
        &mut self,
        id: ConnectionId,
        request: u32,
        account: AccountId,
        from: StatementPlace,
        limit: u64,
    ) {
        match self.statement_page(account, from, limit) {
            Ok(page) => self.hold(id, request, Reply::Statement(page)),
            Err(error) => {
                self.fatal.get_or_insert(error);
            }
        }
    }

    fn statement_page(
        &self,
        account: AccountId,
        from: StatementPlace,
        limit: u64,
    ) -> Result<StatementPage, LogError> {
        let entries = self.ledger.replica().state().payments.entries(account);
        let first = entries.partition_point(|entry| entry.index < from.index);
        let mut before = first.checked_sub(1).and_then(|n| entries.get(n)).map_or(0, |entry| entry.balance);
        let mut page = StatementPage { lines: Vec::new(), next: None };
        let mut bytes = 0;
        for entry in entries.iter().skip(first) {
            let Some(block) = self.ledger.block(entry.index)? else { break };
            for line in self.lines_of(account, &block, before) {
                if line.place < from {
                    continue;
                }
                bytes += LINE_BYTES + line.memo.len() + line.handle.len();
                if page.lines.len() as u64 >= limit || (bytes > COPY_PAGE_BYTES_MAX && !page.lines.is_empty())
                {
                    page.next = Some(line.place);
                    return Ok(page);
                }
                page.lines.push(line);
            }
            before = entry.balance;
        }
        Ok(page)
    }

    /// The movements of an account's money in a block, before which it had `balance`.
    fn lines_of(&self, account: AccountId, bytes: &[u8], mut balance: u64) -> Vec<StatementLine> {
        let Ok(block) = Block::parse(bytes) else { return Vec::new() };
        let Ok(message) = Message::parse(block.message) else { return Vec::new() };
        let Ok(command) = Command::decode(message.header.tag, message.body) else { return Vec::new() };
        let state = self.ledger.replica().state();
        let transfers = match command {
            Command::Payments(command) => payments::transfers(block.author, command),
            Command::Accounts(_) | Command::Orders(_) => {
                vec![Transfer::of_grant(account, state.settings.opening_grant)]
            }
        };
        let mut lines = Vec::new();
        for (element, transfer) in (0..).zip(transfers) {
            // What was issued fits an i64.
            let units = i64::try_from(transfer.amount).unwrap_or(i64::MAX);
            let (amount, counterparty) = if transfer.from == Some(account) {
                (-units, Some(transfer.to))
            } else if transfer.to == account {
                let issuer = (transfer.movement == Movement::Issue).then_some(block.author);
                (units, transfer.from.or(issuer))
            } else {
                continue;
            };
            balance = balance.saturating_add_signed(amount);
            let handle = counterparty.and_then(|account| state.accounts.get(account));
            lines.push(StatementLine {
                place: StatementPlace { index: block.index, element },
                timestamp: block.timestamp,
                movement: transfer.movement,
                amount,
                balance,
                counterparty,
                handle: handle.map(|member| member.handle.clone()).unwrap_or_default(),
                memo: transfer.memo,
            });
        }
        lines
    }
}
