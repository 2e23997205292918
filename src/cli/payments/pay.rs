//! `ledgerctl pay`: money for one member, or for many at once.

use std::collections::BTreeMap;
use std::io::BufReader;

use argh::{ArgsInfo, FromArgs};

use super::balance::fetch_balance;
use super::moved::show_money;
use crate::cli::amounts::{self, Field};
use crate::cli::context::Context;
use crate::cli::members::{to_fields, whom};
use crate::cli::named_files::open_source;
use crate::cli::run::Run;
use crate::cli::session::open_member;
use crate::cli::telling::{submit, tell};
use crate::client::payments_input::{self, Wanted};
use crate::client::{ClientError, IdempotencyKey, Member, Registrant, User, find_member};
use crate::domain::payments::{self, Currency, Event as MoneyEvent, Payment};
use crate::domain::{AccountId, Command, Event};
use crate::terminal::exit::Exit;

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

    /// a name for this run that stands for nothing else: run again with it, it tells the outcome of the first run
    #[argh(option)]
    pub idempotency_key: Option<IdempotencyKey>,
}

impl Run for Pay {
    const REMEMBERS: bool = true;

    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let wanted = wanted_payments(self)?;
        let mut member = open_member(context)?;
        let (_, currency) = fetch_balance(&mut member)?;
        let mut payments = Vec::with_capacity(wanted.len());
        let mut payees = Payees::default();
        for wanted in &wanted {
            let amount = wanted.amount(&currency)?;
            let payee = payees.find(&mut member, &wanted.to).map_err(|error| wanted.refused(error))?;
            wanted.check_handle(&payee.handle)?;
            let payment = Payment { to: payee.account, amount, memo: wanted.memo.clone() };
            payments.push((payee, payment));
        }
        let (words, fields) = (paid_words(&payments, &currency), paid_fields(&payments, &currency));
        let payments = payments.into_iter().map(|(_, payment)| payment).collect();
        let key = self.idempotency_key.as_ref();
        let command = Command::Payments(payments::Command::Pay(payments::Pay { payments }));
        let submitted = submit(context, &mut member, &command, key);
        let submitted = submitted.map_err(|error| payments_input::refused(&wanted, error))?;
        tell(submitted, |accepted| {
            let Ok(Event::Payments(MoneyEvent::Paid(done))) = Event::decode(&accepted.event) else {
                return Err(ClientError::unexpected_reply());
            };
            show_money(context, accepted, &words, fields, done.balance, &currency)
        })
    }
}

/// The payees of a command, each looked up once.
#[derive(Default)]
struct Payees(BTreeMap<User, Payee>);

/// Who is paid, as the ledger proves it.
#[derive(Clone)]
struct Payee {
    account: AccountId,
    handle: String,
}

impl Payees {
    fn find(&mut self, member: &mut Member, user: &User) -> Result<Payee, ClientError> {
        if let Some(known) = self.0.get(user) {
            return Ok(known.clone());
        }
        let Registrant { account, handle, .. } = find_member(member, user)?;
        let payee = Payee { account, handle };
        self.0.insert(user.clone(), payee.clone());
        Ok(payee)
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
