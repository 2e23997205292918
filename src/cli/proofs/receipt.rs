//! `ledgerctl receipt`: the proof of a block, for a stranger.

use std::path::{Path, PathBuf};

use argh::{ArgsInfo, FromArgs};

use super::extract;
use crate::chain::{self, CommandId};
use crate::cli::context::Context;
use crate::cli::named_files::{NewFile, is_standard};
use crate::cli::run::Run;
use crate::cli::session::open_member;
use crate::client::{ClientError, Member, fetch_receipt};
use crate::terminal::exit::Exit;
use crate::wire::ReceiptOf;

/// Fetch the proof that one of your blocks is in the ledger, for somebody who trusts neither you nor the server.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "receipt", example = "ledgerctl receipt 42 --out order.receipt")]
pub struct Receipt {
    /// block index, or command id (32 hexadecimal digits)
    #[argh(positional, from_str_fn(receipt_of))]
    pub of: ReceiptOf,

    /// file to write; standard output if not given
    #[argh(option)]
    pub out: Option<PathBuf>,

    /// write command.bin, command.sig and the author's key.pem to this folder, for stock tools
    #[argh(option)]
    pub extract: Option<PathBuf>,

    /// replace what is there
    #[argh(switch)]
    pub force: bool,
}

fn receipt_of(text: &str) -> Result<ReceiptOf, String> {
    if let (32, Ok(id)) = (text.len(), const_hex::decode_to_array(text)) {
        return Ok(ReceiptOf::Command(CommandId(id)));
    }
    let index = text.parse().map(ReceiptOf::Block);
    index.map_err(|_| "expected a block index or a command id of 32 hexadecimal digits".to_owned())
}

impl Run for Receipt {
    const REMEMBERS: bool = false;

    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let mut member = open_member(context)?;
        let (receipt, proven) = fetch_receipt(&mut *member, self.of)?;
        if let Some(folder) = &self.extract {
            extract::write_parts(context, &receipt, proven.key.as_ref(), folder, self.force)?;
        }
        if !context.out.json {
            match &self.out {
                Some(path) => {
                    let file = NewFile::again(path, self.force)?;
                    write(context, &member, &receipt, proven.index, file, path)?;
                }
                None if self.extract.is_some() => {}
                None => context.out.line(receipt.to_text().trim_end())?,
            }
            return Ok(Exit::Done);
        }
        let text = receipt.to_text();
        if let Some(path) = self.out.as_deref().filter(|path| !is_standard(path)) {
            NewFile::again(path, self.force)?.write_receipt(&receipt)?;
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
}

/// Fetches the receipt of a block into a file.
pub(in crate::cli) fn fetch_into(
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
    receipt: &chain::Receipt,
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
