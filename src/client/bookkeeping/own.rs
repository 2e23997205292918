//! Books of one's own account, from the lines of one's statement. Of the others only their names are known.

use super::{Book, Format, Moment};
use crate::client::ClientError;
use crate::client::accounts::Me;
use crate::domain::Place;
use crate::domain::payments::StatementLine;
use crate::domain::payments::{Currency, Movement, Transfer};

/// Takes the lines of a statement in order, from its first.
pub struct Own {
    me: Me,
    book: Book,
}

impl Own {
    /// Begins the books of a member.
    ///
    /// # Errors
    /// [`ClientError::Usage`] when the format cannot name the ledger's currency.
    pub fn begin(format: Format, currency: &Currency, me: Me, out: &mut String) -> Result<Own, ClientError> {
        let book = Book::begin(format, currency, Some(me.account), out)?;
        Ok(Own { me, book })
    }

    /// Appends a line to `out`.
    ///
    /// # Errors
    /// [`ClientError::Integrity`] when it is no movement of this account.
    pub fn line(&mut self, line: &StatementLine, out: &mut String) -> Result<(), ClientError> {
        let me = self.me.account;
        let born = matches!(line.movement, Movement::Grant | Movement::Issue);
        let (from, to) = match (born, line.amount < 0, line.counterparty) {
            // Who issued is told as the counterparty, but had no part in the money.
            (true, false, _) => (Place::Issued, Place::Account(me)),
            (false, true, Some(other)) => (Place::Account(me), Place::Account(other)),
            (false, false, Some(other)) => (Place::Account(other), Place::Account(me)),
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
    ///
    /// # Errors
    /// [`ClientError::Integrity`] when the last line's time is no day.
    pub fn end(&self, out: &mut String) -> Result<(), ClientError> {
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
