//! `ledgerctl profile`: one's name and e-mail address, sealed in the ledger.

use std::str::FromStr;

use argh::{ArgsInfo, FromArgs};

use crate::cli::context::Context;
use crate::cli::fields;
use crate::cli::passwords::secrets::password;
use crate::cli::run::Run;
use crate::cli::session::{open_member, open_member_for};
use crate::cli::telling::{note_sent_before, show, tell};
use crate::client::{
    self, ClientError, Member, Submitted, change_e_mail, fetch_profile, log_in, set_profile,
};
use crate::domain::Rights;
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
    example = "ledgerctl profile --name 'Ada Lovelace' --e-mail ada@example.org\nledgerctl profile\nledgerctl profile --leaf name"
)]
pub struct Profile {
    /// the name by which people know you
    #[argh(option, arg_name = "name")]
    pub name: Option<String>,

    /// your e-mail address
    #[argh(option, arg_name = "address")]
    pub e_mail: Option<String>,

    /// with another e-mail address of an account that has a password: file whose first line is the password, - for standard input
    #[argh(option, arg_name = "file")]
    pub password_file: Option<String>,

    /// print the leaf of one of both, name or e_mail: whoever is shown it reads that text in a receipt of the block
    #[argh(option, arg_name = "field")]
    pub leaf: Option<LeafOf>,
}

/// The text whose leaf is wanted.
#[derive(Clone, Copy, Debug)]
pub enum LeafOf {
    /// The name.
    Name,
    /// The e-mail address.
    EMail,
}

impl FromStr for LeafOf {
    type Err = String;

    fn from_str(text: &str) -> Result<LeafOf, String> {
        match text {
            "name" => Ok(LeafOf::Name),
            "e_mail" => Ok(LeafOf::EMail),
            other => Err(format!("{other:?} is neither name nor e_mail")),
        }
    }
}

impl Run for Profile {
    const REMEMBERS: bool = true;

    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let says = self.name.is_some() || self.e_mail.is_some();
        let mut member = if says { open_member_for(context, Rights::Full)? } else { open_member(context)? };
        match (&self.name, &self.e_mail) {
            (None, None) => match self.leaf {
                Some(of) => print_leaf(context, &mut member, of),
                None => print_profile(context, &mut member),
            },
            _ if self.leaf.is_some() => {
                Err(ClientError::Usage("--leaf shows what was said before: it goes alone".to_owned()))
            }
            (Some(name), Some(e_mail)) => self.set(context, &mut member, name, e_mail),
            (name, e_mail) => {
                let missing = "say both --name and --e-mail: this account has said neither yet";
                let known = fetch_profile(&mut member)?;
                let known = known.ok_or_else(|| ClientError::Usage(missing.to_owned()))?;
                let name = name.as_ref().unwrap_or(&known.name);
                self.set(context, &mut member, name, e_mail.as_ref().unwrap_or(&known.e_mail))
            }
        }
    }
}

fn said_before(member: &mut Member) -> Result<client::Profile, ClientError> {
    let sentence = "you have not said who you are yet";
    let none = || ClientError::Refused(Refusal::fail(refusal::NO_PROFILE, sentence));
    fetch_profile(member)?.ok_or_else(none)
}

/// Prints what opens one of both texts, and tells what for.
fn print_leaf(context: &Context, member: &mut Member, of: LeafOf) -> Result<Exit, ClientError> {
    let profile = said_before(member)?;
    let [name, e_mail] = &profile.leaves;
    let leaf = match of {
        LeafOf::Name => name,
        LeafOf::EMail => e_mail,
    };
    if context.out.json {
        let value = serde_json::json!({ "block": profile.block, "leaf": leaf.to_string() });
        context.out.line(&value.to_string())?;
    } else {
        let block = profile.block;
        context.out.note(&format!(
            "with a receipt of block {block} (receipt {block}) it opens this text and nothing else: check-receipt --leaf"
        ));
        context.out.line(&leaf.to_string())?;
    }
    Ok(Exit::Done)
}

fn print_profile(context: &Context, member: &mut Member) -> Result<Exit, ClientError> {
    let profile = said_before(member)?;
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

impl Profile {
    fn set(
        &self,
        context: &Context,
        member: &mut Member,
        name: &str,
        e_mail: &str,
    ) -> Result<Exit, ClientError> {
        let submitted = match set_profile(member, name, e_mail, &mut || note_sent_before(context)) {
            Err(ClientError::Refused(needed)) if needed.name == refusal::CREDENTIAL_NEEDED => {
                self.set_with_password(context, member, (name, e_mail))
            }
            set => set,
        };
        tell(submitted?, |accepted| {
            let words = "your name and e-mail address are kept, sealed";
            show(context, accepted, words, &[("name", name.into()), ("e_mail", e_mail.into())])
        })
    }

    /// The e-mail address is the one that a log-in begins with: the password is registered anew for another one.
    fn set_with_password(
        &self,
        context: &Context,
        member: &mut Member,
        (name, e_mail): (&str, &str),
    ) -> Result<Submitted, ClientError> {
        let before = said_before(member)?;
        let password = password(self.password_file.as_deref(), &before.e_mail)?;
        let mut logged_in = log_in(&context.home()?, &context.server()?, &before.e_mail, &password)?;
        change_e_mail(&mut logged_in, (name, e_mail), &password, &mut || note_sent_before(context))
    }
}
