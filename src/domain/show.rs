//! How what a block did is shown. Its domain visits the fields, in order; a [`Sink`] writes them, as JSON for programs or
//! as a sentence for people. The order of the fields is that of the JSON, which programs rely on.

use std::fmt;

use super::AccountId;
use super::decimal::Decimal;
use crate::time::Timestamp;

/// A writer of what a block did. It takes entries one after the other, and the fields of an entry after the entry.
pub trait Sink {
    /// Announces how many entries follow.
    ///
    /// # Errors
    /// [`fmt::Error`] where the text cannot be written; so do the other methods.
    fn entries(&mut self, count: usize) -> fmt::Result;

    /// Begins an entry: one thing that `by` did. `operation` is its stable name, as in `revoke_cheque`, and with blanks
    /// for underscores the beginning of a sentence.
    ///
    /// # Errors
    /// As for [`Sink::entries`].
    fn entry(&mut self, by: AccountId, operation: &'static str) -> fmt::Result;

    /// A field of the entry that was begun last. `name` is its stable name; `before` stands before the value in a
    /// sentence, blanks included.
    ///
    /// # Errors
    /// As for [`Sink::entries`].
    fn field(&mut self, name: &'static str, before: &'static str, value: Shown<'_>) -> fmt::Result;
}

/// The value of a field. It borrows what it shows: thousands of orders are shown without a copy of any.
#[derive(Clone, Copy)]
pub enum Shown<'a> {
    /// A member.
    Account(AccountId),
    /// Minor units of the ledger's money. An entry has at most one such field.
    Money(i128),
    /// How many of something. One is what is meant where nothing is said. An entry has at most one such field.
    Quantity(Decimal),
    /// Minor units of the ledger's money that are asked for one of something, or that limit something. An entry may have
    /// several, and beside them a quantity.
    Price(u64),
    /// A whole number of something, or the number by which something is known.
    Count(u64),
    /// Another number, which keeps its decimals.
    Number(Decimal),
    /// A moment.
    Time(Timestamp),
    /// A name or an id, of which no format has to escape a character.
    Name(&'a dyn fmt::Display),
    /// A text that somebody wrote, with whatever is in it.
    Text(&'a str),
}
