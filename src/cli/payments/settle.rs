//! `ledgerctl settle`: a cheque becomes money.

use argh::{ArgsInfo, FromArgs};

use crate::cli::amounts::{self, Field};
use crate::cli::context::Context;
use crate::cli::members::whom;
use crate::cli::named_files::read_handed_on;
use crate::cli::run::Run;
use crate::cli::session::open_member;
use crate::cli::telling::{note_sent_before, show, tell};
use crate::client::{ClientError, SignedCheque, fetch_balance, fetch_key, settle};
use crate::domain::payments::Cheque;
use crate::terminal::exit::Exit;

/// Turn a cheque that is for you into money.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "settle", example = "ledgerctl settle rent.cheque")]
pub struct Settle {
    /// file to read, - for standard input
    #[argh(positional)]
    pub file: String,
}

impl Run for Settle {
    const REMEMBERS: bool = true;

    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let signed = read_cheque(&self.file)?;
        let mut member = open_member(context)?;
        // Asked before, so that nothing but the outcome is left to tell afterwards. Whoever is not there is refused by the
        // ledger, in its own words.
        let payer = match fetch_key(&mut *member, signed.cheque.payer, signed.cheque.key_id) {
            Ok(payer) => Some(payer.handle),
            Err(ClientError::Refused(_)) => None,
            Err(error) => return Err(error),
        };
        let submitted = settle(&mut member, &signed, &mut || note_sent_before(context))?;
        tell(submitted, |accepted| {
            let (balance, currency) = fetch_balance(&mut member)?;
            let Cheque { amount, payer: account, .. } = signed.cheque;
            let from = payer.as_deref().map_or_else(|| format!("#{account}"), |handle| whom(handle, account));
            let (paid, left) = (currency.show_named(amount), currency.show_named(balance));
            let words = format!("settled {paid} from {from}; balance {left}");
            // What was settled was issued before, and so fits.
            let amount = amounts::amount(i64::try_from(amount).unwrap_or(i64::MAX), &currency);
            let from: [Field; 2] = [("from", account.0.into()), ("from_handle", payer.into())];
            let fields: Vec<Field> =
                from.into_iter().chain(amount).chain(amounts::balance(balance, &currency)).collect();
            show(context, accepted, &words, &fields)
        })
    }
}

pub(in crate::cli) fn read_cheque(name: &str) -> Result<SignedCheque, ClientError> {
    SignedCheque::find(&read_handed_on(name)?).map_err(|error| ClientError::Usage(format!("{name}: {error}")))
}
