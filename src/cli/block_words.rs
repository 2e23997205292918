//! A block in words: for people, at a terminal. Programs read the JSON of `client::show`.

use std::io::Write;

use crate::chain::{Block, Genesis, block_hash};
use crate::client::show::{NotShown, transaction};
use crate::domain::orders::ShownOrder;
use crate::domain::payments::{self, Currency};
use crate::domain::{AccountId, Happened, Settings, accounts};
use crate::text::escape;
use crate::time::Timestamp;

/// Writes a block: a line that says which one it is, then a line for each thing that was done in it. Amounts are
/// written in `currency`, that of the block's ledger.
///
/// # Errors
/// [`NotShown`] when the bytes are not a block, or cannot be written.
pub fn write_block(bytes: &[u8], currency: &Currency, out: &mut dyn Write) -> Result<(), NotShown> {
    let block = Block::parse(bytes).map_err(NotShown::new)?;
    writeln!(out, "block {}  {}  {}", block.index, block.timestamp, block_hash(bytes))?;
    if block.index == 0 {
        return write_genesis(bytes, out);
    }
    let transaction = transaction(&block)?;
    match &transaction.happened {
        Happened::Accounts(happened) => write_membership(happened, out),
        Happened::Orders(happened) => happened.shown().iter().try_for_each(|order| write_order(order, out)),
        Happened::Payments(happened) => write_money(happened, currency, out),
    }
}

fn write_genesis(bytes: &[u8], out: &mut dyn Write) -> Result<(), NotShown> {
    let (genesis, ledger_id) = Genesis::from_block(bytes).map_err(NotShown::new)?;
    writeln!(out, "  genesis of the ledger {}, id {ledger_id}", escape(&genesis.origin))?;
    // A ledger of a newer program may have settings that this one does not know.
    if let Ok(settings) = Settings::read(&genesis.settings) {
        let Currency { name, scale } = &settings.currency;
        let grant = amount(&settings.currency, settings.opening_grant);
        writeln!(out, "  money is {name} with {scale} decimals; every new account receives {grant}")?;
    }
    Ok(())
}

fn write_membership(happened: &accounts::Happened, out: &mut dyn Write) -> Result<(), NotShown> {
    match happened {
        accounts::Happened::Registered(register, registered) => {
            writeln!(out, "  register {} as {}", escape(&register.handle), number(registered.account))?;
        }
        accounts::Happened::RoleGranted(grant, _) => {
            writeln!(out, "  grant {} to {}", grant.role, number(grant.account))?;
        }
        accounts::Happened::RoleRevoked(revoke, _) => {
            writeln!(out, "  revoke {} from {}", revoke.role, number(revoke.account))?;
        }
        accounts::Happened::ClockVouched(vouch, _) => {
            let time = Timestamp::from_millis(vouch.time_ms);
            writeln!(out, "  vouch for the clock: it is {time}, whatever the time of the block")?;
        }
    }
    Ok(())
}

fn write_order(order: &ShownOrder, out: &mut dyn Write) -> Result<(), NotShown> {
    let quantity = order.quantity.to_string();
    write!(out, "  {:4} {quantity:>10} {}", order.operation.as_str(), order.stock_name)?;
    if let Some(price) = order.price {
        write!(out, " at {price}")?;
    }
    if let Some(currency) = &order.currency {
        write!(out, " {currency}")?;
    }
    Ok(writeln!(out)?)
}

fn write_money(
    happened: &payments::Happened,
    currency: &Currency,
    out: &mut dyn Write,
) -> Result<(), NotShown> {
    match happened {
        payments::Happened::Paid(pay, _) => {
            for payment in &pay.payments {
                let (paid, to) = (amount(currency, payment.amount.unsigned_abs()), number(payment.to));
                writeln!(out, "  pay {paid} to {to}{}", memo_text(&payment.memo))?;
            }
        }
        payments::Happened::Issued(issue, _) => {
            let issued = amount(currency, issue.amount.unsigned_abs());
            writeln!(out, "  issue {issued} to {}", number(issue.to))?;
        }
        payments::Happened::Settled(settle, _) => {
            let cheque = &settle.cheque;
            let (paid, id) = (amount(currency, cheque.amount), cheque.cheque_id);
            let (from, to) = (number(cheque.payer), number(cheque.payee));
            writeln!(out, "  settle {paid} from {from} to {to}, cheque {id}{}", memo_text(&cheque.memo))?;
        }
        payments::Happened::ChequeRevoked(revoke, _) => {
            writeln!(out, "  revoke cheque {}", revoke.cheque_id)?
        }
    }
    Ok(())
}

/// An account as people write it where a handle could stand too.
fn number(account: AccountId) -> String {
    format!("#{account}")
}

fn amount(currency: &Currency, minor: u64) -> String {
    format!("{} {}", currency.show(minor), currency.name)
}

/// The memo, if there is one, set off from what stands before it.
fn memo_text(memo: &str) -> String {
    if memo.is_empty() { String::new() } else { format!(": {}", escape(memo)) }
}
