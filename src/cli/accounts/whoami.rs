//! `ledgerctl whoami`: one's account as the ledger has it.

use argh::{ArgsInfo, FromArgs};

use crate::cli::context::Context;
use crate::cli::fields;
use crate::cli::run::Run;
use crate::cli::session::open_member;
use crate::client::{ClientError, question};
use crate::terminal::exit::Exit;

/// Your account as the ledger has it.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "whoami", example = "ledgerctl whoami")]
pub struct Whoami {}

impl Run for Whoami {
    const REMEMBERS: bool = false;

    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let mut member = open_member(context)?;
        let me = member.ask(&question::Whoami)?;
        let fingerprint = member.server().fingerprint();
        let key = member.account().key_id.clone();
        let server = member.server().address.clone();
        let fields = [
            ("user_id", me.account.0.into()),
            ("handle", me.handle.into()),
            ("key_id", key.into()),
            ("registered_at", me.registered_at.into()),
            ("orders_buy", me.orders_buy.into()),
            ("orders_sell", me.orders_sell.into()),
            ("last_block", me.last_block.into()),
            ("server", server.into()),
            ("fingerprint", fingerprint.into()),
        ];
        fields::print(context, &fields)?;
        Ok(Exit::Done)
    }
}
