//! `ledgerctl join`: an account with e-mail and password.

use argh::{ArgsInfo, FromArgs};

use super::secrets::{CodeKept, new_password};
use crate::cli::context::Context;
use crate::cli::run::Run;
use crate::client::{
    Anonymous, ClientError, Home, JoinedByPassword, Newcomer, check_compared, join, make_roaming, pinned,
    settle_join,
};
use crate::crypto::KeyKind;
use crate::terminal::exit::Exit;

/// Get an account with an e-mail address and a password.
///
/// Your signing key lies at the server, wrapped under the password, which the server never sees: from any terminal it is
/// fetched with `login`. The account is as strong as the password against whoever runs the server. Without the password the
/// recovery code sets a new one; if both are lost, the account is lost. For a key that only you have, use `register`.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(
    subcommand,
    name = "join",
    example = "ledgerctl join ada@example.org --name 'Ada Lovelace'\nledgerctl join ada@example.org --password-file pw --recovery-out code"
)]
pub struct Join {
    /// your e-mail address, with which you log in
    #[argh(positional)]
    pub e_mail: String,

    /// the name by which people know you (default: what stands before the @)
    #[argh(option, arg_name = "name")]
    pub name: Option<String>,

    /// file whose first line is the password, - for standard input
    #[argh(option, arg_name = "file")]
    pub password_file: Option<String>,

    /// new file for the recovery code, which is not shown then
    #[argh(option, arg_name = "file")]
    pub recovery_out: Option<String>,

    /// join although nobody has compared the server's fingerprint
    #[argh(switch)]
    pub force: bool,
}

impl Run for Join {
    const REMEMBERS: bool = true;

    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let (home, addresses) = (context.home()?, context.server()?);
        let server = pinned(&home, &addresses)?;
        if !self.force {
            check_compared(&server)?;
        }
        let mut link = Anonymous::open(&home, &addresses)?;
        if let Some(joined) = settle_join(&home, &mut link, &self.e_mail)? {
            context.out.note(
                "an earlier attempt stands: the password and the recovery code given then are in force",
            );
            let exit = self.tell(context, joined)?;
            return CodeKept::forget(context, exit);
        }
        drop(link);
        // Everything that needs a person or a second comes before the connection.
        let password = new_password("password", self.password_file.as_deref(), &self.e_mail)?;
        let (code, kept) = CodeKept::make(context, &self.e_mail, self.recovery_out.as_deref(), None)?;
        let roaming = make_roaming(KeyKind::Rsa3072, code);
        let name = self.name.as_deref().or_else(|| self.e_mail.split('@').next()).unwrap_or_default();
        let newcomer = Newcomer { e_mail: &self.e_mail, name, password: &password };
        let joined = Anonymous::open(&home, &addresses)
            .and_then(|mut link| join(&home, &mut link, newcomer, &roaming));
        let exit = self.tell(context, kept.settle(joined)?)?;
        kept.told(exit)
    }
}

impl Join {
    fn tell(&self, context: &Context, joined: JoinedByPassword) -> Result<Exit, ClientError> {
        let JoinedByPassword { account, ref handle, block, .. } = joined;
        let told = if context.out.json {
            let value = serde_json::json!({
                "user_id": account.0, "handle": handle, "e_mail": self.e_mail, "block": block,
                "custody": "roaming",
            });
            context.out.tell(&value.to_string())
        } else {
            context.out.note(&format!(
                "joined as {handle} in block {block}; `ledgerctl login {} --keep` brings the key into a home. Your user id:",
                self.e_mail
            ));
            context.out.tell(&account.to_string())
        };
        told.map_err(|error| ClientError::untold(block, error))?;
        joined.told()?;
        Ok(Exit::Done)
    }
}

/// Looks whether a server may be handed what a password is guessed against.
pub(super) fn checked_server(context: &Context, force: bool) -> Result<Home, ClientError> {
    let home = context.home()?;
    let server = pinned(&home, &context.server()?)?;
    if !force {
        check_compared(&server)?;
    }
    Ok(home)
}
