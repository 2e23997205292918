//! `ledgerctl erasure`: the proof that an account was erased, for whoever wants it.

use argh::{ArgsInfo, FromArgs};

use crate::cli::context::Context;
use crate::cli::fields;
use crate::cli::members::account_number;
use crate::cli::run::Run;
use crate::client::{Anonymous, ClientError, Erased, fetch_erasure};
use crate::domain::AccountId;
use crate::terminal::exit::Exit;

/// The proof that an account was erased: the block, and the server's signed word that the secrets are destroyed.
///
/// Everything is checked before it is shown. Nobody needs an account for this.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "erasure", example = "ledgerctl erasure 7 > erasure.note")]
pub struct Erasure {
    /// number of the account, with or without a # before it
    #[argh(positional, from_str_fn(account_number))]
    pub account: AccountId,
}

impl Run for Erasure {
    const REMEMBERS: bool = false;

    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let mut stranger = open_stranger(context)?;
        let erased = fetch_erasure(&mut stranger, self.account)?;
        if context.out.json {
            return print_erased(context, &erased);
        }
        context.out.note(&words(&erased));
        context.out.line(erased.note.trim_end())?;
        Ok(Exit::Done)
    }
}

/// A session for which no account is needed.
pub(super) fn open_stranger(context: &Context) -> Result<Anonymous, ClientError> {
    Anonymous::open(&context.home()?, &context.server()?)
}

fn words(erased: &Erased) -> String {
    let Erased { account, block, time, destroyed, .. } = erased;
    format!("account {account} was erased by block {block} at {time}; secrets destroyed: {destroyed}")
}

/// Says what was erased and when.
pub(super) fn print_erased(context: &Context, erased: &Erased) -> Result<Exit, ClientError> {
    if !context.out.json {
        context.out.line(&words(erased))?;
        return Ok(Exit::Done);
    }
    let fields = [
        ("account", erased.account.0.into()),
        ("block", erased.block.into()),
        ("hash", erased.hash.to_string().into()),
        ("time", erased.time.to_string().into()),
        ("destroyed", erased.destroyed.into()),
        ("note", erased.note.as_str().into()),
    ];
    fields::print(context, fields.map(|(name, value)| (name.to_owned(), value)).to_vec())?;
    Ok(Exit::Done)
}
