//! `ledgerctl logout`: ends what `login` began.

use argh::{ArgsInfo, FromArgs};

use crate::cli::context::Context;
use crate::cli::run::Run;
use crate::client::{ClientError, Member, log_out};
use crate::terminal::exit::Exit;

/// Log out: the server forgets this home's tickets, and a key that `login --keep` put here is overwritten and removed.
///
/// What stays: pinned servers, receipts, and a key file of your own. While a command has no outcome yet, the key stays as well.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "logout", example = "ledgerctl logout\nledgerctl logout --all")]
pub struct Logout {
    /// end all sessions of the account, wherever they were opened
    #[argh(switch)]
    pub all: bool,
}

impl Run for Logout {
    const REMEMBERS: bool = true;

    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let (home, addresses) = (context.home()?, context.server()?);
        let member = Member::open(&home, &addresses, &mut context.passphrase())?;
        let done = log_out(member, self.all)?;
        if context.out.json {
            let value = serde_json::json!({ "removed": done.removed, "stays": done.stays });
            context.out.line(&value.to_string())?;
            return Ok(Exit::Done);
        }
        context.out.note(match (&done.removed, &done.stays) {
            (Some(_), _) => "logged out; the key is gone from this home. Pinned servers and receipts stay",
            (None, Some(_)) => "logged out; the key file of this home stays: whoever has it can sign",
            (None, None) => "logged out",
        });
        Ok(Exit::Done)
    }
}
