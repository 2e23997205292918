//! `ledgerctl getKey`: who is the server, and is it still the same?

use std::io::{self, BufRead, IsTerminal, Write};

use argh::{ArgsInfo, FromArgs};

use crate::cli::context::Context;
use crate::cli::run::Run;
use crate::client::{
    Addresses, ClientError, Found, Home, KnownServer, find_server, keep_first_block, known_servers,
    not_writable, read_account, restore_account,
};
use crate::session::descriptor::is_fingerprint;
use crate::terminal::exit::Exit;

/// Fetch the server's identity, verify it and pin it.
///
/// This is the only exchange in the clear. Compare the fingerprint with one that reached you another way. Every address of a
/// list is asked, and all that answer have to be of one server. A home that holds a copy of your key.pem and nothing else
/// gets your account back.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "getKey", example = "ledgerctl getKey --fingerprint SHA3-256:4fXb…")]
pub struct GetKey {
    /// pin a server that is not known yet, whatever its fingerprint
    #[argh(switch)]
    pub accept_new: bool,

    /// pin the server only if it has this fingerprint
    #[argh(option, from_str_fn(fingerprint))]
    pub fingerprint: Option<String>,

    /// print the server's RSA key as PEM
    #[argh(switch)]
    pub pem: bool,

    /// print the ledger's verifier key, with which strangers check receipts and checkpoints
    #[argh(switch)]
    pub vkey: bool,
}

/// A part of a fingerprint proves nothing of a server, so it is no reason to accuse one either.
fn fingerprint(text: &str) -> Result<String, String> {
    let whole = "expected a whole fingerprint: SHA3-256: and 43 characters";
    is_fingerprint(text).then(|| text.to_owned()).ok_or_else(|| whole.to_owned())
}

impl Run for GetKey {
    const REMEMBERS: bool = false;

    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let home = context.home()?;
        let asked = context.server()?;
        let found = find_server(&home, &asked)?;
        for error in &found.silent {
            context.out.note(&format!("{error}; this address is left out"));
        }
        self.compare(&found)?;
        let mut compared = self.fingerprint.is_some();
        if found.known.is_none() {
            compared |= confirm(self, &found)?;
        }
        let kept = known_servers::keep(&home, &found.addresses, &found.descriptor, compared);
        let server = kept.map_err(|error| match error {
            ClientError::File(path, error) => not_writable(&path, &error),
            other => other,
        })?;
        if let Some(known) = &found.known {
            let new = found.addresses.iter().filter(|address| !known.addresses.contains(address));
            new.for_each(|address| context.out.note(&known.also_at(address)));
        }
        // Without it, amounts are shown in minor units where no server is asked.
        drop(keep_first_block(&home, &found.genesis));
        show(context, self, &asked, &found)?;
        if read_account(&home, server.ledger_id)?.is_none() {
            restore(context, &home, &found.addresses)?;
        }
        Ok(Exit::Done)
    }
}

impl GetKey {
    /// Holds the fingerprint that was found against the one that was given, if one was.
    fn compare(&self, found: &Found) -> Result<(), ClientError> {
        let fingerprint = found.descriptor.fingerprint();
        match self.fingerprint.as_ref().filter(|wanted| **wanted != fingerprint) {
            None => Ok(()),
            Some(wanted) => Err(ClientError::Integrity(format!(
                "the server at {} has another fingerprint\n  expected: {wanted}\n  found:    {fingerprint}",
                found.addresses
            ))),
        }
    }
}

/// A home that has a key and no account on this ledger gets the account back, if the key has one. The server is pinned
/// either way, so what stands in the way of this is only told.
fn restore(context: &Context, home: &Home, addresses: &Addresses) -> Result<(), ClientError> {
    match restore_account(home, addresses, &mut context.passphrase()) {
        Ok(Some(account)) => {
            let (number, name) = (account.account, account.handle);
            context.out.note(&format!("the key of this home has account {number} ({name}): the home is restored"));
        }
        Ok(None) => {}
        Err(error @ ClientError::Integrity(_)) => return Err(error),
        Err(error) => context.out.note(&format!(
            "whether the key of this home has an account here is not known yet; the next command that needs one looks \
             for it ({error})"
        )),
    }
    Ok(())
}

/// A server that is not known needs a word from a person, or one given beforehand. Gives whether a person has compared it.
fn confirm(command: &GetKey, found: &Found) -> Result<bool, ClientError> {
    if command.accept_new || command.fingerprint.is_some() {
        return Ok(false);
    }
    let (addresses, fingerprint) = (&found.addresses, found.descriptor.fingerprint());
    let refuse = |why: &str| {
        ClientError::Usage(format!(
            "{addresses} is not known, {why}\n  its fingerprint: {fingerprint}\n\
             Compare it, then run getKey --fingerprint {fingerprint}"
        ))
    };
    if !io::stdin().is_terminal() {
        return Err(refuse("and there is nobody to ask"));
    }
    let mut err = io::stderr().lock();
    let ask = write!(err, "{addresses} is not known.\n  {fingerprint}\nPin it? (yes/no) ");
    ask.and_then(|()| err.flush()).map_err(|error| ClientError::Unexpected(error.to_string()))?;
    let mut answer = String::new();
    let read = io::stdin().lock().read_line(&mut answer);
    read.map_err(|error| ClientError::Unexpected(error.to_string()))?;
    if answer.trim() == "yes" { Ok(true) } else { Err(refuse("and it was not confirmed")) }
}

fn show(context: &Context, command: &GetKey, asked: &Addresses, found: &Found) -> Result<(), ClientError> {
    let descriptor = &found.descriptor;
    let fingerprint = descriptor.fingerprint();
    if context.out.json {
        let value = serde_json::json!({
            "server": asked.to_string(),
            "fingerprint": fingerprint,
            "ledger_id": descriptor.ledger_id().to_string(),
            "vkey": descriptor.log_key().to_string(),
            "serial": descriptor.serial(),
            "enc_key_id": descriptor.encryption_key().key_id().to_string(),
            "enc_key": descriptor.encryption_key().to_pem(),
        });
        return context.out.line(&value.to_string());
    }
    if command.pem {
        return context.out.line(descriptor.encryption_key().to_pem().trim_end());
    }
    if command.vkey {
        return context.out.line(&descriptor.log_key().to_string());
    }
    let known_at = |known: &KnownServer| asked.iter().any(|address| known.addresses.contains(address));
    let was_pinned = found.known.as_ref().is_some_and(known_at);
    context.out.note(if was_pinned { "the server is the one that was pinned" } else { "pinned" });
    context.out.line(&fingerprint)
}
