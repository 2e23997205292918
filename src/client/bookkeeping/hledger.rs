//! A journal for hledger. Every posting to an account whose balance is known asserts it, so that hledger itself
//! checks our counting.

use std::fmt::{self, Write};

use jiff::civil::Date;

use super::{Entry, Form, Holder, Side, one_line, signed};
use crate::domain::payments::{Currency, Movement};

/// Where money comes from.
const SOURCE: &str = "equity:issued";

pub(super) struct Hledger {
    currency: Currency,
    /// The currency's name as a journal spells it.
    symbol: String,
}

impl Hledger {
    pub(super) fn new(currency: Currency) -> Hledger {
        // A name with digits would run into the number before it.
        let plain = currency.name.bytes().all(|byte| byte.is_ascii_alphabetic());
        let symbol = if plain { currency.name.clone() } else { format!("\"{}\"", currency.name) };
        Hledger { currency, symbol }
    }

    fn posting(&self, side: &Side<'_>, negative: bool, amount: u64, out: &mut dyn Write) -> fmt::Result {
        let (account, amount) = (account_name(side), signed(&self.currency, negative, amount));
        write!(out, "    {account}  {amount} {}", self.symbol)?;
        if let Some(balance) = side.balance {
            write!(out, " = {} {}", self.currency.show(balance), self.symbol)?;
        }
        writeln!(out)
    }
}

/// Digits, and letters, digits and `._-`: nothing that a journal reads otherwise.
fn account_name(side: &Side<'_>) -> String {
    match side.holder {
        Holder::Account(account) => format!("members:{account}:{}", side.handle),
        Holder::Purchase(_) => side.handle.to_owned(),
    }
}

/// A memo as part of a description, where only a semicolon and the end of the line mean something. There is no
/// escaping.
fn note(memo: &str) -> String {
    one_line(memo).replace(';', ",")
}

impl Form for Hledger {
    fn head(&self, out: &mut dyn Write) -> fmt::Result {
        let zeros = "0".repeat(usize::from(self.currency.scale));
        writeln!(out, "decimal-mark .")?;
        // The directive wants its decimal mark even where no decimals follow.
        writeln!(out, "commodity 1000.{zeros} {}", self.symbol)?;
        for movement in Movement::ALL {
            writeln!(out, "payee {movement}")?;
        }
        writeln!(out, "account members  ; type: A")?;
        writeln!(out, "account escrow  ; type: A")?;
        writeln!(out, "account {SOURCE}  ; type: E\n")
    }

    fn account(&self, _: Date, side: &Side<'_>, out: &mut dyn Write) -> fmt::Result {
        writeln!(out, "account {}\n", account_name(side))
    }

    fn entry(&self, entry: &Entry<'_>, out: &mut dyn Write) -> fmt::Result {
        // With the movement and the bar before it, a memo is neither status nor code nor payee.
        let (moment, movement) = (entry.moment, entry.movement);
        write!(out, "{} ({}.{}) {movement}", entry.day, moment.index, moment.element)?;
        if !entry.memo.is_empty() {
            write!(out, " | {}", note(entry.memo))?;
        }
        writeln!(out)?;
        match &entry.from {
            Some(from) => self.posting(from, true, entry.amount, out)?,
            None => {
                let amount = signed(&self.currency, true, entry.amount);
                writeln!(out, "    {SOURCE}  {amount} {}", self.symbol)?;
            }
        }
        self.posting(&entry.to, false, entry.amount, out)?;
        writeln!(out)
    }
}
