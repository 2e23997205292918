//! `ledgerctl balance`: what somebody has.

use argh::{ArgsInfo, FromArgs};

use crate::cli::amounts;
use crate::cli::context::Context;
use crate::cli::run::Run;
use crate::cli::session::open_member;
use crate::client::{ClientError, fetch_balance};
use crate::terminal::exit::Exit;

/// What you have.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "balance", example = "ledgerctl balance")]
pub struct Balance {}

impl Run for Balance {
    const REMEMBERS: bool = false;

    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let mut member = open_member(context)?;
        let (balance, currency) = fetch_balance(&mut member)?;
        if context.out.json {
            let fields = amounts::balance(balance, &currency).into_iter().chain(amounts::currency(&currency));
            context.out.line(&amounts::object(fields).to_string())?;
        } else {
            context.out.line(&currency.show_named(balance))?;
        }
        Ok(Exit::Done)
    }
}
