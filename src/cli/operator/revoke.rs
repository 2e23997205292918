//! `ledgerctl revoke`: a member loses a role.

use argh::{ArgsInfo, FromArgs};

use crate::cli::context::Context;
use crate::cli::members::whom;
use crate::cli::run::Run;
use crate::cli::session::open_member_for;
use crate::cli::telling::{note_sent_before, show, tell};
use crate::client::{ClientError, Registrant, User, find_member, revoke};
use crate::domain::Rights;
use crate::domain::accounts::Role;
use crate::terminal::exit::Exit;

/// Take a role away; for operators.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "revoke", example = "ledgerctl revoke bob operator")]
pub struct Revoke {
    /// who loses it: a handle, or a number like '#2', in quotes
    #[argh(positional)]
    pub user: String,

    /// operator
    #[argh(positional)]
    pub role: Role,
}

impl Run for Revoke {
    const REMEMBERS: bool = true;

    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let (user, role): (User, _) = (self.user.parse().map_err(ClientError::Usage)?, self.role);
        let mut member = open_member_for(context, Rights::Full)?;
        let Registrant { account, handle, .. } = find_member(&mut member, &user)?;
        let submitted = revoke(&mut member, account, role, &mut || note_sent_before(context))?;
        let words = format!("{} is {role} no more", whom(&handle, account));
        let fields =
            [("account", account.0.into()), ("handle", handle.into()), ("role", role.to_string().into())];
        tell(submitted, |accepted| show(context, accepted, &words, &fields))
    }
}
