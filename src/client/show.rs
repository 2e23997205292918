//! A stored block in the owner's JSON shape:
//! `{"index":1,"timestamp":"…","data":{…},"hash":"…","previous_hash":"…"}`.
//!
//! Keys keep this order; `data` is an object for one order or payment, an array for several, a sentence for genesis.

use std::fmt;
use std::io::{self, Write};

use crate::chain::{Block, Genesis, block_hash};
use crate::crypto::LedgerId;
use crate::domain::orders::ShownOrder;
use crate::domain::payments::{self, Cheque, Currency, Issue, Payment, Settle};
use crate::domain::{AccountId, Happened, Settings, accounts};
use crate::ledger::Transaction;
use crate::time::Timestamp;

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

impl From<io::Error> for NotShown {
    fn from(error: io::Error) -> NotShown {
        NotShown(error.to_string())
    }
}

/// Writes a block as one line of JSON. Where the ledger's currency is known, amounts stand in it beside minor units.
///
/// # Errors
/// [`NotShown`] when the bytes are not a block, or cannot be written.
pub fn json_line(bytes: &[u8], currency: Option<&Currency>, out: &mut dyn Write) -> Result<(), NotShown> {
    fields(bytes, currency, out)?;
    Ok(out.write_all(b"}\n")?)
}

