//! Money for programs that keep books: the movements of a whole ledger, or of one's own account, as a journal or
//! as a table. Written as it is read: only names and balances are kept.
//!
//! ```text
//! replay     blocks from files           ┐
//!                                        ├→ Book: who has how much → Form: how it is written
//! own        lines of one's statement    ┘
//! ```

mod beancount;
mod hledger;
mod own;
mod replay;
mod table;

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::ClientError;
use crate::domain::AccountId;
use crate::domain::accounts::Handle;
use crate::domain::payments::{Currency, Movement, Transfer};
use crate::time::Timestamp;

pub use own::OwnBooks;
pub use replay::Replay;

/// How books are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A journal for hledger.
    Hledger,
    /// A ledger for beancount.
    Beancount,
    /// Comma-separated values with a header (RFC 4180).
    Csv,
    /// JSON Lines.
    Jsonl,
}

/// Every format with its name.
const NAMES: [(Format, &str); 4] = [
    (Format::Hledger, "hledger"),
    (Format::Beancount, "beancount"),
    (Format::Csv, "csv"),
    (Format::Jsonl, "jsonl"),
];

impl Format {
    /// The names of all formats.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(_, name)| *name)
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Format, String> {
        let known = NAMES.iter().find(|(_, name)| *name == text);
        known.map(|(format, _)| *format).ok_or_else(|| {
            format!("there is no format {text:?}; there are {}", NAMES.map(|(_, name)| name).join(", "))
        })
    }
}

/// Where and when money moved.
#[derive(Clone, Copy, Debug)]
struct Moment {
    timestamp: Timestamp,
    index: u64,
    element: u64,
}

/// One end of a movement.
#[derive(Clone, Copy, Debug)]
struct Side<'a> {
    account: AccountId,
    handle: &'a str,
    /// Minor units after the movement, where they are known.
    balance: Option<u64>,
}

/// One movement, as a form writes it.
#[derive(Clone, Copy, Debug)]
struct Entry<'a> {
    moment: Moment,
    /// The day of the block, in UTC.
    day: Date,
    movement: Movement,
    /// None where the money came into being.
    from: Option<Side<'a>>,
    to: Side<'a>,
    /// Minor units.
    amount: u64,
    memo: &'a str,
}

/// One way to write books. Memos and everything else that a member chose cannot break out of their place.
trait Form {
    /// What stands before everything.
    fn head(&self, out: &mut dyn Write) -> fmt::Result;

    /// An account that entries after this may name.
    fn account(&self, _day: Date, _side: &Side<'_>, _out: &mut dyn Write) -> fmt::Result {
        Ok(())
    }

    /// A movement.
    fn entry(&self, entry: &Entry<'_>, out: &mut dyn Write) -> fmt::Result;

    /// An account whose balance is known, after all movements. `after` is the day that follows the last one.
    fn balance(&self, _after: Date, _side: &Side<'_>, _out: &mut dyn Write) -> fmt::Result {
        Ok(())
    }
}

struct Member {
    handle: String,
    balance: Option<u64>,
}

/// Counts along while the books are written.
struct Book {
    form: Box<dyn Form>,
    /// Whose balance alone is known; everybody's if there is none.
    own: Option<AccountId>,
    members: BTreeMap<AccountId, Member>,
    last: Timestamp,
}

impl Book {
    /// Begins the books.
    ///
    /// # Errors
    /// [`ClientError::Usage`] when the format cannot name the currency.
    fn begin(
        format: Format,
        currency: &Currency,
        own: Option<AccountId>,
        out: &mut String,
    ) -> Result<Book, ClientError> {
        let currency = currency.clone();
        let form: Box<dyn Form> = match format {
            Format::Hledger => Box::new(hledger::Hledger::new(currency)),
            Format::Beancount => Box::new(beancount::Beancount::new(currency)?),
            Format::Csv => Box::new(table::Csv(currency)),
            Format::Jsonl => Box::new(table::Jsonl(currency)),
        };
        form.head(out).map_err(unwritten)?;
        Ok(Book { form, own, members: BTreeMap::new(), last: Timestamp::default() })
    }

