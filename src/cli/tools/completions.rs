//! `ledgerctl completions`: a script for a shell, with which it asks this program what may stand next.

use argh::{ArgsInfo, CommandInfoWithArgs, FlagInfo, FlagInfoKind, FromArgs, Optionality};
use argh_complete::Generator as _;
use argh_complete::nushell::Nushell;

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
        let program = Arguments::get_args_info();
        let script = match self.shell.as_str() {
            // Its scripts describe a command instead of asking it.
            "nushell" => nushell("ledgerctl", &program, program.flags),
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

/// The script for nushell. It refuses every option that the description of a command lacks, so that those of the whole
/// program, which may stand behind a command, are described with each.
fn nushell(name: &str, command: &CommandInfoWithArgs, of_program: &[FlagInfo<'static>]) -> String {
    let is_own = |flag: &FlagInfo<'_>| command.flags.iter().any(|own| own.long == flag.long);
    let of_others = of_program.iter().filter(|flag| !is_own(flag));
    let flags: Vec<FlagInfo<'static>> = command.flags.iter().chain(of_others).map(same).collect();
    let alone = CommandInfoWithArgs {
        name: command.name,
        description: command.description,
        // argh's descriptions live for ever; this one is made once in a process.
        flags: flags.leak(),
        positionals: command.positionals,
        ..CommandInfoWithArgs::default()
    };
    command.commands.iter().fold(Nushell::generate(name, &alone), |script, below| {
        script + &nushell(&format!("{name} {}", below.name), &below.command, of_program)
    })
}

/// The same description once more: argh's cannot be cloned.
fn same<'a>(flag: &FlagInfo<'a>) -> FlagInfo<'a> {
    FlagInfo {
        kind: match flag.kind {
            FlagInfoKind::Switch => FlagInfoKind::Switch,
            FlagInfoKind::Option { arg_name } => FlagInfoKind::Option { arg_name },
        },
        optionality: Optionality::Optional,
        long: flag.long,
        short: flag.short,
        description: flag.description,
        hidden: flag.hidden,
    }
}
