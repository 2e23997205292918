//! `ledgerctl forget`: a server that is not used any more.

use argh::{ArgsInfo, FromArgs};

use crate::cli::context::Context;
use crate::cli::run::Run;
use crate::client::{ClientError, forget_server};
use crate::terminal::exit::Exit;

/// Forget a server, because another one is served at its address, or nothing.
///
/// The newest checkpoint that it showed stays in the home directory as a file.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "forget", example = "ledgerctl forget old.example:7878")]
pub struct Forget {
    /// HOST:PORT, as it was given to getKey
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
        context.out.note(&format!("forgotten: {} {}", self.server, forgotten.server.fingerprint()));
        Ok(Exit::Done)
    }
}
