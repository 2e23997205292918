//! `ledgerctl version`, and `--version` of every command.

use argh::{ArgsInfo, FromArgs};

use crate::cli::context::Context;
use crate::cli::outlet::Outlet;
use crate::cli::run::Run;
use crate::client::ClientError;
use crate::terminal::exit::Exit;

/// Print the version.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "version", example = "ledgerctl version")]
pub struct Version {}

impl Run for Version {
    const REMEMBERS: bool = false;

    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        tell(context.out).map(|()| Exit::Done)
    }
}

/// Says which version this is.
pub(in crate::cli) fn tell(out: Outlet) -> Result<(), ClientError> {
    let (name, version) = ("ledgerctl", env!("CARGO_PKG_VERSION"));
    if out.json {
        return out.line(&serde_json::json!({ "name": name, "version": version }).to_string());
    }
    out.line(&format!("{name} {version}"))
}
