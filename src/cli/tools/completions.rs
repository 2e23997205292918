//! `ledgerctl completions`: a script for a shell, with which it asks this program what may stand next.

use argh::{ArgsInfo, FromArgs};
use argh_complete::Generator as _;

use super::next_word::{SHELLS, script};
use crate::cli::Arguments;
use crate::cli::context::Context;
use crate::cli::run::Run;
use crate::client::ClientError;
use crate::terminal::exit::Exit;

/// Print a completion script for a shell.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(
    subcommand,
    name = "completions",
    example = "ledgerctl completions bash > /etc/bash_completion.d/ledgerctl"
)]
pub struct Completions {
    /// bash, zsh, fish or nushell
    #[argh(positional)]
    pub shell: String,
}

impl Run for Completions {
    const REMEMBERS: bool = false;

    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let script = match self.shell.as_str() {
            // Its scripts describe a command instead of asking it.
            "nushell" => argh_complete::nushell::Nushell::generate("ledgerctl", &Arguments::get_args_info()),
            other => {
                let expected =
                    || ClientError::Usage(format!("{other:?}: expected one of {}", SHELLS.join(", ")));
                script(other).ok_or_else(expected)?.to_owned()
            }
        };
        if context.out.json {
            let value = serde_json::json!({ "shell": self.shell, "script": script });
            context.out.line(&value.to_string())?;
        } else {
            context.out.line(script.trim_end())?;
        }
        Ok(Exit::Done)
    }
}
