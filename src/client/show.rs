//! A stored block in the owner's JSON shape:
//! `{"index":1,"timestamp":"…","data":{…},"hash":"…","previous_hash":"…"}`.
//!
//! Keys keep this order; `data` is an object for one order or payment, an array for several, a sentence for genesis.

use std::fmt::{self, Write as _};

use crate::chain::{Block, Genesis, block_hash};
use crate::crypto::LedgerId;
use crate::domain::orders::Decimal;
use crate::domain::payments::Currency;
use crate::domain::{AccountId, Settings, Shown, Sink};
use crate::ledger::Transaction;

/// Bytes that cannot be shown as a block.
#[derive(Debug)]
pub struct NotShown(String);

impl NotShown {
    /// For this reason.
    pub fn new(reason: impl fmt::Display) -> NotShown {
        NotShown(reason.to_string())
    }
}

impl fmt::Display for NotShown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotShown {}

impl From<fmt::Error> for NotShown {
    fn from(error: fmt::Error) -> NotShown {
        NotShown(error.to_string())
    }
}

/// Appends a block as one line of JSON. Where the ledger's currency is known, amounts stand in it beside minor units.
///
/// # Errors
/// [`NotShown`] when the bytes are not a block.
pub fn json_line(bytes: &[u8], currency: Option<&Currency>, out: &mut String) -> Result<(), NotShown> {
    fields(bytes, currency, out)?;
    out.push_str("}\n");
    Ok(())
}

/// The same with the stored bytes in hexadecimal as the last field.
///
/// # Errors
/// As for [`json_line`].
pub fn raw_line(bytes: &[u8], currency: Option<&Currency>, out: &mut String) -> Result<(), NotShown> {
    fields(bytes, currency, out)?;
    Ok(writeln!(out, ",\"raw\":\"{}\"}}", const_hex::encode(bytes))?)
}

/// The currency of a ledger, which its first block names; none of any other bytes.
pub fn currency_of(genesis: &[u8]) -> Option<Currency> {
    let (genesis, _) = Genesis::from_block(genesis).ok()?;
    Settings::read(&genesis.settings).ok().map(|settings| settings.currency)
}

fn parse(bytes: &[u8]) -> Result<Block<'_>, NotShown> {
    Block::parse(bytes).map_err(|error| NotShown(error.to_string()))
}

/// The command and the event of a block, genesis excepted.
///
/// # Errors
/// [`NotShown`] when they cannot be decoded.
pub fn transaction<'a>(block: &Block<'a>) -> Result<Transaction<'a>, NotShown> {
    let message = crate::chain::Message::parse(block.message);
    let ledger_id = message.map_or(LedgerId::default(), |message| message.header.ledger_id);
    Transaction::decode(block, ledger_id).map_err(|error| NotShown(format!("block {}: {error}", block.index)))
}

/// Everything but the closing brace.
fn fields(bytes: &[u8], currency: Option<&Currency>, out: &mut String) -> Result<(), NotShown> {
    let block = parse(bytes)?;
    write!(out, "{{\"index\":{},\"timestamp\":\"{}\",\"data\":", block.index, block.timestamp)?;
    if block.index == 0 {
        Genesis::from_block(bytes).map_err(|error| NotShown(error.to_string()))?;
        out.push_str("\"Genesis Block\"");
    } else {
        let happened = transaction(&block)?.happened;
        let mut data = Data { currency, out, entries: 0, begun: 0 };
        happened.show(block.author, &mut data)?;
        data.end();
    }
    write!(out, ",\"hash\":\"{}\",\"previous_hash\":", block_hash(bytes))?;
    if block.index == 0 {
        out.push_str("\"0\"");
    } else {
        write!(out, "\"{}\"", block.previous_hash)?;
    }
    Ok(())
}

/// Writes what a block did: an object for one thing, an array for several.
struct Data<'a> {
    currency: Option<&'a Currency>,
    out: &'a mut String,
    /// How many entries were announced.
    entries: usize,
    /// How many of them were begun. The newest one is still open.
    begun: usize,
}

impl Data<'_> {
    /// Closes what is open.
    fn end(self) {
        if self.begun > 0 {
            self.out.push('}');
        }
        if self.entries != 1 {
            self.out.push(']');
        }
    }

    /// The name of the field that follows.
    fn name(&mut self, name: &str) {
        self.out.push_str(",\"");
        self.out.push_str(name);
        self.out.push_str("\":");
    }
}

impl Sink for Data<'_> {
    fn entries(&mut self, count: usize) -> fmt::Result {
        self.entries = count;
        if count != 1 {
            self.out.push('[');
        }
        Ok(())
    }

    fn entry(&mut self, by: AccountId, operation: &'static str) -> fmt::Result {
        if self.begun > 0 {
            self.out.push_str("},");
        }
        self.begun += 1;
        write!(self.out, "{{\"user_id\":{by},\"operation_type\":\"{operation}\"")
    }

    fn field(&mut self, name: &'static str, _: &'static str, value: Shown<'_>) -> fmt::Result {
        match value {
            Shown::Quantity(quantity) if quantity == Decimal::from(1) => return Ok(()),
            // Amounts are shown as the ledger shows them where that is known, and in minor units.
            Shown::Money(minor) => {
                if let Some(currency) = self.currency {
                    self.name(name);
                    write!(self.out, "\"{}\"", currency.shown(minor))?;
                }
                self.name("minor");
            }
            Shown::Price(minor) => {
                if let Some(currency) = self.currency {
                    self.name(name);
                    write!(self.out, "\"{}\"", currency.show(minor))?;
                }
                self.out.push_str(",\"");
                self.out.push_str(name);
                self.out.push_str("_minor\":");
            }
            _ => self.name(name),
        }
        let out = &mut *self.out;
        match value {
            Shown::Account(account) => write!(out, "{account}"),
            Shown::Money(minor) => write!(out, "\"{minor}\""),
            Shown::Price(minor) => write!(out, "\"{minor}\""),
            Shown::Count(count) => write!(out, "{count}"),
            Shown::Quantity(quantity) if quantity.scale() == 0 => write!(out, "{quantity}"),
            // Not every reader of JSON keeps the digits of a fraction.
            Shown::Quantity(number) | Shown::Number(number) => write!(out, "\"{number}\""),
            Shown::Time(time) => write!(out, "\"{time}\""),
            Shown::Name(shown) => write!(out, "\"{shown}\""),
            Shown::Text(text) => quote(text, out),
        }
    }
}

/// Writes a text as a string of JSON.
fn quote(text: &str, out: &mut String) -> fmt::Result {
    if text.bytes().any(|byte| byte < b' ' || byte == b'"' || byte == b'\\') {
        out.push_str(&serde_json::to_string(text).map_err(|_| fmt::Error)?);
        return Ok(());
    }
    // Nearly every text is this one, and takes no room of its own.
    write!(out, "\"{text}\"")
}