/// The same with the stored bytes in hexadecimal as the last field.
///
/// # Errors
/// As for [`json_line`].
pub fn raw_line(bytes: &[u8], currency: Option<&Currency>, out: &mut dyn Write) -> Result<(), NotShown> {
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
fn fields(bytes: &[u8], currency: Option<&Currency>, out: &mut dyn Write) -> Result<(), NotShown> {
    let block = parse(bytes)?;
    write!(out, "{{\"index\":{},\"timestamp\":\"{}\",\"data\":", block.index, block.timestamp)?;
    if block.index == 0 {
        Genesis::from_block(bytes).map_err(|error| NotShown(error.to_string()))?;
        out.write_all(b"\"Genesis Block\"")?;
    } else {
        data(&block, currency, out)?;
    }
    write!(out, ",\"hash\":\"{}\",\"previous_hash\":", block_hash(bytes))?;
    if block.index == 0 {
        out.write_all(b"\"0\"")?
    } else {
        write!(out, "\"{}\"", block.previous_hash)?
    }
    Ok(())
}

/// An object for one thing that was done, an array for several.
fn data(block: &Block<'_>, currency: Option<&Currency>, out: &mut dyn Write) -> Result<(), NotShown> {
    let author = block.author;
    match &transaction(block)?.happened {
        Happened::Accounts(happened) => write_membership(author, happened, out),
        Happened::Orders(happened) => {
            several(&happened.shown(), out, |order, out| Ok(write_order(author, order, out)?))
        }
        Happened::Payments(payments::Happened::Paid(pay, _)) => {
            several(&pay.payments, out, |payment, out| write_payment(author, payment, currency, out))
        }
        Happened::Payments(payments::Happened::Issued(Issue { to, amount }, _)) => {
            write!(out, "{{\"user_id\":{author},\"operation_type\":\"issue\",\"to\":{to}")?;
            write_amount(i128::from(*amount), currency, out)?;
            Ok(out.write_all(b"}")?)
        }
        Happened::Payments(payments::Happened::Settled(Settle { cheque, .. }, _)) => {
            write_settlement(cheque, currency, out)
        }
        Happened::Payments(payments::Happened::ChequeRevoked(revoke, _)) => {
            let cheque = revoke.cheque_id;
            write!(
                out,
                "{{\"user_id\":{author},\"operation_type\":\"revoke_cheque\",\"cheque_id\":\"{cheque}\"}}"
            )?;
            Ok(())
        }
    }
}

/// The only one, or an array.
fn several<T>(
    items: &[T],
    out: &mut dyn Write,
    write: impl Fn(&T, &mut dyn Write) -> Result<(), NotShown>,
) -> Result<(), NotShown> {
    if let [item] = items {
        return write(item, out);
    }
    for (number, item) in items.iter().enumerate() {
        out.write_all(if number == 0 { b"[" } else { b"," })?;
        write(item, out)?;
    }
    Ok(out.write_all(b"]")?)
}

fn quoted(text: &str) -> Result<String, NotShown> {
    serde_json::to_string(text).map_err(|error| NotShown(error.to_string()))
}

fn write_membership(
    author: AccountId,
    happened: &accounts::Happened,
    out: &mut dyn Write,
) -> Result<(), NotShown> {
    let (operation, account, role) = match happened {
        accounts::Happened::Registered(register, registered) => {
            let (handle, account) = (quoted(&register.handle)?, registered.account);
            write!(out, "{{\"user_id\":{account},\"operation_type\":\"register\",\"handle\":{handle}}}")?;
            return Ok(());
        }
        accounts::Happened::ClockVouched(vouch, _) => {
            let time = Timestamp::from_millis(vouch.time_ms);
            write!(out, "{{\"user_id\":{author},\"operation_type\":\"vouch_clock\",\"time\":\"{time}\"}}")?;
            return Ok(());
        }
        accounts::Happened::RoleGranted(grant, _) => ("grant", grant.account, grant.role),
        accounts::Happened::RoleRevoked(revoke, _) => ("revoke", revoke.account, revoke.role),
    };
    write!(out, "{{\"user_id\":{author},\"operation_type\":\"{operation}\",")?;
    Ok(write!(out, "\"account\":{account},\"role\":\"{role}\"}}")?)
}

fn write_payment(
    author: AccountId,
    payment: &Payment,
    currency: Option<&Currency>,
    out: &mut dyn Write,
) -> Result<(), NotShown> {
    let Payment { to, amount, memo } = payment;
    write!(out, "{{\"user_id\":{author},\"operation_type\":\"pay\",\"to\":{to}")?;
    write_amount(i128::from(*amount), currency, out)?;
    write_memo(memo, out)
}

/// An amount as the ledger shows it, where that is known, and in minor units.
fn write_amount(minor: i128, currency: Option<&Currency>, out: &mut dyn Write) -> io::Result<()> {
    if let Some(currency) = currency {
        let (sign, units) = (if minor < 0 { "-" } else { "" }, minor.unsigned_abs());
        let shown = currency.show(u64::try_from(units).unwrap_or(u64::MAX));
        write!(out, ",\"amount\":\"{sign}{shown}\"")?;
    }
    write!(out, ",\"minor\":\"{minor}\"")
}

fn write_settlement(
    cheque: &Cheque,
    currency: Option<&Currency>,
    out: &mut dyn Write,
) -> Result<(), NotShown> {
    let Cheque { payer, cheque_id, payee, amount, .. } = cheque;
    write!(out, "{{\"user_id\":{payee},\"operation_type\":\"settle\",\"from\":{payer}")?;
    write_amount(i128::from(*amount), currency, out)?;
    write!(out, ",\"cheque_id\":\"{cheque_id}\"")?;
    write_memo(&cheque.memo, out)
}

/// The memo if there is one, and the closing brace.
fn write_memo(memo: &str, out: &mut dyn Write) -> Result<(), NotShown> {
    if !memo.is_empty() {
        write!(out, ",\"memo\":{}", quoted(memo)?)?;
    }
    Ok(out.write_all(b"}")?)
}

fn write_order(author: AccountId, order: &ShownOrder, out: &mut dyn Write) -> io::Result<()> {
    // A stock name and a currency hold nothing that JSON would have to escape.
    let ShownOrder { operation, stock_name, quantity, price, currency } = order;
    let operation = operation.as_str();
    write!(out, "{{\"user_id\":{author},\"operation_type\":\"{operation}\",\"stock_name\":\"{stock_name}\"")?;
    match (quantity.scale(), quantity.mantissa()) {
        (0, 1) => {}
        (0, whole) => write!(out, ",\"quantity\":{whole}")?,
        // Not every reader of JSON keeps the digits of a fraction.
        _ => write!(out, ",\"quantity\":\"{quantity}\"")?,
    }
    if let Some(price) = price {
        write!(out, ",\"price\":\"{price}\"")?;
    }
    if let Some(currency) = currency {
        write!(out, ",\"currency\":\"{currency}\"")?;
    }
    out.write_all(b"}")
}
