//! `ledgerctl issue`: money that is made and given to somebody.

use argh::{ArgsInfo, FromArgs};

use crate::cli::amounts;
use crate::cli::context::Context;
use crate::cli::members::{to_fields, whom};
use crate::cli::payments::moved::show_money;
use crate::cli::run::Run;
use crate::cli::session::open_member_for;
use crate::cli::telling::{note_sent_before, tell};
use crate::client::{ClientError, IdempotencyKey, Issued, balance_after_issuing, issue, payments_input};
use crate::domain::Rights;
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
        let mut member = open_member_for(context, Rights::Full)?;
        let key = self.idempotency_key.as_ref();
        let Issued { to, amount, currency, submitted } =
            issue(&mut member, &wanted, key, &mut || note_sent_before(context))?;
        tell(submitted, |accepted| {
            let balance = balance_after_issuing(accepted)?;
            let shown = currency.show_named(amount.unsigned_abs());
            let words = format!("issued {shown} to {}", whom(&to.handle, to.account));
            let to = to_fields(to.account, &to.handle);
            let fields = to.into_iter().chain(amounts::amount(amount, &currency)).collect();
            show_money(context, accepted, &words, fields, balance, &currency)
        })
    }
}
