//! What questions need of the blocks of before and no rule reads: an index, which is a function of the log and stands
//! in no digest.

use std::collections::BTreeMap;

use crate::domain::{AccountId, Happened};

/// The blocks of each account.
#[derive(Clone, Debug, Default)]
pub struct Past {
    /// Those of which it is the author, ascending.
    own: BTreeMap<AccountId, Vec<u64>>,
    /// Those that concern it beside its own, ascending: it may read all of them.
    concerning: BTreeMap<AccountId, Vec<u64>>,
}

impl Past {
    /// Takes in the next block.
    pub(super) fn note(&mut self, index: u64, author: AccountId, happened: &Happened) {
        self.own.entry(author).or_default().push(index);
        happened.concerns(&mut |account| {
            if account != author {
                self.concerning.entry(account).or_default().push(index);
            }
        });
    }

    /// Indexes of an author's blocks, ascending.
    pub fn own(&self, author: AccountId) -> &[u64] {
        self.own.get(&author).map_or(&[], Vec::as_slice)
    }

    /// Whether an account is the author of a block, or the block concerns it otherwise: then the account may read it.
    pub fn concerns(&self, account: AccountId, index: u64) -> bool {
        let has = |blocks: &BTreeMap<AccountId, Vec<u64>>| {
            blocks.get(&account).is_some_and(|indexes| indexes.binary_search(&index).is_ok())
        };
        has(&self.own) || has(&self.concerning)
    }
}
