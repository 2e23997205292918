//! `ledgerctl keys`: the keys of an account, on one machine and on several.

use std::path::PathBuf;

use argh::{ArgsInfo, FromArgs};
use comfy_table::{Table, presets};
use serde_json::json;

use crate::cli::context::Context;
use crate::cli::members::account_number;
use crate::cli::named_files::read_handed_on;
use crate::cli::run::Run;
use crate::cli::session::{open_member, open_member_for};
use crate::cli::telling::{note_sent_before, show, tell};
use crate::client::{
    ClientError, Introduced, KEY_FILE, KeyRequest, Member, Submitted, WantedKey, add_own_key,
    add_requested_key, check_request, end_key, fetch_keys, is_end_untold, label_of_request, load_key,
    make_key, pinned, read_account, rotate_key,
};
use crate::crypto::{KeyId, KeyKind};
use crate::domain::accounts::{Custody, KeyFace};
use crate::domain::{AccountId, Rights};
use crate::refusal;
use crate::terminal::exit::Exit;
use crate::text::escape;
use crate::wire::Refusal;

/// The keys of your account: list them, add one, end one that was lost, replace the one of this home.
///
/// Without an action: list them. An account has up to eight keys at a time. A full key may sign everything; a key that may
/// only act signs orders, payments and cheques, and changes neither keys nor roles.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(
    subcommand,
    name = "keys",
    example = "ledgerctl keys\nledgerctl keys add --device laptop\nledgerctl keys end laptop"
)]
pub struct Keys {
    /// what to do with them
    #[argh(subcommand)]
    pub action: Option<KeysAction>,
}

/// What to do with keys.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand)]
pub enum KeysAction {
    /// See [`ListKeys`].
    List(ListKeys),
    /// See [`AddKey`].
    Add(AddKey),
    /// See [`RequestKey`].
    Request(RequestKey),
    /// See [`EndKey`].
    End(EndKey),
    /// See [`RotateKey`].
    Rotate(RotateKey),
}

/// Every key that your account ever had, and what may be signed with it.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "list", example = "ledgerctl keys list")]
pub struct ListKeys {}

/// Add a key: one that is made in this home, or one that another machine asks for.
///
/// With --device the key signs what this home does every day, in a hundredth of the time that the first key takes. Without
/// it and without --request, a spare key is made, to be kept apart from this machine.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(
    subcommand,
    name = "add",
    example = "ledgerctl keys add --device laptop\nledgerctl keys add --request phone.request --device phone"
)]
pub struct AddKey {
    /// name of the device that holds the key: 1 to 32 ASCII letters, digits and ._-, public for ever
    #[argh(option)]
    pub device: Option<String>,

    /// what it may sign: act, or full; act for a device, unless you say otherwise
    #[argh(option)]
    pub rights: Option<Rights>,

    /// file with what keys request printed on the other machine, - for standard input
    #[argh(option)]
    pub request: Option<PathBuf>,
}

/// On a new machine: make a key and print a request, with which a machine that has a full key adds it.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "request", example = "ledgerctl keys request 7 > phone.request")]
pub struct RequestKey {
    /// number of your account, with or without a # before it: whoami says it on the other machine
    #[argh(positional, from_str_fn(account_number))]
    pub account: AccountId,
}

/// End a key, for ever: nothing that it signs is taken any more, and its sessions end.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "end", example = "ledgerctl keys end phone")]
pub struct EndKey {
    /// name of the key, or the beginning of its id, at least 8 hexadecimal digits
    #[argh(positional)]
    pub key: String,
}

/// Replace the key of this home by a new one with full rights. The old one ends in the same block.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "rotate", example = "ledgerctl keys rotate")]
pub struct RotateKey {
    /// go on although the key is the one that your password fetches: password and recovery code end with it
    #[argh(switch)]
    pub end_password: bool,
}

impl Run for Keys {
    // Listing needs a home that can be read, and nothing more.
    const REMEMBERS: bool = false;

    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        if !matches!(self.action, None | Some(KeysAction::List(_))) {
            context.home()?.check_writable()?;
        }
        // Two at once would each forget what the other has written down. Whoever only looks waits for nobody.
        let _lock = match &self.action {
            None | Some(KeysAction::List(_) | KeysAction::Request(_)) => None,
            Some(_) => Some(context.home()?.lock_keys()?),
        };
        match &self.action {
            None | Some(KeysAction::List(ListKeys {})) => list(context),
            Some(KeysAction::Add(add)) => add.run(context),
            Some(KeysAction::Request(request)) => request.run(context),
            Some(KeysAction::End(end)) => end.run(context),
            Some(KeysAction::Rotate(command)) => rotate(context, command.end_password),
        }
    }
}

