//! `ledgerctl export`: the blocks of a ledger from its files, or money for programs that keep books.

mod bookkeeping;

use std::path::{Path, PathBuf};

use argh::{ArgsInfo, FromArgs};

use super::findings::sentence;
use super::ledger_files::{directory, no_verdict};
use crate::audit;
use crate::cli::context::Context;
use crate::cli::run::Run;
use crate::client::bookkeeping::Format;
use crate::client::{ClientError, show};
use crate::terminal::exit::Exit;

/// Write every block of a ledger as JSON Lines, from its files; or, with a format, its money for bookkeeping.
///
/// With a format and without a directory: your own statement, from the server.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(
    subcommand,
    name = "export",
    example = "ledgerctl export /var/lib/ledgerd --raw\nledgerctl export /var/lib/ledgerd --format hledger > ledger.journal\nledgerctl export --format csv > mine.csv"
)]
pub struct Export {
    /// the ledger's directory
    #[argh(positional)]
    pub directory: Option<PathBuf>,

    /// movements of money instead of blocks: hledger, beancount, csv or jsonl
    #[argh(option)]
    pub format: Option<Format>,

    /// the stored bytes in hexadecimal as well
    #[argh(switch)]
    pub raw: bool,

    /// with --raw, sealed texts too: their bytes are ciphertext, which outlasts an erasure in every copy
    #[argh(switch)]
    pub with_sealed: bool,
}

impl Run for Export {
    const REMEMBERS: bool = false;

    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        match (self.format, &self.directory) {
            (Some(_), _) if self.raw => {
                let text = "--raw shows the bytes of blocks: it goes without --format";
                Err(ClientError::Usage(text.to_owned()))
            }
            (Some(format), Some(path)) => bookkeeping::whole(context, path, format),
            (Some(format), None) => bookkeeping::own(context, format),
            (None, Some(path)) => {
                if self.raw && !self.with_sealed {
                    refuse_sealed(path)?;
                }
                blocks(context, path, self.raw)
            }
            (None, None) => {
                let text = "export DIR, a ledger's directory; or export --format FORMAT, your own statement";
                Err(ClientError::Usage(text.to_owned()))
            }
        }
    }
}

/// Nobody publishes what is sealed without having said so.
fn refuse_sealed(path: &Path) -> Result<(), ClientError> {
    let sealed = audit::first_sealed(&directory(path)?).map_err(|error| no_verdict(path, &error))?;
    sealed.map_or(Ok(()), |index| Err(holds_sealed(path, index)))
}

/// The error for a ledger whose blocks are to be published, and some of which hold sealed texts.
pub(super) fn holds_sealed(path: &Path, index: u64) -> ClientError {
    ClientError::Usage(format!(
        "{}: block {index} holds sealed texts, which can be erased here and in no copy; --with-sealed says that their \
         ciphertext may leave",
        path.display()
    ))
}

/// Writes every block as a line of JSON.
fn blocks(context: &Context, path: &Path, raw: bool) -> Result<Exit, ClientError> {
    let disk = directory(path)?;
    let mut failed = None;
    let mut damaged = None;
    let mut unread = None;
    let mut currency = None;
    let written = context.out.data(|out| {
        let mut visit = |bytes: &[u8]| {
            let mut line = String::new();
            // The first block says what money is called and how many decimals it has.
            currency = currency.take().or_else(|| show::currency_of(bytes));
            let shown = if raw {
                show::raw_line(bytes, currency.as_ref(), &mut line)
            } else {
                show::json_line(bytes, currency.as_ref(), &mut line)
            };
            if let Err(error) = shown {
                damaged.get_or_insert(error.to_string());
                return Ok(());
            }
            out.write_all(line.as_bytes())
        };
        let mut write_failed = Ok(());
        let exported = audit::export(&disk, &mut |bytes, _| {
            write_failed = visit(bytes);
            write_failed.is_ok()
        });
        match exported {
            Ok(exported) => failed = exported.damage,
            Err(error) => unread = Some(no_verdict(path, &error)),
        }
        write_failed
    });
    written?;
    if let Some(error) = unread {
        return Err(error);
    }
    if let Some(finding) = failed {
        return Err(ClientError::Integrity(sentence(&finding)));
    }
    match damaged {
        Some(reason) => Err(ClientError::Integrity(reason)),
        None => Ok(Exit::Done),
    }
}
