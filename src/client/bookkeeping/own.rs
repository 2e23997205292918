//! Books of one's own account, from the lines of one's statement. Of the others only their names are known.

use super::{Book, Format, Moment};
use crate::client::ClientError;
use crate::client::accounts::{Me, fetch_me};
use crate::client::link::Member;
use crate::client::payments::{Statement, fetch_balance};
use crate::domain::payments::StatementLine;
use crate::domain::payments::{Currency, Movement, Transfer};
use crate::domain::{Domain, Place};

/// The books of the caller's own account, written while its statement is fetched.
pub struct OwnBooks<'a> {
    statement: Statement<'a>,
    own: Own,
    /// What is written and was not handed out yet.
    text: String,
    /// Whether the end of the books is written.
    ended: bool,
}

impl<'a> OwnBooks<'a> {
    /// Begins the books of a member.
    ///
    /// # Errors
    /// [`ClientError::Usage`] when the format cannot name the ledger's currency; otherwise what kept the server from
    /// saying whose account this is.
    pub fn start(member: &'a mut Member, format: Format) -> Result<OwnBooks<'a>, ClientError> {
        let (_, currency) = fetch_balance(member)?;
        let me = fetch_me(member)?;
        let mut text = String::new();
        let own = Own::begin(format, &currency, me, &mut text)?;
        Ok(OwnBooks { statement: Statement::start(member), own, text, ended: false })
    }

    /// The next part of the text, a page of the statement long; none after the last.
    ///
    /// # Errors
    /// [`ClientError::Integrity`] when the statement does not add up.
    pub fn next_part(&mut self) -> Result<Option<String>, ClientError> {
        if self.ended {
            return Ok(None);
        }
        match self.statement.next_page()? {
            Some(lines) => {
                for line in &lines {
                    self.own.line(line, &mut self.text)?;
                }
            }
            None => {
                self.own.end(&mut self.text)?;
                self.ended = true;
            }
        }
        Ok(Some(std::mem::take(&mut self.text)))
    }
}

/// The books of an account, written line by line.
struct Own {
    me: Me,
    book: Book,
}

impl Own {
    fn begin(format: Format, currency: &Currency, me: Me, out: &mut String) -> Result<Own, ClientError> {
        let book = Book::begin(format, currency, Some(me.account), out)?;
        Ok(Own { me, book })
    }

    /// Appends a line to `out`.
    fn line(&mut self, line: &StatementLine, out: &mut String) -> Result<(), ClientError> {
        let me = self.me.account;
        let born = matches!(line.movement, Movement::Grant | Movement::Issue);
        let held = line.purchase.map(|number| Place::Held(Domain::Shop, number));
        let other = held.or(line.counterparty.map(Place::Account));
        let (from, to) = match (born, line.amount < 0, other) {
            // Who issued is told as the counterparty, but had no part in the money.
            (true, false, _) => (Place::Issued, Place::Account(me)),
            (false, true, Some(other)) => (Place::Account(me), other),
            (false, false, Some(other)) => (other, Place::Account(me)),
            _ => return Err(self.refused(line)),
        };
        self.book.member(line.timestamp, me, &self.me.handle, out)?;
        if let Some(other) = line.counterparty.filter(|_| !born) {
            self.book.member(line.timestamp, other, &line.handle, out)?;
        }
        let (amount, memo) = (line.amount.unsigned_abs(), line.memo.as_str());
        let moment =
            Moment { timestamp: line.timestamp, index: line.place.index, element: line.place.element };
        let transfer = Transfer { movement: line.movement, from, to, amount, memo };
        self.book.transfer(moment, &transfer, out)
    }

    /// Appends what stands after the last line.
    fn end(&self, out: &mut String) -> Result<(), ClientError> {
        self.book.end(out)
    }

    fn refused(&self, line: &StatementLine) -> ClientError {
        let place = line.place;
        ClientError::Integrity(format!(
            "block {}, payment {}: no movement of account {}",
            place.index, place.element, self.me.account
        ))
    }
}
