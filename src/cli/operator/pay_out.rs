//! `ledgerctl pay-out`: money of an erased account for a member.

use argh::{ArgsInfo, FromArgs};

use crate::cli::amounts::{self, Field};
use crate::cli::context::Context;
use crate::cli::members::{to_fields, whom};
use crate::cli::payments::moved::show_money;
use crate::cli::run::Run;
use crate::cli::session::open_member_for;
use crate::cli::telling::{note_sent_before, tell};
use crate::client::{ClientError, PaidOut, User, balance_after_paying_out, pay_out, payments_input};
use crate::domain::Rights;
use crate::domain::payments::PayOutReason;
use crate::terminal::exit::Exit;

/// Pay out what an erased account has, thirty days after its erasure or later; for operators.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(
    subcommand,
    name = "pay-out",
    example = "ledgerctl pay-out bob --to carol --amount 12.50 --reason heirs"
)]
pub struct PayOut {
    /// the erased account: the handle that it had, or a number like '#2', in quotes
    #[argh(positional)]
    pub account: String,

    /// who receives the money: a handle, or a number like '#3', in quotes
    #[argh(option, arg_name = "user")]
    pub to: String,

    /// how much, in the ledger's currency
    #[argh(option, arg_name = "amount")]
    pub amount: String,

    /// why: heirs, owner_request, law, mistake or other
    #[argh(option, arg_name = "reason")]
    pub reason: PayOutReason,
}

impl Run for PayOut {
    const REMEMBERS: bool = true;

    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let from: User = self.account.parse().map_err(ClientError::Usage)?;
        let wanted = payments_input::one(&self.to, &self.amount, "")?;
        let mut member = open_member_for(context, Rights::Full)?;
        let again = &mut || note_sent_before(context);
        let PaidOut { from, to, amount, currency, submitted } =
            pay_out(&mut member, &from, &wanted, self.reason, again)?;
        tell(submitted, |accepted| {
            let balance = balance_after_paying_out(accepted)?;
            let [dead, heir] = [&from, &to].map(|member| whom(&member.handle, member.account));
            let words = format!("paid out {} of {dead} to {heir}", currency.show_named(amount));
            let mut fields: Vec<Field> =
                vec![("account", from.account.0.into()), ("handle", from.handle.as_str().into())];
            fields.extend(to_fields(to.account, &to.handle));
            fields.extend(amounts::amount(i64::try_from(amount).unwrap_or(i64::MAX), &currency));
            fields.push(("reason", self.reason.name().into()));
            show_money(context, accepted, &words, fields, balance, &currency)
        })
    }
}
