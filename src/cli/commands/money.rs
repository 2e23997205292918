//! `ledgerctl balance`, `statement`, `pay`, `issue`: money, in the ledger's currency.

use std::collections::BTreeMap;
use std::io::{self, BufReader, Write as _};

use jiff::Timestamp as Time;

use super::Context;
use super::amounts::{self, Field};
use super::money_arguments::{BalanceCommand, IssueCommand, PayCommand, StatementCommand};
use super::named_files::open_source;
use super::settling::open_member;
use super::submitting::{show, submit, tell};
use crate::client::payments_input::{self, Wanted};
use crate::client::{ClientError, Member, Registrant, Statement, User, find_member};
use crate::domain::payments::{self, Currency, Event as MoneyEvent, Issue, Pay, Payment};
use crate::domain::{AccountId, Command, Event};
use crate::terminal::exit::Exit;
use crate::text::escape;
use crate::wire::{Accepted, Balance, Reply, Request, StatementLine};

pub(super) fn balance(context: &Context, command: &BalanceCommand) -> Result<Exit, ClientError> {
    let mut member = open_member(context)?;
    let (balance, currency) = fetch_balance(&mut member)?;
    if command.json || context.out.json {
        let fields = amounts::balance(balance, &currency).into_iter().chain(amounts::currency(&currency));
        context.out.line(&amounts::object(fields).to_string())?;
    } else {
        context.out.line(&currency.show_named(balance))?;
    }
    Ok(Exit::Done)
}

pub(super) fn fetch_balance(member: &mut Member) -> Result<(u64, Currency), ClientError> {
    let Reply::Balance(Balance { balance, currency, scale }) = member.ask(&Request::Balance, &mut |_| ())?
    else {
        return Err(ClientError::unexpected_reply());
    };
    let name = Currency::checked_name(&currency).ok_or_else(ClientError::unexpected_reply)?;
    let scale = Currency::checked_scale(scale).ok_or_else(ClientError::unexpected_reply)?;
    Ok((balance, Currency { name, scale }))
}

pub(super) fn statement(context: &Context, command: &StatementCommand) -> Result<Exit, ClientError> {
    let time =
        |text: &Option<String>, name: &str| text.as_deref().map(|text| instant(text, name)).transpose();
    let (from, to) = (time(&command.from, "--from")?, time(&command.to, "--to")?);
    let json = command.json || context.out.json;
    if json && command.csv {
        return Err(ClientError::Usage("--csv and --json: which of the two?".to_owned()));
    }
    let mut member = open_member(context)?;
    let (_, currency) = fetch_balance(&mut member)?;
    if command.csv {
        context.out.line("index,element,timestamp,movement,counterparty,handle,amount,balance,memo")?;
    }
    let mut statement = Statement::start(&mut member);
    while let Some(lines) = statement.next_page()? {
        let mut out = Vec::new();
        for line in &lines {
            let micros = i64::try_from(line.timestamp.micros()).unwrap_or(i64::MAX);
            let inside = from.is_none_or(|from| micros >= from) && to.is_none_or(|to| micros < to);
            if inside {
                let written = write_line(line, &currency, json, command.csv, &mut out);
                written.map_err(|error| ClientError::Unexpected(error.to_string()))?;
            }
        }
        if !context.out.data(|stdout| stdout.write_all(&out))? {
            break;
        }
    }
    Ok(Exit::Done)
}

