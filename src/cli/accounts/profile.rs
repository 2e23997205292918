//! `ledgerctl profile`: one's name and e-mail address, sealed in the ledger.

use argh::{ArgsInfo, FromArgs};

use crate::cli::context::Context;
use crate::cli::fields;
use crate::cli::run::Run;
use crate::cli::session::open_member;
use crate::cli::telling::{note_sent_before, show, tell};
use crate::client::{ClientError, Member, fetch_profile, set_profile};
use crate::refusal;
use crate::terminal::exit::Exit;
use crate::wire::Refusal;

/// Your name and your e-mail address: show them, or say them.
///
/// Both stand in the ledger sealed: whoever has the ledger's files cannot read them, and they can be erased while every proof
/// still holds. The server can read them. What is not given stays as it was.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(
    subcommand,
    name = "profile",
    example = "ledgerctl profile --name 'Ada Lovelace' --e-mail ada@example.org\nledgerctl profile"
)]
pub struct Profile {
    /// the name by which people know you
    #[argh(option, arg_name = "name")]
    pub name: Option<String>,

    /// your e-mail address
    #[argh(option, arg_name = "address")]
    pub e_mail: Option<String>,
}

impl Run for Profile {
    const REMEMBERS: bool = true;

    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let mut member = open_member(context)?;
        match (&self.name, &self.e_mail) {
            (None, None) => print_profile(context, &mut member),
            (Some(name), Some(e_mail)) => set(context, &mut member, name, e_mail),
            (name, e_mail) => {
                let missing = "say both --name and --e-mail: this account has said neither yet";
                let known = fetch_profile(&mut member)?;
                let known = known.ok_or_else(|| ClientError::Usage(missing.to_owned()))?;
                let name = name.as_ref().unwrap_or(&known.name);
                set(context, &mut member, name, e_mail.as_ref().unwrap_or(&known.e_mail))
            }
        }
    }
}

fn print_profile(context: &Context, member: &mut Member) -> Result<Exit, ClientError> {
    let Some(profile) = fetch_profile(member)? else {
        let sentence = "you have not said who you are yet";
        return Err(ClientError::Refused(Refusal::fail(refusal::NO_PROFILE, sentence)));
    };
    let fields = [
        ("name", profile.name.as_str().into()),
        ("e_mail", profile.e_mail.as_str().into()),
        ("block", profile.block.into()),
        ("since", profile.since.to_string().into()),
        ("scope", profile.scope.to_string().into()),
    ];
    fields::print(context, fields.map(|(name, value)| (name.to_owned(), value)).to_vec())?;
    Ok(Exit::Done)
}

fn set(context: &Context, member: &mut Member, name: &str, e_mail: &str) -> Result<Exit, ClientError> {
    let submitted = set_profile(member, name, e_mail, &mut || note_sent_before(context))?;
    tell(submitted, |accepted| {
        let words = "your name and e-mail address are kept, sealed";
        show(context, accepted, words, &[("name", name.into()), ("e_mail", e_mail.into())])
    })
}
