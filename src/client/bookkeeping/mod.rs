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
use crate::domain::accounts::Handle;
use crate::domain::payments::{Currency, Movement, Transfer};
use crate::domain::{AccountId, Place};
use crate::time::Timestamp;

pub use own::OwnBooks;
pub use replay::Replay;

/// What the money that is held for a purchase is called, with the number behind it. No handle has a colon.
const ESCROW: &str = "escrow:purchase";

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

/// Whoever has money, or what it is held for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Holder {
    /// A member.
    Account(AccountId),
    /// The purchase with this number, whose money the shop holds.
    Purchase(u64),
}

impl Holder {
    fn of(place: Place) -> Option<Holder> {
        place.account().map(Holder::Account).or(place.purchase().map(Holder::Purchase))
    }

    /// The account, where it is a member's.
    fn account(self) -> Option<u64> {
        match self {
            Holder::Account(account) => Some(account.0),
            Holder::Purchase(_) => None,
        }
    }
}

/// One end of a movement.
#[derive(Clone, Copy, Debug)]
struct Side<'a> {
    holder: Holder,
    /// The member's public name; what a purchase is called is no handle.
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

/// What is known of a holder.
struct Named {
    handle: String,
    balance: Option<u64>,
}

/// Counts along while the books are written.
struct Book {
    form: Box<dyn Form>,
    /// Whose balance alone is known; everybody's if there is none.
    own: Option<AccountId>,
    holders: BTreeMap<Holder, Named>,
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
        Ok(Book { form, own, holders: BTreeMap::new(), last: Timestamp::default() })
    }

    /// Names an account, once.
    fn member(
        &mut self,
        timestamp: Timestamp,
        account: AccountId,
        handle: &str,
        out: &mut String,
    ) -> Result<(), ClientError> {
        let holder = Holder::Account(account);
        if let Some(known) = self.holders.get(&holder) {
            return if known.handle == handle { Ok(()) } else { Err(unsound(holder, "it has two handles")) };
        }
        // What is no handle could break out of a journal's line.
        let handle = Handle::new(handle).map_err(|error| unsound(holder, &error.to_string()))?;
        self.open(timestamp, holder, handle.as_str(), out)
    }

    /// Opens an account of the books. What others have is not known in books of one's own.
    fn open(
        &mut self,
        timestamp: Timestamp,
        holder: Holder,
        handle: &str,
        out: &mut String,
    ) -> Result<(), ClientError> {
        let day = self.day(timestamp)?;
        let balance = self.own.is_none_or(|own| Holder::Account(own) == holder).then_some(0);
        let side = Side { holder, handle, balance };
        self.form.account(day, &side, out).map_err(unwritten)?;
        self.holders.insert(holder, Named { handle: handle.to_owned(), balance });
        Ok(())
    }

    /// Moves money. Members have to be named before.
    fn transfer(
        &mut self,
        moment: Moment,
        transfer: &Transfer<'_>,
        out: &mut String,
    ) -> Result<(), ClientError> {
        let day = self.day(moment.timestamp)?;
        let Transfer { movement, amount, memo, .. } = *transfer;
        let (from, to) = (Holder::of(transfer.from), Holder::of(transfer.to).ok_or_else(no_account)?);
        for holder in from.into_iter().chain([to]) {
            if let Holder::Purchase(number) = holder
                && !self.holders.contains_key(&holder)
            {
                self.open(moment.timestamp, holder, &format!("{ESCROW}:{number}"), out)?;
            }
        }
        let from_balance =
            from.map(|from| self.add(from, |balance| balance.checked_sub(amount))).transpose()?;
        let to_balance = self.add(to, |balance| balance.checked_add(amount))?;
        let side = |holder, balance| {
            let handle = self.holders.get(&holder).map_or("", |named| named.handle.as_str());
            Side { holder, handle, balance }
        };
        let from = from.map(|from| side(from, from_balance.flatten()));
        let entry = Entry { moment, day, movement, from, to: side(to, to_balance), amount, memo };
        self.form.entry(&entry, out).map_err(unwritten)
    }

    fn add(&mut self, holder: Holder, add: impl Fn(u64) -> Option<u64>) -> Result<Option<u64>, ClientError> {
        let named = self.holders.get_mut(&holder).ok_or_else(|| unsound(holder, "nobody opened it"))?;
        if let Some(balance) = named.balance {
            let sum = add(balance).ok_or_else(|| unsound(holder, "its movements do not add up"))?;
            named.balance = Some(sum);
        }
        Ok(named.balance)
    }

    /// Ends the books.
    fn end(&self, out: &mut String) -> Result<(), ClientError> {
        let after = calendar_day(self.last).and_then(|day| day.tomorrow().ok()).ok_or_else(no_day)?;
        for (holder, named) in &self.holders {
            let side = Side { holder: *holder, handle: &named.handle, balance: named.balance };
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

fn unsound(holder: Holder, what: &str) -> ClientError {
    ClientError::Integrity(match holder {
        Holder::Account(account) => format!("account {account}: {what}"),
        Holder::Purchase(number) => format!("what is held for purchase {number}: {what}"),
    })
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
