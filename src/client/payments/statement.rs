//! One's own statement, page by page. Each line has to follow from the one before.

use super::question;
use crate::client::ClientError;
use crate::client::link::Member;
use crate::domain::payments::{StatementLine, StatementPlace};

/// Lines asked for at once.
const PAGE_LINES: u64 = 2_048;

/// A walk over the movements of the member's money.
pub struct Statement<'a> {
    member: &'a mut Member,
    /// Where the next page begins; none after the last.
    next: Option<StatementPlace>,
    /// The line before, and the balance after it.
    before: Option<(StatementPlace, u64)>,
}

impl<'a> Statement<'a> {
    /// Starts at the first movement.
    pub fn start(member: &'a mut Member) -> Statement<'a> {
        Statement { member, next: Some(StatementPlace::default()), before: None }
    }

    /// The next page, every line checked; none after the last.
    ///
    /// # Errors
    /// [`ClientError::Integrity`] names the line that does not follow.
    pub fn next_page(&mut self) -> Result<Option<Vec<StatementLine>>, ClientError> {
        let Some(from) = self.next else { return Ok(None) };
        let page = self.member.ask(&question::Statement { from, limit: PAGE_LINES })?;
        for line in &page.lines {
            self.check(line)?;
        }
        // A page may be empty: the server reads no more than so much for one.
        let last = page.lines.last().map(|line| line.place);
        if page.next.is_some_and(|next| next <= from || last.is_some_and(|last| next <= last)) {
            return Err(ClientError::Integrity("the server's pages do not go on".to_owned()));
        }
        self.next = page.next;
        Ok(Some(page.lines))
    }

    /// In order, and by the amount that it says.
    fn check(&mut self, line: &StatementLine) -> Result<(), ClientError> {
        let (in_order, balance) = match self.before {
            Some((place, balance)) => (line.place > place, balance),
            None => (true, 0),
        };
        if in_order && balance.checked_add_signed(line.amount) == Some(line.balance) {
            self.before = Some((line.place, line.balance));
            return Ok(());
        }
        Err(ClientError::Integrity(format!(
            "the server's statement does not add up at block {}, payment {}",
            line.place.index, line.place.element
        )))
    }
}