fn write_line(
    line: &StatementLine,
    currency: &Currency,
    json: bool,
    csv: bool,
    out: &mut Vec<u8>,
) -> io::Result<()> {
    let movement = line.movement;
    let counterparty = line.counterparty.map(|account| account.0);
    if json {
        let mut fields = vec![
            ("index", line.place.index.into()),
            ("element", line.place.element.into()),
            ("timestamp", line.timestamp.to_string().into()),
            ("movement", movement.to_string().into()),
            ("counterparty", counterparty.into()),
            ("handle", line.handle.clone().into()),
        ];
        fields.extend(amounts::amount(line.amount, currency));
        fields.extend(amounts::balance(line.balance, currency));
        fields.push(("memo", line.memo.clone().into()));
        return writeln!(out, "{}", amounts::object(fields));
    }
    let amount = currency.show_signed(line.amount);
    let balance = currency.show(line.balance);
    let who = counterparty.map(|account| account.to_string()).unwrap_or_default();
    if csv {
        // RFC 4180: quotes around text, doubled inside.
        let memo = line.memo.replace('"', "\"\"");
        let (index, element) = (line.place.index, line.place.element);
        return writeln!(
            out,
            "{index},{element},{},{movement},{who},{},{amount},{balance},\"{memo}\"",
            line.timestamp, line.handle
        );
    }
    let (handle, memo) = (escape(&line.handle), escape(&line.memo));
    writeln!(out, "{}  {movement:10} {amount:>14} {balance:>14}  {who} {handle}  {memo}", line.timestamp)
}

/// A time as RFC 3339, or a day, which begins at midnight in UTC; in microseconds.
fn instant(text: &str, option: &str) -> Result<i64, ClientError> {
    let whole: Result<Time, _> = text.parse().or_else(|_| format!("{text}T00:00:00Z").parse());
    let bad = |_| {
        ClientError::Usage(format!(
            "{option} {text:?}: expected a time such as 2026-01-31 or 2026-01-31T12:00:00Z"
        ))
    };
    whole.map(Time::as_microsecond).map_err(bad)
}

pub(super) fn pay(context: &Context, command: &PayCommand) -> Result<Exit, ClientError> {
    let wanted = wanted_payments(command)?;
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
    let (command_json, key) = (command.json, command.idempotency_key.as_ref());
    let command = Command::Payments(payments::Command::Pay(Pay { payments }));
    let submitted = submit(context, &mut member, &command, key);
    let submitted = submitted.map_err(|error| payments_input::refused(&wanted, error))?;
    tell(submitted, |accepted| {
        let Ok(Event::Payments(MoneyEvent::Paid(done))) = Event::decode(&accepted.event) else {
            return Err(ClientError::unexpected_reply());
        };
        show_money(context, command_json, accepted, &words, fields, done.balance, &currency)
    })
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

/// Who received it.
pub(super) fn to_fields(account: AccountId, handle: &str) -> [Field; 2] {
    [("to", account.0.into()), ("to_handle", handle.into())]
}

/// A member by handle and number, for people.
pub(super) fn whom(handle: &str, account: AccountId) -> String {
    format!("{} (#{account})", escape(handle))
}

fn wanted_payments(command: &PayCommand) -> Result<Vec<Wanted>, ClientError> {
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

pub(super) fn issue(context: &Context, command: &IssueCommand) -> Result<Exit, ClientError> {
    let wanted = payments_input::one(&command.user, &command.amount, "")?;
    let mut member = open_member(context)?;
    let (_, currency) = fetch_balance(&mut member)?;
    let amount = wanted.amount(&currency)?;
    let Registrant { account: to, handle, .. } = find_member(&mut member, &wanted.to)?;
    let issued = Command::Payments(payments::Command::Issue(Issue { to, amount }));
    let submitted = submit(context, &mut member, &issued, command.idempotency_key.as_ref())?;
    let words = format!("issued {} to {}", currency.show_named(amount.unsigned_abs()), whom(&handle, to));
    let fields = to_fields(to, &handle).into_iter().chain(amounts::amount(amount, &currency)).collect();
    tell(submitted, |accepted| {
        let Ok(Event::Payments(MoneyEvent::Issued(issued))) = Event::decode(&accepted.event) else {
            return Err(ClientError::unexpected_reply());
        };
        show_money(context, command.json, accepted, &words, fields, issued.balance, &currency)
    })
}

fn show_money(
    context: &Context,
    json: bool,
    accepted: &Accepted,
    words: &str,
    mut fields: Vec<Field>,
    balance: u64,
    currency: &Currency,
) -> Result<(), ClientError> {
    let words = format!("{words}; balance {}", currency.show_named(balance));
    fields.extend(amounts::balance(balance, currency));
    show(context, json, accepted, &words, &fields)
}
