//! `ledgerctl receipt` and `ledgerctl check-receipt`: a proof for strangers, and what a stranger does with it.

use std::path::Path;

use super::Context;
use super::extract;
use super::named_files::{NewFile, is_standard, read_handed_on};
use super::proof_arguments::{CheckReceipt, Receipt as Arguments};
use super::settling::open_member;
use crate::chain::Receipt;
use crate::chain::receipt::{Author, Proven};
use crate::client::{ClientError, Member, fetch_receipt, show};
use crate::crypto::note::LogPublicKey;
use crate::terminal::exit::Exit;
use crate::text::escape;
use crate::wire::ReceiptOf;

pub(super) fn run(context: &Context, command: &Arguments) -> Result<Exit, ClientError> {
    let mut member = open_member(context)?;
    let (receipt, proven) = fetch_receipt(&mut member, command.of)?;
    if let Some(folder) = &command.extract {
        extract::write_parts(context, &receipt, folder, command.force)?;
    }
    if !context.out.json {
        match &command.out {
            Some(path) => {
                let file = NewFile::again(path, command.force)?;
                write(context, &member, &receipt, proven.index, file, path)?;
            }
            None if command.extract.is_some() => {}
            None => context.out.line(receipt.to_text().trim_end())?,
        }
        return Ok(Exit::Done);
    }
    let text = receipt.to_text();
    if let Some(path) = command.out.as_deref().filter(|path| !is_standard(path)) {
        NewFile::again(path, command.force)?.write_receipt(&receipt)?;
    }
    let value = serde_json::json!({
        "index": proven.index,
        "hash": proven.hash.to_string(),
        "vkey": member.server().log_key.to_string(),
        "receipt": text,
    });
    context.out.line(&value.to_string())?;
    Ok(Exit::Done)
}

/// Fetches the receipt of a block into a file.
pub(super) fn fetch_into(
    context: &Context,
    member: &mut Member,
    index: u64,
    file: NewFile<'_>,
    path: &Path,
) -> Result<(), ClientError> {
    let (receipt, _) = fetch_receipt(member, ReceiptOf::Block(index))?;
    write(context, member, &receipt, index, file, path)
}

fn write(
    context: &Context,
    member: &Member,
    receipt: &Receipt,
    index: u64,
    file: NewFile<'_>,
    path: &Path,
) -> Result<(), ClientError> {
    file.write_receipt(receipt)?;
    context.out.note(&format!(
        "receipt of block {index} written to {}; whoever has the verifier key can check it: {}",
        path.display(),
        member.server().log_key
    ));
    Ok(())
}

/// Checks a receipt with nothing but the verifier key.
pub(super) fn check(context: &Context, command: &CheckReceipt) -> Result<Exit, ClientError> {
    let text = read_handed_on(&command.file)?;
    let json = command.json || context.out.json;
    let checked = Receipt::find(&text)
        .and_then(|receipt| Ok((receipt.check(&command.vkey)?, receipt)))
        .map_err(|error| (error.name(), error.to_string()));
    match checked {
        Ok((proven, receipt)) => {
            if let Some(folder) = &command.extract {
                extract::write_parts(context, &receipt, folder, command.force)?;
            }
            let block = shown(&receipt);
            if json {
                context.out.line(&as_json(&proven, block.as_deref()).to_string())?;
            } else {
                context.out.line(in_words(&proven, block.as_deref(), &command.vkey).trim_end())?;
            }
            Ok(Exit::Done)
        }
        Err((name, reason)) if json => {
            let value = serde_json::json!({ "proven": false, "name": name, "reason": reason });
            context.out.line(&value.to_string())?;
            Ok(Exit::Integrity)
        }
        Err((name, reason)) => {
            let file = escape(&command.file).into_owned();
            Err(ClientError::Integrity(format!("NOTHING IS PROVEN by {file}: {name}: {reason}")))
        }
    }
}

/// The block in the owner's shape. One that is proven may still be of a kind that this program does not know.
fn shown(receipt: &Receipt) -> Option<String> {
    let mut line = Vec::new();
    // The ledger's currency stands in its first block, which is not here.
    show::json_line(&receipt.block, None, &mut line).ok()?;
    Some(String::from_utf8_lossy(&line).trim_end().to_owned())
}

fn in_words(proven: &Proven, block: Option<&str>, vkey: &LogPublicKey) -> String {
    let checkpoint = &proven.checkpoint;
    let author = match &proven.author {
        None => "  It is the first block, which nobody signed: it names this verifier key.\n".to_owned(),
        Some(Author { account, handle, key_id, command_id }) => format!(
            "  Its command {command_id} was signed by account {account}, registered as {},\n  with the key {key_id}.\n",
            escape(handle)
        ),
    };
    format!(
        "PROVEN, if {vkey} is the ledger's verifier key:\n\
         \x20 Block {} with the hash {}\n\
         \x20 is in the tree over the first {} blocks (root {}), which this key signed for,\n\
         \x20 and belongs to the ledger {}.\n{author}\
         NOT PROVEN:\n\
         \x20 the time, {}: it is the server's word;\n\
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

fn as_json(proven: &Proven, block: Option<&str>) -> serde_json::Value {
    let checkpoint = &proven.checkpoint;
    let author = proven.author.as_ref().map(|author| {
        serde_json::json!({
            "user_id": author.account.0,
            "handle": author.handle,
            "key_id": author.key_id.to_string(),
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
    })
}
