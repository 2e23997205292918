//! `ledgerctl pay`: money for one member, or for many at once.

use std::io::BufReader;

use argh::{ArgsInfo, FromArgs};

use super::moved::show_money;
use crate::cli::amounts::{self, Field};
use crate::cli::context::Context;
use crate::cli::members::{to_fields, whom};
use crate::cli::named_files::open_source;
use crate::cli::run::Run;
use crate::cli::session::open_member;
use crate::cli::telling::{note_sent_before, tell};
use crate::client::payments_input::{self, Wanted};
use crate::client::{
    ApartTold, ClientError, IdempotencyKey, Moved, Payee, balance_after_paying, pay, pay_apart,
};
use crate::domain::payments::{Currency, Payment};
use crate::terminal::exit::Exit;
use crate::wire::Accepted;

/// Pay somebody, or many at once, all or nothing.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "pay", example = "ledgerctl pay bob 12.50 --memo lunch")]
pub struct Pay {
    /// who is paid, by handle or by number ('#2' in quotes), and how much, in the ledger's currency
    #[argh(positional, arg_name = "user amount")]
    pub payment: Vec<String>,

    /// what it is for: at most 96 bytes
    #[argh(option)]
    pub memo: Option<String>,

    /// payments as JSON Lines with to, amount and memo (- for standard input): one command of up to 8192
    #[argh(option)]
    pub file: Option<String>,

    /// with --file: one command, one block and one provable receipt for each payment, one after the other
    #[argh(switch)]
    pub apart: bool,

    /// a name for this run that stands for nothing else: run again with it, it tells the outcome of the first run
    #[argh(option)]
    pub idempotency_key: Option<IdempotencyKey>,
}

impl Run for Pay {
    const REMEMBERS: bool = true;

    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let wanted = wanted_payments(self)?;
        let mut member = open_member(context)?;
        let key = self.idempotency_key.as_ref();
        if self.apart {
            pay_apart(&mut member, &wanted, key, &mut Apart { context })?;
            return Ok(Exit::Done);
        }
        let Moved { payments, currency, submitted } =
            pay(&mut member, &wanted, key, &mut || note_sent_before(context))?;
        tell(submitted, |accepted| {
            let balance = balance_after_paying(accepted)?;
            let (words, fields) = (paid_words(&payments, &currency), paid_fields(&payments, &currency));
            if payments.iter().any(|(payee, _)| Some(payee) != payments.first().map(|(first, _)| first)) {
                context.out.note(
                    "each payee sees a line in the statement, which is the server's word: the block is yours alone. \
                     With --apart each payee has a block that can be proven",
                );
            }
            show_money(context, accepted, &words, fields, balance, &currency)
        })
    }
}

/// Tells payments that are made apart.
struct Apart<'a> {
    context: &'a Context,
}

impl ApartTold for Apart<'_> {
    fn goes_on(&mut self, left: usize, of: usize) {
        let text =
            format!("the same payments did not end before: {left} of {of} are left, and none is made twice");
        self.context.out.note(&text);
    }

    fn paid(
        &mut self,
        payment: &(Payee, Payment),
        currency: &Currency,
        accepted: &Accepted,
    ) -> Result<(), ClientError> {
        let payments = std::slice::from_ref(payment);
        let balance = balance_after_paying(accepted)?;
        let (words, fields) = (paid_words(payments, currency), paid_fields(payments, currency));
        show_money(self.context, accepted, &words, fields, balance, currency)
    }

    fn stopped(&mut self, stand: usize, of: usize) {
        let text =
            format!("{stand} of {of} payments stand; the same command given again goes on behind them");
        self.context.out.note(&text);
    }
}

/// What was paid, in words: to whom, or how much in all.
fn paid_words(payments: &[(Payee, Payment)], currency: &Currency) -> String {
    if let [(payee, payment)] = payments {
        let amount = currency.show_named(payment.amount.unsigned_abs());
        return format!("paid {amount} to {}", whom(&payee.handle, payee.account));
    }
    let sum = payments.iter().map(|(_, payment)| payment.amount.unsigned_abs()).sum();
    format!("{} payments, {} in all", payments.len(), currency.show_named(sum))
}

/// The same as fields: of one payment beside those of the block, of several as an array.
fn paid_fields(payments: &[(Payee, Payment)], currency: &Currency) -> Vec<Field> {
    let of = |(payee, payment): &(Payee, Payment)| {
        to_fields(payee.account, &payee.handle).into_iter().chain(amounts::amount(payment.amount, currency))
    };
    match payments {
        [one] => of(one).collect(),
        all => vec![("payments", all.iter().map(|payment| amounts::object(of(payment))).collect())],
    }
}

fn wanted_payments(command: &Pay) -> Result<Vec<Wanted>, ClientError> {
    if command.apart && command.file.is_none() {
        return Err(ClientError::Usage(
            "--apart goes with --file: a single payment is apart anyway".to_owned(),
        ));
    }
    match (command.payment.as_slice(), &command.file) {
        ([user, amount], None) => {
            let memo = command.memo.clone().unwrap_or_default();
            Ok(vec![payments_input::one(user, amount, &memo)?])
        }
        ([], Some(name)) if command.memo.is_none() => {
            payments_input::file(name, BufReader::new(open_source(name)?))
        }
        _ => Err(ClientError::Usage(
            "pay USER AMOUNT [--memo TEXT], or pay --file FILE; in a shell, '#2' has to stand in quotes"
                .to_owned(),
        )),
    }
}
