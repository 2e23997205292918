//! `ledgerctl second-factor`: codes of a telephone beside the key.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::path::Path;

use argh::{ArgsInfo, FromArgs};
use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::cli::context::Context;
use crate::cli::members::whom;
use crate::cli::named_files::NewFile;
use crate::cli::run::Run;
use crate::cli::session::{open_member, open_member_for};
use crate::cli::telling::{note_sent_before, show, tell};
use crate::client::{
    ClientError, FactorOffer, Registrant, User, begin_factor, confirm_factor, end_factor, fetch_me,
    find_member, give_code, reset_factor, settle_factor,
};
use crate::domain::accounts::ResetReason;
use crate::domain::{Rights, Value as Told};
use crate::terminal::exit::Exit;
use crate::time::Timestamp;

/// Your second factor: codes of a telephone, beside your key or your password.
///
/// Without an action: whether you have one. Agents and auditors need one for all that they do by their role, operators for what
/// weighs most. A code is asked for where one is needed, or comes with --code; it is good for 12 hours, for the commands of this
/// home.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(
    subcommand,
    name = "second-factor",
    example = "ledgerctl second-factor enrol\nledgerctl second-factor confirm 287082"
)]
pub struct SecondFactor {
    /// what to do
    #[argh(subcommand)]
    pub action: Option<SecondFactorAction>,
}

/// What to do with a second factor.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand)]
pub enum SecondFactorAction {
    /// See [`Enrol`].
    Enrol(Enrol),
    /// See [`Confirm`].
    Confirm(Confirm),
    /// See [`Codes`].
    Codes(Codes),
    /// See [`Off`].
    Off(Off),
    /// See [`Reset`].
    Reset(Reset),
}

/// Get a second factor, or another one in place of the one that you have.
///
/// Shows the secret as a QR code for your telephone, and ten spare codes for paper, once. The code that the telephone shows then
/// is read from standard input, and nothing has changed before it is right.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "enrol", example = "ledgerctl second-factor enrol --codes-out spare-codes")]
pub struct Enrol {
    /// new file for the spare codes, which are not shown then
    #[argh(option, arg_name = "file")]
    pub codes_out: Option<String>,
}

/// Give a code now, so that the commands of the next 12 hours need none.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "confirm", example = "ledgerctl second-factor confirm 287082")]
pub struct Confirm {
    /// the code that your telephone shows, or a spare one; asked for if it is not given
    #[argh(positional)]
    pub code: Option<String>,
}

/// Get new spare codes; the secret in your telephone stays, and the spare codes before are worth nothing.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "codes", example = "ledgerctl second-factor codes --codes-out spare-codes")]
pub struct Codes {
    /// new file for the spare codes, which are not shown then
    #[argh(option, arg_name = "file")]
    pub codes_out: Option<String>,
}

/// Have no second factor any more.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "off", example = "ledgerctl second-factor off")]
pub struct Off {}

/// End the second factor of a member who has lost telephone and spare codes; for operators.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "reset", example = "ledgerctl second-factor reset bob --reason lost")]
pub struct Reset {
    /// whose: a handle, or a number like '#2', in quotes
    #[argh(positional)]
    pub user: String,

    /// why: lost, stolen, vault or other
    #[argh(option, arg_name = "reason")]
    pub reason: ResetReason,
}

impl Run for SecondFactor {
    // Looking needs a home that can be read, and nothing more.
    const REMEMBERS: bool = false;

    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        match &self.action {
            None => return tell_state(context),
            Some(_) => context.home()?.check_writable()?,
        }
        match &self.action {
            Some(SecondFactorAction::Enrol(enrol)) => offer(context, false, enrol.codes_out.as_deref()),
            Some(SecondFactorAction::Codes(codes)) => offer(context, true, codes.codes_out.as_deref()),
            Some(SecondFactorAction::Confirm(confirm)) => confirm.run(context),
            Some(SecondFactorAction::Off(Off {})) => off(context),
            Some(SecondFactorAction::Reset(reset)) => reset.run(context),
            None => Ok(Exit::Done),
        }
    }
}

fn tell_state(context: &Context) -> Result<Exit, ClientError> {
    let mut member = open_member(context)?;
    let me = fetch_me(&mut member)?;
    let at = me.told.0.iter().find(|figure| figure.name == "second_factor_at");
    let block = at.and_then(|figure| match figure.value {
        Told::Number(block) => Some(block),
        _ => None,
    });
    if context.out.json {
        context.out.line(&json!({ "second_factor_at": block }).to_string())?;
        return Ok(Exit::Done);
    }
    context.out.line(&match block {
        Some(block) => format!("you have a second factor since block {block}"),
        None => "you have no second factor".to_owned(),
    })?;
    Ok(Exit::Done)
}

