//! `ledgerctl login`: fetches the signing key with e-mail and password.

use argh::{ArgsInfo, FromArgs};

use super::secrets::password;
use crate::cli::context::Context;
use crate::cli::run::Run;
use crate::client::{ClientError, keep_key, log_in};
use crate::terminal::exit::Exit;

/// Fetch your key with e-mail and password.
///
/// Without --keep it only shows that the password is right, and whose it is. With --keep the key stays in this home, under a
/// passphrase of its own, until `logout`; every command signs with it then.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(
    subcommand,
    name = "login",
    example = "ledgerctl login ada@example.org --keep\nledgerctl --passphrase-file pp login ada@example.org --keep --password-file pw"
)]
pub struct Login {
    /// your e-mail address
    #[argh(positional)]
    pub e_mail: String,

    /// keep the key in this home, under a passphrase
    #[argh(switch)]
    pub keep: bool,

    /// file whose first line is the password, - for standard input
    #[argh(option, arg_name = "file")]
    pub password_file: Option<String>,
}

impl Run for Login {
    // Only a key that is kept has to be remembered.
    const REMEMBERS: bool = false;

    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let (home, addresses) = (context.home()?, context.server()?);
        if self.keep {
            home.check_writable()?;
        }
        let password = password(self.password_file.as_deref(), &self.e_mail)?;
        let mut logged_in = log_in(&home, &addresses, &self.e_mail, &password)?;
        let mut kept = false;
        if self.keep {
            let none = || ClientError::Usage("--keep needs a passphrase for the key".to_owned());
            let passphrase = context.passphrase_of_new_key(true)?.ok_or_else(none)?;
            kept = keep_key(&mut logged_in, &passphrase)?;
        }
        let account = logged_in.member.account();
        if context.out.json {
            let value = serde_json::json!({
                "user_id": account.account, "handle": account.handle, "key_id": account.key_id,
                "custody": "roaming", "kept": kept,
            });
            context.out.line(&value.to_string())?;
            return Ok(Exit::Done);
        }
        context.out.note(match (self.keep, kept) {
            (_, true) => "logged in; the key stays in this home until `ledgerctl logout`",
            (true, false) => "logged in; this home has a key of the account already",
            (false, _) => "the password is right; nothing was kept in this home (--keep keeps the key)",
        });
        context.out.line(&format!("{} (#{})", account.handle, account.account))?;
        Ok(Exit::Done)
    }
}
