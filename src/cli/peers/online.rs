//! `ledgerctl online`: members who can be reached.

use argh::{ArgsInfo, FromArgs};

use crate::cli::amounts::{self, Field};
use crate::cli::context::Context;
use crate::cli::run::Run;
use crate::cli::session::open_member;
use crate::client::{ClientError, fetch_balance, fetch_online};
use crate::crypto::KeyId;
use crate::terminal::exit::Exit;
use crate::text::escape;
use crate::wire::OnlineMember;

/// Your balance, and who is online.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "online", example = "ledgerctl online")]
pub struct Online {}

impl Run for Online {
    const REMEMBERS: bool = false;

    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let mut member = open_member(context)?;
        let (balance, currency) = fetch_balance(&mut member)?;
        let members = fetch_online(&mut member)?;
        if context.out.json {
            let mut fields: Vec<Field> = amounts::balance(balance, &currency).into();
            fields.extend(amounts::currency(&currency));
            fields.push(("members", members.iter().map(json_of).collect()));
            context.out.line(&amounts::object(fields).to_string())?;
            return Ok(Exit::Done);
        }
        context.out.line(&format!("balance {} {}", currency.show(balance), currency.name))?;
        for OnlineMember { account, handle, address, keys } in &members {
            context.out.line(&format!(
                "{account:>6}  {:20}  {address:22}  {}",
                escape(handle),
                names(keys)
            ))?;
        }
        Ok(Exit::Done)
    }
}

fn json_of(member: &OnlineMember) -> serde_json::Value {
    serde_json::json!({
        "account": member.account.0,
        "handle": member.handle,
        "address": member.address.ip().to_string(),
        "port": member.address.port(),
        "keys": member.keys.iter().map(KeyId::to_string).collect::<Vec<String>>(),
    })
}

fn names(keys: &[KeyId]) -> String {
    keys.iter().map(KeyId::to_string).collect::<Vec<String>>().join(" ")
}
