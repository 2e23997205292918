//! What a command of `ledgerctl` is: arguments that can be run.

use super::context::Context;
use crate::client::ClientError;
use crate::terminal::exit::Exit;

/// A command: its fields are its arguments, and their doc comments are its help.
pub(super) trait Run {
    /// Whether the command changes something that the home has to remember: it is not begun with a home that cannot be
    /// written to. A command that only sometimes writes says no here and asks for itself.
    const REMEMBERS: bool;

    /// Does what the command is for. The exit code is that of the process.
    fn run(&self, context: &Context) -> Result<Exit, ClientError>;
}

/// Runs a command, once it is sure that the home can remember what it does.
pub(super) fn run<C: Run>(context: &Context, command: &C) -> Result<Exit, ClientError> {
    if C::REMEMBERS {
        context.home()?.check_writable()?;
    }
    command.run(context)
}
