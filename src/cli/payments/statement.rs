//! `ledgerctl statement`: what came and went.

use std::io::{self, Write as _};

use argh::{ArgsInfo, FromArgs};

use crate::cli::amounts;
use crate::cli::context::Context;
use crate::cli::instants::instant;
use crate::cli::run::Run;
use crate::cli::session::open_member;
use crate::client;
use crate::client::{ClientError, fetch_balance};
use crate::domain::payments::Currency;
use crate::domain::payments::StatementLine;
use crate::terminal::exit::Exit;
use crate::text::escape;

/// What came and went, with the balance after each movement.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "statement", example = "ledgerctl statement --from 2026-01-01 --csv")]
pub struct Statement {
    /// first day or time, in UTC: 2026-01-31 or 2026-01-31T12:00:00Z
    #[argh(option)]
    pub from: Option<String>,

    /// first day or time that is not shown any more
    #[argh(option)]
    pub to: Option<String>,

    /// comma-separated values with a header (RFC 4180)
    #[argh(switch)]
    pub csv: bool,
}

impl Run for Statement {
    const REMEMBERS: bool = false;

    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let time =
            |text: &Option<String>, name: &str| text.as_deref().map(|text| instant(text, name)).transpose();
        let (from, to) = (time(&self.from, "--from")?, time(&self.to, "--to")?);
        let json = context.out.json;
        if json && self.csv {
            return Err(ClientError::Usage("--csv and --json: which of the two?".to_owned()));
        }
        let mut member = open_member(context)?;
        let (_, currency) = fetch_balance(&mut member)?;
        if self.csv {
            context
                .out
                .line("index,element,timestamp,movement,counterparty,handle,purchase,amount,balance,memo")?;
        }
        let mut statement = client::Statement::start(&mut member);
        while let Some(lines) = statement.next_page()? {
            let mut out = Vec::new();
            for line in &lines {
                let micros = i64::try_from(line.timestamp.micros()).unwrap_or(i64::MAX);
                let inside = from.is_none_or(|from| micros >= from) && to.is_none_or(|to| micros < to);
                if inside {
                    let written = write_line(line, &currency, json, self.csv, &mut out);
                    written.map_err(|error| ClientError::Unexpected(error.to_string()))?;
                }
            }
            if !context.out.data(|stdout| stdout.write_all(&out))? {
                break;
            }
        }
        Ok(Exit::Done)
    }
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
            ("purchase", line.purchase.into()),
        ];
        fields.extend(amounts::amount(line.amount, currency));
        fields.extend(amounts::balance(line.balance, currency));
        fields.push(("memo", line.memo.clone().into()));
        return writeln!(out, "{}", amounts::object(fields));
    }
    let amount = currency.show_signed(line.amount);
    let balance = currency.show(line.balance);
    let who = counterparty.map(|account| account.to_string()).unwrap_or_default();
    let purchase = line.purchase.map(|number| number.to_string()).unwrap_or_default();
    if csv {
        // RFC 4180: quotes around text, doubled inside.
        let memo = line.memo.replace('"', "\"\"");
        let (index, element) = (line.place.index, line.place.element);
        return writeln!(
            out,
            "{index},{element},{},{movement},{who},{},{purchase},{amount},{balance},\"{memo}\"",
            line.timestamp, line.handle
        );
    }
    let (handle, memo) = (escape(&line.handle), escape(&line.memo));
    let about = line.purchase.map_or(memo, |number| format!("purchase {number}").into());
    writeln!(out, "{}  {movement:10} {amount:>14} {balance:>14}  {who} {handle}  {about}", line.timestamp)
}
