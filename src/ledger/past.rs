//! What questions need of the blocks of before and no rule reads: an index, which is a function of the log and stands
//! in no digest.

use std::collections::BTreeMap;

use crate::domain::{AccountId, Happened};

/// The account is the author of the block.
const OWN: u64 = 1 << 63;

/// The block concerns the account beside its author: the account may read all of it.
const CONCERNING: u64 = 1 << 62;

/// The block moved the account's money.
const MOVED: u64 = 1 << 61;

/// What is left for the index.
const INDEX: u64 = MOVED - 1;

/// A block on an account's list: sixteen bytes, because there is one for every payment of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// The block's index, and above it what the block is to the account.
    index_and_marks: u64,
    /// The account's balance after the block, in minor units.
    balance: u64,
}

impl Line {
    /// Index of the block.
    pub fn index(self) -> u64 {
        self.index_and_marks & INDEX
    }

    /// The account's balance after the block, in minor units.
    pub fn balance(self) -> u64 {
        self.balance
    }

    /// Whether the account is the block's author.
    pub fn is_own(self) -> bool {
        self.index_and_marks & OWN != 0
    }

    /// Whether the account may read the block: it is its author, or the block concerns it.
    pub fn is_readable(self) -> bool {
        self.index_and_marks & (OWN | CONCERNING) != 0
    }

    /// Whether the block moved the account's money.
    pub fn moved_money(self) -> bool {
        self.index_and_marks & MOVED != 0
    }
}

/// The blocks of each account: one list, from which its own blocks, those that concern it and its statement are read.
#[derive(Clone, Debug, Default)]
pub struct Past(BTreeMap<AccountId, Vec<Line>>);

impl Past {
    /// The next block moved money of an account, which has this balance now.
    pub(super) fn moved(&mut self, index: u64, account: AccountId, balance: u64) {
        let line = self.mark(index, account, MOVED);
        line.balance = balance;
    }

    /// Takes in whose the next block is and whom it concerns. The money that it moved is noted before.
    pub(super) fn note(&mut self, index: u64, author: AccountId, happened: &Happened) {
        self.mark(index, author, OWN);
        happened.concerns(&mut |account| {
            self.mark(index, account, CONCERNING);
        });
    }

    fn mark(&mut self, index: u64, account: AccountId, mark: u64) -> &mut Line {
        let lines = self.0.entry(account).or_default();
        let balance = match lines.last() {
            Some(last) if last.index() == index => None,
            last => Some(last.map_or(0, |last| last.balance)),
        };
        if let Some(balance) = balance {
            lines.push(Line { index_and_marks: index, balance });
        }
        let newest = lines.len() - 1;
        let line = &mut lines[newest];
        line.index_and_marks |= mark;
        line
    }

    /// The list of an account, ascending by index.
    pub fn of(&self, account: AccountId) -> &[Line] {
        self.0.get(&account).map_or(&[], Vec::as_slice)
    }

    /// The list of an account from an index on, and the account's balance before.
    pub fn of_from(&self, account: AccountId, from: u64) -> (&[Line], u64) {
        let (before, after) = split(self.of(account), from);
        (after, before.last().map_or(0, |line| line.balance))
    }

    /// Whether an account may read a block.
    pub fn may_read(&self, account: AccountId, index: u64) -> bool {
        split(self.of(account), index)
            .1
            .first()
            .is_some_and(|line| line.index() == index && line.is_readable())
    }
}

/// The lines before an index, and the others.
fn split(lines: &[Line], from: u64) -> (&[Line], &[Line]) {
    lines.split_at(lines.partition_point(|line| line.index() < from))
}
