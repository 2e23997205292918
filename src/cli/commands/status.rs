//! `ledgerctl status` and `ledgerctl whoami`.

use comfy_table::{Table, presets};

use super::Context;
use super::arguments::{Status, Whoami};
use super::settling::open_member;
use crate::client::ClientError;
use crate::terminal::exit::Exit;
use crate::text::escape;
use crate::wire::{self, Mode, Reply, Request};

pub(super) fn run(context: &Context, command: &Status) -> Result<Exit, ClientError> {
    let mut member = open_member(context)?;
    let reply = member.ask(&Request::Status, &mut |_| ())?;
    let Reply::Status(status) = reply else { return Err(ClientError::unexpected_reply()) };
    print(context, command.json, &status_fields(&status))?;
    Ok(Exit::Done)
}

pub(super) fn whoami(context: &Context, command: &Whoami) -> Result<Exit, ClientError> {
    let mut member = open_member(context)?;
    let reply = member.ask(&Request::Whoami, &mut |_| ())?;
    let fingerprint = member.server().fingerprint();
    let key = member.account().key_id.clone();
    let server = member.server().address.clone();
    let Reply::Whoami(me) = reply else { return Err(ClientError::unexpected_reply()) };
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
    print(context, command.json, &fields)?;
    Ok(Exit::Done)
}

type Field = (&'static str, serde_json::Value);

fn status_fields(status: &wire::Status) -> Vec<Field> {
    let (mode, reason) = match &status.mode {
        Mode::ReadWrite => ("read_write", None),
        Mode::ReadOnly(reason) => ("read_only", Some(reason.clone())),
    };
    vec![
        ("blocks", status.blocks.into()),
        ("head", status.head.to_string().into()),
        ("accounts", status.accounts.into()),
        ("orders", status.orders.into()),
        ("segments", status.segments.into()),
        ("connections", status.connections.into()),
        ("handshakes_full", status.handshakes.full.into()),
        ("handshakes_resumed", status.handshakes.resumed.into()),
        ("handshakes_failed", status.handshakes.failed.into()),
        ("commands_accepted", status.accepted.into()),
        ("commands_refused", status.refused.into()),
        ("commands_duplicate", status.duplicate.into()),
        ("batches", status.batches.into()),
        ("syncs", status.syncs.into()),
        ("bytes_written", status.bytes_written.into()),
        ("log_bytes", status.log_bytes.into()),
        ("mode", mode.into()),
        ("mode_reason", reason.into()),
        ("resident_bytes", status.resident_bytes.into()),
        ("cpu_us", status.cpu_us.into()),
        ("uptime_us", status.uptime_us.into()),
    ]
}

fn print(context: &Context, json: bool, fields: &[Field]) -> Result<(), ClientError> {
    if json || context.out.json {
        let object: serde_json::Map<String, serde_json::Value> =
            fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        return context.out.line(&serde_json::Value::Object(object).to_string());
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    for (name, value) in fields.iter().filter(|(_, value)| !value.is_null()) {
        let text = value.as_str().map_or_else(|| value.to_string(), |text| escape(text).into_owned());
        table.add_row([(*name).to_owned(), text]);
    }
    context.out.line(&table.to_string())
}
