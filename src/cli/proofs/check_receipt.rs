//! `ledgerctl check-receipt`: what a stranger does with a receipt.

use std::path::PathBuf;

use argh::{ArgsInfo, FromArgs};
use zeroize::Zeroizing;

use super::extract;
use crate::chain::Receipt;
use crate::chain::receipt::{Author, Proven, ShownLeaf, open_with_leaf};
use crate::cli::context::Context;
use crate::cli::named_files::read_handed_on;
use crate::cli::run::Run;
use crate::client::{ClientError, show};
use crate::crypto::note::LogPublicKey;
use crate::domain::accounts::Custody;
use crate::terminal::exit::Exit;
use crate::text::escape;

/// Check a receipt: offline, without a home directory, against the ledger's verifier key.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(
    subcommand,
    name = "check-receipt",
    example = "ledgerctl check-receipt order.receipt --vkey ledgerd.local/90850b614b018592+7572d415+AcfX…"
)]
pub struct CheckReceipt {
    /// file to read, - for standard input
    #[argh(positional)]
    pub file: String,

    /// the ledger's verifier key, from a source that you trust
    #[argh(option)]
    pub vkey: LogPublicKey,

    /// open a sealed text of the block, too, with the leaf that its author has shown you: FIELD:HEX
    #[argh(option, arg_name = "leaf")]
    pub leaf: Option<ShownLeaf>,

    /// when it is proven, write command.bin, command.sig and the author's key.pem to this folder, for stock tools
    #[argh(option)]
    pub extract: Option<PathBuf>,

    /// with --extract: replace what is there
    #[argh(switch)]
    pub force: bool,
}

impl Run for CheckReceipt {
    const REMEMBERS: bool = false;

    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let text = read_handed_on(&self.file)?;
        let checked = Receipt::find(&text)
            .and_then(|receipt| Ok((receipt.check(&self.vkey)?, receipt)))
            .map_err(|error| (error.name(), error.to_string()))
            .and_then(|(proven, receipt)| Ok((proven, self.opened(&receipt)?, receipt)));
        match checked {
            Ok((proven, opened, receipt)) => {
                if let Some(folder) = &self.extract {
                    extract::write_parts(context, &receipt, proven.key.as_ref(), folder, self.force)?;
                }
                let block = shown(&receipt);
                if context.out.json {
                    context.out.line(&as_json(&proven, block.as_deref(), opened.as_ref()).to_string())?;
                } else {
                    context.out.line(in_words(&proven, block.as_deref(), &self.vkey).trim_end())?;
                    if let Some(text) = opened {
                        context.out.line(&format!(
                            "THE SEALED TEXT, which its author cannot have sealed otherwise:\n{}",
                            escape(&text)
                        ))?;
                    }
                }
                Ok(Exit::Done)
            }
            Err((name, reason)) if context.out.json => {
                let value = serde_json::json!({ "proven": false, "name": name, "reason": reason });
                context.out.line(&value.to_string())?;
                Ok(Exit::Integrity)
            }
            Err((name, reason)) => {
                let file = escape(&self.file).into_owned();
                Err(ClientError::Integrity(format!("NOTHING IS PROVEN by {file}: {name}: {reason}")))
            }
        }
    }
}

impl CheckReceipt {
    /// The sealed text that the leaf opens; none without a leaf.
    fn opened(&self, receipt: &Receipt) -> Result<Option<Zeroizing<String>>, (&'static str, String)> {
        let Some(leaf) = &self.leaf else { return Ok(None) };
        let opened = open_with_leaf(&receipt.block, leaf);
        opened.map(Some).map_err(|error| (error.name(), error.to_string()))
    }
}

/// The block in the owner's shape. One that is proven may still be of a kind that this program does not know.
fn shown(receipt: &Receipt) -> Option<String> {
    let mut line = String::new();
    // The ledger's currency stands in its first block, which is not here.
    show::json_line(&receipt.block, None, &mut line).ok()?;
    Some(line.trim_end().to_owned())
}

fn in_words(proven: &Proven, block: Option<&str>, vkey: &LogPublicKey) -> String {
    let checkpoint = &proven.checkpoint;
    let author = match &proven.author {
        None => "  It is the first block, which nobody signed: it names this verifier key.\n".to_owned(),
        Some(Author { account, handle, key_id, custody, command_id }) => format!(
            "  Its command {command_id} was signed by account {account}, registered as {},\n  with the key {key_id}{}.\n",
            escape(handle),
            in_custody(*custody)
        ),
    };
    format!(
        "PROVEN, if {vkey} is the ledger's verifier key:\n\
         \x20 Block {} with the hash {}\n\
         \x20 is in the tree over the first {} blocks (root {}), which this key signed for,\n\
         \x20 and belongs to the ledger {}.\n{author}\
         NOT PROVEN:\n\
         \x20 the time, {}: it is the server's word;\n\
         \x20 that the key had not been ended before: an audit of the whole ledger shows that;\n\
         \x20 who is behind the handle: it is the name that the key's owner chose;\n\
         \x20 that the rules allowed it: an audit of the whole ledger shows that;\n\
         \x20 that everybody is shown the same ledger: comparing checkpoints, or witnesses, show that.\n\
         THE BLOCK:\n{}\n",
        proven.index,
        proven.hash,
        checkpoint.size,
        checkpoint.root,
        proven.ledger_id,
        proven.timestamp,
        block.map_or("of a kind that this program does not know".into(), escape)
    )
}

/// What the place of a key means for what it signs: behind a password it is as strong as that against whoever runs the server.
fn in_custody(custody: Custody) -> &'static str {
    match custody {
        Custody::File => "",
        Custody::Device => ", which is in one device",
        Custody::Roaming => ", which a password fetches from the server",
    }
}

fn as_json(proven: &Proven, block: Option<&str>, opened: Option<&Zeroizing<String>>) -> serde_json::Value {
    let checkpoint = &proven.checkpoint;
    let author = proven.author.as_ref().map(|author| {
        serde_json::json!({
            "user_id": author.account.0,
            "handle": author.handle,
            "key_id": author.key_id.to_string(),
            "custody": author.custody.to_string(),
            "command_id": author.command_id.to_string(),
        })
    });
    let block: serde_json::Value =
        block.and_then(|block| serde_json::from_str(block).ok()).unwrap_or_default();
    serde_json::json!({
        "proven": true,
        "index": proven.index,
        "hash": proven.hash.to_string(),
        "ledger_id": proven.ledger_id.to_string(),
        "author": author,
        "checkpoint": {
            "origin": checkpoint.origin, "size": checkpoint.size, "root": checkpoint.root.to_string(),
        },
        "block": block,
        "text": opened.map(|text| text.as_str()),
    })
}
