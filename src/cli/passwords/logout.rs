//! `ledgerctl logout`: ends what `login` began.

use argh::{ArgsInfo, FromArgs};

use crate::cli::context::Context;
use crate::cli::run::Run;
use crate::client::{ClientError, LoggedOut, Member, log_out, log_out_here, pinned};
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

    /// only in this home, without the server and without the passphrase of the key
    #[argh(switch)]
    pub here: bool,
}

impl Run for Logout {
    const REMEMBERS: bool = true;

    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let (home, addresses) = (context.home()?, context.server()?);
        if self.all && self.here {
            let text = "--all is done by the server, and --here without it";
            return Err(ClientError::Usage(text.to_owned()));
        }
        let ledger_id = pinned(&home, &addresses)?.ledger_id;
        let opened =
            if self.here { None } else { Some(Member::open(&home, &addresses, &mut context.passphrase())) };
        let done = match opened {
            Some(Ok(member)) => log_out(member, self.all)?,
            // A key that has ended opens no session, and lies here all the same.
            None | Some(Err(ClientError::KeyEnded(_))) => log_out_here(&home, ledger_id)?
                .ok_or_else(|| ClientError::Usage("this home has no account on that ledger".to_owned()))?,
            Some(Err(error)) => return Err(error),
        };
        if context.out.json {
            let value = serde_json::json!({ "removed": done.removed, "stays": done.stays });
            context.out.line(&value.to_string())?;
            return Ok(Exit::Done);
        }
        context.out.note(&words(&done));
        Ok(Exit::Done)
    }
}

fn words(LoggedOut { removed, stays }: &LoggedOut) -> String {
    let gone = match removed {
        Some(_) => {
            "; the key that the password fetched is gone from this home. Pinned servers and receipts stay"
        }
        None => "",
    };
    let left = match stays.as_slice() {
        [] => String::new(),
        files => format!(
            "; what stays in this home, and goes on signing: {} (end a key with `ledgerctl keys end`)",
            files.join(", ")
        ),
    };
    format!("logged out{gone}{left}")
}