/// Enrols a second factor, or has new spare codes made.
fn offer(context: &Context, keep_secret: bool, codes_out: Option<&str>) -> Result<Exit, ClientError> {
    let mut member = open_member_for(context, Rights::Full)?;
    // What an earlier run has enrolled without telling counts: another secret would only lie in the telephone for nothing.
    if let Some(submitted) = settle_factor(&mut member)? {
        context.out.note("an earlier run has enrolled a second factor without telling: that one counts");
        let words = "you have a second factor";
        return tell(submitted, |accepted| show(context, accepted, words, &[]));
    }
    let file = codes_out.map(|path| NewFile::private(Path::new(path))).transpose()?;
    let offer = begin_factor(&mut member, keep_secret)?;
    let codes = Zeroizing::new(spare_codes(&offer).join("\n"));
    if let Some(file) = &file {
        file.write_secret_line(&codes)?;
    }
    show_offer(context, &offer, file.is_none())?;
    let mut code = || match keep_secret {
        // The telephone has the secret already: whoever gave a code on the command line types none.
        true => context.code("Code of your second factor: ").or_else(piped_code),
        false => typed_code(),
    };
    let mut earlier = false;
    let submitted = confirm_factor(&mut member, &offer, &mut code, &mut || earlier = true);
    if let (Some(file), Err(error)) = (file, &submitted)
        && !matches!(error, ClientError::Unknown(_) | ClientError::Untold(_))
    {
        // Nobody keeps codes that are worth nothing.
        file.remove();
    }
    if earlier {
        context.out.note(
            "an earlier run has enrolled a second factor without telling: that one counts, and not what was shown now",
        );
    }
    let words = if keep_secret { "you have new spare codes" } else { "you have a second factor" };
    tell(submitted?, |accepted| show(context, accepted, words, &[]))
}

fn spare_codes(offer: &FactorOffer) -> Vec<String> {
    offer.spare_codes.iter().map(|code| code.to_text().to_string()).collect()
}

/// Shows what is never shown again.
fn show_offer(context: &Context, offer: &FactorOffer, with_codes: bool) -> Result<(), ClientError> {
    let codes = if with_codes { spare_codes(offer) } else { Vec::new() };
    let secret = offer.secret.as_ref().map(|secret| secret.to_text().to_string());
    let uri = offer.uri.as_ref().map(|uri| uri.to_string());
    if context.out.json {
        let codes = if with_codes { Value::from(codes) } else { Value::Null };
        return context.out.tell(&json!({ "secret": secret, "uri": uri, "spare_codes": codes }).to_string());
    }
    if let (Some(secret), Some(uri)) = (secret, uri) {
        if let Ok(code) = QrCode::new(uri.as_bytes()) {
            // On a dark terminal the light parts have to be the ones that are drawn.
            let drawn =
                code.render::<Dense1x2>().dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).build();
            context.out.tell(&drawn)?;
        }
        context.out.note(&format!("Let your telephone read this, or type its secret: {secret}\n{uri}"));
    }
    if with_codes {
        context
            .out
            .note("Your spare codes, each good once. Write them down now: they are never shown again.");
        context.out.tell(&codes.join("\n"))?;
    }
    Ok(())
}

/// The code that a program writes.
fn piped_code() -> Option<Zeroizing<String>> {
    if io::stdin().is_terminal() { None } else { typed_code() }
}

/// The code that the telephone shows, from a person or from a program.
fn typed_code() -> Option<Zeroizing<String>> {
    if io::stdin().is_terminal() {
        let mut err = io::stderr().lock();
        write!(err, "Type the code that the telephone shows: ").and_then(|()| err.flush()).ok()?;
    }
    let mut line = Zeroizing::new(String::new());
    let read = io::stdin().lock().read_line(&mut line).ok()?;
    (read > 0).then(|| Zeroizing::new(line.trim().to_owned()))
}

impl Confirm {
    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let mut member = open_member(context)?;
        let nobody = || {
            ClientError::Usage("there is nobody to ask for the code: second-factor confirm CODE".to_owned())
        };
        let code = match &self.code {
            Some(code) => Zeroizing::new(code.clone()),
            None => context.code("Code of your second factor: ").ok_or_else(nobody)?,
        };
        let wrong = give_code(&mut member, code)?;
        if context.out.json {
            let since = (wrong.count > 0).then(|| Timestamp::from_millis(wrong.since_ms).to_string());
            let value = json!({ "wrong_codes": wrong.count, "since": since });
            context.out.line(&value.to_string())?;
        } else {
            member.say_wrong_codes(wrong);
            context.out.line("the code is right")?;
        }
        Ok(Exit::Done)
    }
}

fn off(context: &Context) -> Result<Exit, ClientError> {
    let mut member = open_member_for(context, Rights::Full)?;
    let submitted = end_factor(&mut member, &mut || note_sent_before(context))?;
    tell(submitted, |accepted| show(context, accepted, "you have no second factor any more", &[]))
}

impl Reset {
    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let user: User = self.user.parse().map_err(ClientError::Usage)?;
        let mut member = open_member_for(context, Rights::Full)?;
        let Registrant { account, handle, .. } = find_member(&mut member, &user)?;
        let submitted = reset_factor(&mut member, (account, self.reason), &mut || note_sent_before(context))?;
        let words = format!("{} has no second factor any more", whom(&handle, account));
        let fields = [
            ("account", account.0.into()),
            ("handle", handle.into()),
            ("reason", self.reason.to_string().into()),
        ];
        tell(submitted, |accepted| show(context, accepted, &words, &fields))
    }
}
