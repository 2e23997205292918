//! A ledger for beancount.

use std::fmt::{self, Write};

use jiff::civil::Date;

use super::{Entry, Form, Holder, Side, one_line, signed};
use crate::client::ClientError;
use crate::domain::payments::Currency;

/// Where money comes from.
const SOURCE: &str = "Equity:Issued";

/// Words of the language, which are no currencies.
const RESERVED: [&str; 3] = ["TRUE", "FALSE", "NULL"];

pub(super) struct Beancount {
    currency: Currency,
    /// The currency's name as beancount knows it.
    symbol: String,
}

impl Beancount {
    /// # Errors
    /// [`ClientError::Usage`] when the currency has no name that beancount takes.
    pub(super) fn new(currency: Currency) -> Result<Beancount, ClientError> {
        // A ledger has one currency, so that two cannot become the same.
        let symbol = currency.name.to_ascii_uppercase();
        let begins = symbol.bytes().next().is_some_and(|byte| byte.is_ascii_uppercase());
        if begins && symbol.len() >= 2 && !RESERVED.contains(&symbol.as_str()) {
            return Ok(Beancount { currency, symbol });
        }
        Err(ClientError::Usage(format!(
            "beancount has no currency {symbol:?}: it wants a letter first, two characters at least, and none of \
             its words {}",
            RESERVED.join(", ")
        )))
    }

    fn posting(&self, account: &str, negative: bool, amount: u64, out: &mut dyn Write) -> fmt::Result {
        writeln!(out, "  {account}  {} {}", signed(&self.currency, negative, amount), self.symbol)
    }
}

/// The number makes it one account's alone: beancount knows no dots and underscores, so that handles may collide.
fn account_name(side: &Side<'_>) -> String {
    let handle: String =
        side.handle.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    match side.holder {
        Holder::Account(account) => format!("Assets:Members:M{account}-{handle}"),
        Holder::Purchase(number) => format!("Assets:Escrow:Purchase:{number}"),
    }
}

fn quoted(memo: &str) -> String {
    format!("\"{}\"", one_line(memo).replace('\\', "\\\\").replace('"', "\\\""))
}

impl Form for Beancount {
    fn head(&self, out: &mut dyn Write) -> fmt::Result {
        writeln!(out, "option \"operating_currency\" \"{}\"", self.symbol)?;
        // No block is older than the time that blocks count.
        writeln!(out, "1970-01-01 open {SOURCE} {}\n", self.symbol)
    }

    fn account(&self, day: Date, side: &Side<'_>, out: &mut dyn Write) -> fmt::Result {
        writeln!(out, "{day} open {} {}\n", account_name(side), self.symbol)
    }

    fn entry(&self, entry: &Entry<'_>, out: &mut dyn Write) -> fmt::Result {
        writeln!(out, "{} * \"{}\" {}", entry.day, entry.movement, quoted(entry.memo))?;
        writeln!(out, "  block: {}\n  element: {}", entry.moment.index, entry.moment.element)?;
        let from = entry.from.as_ref().map_or_else(|| SOURCE.to_owned(), account_name);
        self.posting(&from, true, entry.amount, out)?;
        self.posting(&account_name(&entry.to), false, entry.amount, out)?;
        writeln!(out)
    }

    fn balance(&self, after: Date, side: &Side<'_>, out: &mut dyn Write) -> fmt::Result {
        let Some(balance) = side.balance else { return Ok(()) };
        // Without a tolerance of its own, beancount would forgive the last digit.
        let balance = self.currency.show(balance);
        writeln!(out, "{after} balance {}  {balance} ~ 0 {}", account_name(side), self.symbol)
    }
}
