//! `ledgerctl erase`: an account ends for ever, and what was sealed for it is destroyed.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use argh::{ArgsInfo, FromArgs};

use super::erasure::{open_stranger, print_erased};
use crate::cli::context::Context;
use crate::cli::members::whom;
use crate::cli::run::Run;
use crate::cli::session::{Session, open_member_for};
use crate::cli::telling::{note_sent_before, show, tell};
use crate::client::{
    ClientError, Registrant, User, erase, fetch_erasure, fetch_me, find_member, own_erasure_was_told, pinned,
    read_account,
};
use crate::domain::accounts::EraseReason;
use crate::domain::{AccountId, Rights};
use crate::refusal;
use crate::terminal::exit::Exit;

/// Erase your account, for ever; operators erase that of anybody.
///
/// Its keys, roles and sessions end, and the secrets that make its sealed texts readable are destroyed. What else is in the
/// ledger stays: the handle, public keys, orders, amounts, memos and times. Nobody can undo it.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(
    subcommand,
    name = "erase",
    example = "ledgerctl erase --confirm ada\nledgerctl erase bob --reason requested"
)]
pub struct Erase {
    /// whose account: a handle, or a number like '#2', in quotes; your own if nobody is named
    #[argh(positional)]
    pub user: Option<String>,

    /// why: own_wish, and for operators requested, law, misuse or other
    #[argh(option, arg_name = "reason")]
    pub reason: Option<EraseReason>,

    /// erase although open business would stand in the way, such as money that is left; for operators
    #[argh(switch)]
    pub force: bool,

    /// the handle of your own account, which is asked for otherwise
    #[argh(option, arg_name = "handle")]
    pub confirm: Option<String>,
}

impl Run for Erase {
    const REMEMBERS: bool = true;

    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let user = self.user.as_deref().map(str::parse::<User>).transpose().map_err(ClientError::Usage)?;
        match user {
            Some(user) => self.of(context, &user),
            None => self.of_oneself(context),
        }
    }
}

impl Erase {
    /// An operator erases an account.
    fn of(&self, context: &Context, user: &User) -> Result<Exit, ClientError> {
        let why = "say why with --reason: requested, law, misuse or other";
        let reason = self.reason.ok_or_else(|| ClientError::Usage(why.to_owned()))?;
        let mut member = open_member_for(context, Rights::Full)?;
        let Registrant { account, handle, .. } = find_member(&mut member, user)?;
        self.see_through(context, member, (account, &handle), reason)
    }

    /// A member erases its own account. Whoever lost the answer has no key that opens a session any more: the ledger tells
    /// everybody.
    fn of_oneself(&self, context: &Context) -> Result<Exit, ClientError> {
        let mut member = match open_member_for(context, Rights::Full) {
            Ok(member) => member,
            Err(error @ ClientError::KeyEnded(_)) => return erased_before(context, error),
            Err(error) => return Err(error),
        };
        let me = fetch_me(&mut member)?;
        self.check_confirmed(&me.handle)?;
        let reason = self.reason.unwrap_or(EraseReason::OwnWish);
        self.see_through(context, member, (me.account, &me.handle), reason)
    }

    /// Only whoever names the account that goes means it.
    fn check_confirmed(&self, handle: &str) -> Result<(), ClientError> {
        let named = match &self.confirm {
            Some(named) => named.clone(),
            None if io::stdin().is_terminal() => ask_for_handle(handle)?,
            None => String::new(),
        };
        if named == handle {
            return Ok(());
        }
        Err(ClientError::Usage(format!(
            "this erases the account {handle} for ever; to confirm it say: erase --confirm {handle}"
        )))
    }

    fn see_through(
        &self,
        context: &Context,
        mut member: Session<'_>,
        (account, handle): (AccountId, &str),
        reason: EraseReason,
    ) -> Result<Exit, ClientError> {
        let again = &mut || note_sent_before(context);
        let submitted = erase(&mut member, (account, reason, self.force), again)?;
        let words = format!("{} is erased", whom(handle, account));
        let fields =
            [("account", account.0.into()), ("handle", handle.into()), ("reason", reason.to_string().into())];
        tell(submitted, |accepted| show(context, accepted, &words, &fields))
    }
}

/// Asks a person to type the handle of the account that goes.
fn ask_for_handle(handle: &str) -> Result<String, ClientError> {
    let unexpected = |error: io::Error| ClientError::Unexpected(error.to_string());
    let mut err = io::stderr().lock();
    let ask = write!(err, "This erases the account {handle}, for ever. Type {handle} to confirm it: ");
    ask.and_then(|()| err.flush()).map_err(unexpected)?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).map_err(unexpected)?;
    Ok(answer.trim().to_owned())
}

/// The account of this home may have been erased by a run whose answer was lost.
fn erased_before(context: &Context, ended: ClientError) -> Result<Exit, ClientError> {
    let home = context.home()?;
    let server = pinned(&home, &context.server()?)?;
    let Some(account) = read_account(&home, server.ledger_id)? else { return Err(ended) };
    let mut stranger = open_stranger(context)?;
    let id = AccountId(account.account);
    match fetch_erasure(&mut stranger, id) {
        Ok(erased) => {
            print_erased(context, &erased)?;
            own_erasure_was_told(&home, server.ledger_id, id)?;
            Ok(Exit::Done)
        }
        Err(ClientError::Refused(refusal)) if refusal.name == refusal::NOT_ERASED => Err(ended),
        Err(error) => Err(error),
    }
}
