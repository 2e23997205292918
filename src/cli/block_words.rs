//! A block in words: for people, at a terminal. Programs read the JSON of `client::show`.

use std::fmt::{self, Write as _};

use crate::chain::{Block, Genesis, block_hash};
use crate::client::show::{NotShown, transaction};
use crate::domain::payments::Currency;
use crate::domain::{AccountId, Settings, Shown, Sink};
use crate::text::escape;

/// The column at which the quantity of an order ends, counted from its operation.
const QUANTITY_ENDS_AT: usize = 15;

/// Appends a block: a line that says which one it is, then a line for each thing that was done in it. Amounts are
/// written in `currency`, that of the block's ledger.
///
/// # Errors
/// [`NotShown`] when the bytes are not a block.
pub fn write_block(bytes: &[u8], currency: &Currency, out: &mut String) -> Result<(), NotShown> {
    let block = Block::parse(bytes).map_err(NotShown::new)?;
    writeln!(out, "block {}  {}  {}", block.index, block.timestamp, block_hash(bytes))?;
    if block.index == 0 {
        return write_genesis(bytes, out);
    }
    let mut lines = Lines::new(block.author, currency, out);
    transaction(&block)?.happened.show(block.author, &mut lines)?;
    Ok(lines.end_line()?)
}

fn write_genesis(bytes: &[u8], out: &mut String) -> Result<(), NotShown> {
    let (genesis, ledger_id) = Genesis::from_block(bytes).map_err(NotShown::new)?;
    writeln!(out, "  genesis of the ledger {}, id {ledger_id}", escape(&genesis.origin))?;
    // A ledger of a newer program may have settings that this one does not know.
    if let Ok(settings) = Settings::read(&genesis.settings) {
        let Currency { name, scale } = &settings.currency;
        let grant = settings.currency.show_named(settings.opening_grant);
        writeln!(out, "  money is {name} with {scale} decimals; every new account receives {grant}")?;
    }
    Ok(())
}

/// Writes a line for each thing that a block did: `pay 1.50 USD to #2: tea`. Wherever its field comes, the quantity or the
/// amount stands right behind the operation, as in a sentence.
struct Lines<'a> {
    /// The author of the block. An entry of another member's says whose it is.
    author: AccountId,
    currency: &'a Currency,
    out: &'a mut String,
    /// The operation of the line under way; none before the first one.
    operation: Option<&'static str>,
    /// The quantity or the amount of that line, and how wide it is written.
    amount: String,
    amount_width: usize,
    /// The other fields of that line.
    rest: String,
}

impl<'a> Lines<'a> {
    fn new(author: AccountId, currency: &'a Currency, out: &'a mut String) -> Lines<'a> {
        let (amount, rest) = (String::new(), String::new());
        Lines { author, currency, out, operation: None, amount, amount_width: 0, rest }
    }

    /// Writes the line under way.
    fn end_line(&mut self) -> fmt::Result {
        let Some(operation) = self.operation.take() else { return Ok(()) };
        self.out.push_str("  ");
        self.out.extend(operation.chars().map(|c| if c == '_' { ' ' } else { c }));
        if !self.amount.is_empty() {
            write!(self.out, " {:>width$}", self.amount, width = self.amount_width)?;
        }
        writeln!(self.out, "{}", self.rest)?;
        self.amount.clear();
        self.rest.clear();
        Ok(())
    }
}

impl Sink for Lines<'_> {
    fn entries(&mut self, _: usize) -> fmt::Result {
        Ok(())
    }

    fn entry(&mut self, by: AccountId, operation: &'static str) -> fmt::Result {
        self.end_line()?;
        self.operation = Some(operation);
        if by != self.author {
            write!(self.rest, " #{by}")?;
        }
        Ok(())
    }

    fn field(&mut self, _: &'static str, before: &'static str, value: Shown<'_>) -> fmt::Result {
        let rest = &mut self.rest;
        match value {
            Shown::Quantity(quantity) => {
                // The quantities of several orders end below one another.
                let operation = self.operation.map_or(0, str::len);
                self.amount_width = QUANTITY_ENDS_AT.saturating_sub(operation + 1);
                write!(self.amount, "{quantity}")
            }
            Shown::Money(minor) => {
                self.amount_width = 0;
                write!(self.amount, "{} {}", self.currency.shown(minor), self.currency.name)
            }
            // Accounts are written as people write them where a handle could stand too.
            Shown::Account(account) => write!(rest, "{before}#{account}"),
            Shown::Price(minor) => write!(rest, "{before}{}", self.currency.show_named(minor)),
            Shown::Count(count) => write!(rest, "{before}{count}"),
            Shown::Number(number) => write!(rest, "{before}{number}"),
            Shown::Time(time) => write!(rest, "{before}{time}"),
            Shown::Name(shown) => write!(rest, "{before}{shown}"),
            Shown::Text(text) => write!(rest, "{before}{}", escape(text)),
        }
    }
}
