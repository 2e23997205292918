//! `ledgerctl status`: the server's figures.

use argh::{ArgsInfo, FromArgs};

use crate::cli::context::Context;
use crate::cli::fields::{self, Field};
use crate::cli::run::Run;
use crate::cli::session::open_member;
use crate::client::ClientError;
use crate::terminal::exit::Exit;
use crate::wire::{self, Mode, Reply, Request};

/// The server's figures.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "status", example = "ledgerctl status --json")]
pub struct Status {}

impl Run for Status {
    const REMEMBERS: bool = false;

    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let mut member = open_member(context)?;
        let reply = member.ask(&Request::Status, &mut |_| ())?;
        let Reply::Status(status) = reply else { return Err(ClientError::unexpected_reply()) };
        fields::print(context, &status_fields(&status))?;
        Ok(Exit::Done)
    }
}

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
