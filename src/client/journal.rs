//! The server's journal, page by page. It is the server's word: nothing in it is signed or proven.

use super::ClientError;
use super::link::{Member, question};
use crate::domain::AccountId;
use crate::wire::{JournalLine, JournalPlace};

/// Lines asked for at once.
const PAGE_LINES: u64 = 512;

/// A walk over the journal, for operators and agents.
pub struct Journal<'a> {
    member: &'a mut Member,
    account: Option<AccountId>,
    since_ms: u64,
    /// Where the next page begins; none after the last.
    next: Option<JournalPlace>,
}

impl<'a> Journal<'a> {
    /// Starts at the oldest record of this account, or of all if none is named, that is no older than `since_ms`, in
    /// milliseconds since the Unix epoch.
    pub fn start(member: &'a mut Member, account: Option<AccountId>, since_ms: u64) -> Journal<'a> {
        Journal { member, account, since_ms, next: Some(JournalPlace::default()) }
    }

    /// The next page; none after the last. A page may be empty: the server reads no more than so much for one.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with `no_permission`; [`ClientError::Integrity`] when the pages do not go on.
    pub fn next_page(&mut self) -> Result<Option<Vec<JournalLine>>, ClientError> {
        let Some(from) = self.next else { return Ok(None) };
        let (account, since_ms) = (self.account, self.since_ms);
        let page = self.member.ask(&question::Journal { account, since_ms, from, limit: PAGE_LINES })?;
        if page.next.is_some_and(|next| next <= from) {
            return Err(ClientError::Integrity("the server's pages do not go on".to_owned()));
        }
        self.next = page.next;
        Ok(Some(page.lines))
    }
}
