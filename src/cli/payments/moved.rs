//! How it is told that money moved.

use crate::cli::amounts::{self, Field};
use crate::cli::context::Context;
use crate::cli::telling::show;
use crate::client::ClientError;
use crate::domain::payments::Currency;
use crate::wire::Accepted;

/// Shows the block in which money moved, and the balance after it.
pub(in crate::cli) fn show_money(
    context: &Context,
    accepted: &Accepted,
    words: &str,
    mut fields: Vec<Field>,
    balance: u64,
    currency: &Currency,
) -> Result<(), ClientError> {
    let words = format!("{words}; balance {}", currency.show_named(balance));
    fields.extend(amounts::balance(balance, currency));
    show(context, accepted, &words, &fields)
}
