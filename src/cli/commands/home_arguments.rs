//! The command line of what a home begins with: the servers that it knows, and the account. The doc comments are its
//! help.

use argh::{ArgsInfo, FromArgs};

use crate::session::descriptor::is_fingerprint;

/// Fetch the server's identity, verify it and pin it.
///
/// This is the only exchange in the clear. Compare the fingerprint with one that reached you another way. A home
/// that holds a copy of your key.pem and nothing else gets your account back.
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

    /// stable JSON instead of text
    #[argh(switch)]
    pub json: bool,
}

/// A part of a fingerprint proves nothing of a server, so it is no reason to accuse one either.
fn fingerprint(text: &str) -> Result<String, String> {
    let whole = "expected a whole fingerprint: SHA3-256: and 43 characters";
    is_fingerprint(text).then(|| text.to_owned()).ok_or_else(|| whole.to_owned())
}

/// Forget a server, because another one is served at its address, or nothing.
///
/// The newest checkpoint that it showed stays in the home directory as a file.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "forget", example = "ledgerctl forget old.example:7878")]
pub struct Forget {
    /// HOST:PORT, as it was given to getKey
    #[argh(positional)]
    pub server: String,
}

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

    /// stable JSON instead of text
    #[argh(switch)]
    pub json: bool,
}
