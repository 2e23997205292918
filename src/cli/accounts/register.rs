//! `ledgerctl register`: an account under a public handle.

use crate::refusal;
use argh::{ArgsInfo, FromArgs};

use crate::cli::context::Context;
use crate::cli::run::Run;
use crate::client::{
    Account, Anonymous, ClientError, Home, Joined, KEY_FILE, Registration, is_key_encrypted, key_files,
    load_key, make_key, pinned, read_account, register, restore_account, set_passphrase, untold_registration,
};
use crate::crypto::{KeyKind, SigningKey};
use crate::domain::accounts::Handle;
use crate::terminal::exit::Exit;
use crate::wire::Refusal;

/// Make a key and register under a public handle.
///
/// Keep a copy of key.pem in the home directory: that file alone brings the account back, and nothing else does.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "register", example = "ledgerctl register alice")]
pub struct Register {
    /// public name: 3 to 64 ASCII letters, digits and ._-, at least one letter
    #[argh(positional)]
    pub handle: String,

    /// ask for a passphrase and encrypt the key with it
    #[argh(switch)]
    pub passphrase: bool,
}

impl Run for Register {
    const REMEMBERS: bool = true;

    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let handle = Handle::of_newcomer(&self.handle)
            .map_err(|error| ClientError::Usage(format!("invalid_handle: {:?}: {error}", self.handle)))?;
        let home = context.home()?;
        let server = pinned(&home, &context.server()?)?;
        if let Some(account) = read_account(&home, server.ledger_id)? {
            if is_called(&account, &handle)
                && let Some(registration) = untold_registration(&home, server.ledger_id, &account)?
            {
                return tell(context, registration);
            }
            return Err(ClientError::Refused(Refusal::fail(
                refusal::ALREADY_REGISTERED,
                format!(
                    "this home has account {} ({}) on this ledger already",
                    account.account, account.handle
                ),
            )));
        }
        // Further keys are of an account that this home had: it needs no new one.
        if key_files(&home)?.iter().any(|file| file != KEY_FILE)
            && let Some(account) = restore_account(&home, &context.server()?, &mut context.passphrase())?
        {
            note_back(context, &account, &handle)?;
            show(context, &account)?;
            return Ok(Exit::Done);
        }
        let key = key(context, self.passphrase)?;
        let mut link = Anonymous::open(&home, &context.server()?)?;
        let registration = register(&home, &mut link, &key, &handle)?;
        let joined = &registration.joined;
        match joined {
            Joined::Now(_) => context.out.note(&keep_a_copy(&home)),
            Joined::Earlier(account) if !is_called(account, &handle) => context.out.note(&format!(
                "an earlier registration as {} stands; this one was not sent",
                account.handle
            )),
            Joined::Earlier(_) => {}
            Joined::Before(account) => {
                if let Err(other) = note_back(context, account, &handle) {
                    registration.told()?;
                    return Err(other);
                }
            }
        }
        tell(context, registration)
    }
}

fn is_called(account: &Account, handle: &Handle) -> bool {
    account.handle.eq_ignore_ascii_case(handle.as_str())
}

/// Says that the home has an account back, which is an error if another one was to be registered.
fn note_back(context: &Context, account: &Account, handle: &Handle) -> Result<(), ClientError> {
    if is_called(account, handle) {
        context.out.note("the key of this home was registered before: its account is back");
        return Ok(());
    }
    let Account { account: number, handle: name, .. } = account;
    Err(ClientError::Refused(Refusal::fail(
        refusal::ALREADY_REGISTERED,
        format!(
            "the key of this home has account {number} ({name}) on this ledger, which is back; {handle} was not \
             registered"
        ),
    )))
}

/// Tells the account, and strikes the registration out once it was told.
fn tell(context: &Context, registration: Registration) -> Result<Exit, ClientError> {
    let account = registration.joined.account();
    show(context, account).map_err(|error| {
        let (number, handle) = (account.account, &account.handle);
        let block =
            registration.block.map(|index| format!("block {index} is written: ")).unwrap_or_default();
        ClientError::Untold(format!(
            "{block}account {number} is registered as {handle}, but that could not be told: {error}. The same command \
             given again tells it"
        ))
    })?;
    registration.told()?;
    Ok(Exit::Done)
}

/// What whoever has a new key has to know.
pub(in crate::cli) fn keep_a_copy(home: &Home) -> String {
    format!(
        "keep a copy of {}: that file alone brings the account back, and nothing else does",
        home.path(KEY_FILE).display()
    )
}

/// The key of this home, made now if there is none. With `--passphrase` it is encrypted afterwards either way.
fn key(context: &Context, passphrase_wanted: bool) -> Result<SigningKey, ClientError> {
    let home = context.home()?;
    let encrypted = is_key_encrypted(&home)?;
    if let Some(key) = load_key(&home, &mut context.passphrase())? {
        if passphrase_wanted && encrypted == Some(false) {
            let new = context.passphrase_of_new_key(true)?;
            set_passphrase(&home, KEY_FILE, &key, new.as_ref().map(|text| text.as_str()))?;
        }
        return Ok(key);
    }
    let passphrase = context.passphrase_of_new_key(passphrase_wanted)?;
    make_key(&home, KeyKind::Rsa3072, passphrase.as_ref().map(|text| text.as_str()))
}

fn show(context: &Context, account: &Account) -> Result<(), ClientError> {
    if context.out.json {
        let value = serde_json::json!({
            "user_id": account.account, "handle": account.handle, "key_id": account.key_id,
        });
        return context.out.tell(&value.to_string());
    }
    context.out.note(&format!("registered as {}; your user id:", account.handle));
    context.out.tell(&account.account.to_string())
}
