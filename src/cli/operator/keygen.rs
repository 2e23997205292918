//! `ledgerctl keygen`: one's key, before there is a ledger.

use argh::{ArgsInfo, FromArgs};

use crate::cli::accounts::register::keep_a_copy;
use crate::cli::context::Context;
use crate::cli::run::Run;
use crate::client::{ClientError, load_key, make_key};
use crate::crypto::KeyKind;
use crate::terminal::exit::Exit;

/// Make your key before there is a ledger, and print its public half.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "keygen", example = "ledgerctl keygen > operator.pem")]
pub struct Keygen {
    /// ask for a passphrase and encrypt the key with it
    #[argh(switch)]
    pub passphrase: bool,
}

impl Run for Keygen {
    const REMEMBERS: bool = false;

    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let home = context.home()?;
        let key = match load_key(&home, &mut context.passphrase())? {
            Some(key) => key,
            None => {
                home.check_writable()?;
                let passphrase = context.passphrase_of_new_key(self.passphrase)?;
                let key = make_key(&home, KeyKind::Rsa3072, passphrase.as_ref().map(|text| text.as_str()))?;
                context.out.note(&keep_a_copy(&home));
                key
            }
        };
        let key_id = key.public().key_id();
        context.out.note(&format!("key id {key_id}"));
        if context.out.json {
            let value =
                serde_json::json!({ "key_id": key_id.to_string(), "public_key": key.public().to_pem() });
            context.out.line(&value.to_string())?;
        } else {
            context.out.line(key.public().to_pem().trim_end())?;
        }
        Ok(Exit::Done)
    }
}
