//! `ledgerctl password`: another password, or a first one.

use argh::{ArgsInfo, FromArgs};

use super::join::checked_server;
use super::secrets::{CodeKept, new_password, password};
use crate::cli::context::Context;
use crate::cli::run::Run;
use crate::cli::session::{open_member_for, say_earlier};
use crate::cli::telling::{show, tell};
use crate::client::{
    ClientError, LoggedIn, add_password, change_password, fetch_profile, log_in, make_roaming, pinned,
    read_account, replace_roaming_key, settle_change, settle_replacement,
};
use crate::crypto::KeyKind;
use crate::domain::Rights;
use crate::domain::accounts::CredentialVia;
use crate::refusal;
use crate::terminal::exit::Exit;
use crate::wire::Refusal;

/// Change your password, or get a first one beside your key file.
///
/// With an e-mail address: logs in with the password that you have, and sets another one; key, recovery code and receipts stay,
/// and all other sessions of the account end. Without one: the account of this home gets a password for the e-mail address of
/// its profile, and with it a further key, which lies wrapped at the server.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(
    subcommand,
    name = "password",
    example = "ledgerctl password ada@example.org\nledgerctl password --new-password-file pw --recovery-out code"
)]
pub struct Password {
    /// your e-mail address, to change the password
    #[argh(positional)]
    pub e_mail: Option<String>,

    /// file whose first line is the password that you have, - for standard input
    #[argh(option, arg_name = "file")]
    pub password_file: Option<String>,

    /// file whose first line is the new password
    #[argh(option, arg_name = "file")]
    pub new_password_file: Option<String>,

    /// put a new key in the place of the one that the password fetches: whoever kept that one can sign nothing any more. Comes with a
    /// new recovery code
    #[argh(switch)]
    pub new_key: bool,

    /// new file for the recovery code of a first password or of a new key, which is not shown then
    #[argh(option, arg_name = "file")]
    pub recovery_out: Option<String>,

    /// go on although nobody has compared the server's fingerprint
    #[argh(switch)]
    pub force: bool,
}

impl Run for Password {
    const REMEMBERS: bool = true;

    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        match &self.e_mail {
            Some(e_mail) if self.new_key => self.replace(context, e_mail),
            Some(e_mail) => self.change(context, e_mail),
            None if self.new_key => {
                let text =
                    "--new-key goes with the e-mail address: it replaces the key that the password fetches";
                Err(ClientError::Usage(text.to_owned()))
            }
            None => self.begin(context),
        }
    }
}

impl Password {
    fn change(&self, context: &Context, e_mail: &str) -> Result<Exit, ClientError> {
        if self.recovery_out.is_some() {
            let text = "--recovery-out is for a first password: the code that you have stays in force";
            return Err(ClientError::Usage(text.to_owned()));
        }
        let home = checked_server(context, self.force)?;
        let old = password(self.password_file.as_deref(), e_mail)?;
        let new = new_password("new-password", self.new_password_file.as_deref(), e_mail)?;
        let addresses = context.server()?;
        let mut logged_in = match log_in(&home, &addresses, e_mail, &old) {
            Err(error) if is_not_right(&error) => {
                let via = CredentialVia::Password;
                return tell_earlier(context, log_in(&home, &addresses, e_mail, &new), via, error);
            }
            logged_in => logged_in?,
        };
        say_earlier(context, &mut logged_in.member)?;
        let submitted = change_password(&mut logged_in, e_mail, &new, &mut || note_earlier_counts(context))?;
        tell(submitted, |accepted| show(context, accepted, "you have another password", &[]))
    }