    /// Names an account, once.
    fn member(
        &mut self,
        timestamp: Timestamp,
        account: AccountId,
        handle: &str,
        out: &mut String,
    ) -> Result<(), ClientError> {
        if let Some(known) = self.members.get(&account) {
            return if known.handle == handle { Ok(()) } else { Err(unsound(account, "it has two handles")) };
        }
        // What is no handle could break out of a journal's line.
        let handle = Handle::new(handle).map_err(|error| unsound(account, &error.to_string()))?;
        let day = self.day(timestamp)?;
        let balance = self.own.is_none_or(|own| own == account).then_some(0);
        let side = Side { account, handle: handle.as_str(), balance };
        self.form.account(day, &side, out).map_err(unwritten)?;
        self.members.insert(account, Member { handle: handle.as_str().to_owned(), balance });
        Ok(())
    }

    /// Moves money. Both accounts have to be named before.
    fn transfer(
        &mut self,
        moment: Moment,
        transfer: &Transfer<'_>,
        out: &mut String,
    ) -> Result<(), ClientError> {
        let day = self.day(moment.timestamp)?;
        let Transfer { movement, amount, memo, .. } = *transfer;
        let (from, to) = (transfer.from.account(), transfer.to.account().ok_or_else(no_account)?);
        let from_balance =
            from.map(|from| self.add(from, |balance| balance.checked_sub(amount))).transpose()?;
        let to_balance = self.add(to, |balance| balance.checked_add(amount))?;
        let side = |account, balance| {
            let handle = self.members.get(&account).map_or("", |member| member.handle.as_str());
            Side { account, handle, balance }
        };
        let from = from.map(|from| side(from, from_balance.flatten()));
        let entry = Entry { moment, day, movement, from, to: side(to, to_balance), amount, memo };
        self.form.entry(&entry, out).map_err(unwritten)
    }

    fn add(
        &mut self,
        account: AccountId,
        add: impl Fn(u64) -> Option<u64>,
    ) -> Result<Option<u64>, ClientError> {
        let member = self.members.get_mut(&account).ok_or_else(|| unsound(account, "nobody opened it"))?;
        if let Some(balance) = member.balance {
            let sum = add(balance).ok_or_else(|| unsound(account, "its movements do not add up"))?;
            member.balance = Some(sum);
        }
        Ok(member.balance)
    }

    /// Ends the books.
    fn end(&self, out: &mut String) -> Result<(), ClientError> {
        let after = calendar_day(self.last).and_then(|day| day.tomorrow().ok()).ok_or_else(no_day)?;
        for (account, member) in &self.members {
            let side = Side { account: *account, handle: &member.handle, balance: member.balance };
            self.form.balance(after, &side, out).map_err(unwritten)?;
        }
        Ok(())
    }

    /// The day of a moment. Days in order are what lets other programs follow balances from day to day.
    fn day(&mut self, timestamp: Timestamp) -> Result<Date, ClientError> {
        if timestamp < self.last {
            return Err(ClientError::Integrity(format!("time goes back from {} to {timestamp}", self.last)));
        }
        self.last = timestamp;
        calendar_day(timestamp).ok_or_else(no_day)
    }
}

fn calendar_day(timestamp: Timestamp) -> Option<Date> {
    let micros = i64::try_from(timestamp.micros()).ok()?;
    Some(TimeZone::UTC.to_datetime(jiff::Timestamp::from_microsecond(micros).ok()?).date())
}

fn no_day() -> ClientError {
    ClientError::Integrity("a block's time lies past every calendar".to_owned())
}

fn no_account() -> ClientError {
    ClientError::Integrity("money went to no account".to_owned())
}

fn unsound(account: AccountId, what: &str) -> ClientError {
    ClientError::Integrity(format!("account {account}: {what}"))
}

fn unwritten(error: impl fmt::Display) -> ClientError {
    ClientError::Unexpected(error.to_string())
}

/// An amount with its sign.
fn signed(currency: &Currency, negative: bool, amount: u64) -> String {
    format!("{}{}", if negative { "-" } else { "" }, currency.show(amount))
}

/// A memo on one line: what would end or overwrite it becomes a blank.
fn one_line(memo: &str) -> String {
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    memo.chars().map(|c| if breaks(c) { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests;
