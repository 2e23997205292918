//! `ledgerctl whoami`: one's account as the ledger has it.

use argh::{ArgsInfo, FromArgs};

use crate::cli::context::Context;
use crate::cli::fields;
use crate::cli::run::Run;
use crate::cli::session::open_member;
use crate::client::{ClientError, fetch_keys, fetch_me};
use crate::terminal::exit::Exit;

/// Your account as the ledger has it.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "whoami", example = "ledgerctl whoami")]
pub struct Whoami {}

impl Run for Whoami {
    const REMEMBERS: bool = false;

    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let mut member = open_member(context)?;
        let me = fetch_me(&mut member)?;
        let mut fields = fields::of_figures(me.told);
        let key_id = member.account().key_id.clone();
        let keys = fetch_keys(&mut member)?;
        let key = keys.iter().find(|key| key.key_id.to_string() == key_id);
        let custody = key.map(|key| key.custody.to_string()).unwrap_or_default();
        let own = [
            ("key_id", key_id),
            ("custody", custody),
            ("server", member.server().address().to_owned()),
            ("fingerprint", member.server().fingerprint()),
        ];
        fields.extend(own.map(|(name, text)| (name.to_owned(), text.into())));
        fields::print(context, fields)?;
        Ok(Exit::Done)
    }
}