fn list(context: &Context) -> Result<Exit, ClientError> {
    let mut member = open_member(context)?;
    let keys = fetch_keys(&mut member)?;
    let account = read_account(member.home(), member.server().ledger_id)?;
    let is_here = |key: &KeyFace| {
        let id = key.key_id.to_string();
        account.as_ref().is_some_and(|account| {
            account.key_id == id || account.device.as_ref().is_some_and(|device| device.key_id == id)
        })
    };
    if context.out.json {
        let keys: Vec<_> = keys.iter().map(|key| as_json(key, is_here(key))).collect();
        context.out.line(&json!({ "user_id": member.account().account, "keys": keys }).to_string())?;
        return Ok(Exit::Done);
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["label", "id", "kind", "rights", "custody", "since block", "ended by", ""]);
    for key in &keys {
        let ended = key.ended_at.map_or_else(String::new, |index| index.to_string());
        table.add_row([
            escape(&key.label).into_owned(),
            key.key_id.to_string().get(..16).unwrap_or_default().to_owned(),
            escape(&key.kind).into_owned(),
            key.rights.to_string(),
            key.custody.to_string(),
            key.added_at.to_string(),
            ended,
            if is_here(key) { "in this home".to_owned() } else { String::new() },
        ]);
    }
    context.out.line(&table.to_string())?;
    Ok(Exit::Done)
}

fn as_json(key: &KeyFace, is_here: bool) -> serde_json::Value {
    json!({
        "label": key.label,
        "key_id": key.key_id.to_string(),
        "kind": key.kind,
        "rights": key.rights.name(),
        "custody": key.custody.name(),
        "added_at": key.added_at,
        "ended_at": key.ended_at,
        "here": is_here,
    })
}

impl AddKey {
    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let request = self.request.as_deref().map(read_handed_on).transpose()?;
        let request = request.map(|text| KeyRequest::find(&text)).transpose().map_err(ClientError::Usage)?;
        let is_device = self.device.is_some() || request.is_some();
        let (custody, usual) =
            if is_device { (Custody::Device, Rights::Act) } else { (Custody::File, Rights::Full) };
        let rights = self.rights.unwrap_or(usual);
        let wanted = WantedKey { label: self.device.clone(), custody, rights };
        if self.device.is_some() {
            context.out.note("the name of a key is public, and stays readable for ever");
        }
        let (introduced, path) = with_full_key(context, &mut |member| {
            let again = &mut || note_sent_before(context);
            let introduced = match &request {
                Some(request) => {
                    check_request(member, request)?;
                    show_before(context, request, &wanted);
                    add_requested_key(member, request, &wanted, again)?
                }
                None => {
                    let passphrase = context.passphrase_of_further_key(member.home())?;
                    let passphrase = passphrase.as_ref().map(|text| text.as_str());
                    add_own_key(member, &wanted, passphrase, again)?
                }
            };
            let path = introduced.file.as_deref().map(|file| member.home().path(file));
            Ok((introduced, path))
        })?;
        if let Some(path) = path.filter(|path| custody == Custody::File && path.exists()) {
            context.out.note(&format!(
                "{} holds a spare key: move it to a place apart from this machine; as {KEY_FILE} in a home, it alone \
                 brings the account back",
                path.display()
            ));
        }
        tell_introduced(context, introduced, "added", rights)
    }
}

/// Shows the key that another machine asks for, before anything leaves: a person can hold its id against the one which that
/// machine has shown.
fn show_before(context: &Context, request: &KeyRequest, wanted: &WantedKey) {
    let label = label_of_request(request, wanted);
    let (key_id, rights) = (request.key.key_id(), wanted.rights);
    context.out.note(&format!("adding, as {label}, rights {rights}, the key which the other machine calls"));
    context.out.note(&format!("key {key_id}"));
}

/// Runs what needs a key with full rights. If that has ended, or ends under way, what was begun with it is told over a
/// session of the device key, and nothing new is begun.
fn with_full_key<T>(
    context: &Context,
    run: &mut dyn FnMut(&mut Member) -> Result<T, ClientError>,
) -> Result<T, ClientError> {
    let (ended, opened) = match open_member_for(context, Rights::Full) {
        Ok(mut member) => match run(&mut member) {
            // What it ran ended the very key that asked what became of it.
            Err(error @ ClientError::KeyEnded(_)) => (error, true),
            other => return other,
        },
        Err(error @ ClientError::KeyEnded(_)) => (error, false),
        Err(error) => return Err(error),
    };
    // A key that was to take the place of the one that ended may do so now.
    let successor = if opened { open_member_for(context, Rights::Full).ok() } else { None };
    let Some(mut member) = successor.or_else(|| open_member(context).ok()) else { return Err(ended) };
    match run(&mut member) {
        Err(ClientError::KeyEnded(_)) => Err(ended),
        // A device key is asked for nothing but what a full one began.
        Err(ClientError::Refused(refusal))
            if member.is_of_device() && refusal.name == refusal::NO_PERMISSION =>
        {
            Err(ended)
        }
        other => other,
    }
}

