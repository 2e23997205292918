//! Tables: comma-separated values and JSON Lines, with the same columns in the same order. JSON Lines have minor
//! units as well.

use std::fmt::{self, Write};

use serde::Serialize;

use super::{Entry, Form, Side};
use crate::domain::payments::Currency;

/// Comma-separated values (RFC 4180), amounts as people write them.
pub(super) struct Csv(pub(super) Currency);

/// JSON Lines, amounts as people write them and in minor units, both as strings.
pub(super) struct Jsonl(pub(super) Currency);

/// A line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    index: u64,
    element: u64,
    timestamp: String,
    movement: String,
    from: Option<u64>,
    from_handle: Option<&'a str>,
    from_balance: Option<String>,
    from_balance_minor: Option<String>,
    to: Option<u64>,
    to_handle: &'a str,
    to_balance: Option<String>,
    to_balance_minor: Option<String>,
    amount: String,
    minor: String,
    currency: &'a str,
    scale: u8,
    memo: &'a str,
}

/// Quotes around text, doubled inside.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

impl Form for Csv {
    fn head(&self, out: &mut dyn Write) -> fmt::Result {
        out.write_str(
            "index,element,timestamp,movement,from,from_handle,from_balance,to,to_handle,to_balance,",
        )?;
        out.write_str("amount,currency,memo\r\n")
    }

    fn entry(&self, entry: &Entry<'_>, out: &mut dyn Write) -> fmt::Result {
        let balance = |balance: Option<u64>| balance.map_or_else(String::new, |balance| self.0.show(balance));
        let account =
            |side: &Side<'_>| side.holder.account().map(|account| account.to_string()).unwrap_or_default();
        let moment = entry.moment;
        write!(out, "{},{},{},{}", moment.index, moment.element, moment.timestamp, entry.movement)?;
        match &entry.from {
            Some(from) => write!(out, ",{},{},{}", account(from), from.handle, balance(from.balance))?,
            None => out.write_str(",,,")?,
        }
        let (to, memo) = (&entry.to, quoted(entry.memo));
        write!(out, ",{},{},{}", account(to), to.handle, balance(to.balance))?;
        write!(out, ",{},{},{memo}\r\n", self.0.show(entry.amount), self.0.name)
    }
}

impl Form for Jsonl {
    fn head(&self, _: &mut dyn Write) -> fmt::Result {
        Ok(())
    }

    fn entry(&self, entry: &Entry<'_>, out: &mut dyn Write) -> fmt::Result {
        let (from, to) = (&entry.from, &entry.to);
        let (shown, minor) = (|amount| self.0.show(amount), |amount: u64| amount.to_string());
        let from_balance = from.and_then(|from| from.balance);
        let line = Line {
            index: entry.moment.index,
            element: entry.moment.element,
            timestamp: entry.moment.timestamp.to_string(),
            movement: entry.movement.to_string(),
            from: from.and_then(|from| from.holder.account()),
            from_handle: from.map(|from| from.handle),
            from_balance: from_balance.map(shown),
            from_balance_minor: from_balance.map(minor),
            to: to.holder.account(),
            to_handle: to.handle,
            to_balance: to.balance.map(shown),
            to_balance_minor: to.balance.map(minor),
            amount: shown(entry.amount),
            minor: minor(entry.amount),
            currency: &self.0.name,
            scale: self.0.scale,
            memo: entry.memo,
        };
        writeln!(out, "{}", serde_json::to_string(&line).map_err(|_| fmt::Error)?)
    }
}
