//! A block in words: for people, at a terminal. Programs read the JSON of `client::show`.

use std::io::Write;

use crate::chain::{Block, Genesis, block_hash};
use crate::client::show::{NotShown, transaction};
use crate::domain::accounts::{self, Registered};
use crate::domain::orders::ShownOrder;
use crate::domain::payments::{self, Currency};
use crate::domain::{AccountId, Command, Event, Settings};
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
    match &transaction.command {
        Command::Accounts(command) => write_membership(command, &transaction.event, out),
        Command::Orders(command) => command.shown().iter().try_for_each(|order| write_order(order, out)),
        Command::Payments(command) => write_money(command, currency, out),
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

fn write_membership(command: &accounts::Command, event: &Event, out: &mut dyn Write) -> Result<(), NotShown> {
    match command {
        accounts::Command::Register(register) => {
            let handle = escape(&register.handle);
            match event {
                Event::Accounts(accounts::Event::Registered(Registered { account })) => {
                    writeln!(out, "  register {handle} as {}", number(*account))?;
                }
                _ => return Err(NotShown::new("a registration without an account")),
            }
        }
        accounts::Command::GrantRole(grant) => {
            writeln!(out, "  grant {} to {}", grant.role, number(grant.account))?;
        }
        accounts::Command::RevokeRole(revoke) => {
            writeln!(out, "  revoke {} from {}", revoke.role, number(revoke.account))?;
        }
        accounts::Command::VouchClock(vouch) => {
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
    command: &payments::Command,
    currency: &Currency,
    out: &mut dyn Write,
) -> Result<(), NotShown> {
    match command {
        payments::Command::Pay(pay) => {
            for payment in &pay.payments {
                let (paid, to) = (amount(currency, payment.amount.unsigned_abs()), number(payment.to));
                writeln!(out, "  pay {paid} to {to}{}", memo_text(&payment.memo))?;
            }
        }
        payments::Command::Issue(issue) => {
            let issued = amount(currency, issue.amount.unsigned_abs());
            writeln!(out, "  issue {issued} to {}", number(issue.to))?;
        }
        payments::Command::Settle(settle) => {
            let order = &settle.order;
            let (paid, id) = (amount(currency, order.amount), order.order_id);
            let (from, to) = (number(order.payer), number(order.payee));
            writeln!(out, "  settle {paid} from {from} to {to}, order {id}{}", memo_text(&order.memo))?;
        }
        payments::Command::RevokeOrder(revoke) => writeln!(out, "  revoke order {}", revoke.order_id)?,
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
