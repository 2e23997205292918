//! `ledgerctl recover`: a new password for who has forgotten the old one.

use argh::{ArgsInfo, FromArgs};

use super::join::checked_server;
use super::password::{is_not_right, note_earlier_counts, tell_earlier};
use super::secrets::{CodeKept, new_password, recovery_code};
use crate::cli::context::Context;
use crate::cli::run::Run;
use crate::cli::session::say_earlier;
use crate::cli::telling::{show, tell};
use crate::client::{ClientError, log_in, recover, set_after_recovery};
use crate::domain::accounts::CredentialVia;
use crate::terminal::exit::Exit;

/// Set a new password with your recovery code.
///
/// The code is spent with that, and a new one is shown. If both password and code are lost, the account is lost.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(
    subcommand,
    name = "recover",
    example = "ledgerctl recover ada@example.org\nledgerctl recover ada@example.org --recovery-file code --new-password-file pw --recovery-out new-code"
)]
pub struct Recover {
    /// your e-mail address
    #[argh(positional)]
    pub e_mail: String,

    /// file whose first line is the recovery code that you have, - for standard input
    #[argh(option, arg_name = "file")]
    pub recovery_file: Option<String>,

    /// file whose first line is the new password
    #[argh(option, arg_name = "file")]
    pub new_password_file: Option<String>,

    /// new file for the new recovery code, which is not shown then
    #[argh(option, arg_name = "file")]
    pub recovery_out: Option<String>,

    /// go on although nobody has compared the server's fingerprint
    #[argh(switch)]
    pub force: bool,
}

impl Run for Recover {
    const REMEMBERS: bool = true;

    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let home = checked_server(context, self.force)?;
        let code = recovery_code(self.recovery_file.as_deref())?;
        let password = new_password("new-password", self.new_password_file.as_deref(), &self.e_mail)?;
        let addresses = context.server()?;
        let mut logged_in = match recover(&home, &addresses, &self.e_mail, &code) {
            Err(error) if is_not_right(&error) => {
                let by_new = log_in(&home, &addresses, &self.e_mail, &password);
                return tell_earlier(context, by_new, CredentialVia::Recovery, error);
            }
            logged_in => logged_in?,
        };
        say_earlier(context, &mut logged_in.member)?;
        let (next, kept) = CodeKept::make(context, &self.e_mail, self.recovery_out.as_deref(), Some(&code))?;
        let again = &mut || note_earlier_counts(context);
        let submitted = set_after_recovery(&mut logged_in, &self.e_mail, &password, &next, again);
        let words = "you have a new password and a new recovery code";
        let exit = tell(kept.settle(submitted)?, |accepted| show(context, accepted, words, &[]))?;
        kept.told(exit)
    }
}