    fn replace(&self, context: &Context, e_mail: &str) -> Result<Exit, ClientError> {
        let home = checked_server(context, self.force)?;
        let old = password(self.password_file.as_deref(), e_mail)?;
        let new = new_password("new-password", self.new_password_file.as_deref(), e_mail)?;
        let addresses = context.server()?;
        let words = "you have a new key, another password and another recovery code";
        // An earlier run may have replaced the key without telling: then the new password is the right one.
        let (mut logged_in, not_right) = match log_in(&home, &addresses, e_mail, &old) {
            Err(error) if is_not_right(&error) => match log_in(&home, &addresses, e_mail, &new) {
                Err(also) if is_not_right(&also) => return Err(error),
                by_new => (by_new?, Some(error)),
            },
            logged_in => (logged_in?, None),
        };
        say_earlier(context, &mut logged_in.member)?;
        let earlier = settle_replacement(&mut logged_in)?;
        if let (None, Some(error)) = (&earlier, not_right) {
            return Err(error);
        }
        if let Some(submitted) = earlier {
            note_earlier_counts(context);
            let exit = tell(submitted, |accepted| show(context, accepted, words, &[]))?;
            return CodeKept::forget(context, exit);
        }
        let (code, kept) = CodeKept::make(context, e_mail, self.recovery_out.as_deref(), None)?;
        let roaming = make_roaming(KeyKind::Ed25519, code);
        let again = &mut || note_earlier_counts(context);
        let submitted = replace_roaming_key(&mut logged_in, (e_mail, &new), &roaming, again);
        let exit = tell(kept.settle(submitted)?, |accepted| show(context, accepted, words, &[]))?;
        if read_account(&home, pinned(&home, &addresses)?.ledger_id)?.is_some_and(|kept| kept.by_login) {
            context.out.note(&format!(
                "the key before, which this home keeps, has ended: `ledgerctl login {e_mail} --keep` brings the new one"
            ));
        }
        kept.told(exit)
    }

    fn begin(&self, context: &Context) -> Result<Exit, ClientError> {
        checked_server(context, self.force)?;
        let mut member = open_member_for(context, Rights::Full)?;
        let profile = fetch_profile(&mut member)?.ok_or_else(|| {
            let sentence = "say your e-mail address first: `ledgerctl profile --name NAME --e-mail ADDRESS`";
            ClientError::Refused(Refusal::fail(refusal::NO_PROFILE, sentence))
        })?;
        let e_mail = profile.e_mail.as_str();
        let new = new_password("new-password", self.new_password_file.as_deref(), e_mail)?;
        let (code, kept) = CodeKept::make(context, e_mail, self.recovery_out.as_deref(), None)?;
        let roaming = make_roaming(KeyKind::Ed25519, code);
        let submitted =
            add_password(&mut member, e_mail, &new, &roaming, &mut || note_earlier_counts(context));
        let exit =
            tell(kept.settle(submitted)?, |accepted| show(context, accepted, "you have a password", &[]))?;
        kept.told(exit)
    }
}

/// Whether the server has refused what was shown to it as not right.
pub(super) fn is_not_right(error: &ClientError) -> bool {
    matches!(error, ClientError::Refused(refusal) if refusal.name == refusal::INVALID_LOGIN)
}

/// Tells a change that an earlier run has made without telling: the password before it is not right any more, and the new one is.
pub(super) fn tell_earlier(
    context: &Context,
    by_new: Result<LoggedIn, ClientError>,
    via: CredentialVia,
    not_right: ClientError,
) -> Result<Exit, ClientError> {
    let mut logged_in = match by_new {
        Err(error) if is_not_right(&error) => return Err(not_right),
        logged_in => logged_in?,
    };
    say_earlier(context, &mut logged_in.member)?;
    // Where nothing is left to tell, the new password is one that somebody else has set, or was told of before.
    let submitted = settle_change(&mut logged_in, via)?.ok_or(not_right)?;
    note_earlier_counts(context);
    tell(submitted, |accepted| show(context, accepted, "you have a new password", &[]))
}

/// Says that an earlier run set the password, and this one did not.
pub(super) fn note_earlier_counts(context: &Context) {
    context.out.note(
        "an earlier run has sent a new password whose outcome was not told: that one counts, and not the one given now",
    );
}
