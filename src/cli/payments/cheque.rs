//! `ledgerctl cheque`: a cheque is written.

use std::path::PathBuf;

use argh::{ArgsInfo, FromArgs};

use super::wanted::open_for;
use crate::cli::amounts::{self, Field};
use crate::cli::context::Context;
use crate::cli::named_files::{NewFile, is_standard};
use crate::cli::run::Run;
use crate::client::{ClientError, Draft, write_cheque};
use crate::terminal::arguments::number_in;
use crate::terminal::exit::Exit;

/// Write a cheque: good once, for one payee, until it expires or you revoke it.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "cheque", example = "ledgerctl cheque bob 12.50 --memo rent --out rent.cheque")]
pub struct Cheque {
    /// who is paid: a handle, or a number like '#2', in quotes
    #[argh(positional)]
    pub user: String,

    /// how much, in the ledger's currency
    #[argh(positional)]
    pub amount: String,

    /// what it is for: at most 96 bytes
    #[argh(option)]
    pub memo: Option<String>,

    /// days until it expires, 1 to 3650, 7 if not given
    #[argh(option, default = "7", from_str_fn(days))]
    pub expires: u64,

    /// file to write; standard output if not given
    #[argh(option)]
    pub out: Option<PathBuf>,

    /// with --out: replace what is there
    #[argh(switch)]
    pub force: bool,
}

fn days(text: &str) -> Result<u64, String> {
    number_in(text, 1, 3_650)
}

impl Run for Cheque {
    const REMEMBERS: bool = false;

    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let out = self.out.as_deref().map(|path| NewFile::new(path, self.force)).transpose()?;
        let (member, draft, currency) = open_for(context, &self.user, &self.amount, &self.memo)?;
        let signed = write_cheque(&member, &draft, self.expires)?;
        let text = signed.to_pem()?;
        let to_file = self.out.as_deref().is_some_and(|path| !is_standard(path));
        match out {
            Some(file) if to_file || !context.out.json => file.write(text.as_bytes())?,
            _ => {}
        }
        if context.out.json {
            let cheque = &signed.cheque;
            let minor = i64::try_from(cheque.amount).unwrap_or(i64::MAX);
            let mut fields: Vec<Field> = vec![
                ("cheque_id", cheque.cheque_id.to_string().into()),
                ("to", cheque.payee.0.into()),
                ("to_handle", draft.payee.handle.clone().into()),
            ];
            fields.extend(amounts::amount(minor, &currency));
            fields.extend([
                ("memo", cheque.memo.clone().into()),
                ("expires", cheque.expires().to_string().into()),
                ("cheque", text.into()),
            ]);
            context.out.line(&amounts::object(fields).to_string())?;
            return Ok(Exit::Done);
        }
        if self.out.is_none() {
            context.out.line(text.trim_end())?;
        }
        let Draft { payee, amount, .. } = &draft;
        let (cheque_id, expires) = (signed.cheque.cheque_id, signed.cheque.expires());
        let (amount, name) = (currency.show(*amount), &currency.name);
        context.out.note(&format!("cheque {cheque_id} for {amount} {name} to {payee} expires {expires}"));
        Ok(Exit::Done)
    }
}
