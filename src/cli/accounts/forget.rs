//! `ledgerctl forget`: an address that leads to a server no more, or a server that is not used any more.

use argh::{ArgsInfo, FromArgs};

use crate::cli::context::Context;
use crate::cli::run::Run;
use crate::client::{ClientError, forget_server};
use crate::terminal::exit::Exit;

/// Forget an address, because another server is there, or none; with its last address, the server.
///
/// A server that is known at other addresses as well is still known there. Of one that is forgotten, the newest
/// checkpoint that it showed stays in the home directory as a file.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "forget", example = "ledgerctl forget old.example:7878")]
pub struct Forget {
    /// HOST:PORT: one of the addresses at which the server is known
    #[argh(positional)]
    pub server: String,
}

impl Run for Forget {
    const REMEMBERS: bool = true;

    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let home = context.home()?;
        let forgotten = forget_server(&home, &self.server)?;
        if let Some(path) = &forgotten.checkpoint_file {
            context.out.note(&format!(
                "the newest checkpoint that it showed stays in {}: `ledgerctl checkpoint verify` holds a server against it",
                path.display()
            ));
        }
        let fingerprint = forgotten.server.fingerprint();
        context.out.note(&match &forgotten.elsewhere {
            Some(elsewhere) => {
                format!("forgotten: {}; the server {fingerprint} is still known at {elsewhere}", self.server)
            }
            None => format!("forgotten: {} {fingerprint}", self.server),
        });
        Ok(Exit::Done)
    }
}