/// Tells that a key stands.
fn tell_introduced(
    context: &Context,
    introduced: Introduced,
    what: &str,
    rights: Rights,
) -> Result<Exit, ClientError> {
    let words = format!("key {} {what}, rights {rights}", introduced.label);
    let (label, key_id) = (introduced.label.clone(), introduced.key_id.clone());
    let fields = [("label", label.into()), ("key_id", key_id.into()), ("rights", rights.name().into())];
    introduced.tell(|accepted| show(context, accepted, &words, &fields))?;
    Ok(Exit::Done)
}

impl RequestKey {
    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let home = context.home()?;
        let server = pinned(&home, &context.server()?)?;
        if let Some(account) = read_account(&home, server.ledger_id)? {
            return Err(ClientError::Usage(format!(
                "this home has account {} ({}) on this ledger already: a request is for a machine that has none",
                account.account, account.handle
            )));
        }
        let key = match load_key(&home, &mut context.passphrase())? {
            Some(key) => key,
            None => {
                let passphrase = context.passphrase_of_new_key(false)?;
                make_key(&home, KeyKind::Ed25519, passphrase.as_ref().map(|text| text.as_str()))?
            }
        };
        let request = KeyRequest::of(&key, server.ledger_id, self.account);
        context.out.note(
            "on a machine that has a full key of the account: ledgerctl keys add --request FILE; it shows the id \
             of the key, which is the one below",
        );
        context.out.note(&format!("key {}", request.key.key_id()));
        let text = request.to_pem()?;
        if context.out.json {
            let key_id = request.key.key_id().to_string();
            let value = json!({ "account": self.account.0, "key_id": key_id, "request": text });
            context.out.line(&value.to_string())?;
        } else {
            context.out.line(text.trim_end())?;
        }
        Ok(Exit::Done)
    }
}

impl EndKey {
    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let (submitted, key) = with_full_key(context, &mut |member| {
            let key = self.find(member)?;
            if member.account().key_id == key.key_id.to_string() {
                context
                    .out
                    .note("this is the key of this home: with it ended, this home has no access any more");
            }
            Ok((end_key(member, key.key_id, &mut || note_sent_before(context))?, key))
        })?;
        tell_ended(context, submitted, &key)
    }

    /// The key that is meant: by its name, among those that stand and those whose end an earlier run did not tell, or by the
    /// beginning of its id.
    fn find(&self, member: &mut Member) -> Result<KeyFace, ClientError> {
        let keys = fetch_keys(member)?;
        let wanted = &self.key;
        let is_id = wanted.len() >= 8 && wanted.bytes().all(|byte| byte.is_ascii_hexdigit());
        let mut meant = Vec::new();
        for key in &keys {
            let by_id = is_id && key.key_id.to_string().starts_with(&wanted.to_ascii_lowercase());
            let by_name = key.label == *wanted;
            if by_id || by_name && (key.ended_at.is_none() || is_end_untold(member, key.key_id)?) {
                meant.push(key);
            }
        }
        match meant.as_slice() {
            [key] => Ok((*key).clone()),
            [] => {
                let text =
                    format!("no key of the account that stands is called {wanted:?}: see ledgerctl keys");
                Err(ClientError::Refused(Refusal::fail(refusal::NO_SUCH_KEY, text)))
            }
            several => Err(ClientError::Usage(format!(
                "{} keys are called {wanted:?}: name one of them by its id",
                several.len()
            ))),
        }
    }
}

fn tell_ended(context: &Context, submitted: Submitted, key: &KeyFace) -> Result<Exit, ClientError> {
    let (label, key_id): (_, KeyId) = (escape(&key.label).into_owned(), key.key_id);
    let words = format!("key {label} ended");
    let fields = [("label", key.label.clone().into()), ("key_id", key_id.to_string().into())];
    tell(submitted, |accepted| show(context, accepted, &words, &fields))
}

fn rotate(context: &Context, end_password: bool) -> Result<Exit, ClientError> {
    let home = context.home()?;
    let introduced = with_full_key(context, &mut |member| {
        let passphrase = context.passphrase_of_further_key(&home)?;
        let passphrase = passphrase.as_ref().map(|text| text.as_str());
        rotate_key(member, None, end_password, passphrase, &mut || note_sent_before(context))
    })?;
    context.out.note(&format!(
        "keep a copy of {}: the old key has ended, and its copies open nothing any more",
        home.path(introduced.file.as_deref().unwrap_or(KEY_FILE)).display()
    ));
    tell_introduced(context, introduced, "in the place of the old one", Rights::Full)
}
