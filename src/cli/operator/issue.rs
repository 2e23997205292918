//! `ledgerctl issue`: money that is made and given to somebody.

use argh::{ArgsInfo, FromArgs};

use crate::cli::amounts;
use crate::cli::context::Context;
use crate::cli::members::{to_fields, whom};
use crate::cli::payments::balance::fetch_balance;
use crate::cli::payments::moved::show_money;
use crate::cli::run::Run;
use crate::cli::session::open_member;
use crate::cli::telling::{submit, tell};
use crate::client::{ClientError, IdempotencyKey, Registrant, find_member, payments_input};
use crate::domain::payments::{self, Event as MoneyEvent};
use crate::domain::{Command, Event};
use crate::terminal::exit::Exit;

/// Make money and give it to somebody; for operators.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "issue", example = "ledgerctl issue bob 1000")]
pub struct Issue {
    /// who receives it: a handle, or a number like '#2', in quotes
    #[argh(positional)]
    pub user: String,

    /// how much, in the ledger's currency
    #[argh(positional)]
    pub amount: String,

    /// a name for this run that stands for nothing else: run again with it, it tells the outcome of the first run
    #[argh(option)]
    pub idempotency_key: Option<IdempotencyKey>,
}

impl Run for Issue {
    const REMEMBERS: bool = true;

    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let wanted = payments_input::one(&self.user, &self.amount, "")?;
        let mut member = open_member(context)?;
        let (_, currency) = fetch_balance(&mut member)?;
        let amount = wanted.amount(&currency)?;
        let Registrant { account: to, handle, .. } = find_member(&mut member, &wanted.to)?;
        let issued = Command::Payments(payments::Command::Issue(payments::Issue { to, amount }));
        let submitted = submit(context, &mut member, &issued, self.idempotency_key.as_ref())?;
        let words = format!("issued {} to {}", currency.show_named(amount.unsigned_abs()), whom(&handle, to));
        let fields = to_fields(to, &handle).into_iter().chain(amounts::amount(amount, &currency)).collect();
        tell(submitted, |accepted| {
            let Ok(Event::Payments(MoneyEvent::Issued(issued))) = Event::decode(&accepted.event) else {
                return Err(ClientError::unexpected_reply());
            };
            show_money(context, accepted, &words, fields, issued.balance, &currency)
        })
    }
}
