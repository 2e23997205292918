//! `ledgerctl export --format`: money for programs that keep books, from a ledger's files or from one's own
//! statement.

use std::path::Path;

use crate::audit;
use crate::cli::context::Context;
use crate::cli::proofs::findings::sentence;
use crate::cli::proofs::ledger_files::{directory, no_verdict};
use crate::cli::session::open_member;
use crate::client::ClientError;
use crate::client::bookkeeping::{Format, OwnBooks, Replay};
use crate::terminal::exit::Exit;

/// All movements of a ledger, from its files.
pub(super) fn whole(context: &Context, path: &Path, format: Format) -> Result<Exit, ClientError> {
    let disk = directory(path)?;
    let mut replay = Replay::new(format);
    let mut outcome = Ok(());
    let read = context.out.data(|out| {
        let mut written = Ok(());
        let exported = audit::export(&disk, &mut |bytes, _| {
            let mut text = String::new();
            outcome = replay.block(bytes, &mut text);
            written = out.write_all(text.as_bytes());
            outcome.is_ok() && written.is_ok()
        });
        written?;
        if outcome.is_err() {
            return Ok(());
        }
        outcome = match exported {
            Err(error) => Err(no_verdict(path, &error)),
            Ok(exported) => match exported.damage {
                Some(finding) => Err(ClientError::Integrity(sentence(&finding))),
                None => {
                    let mut text = String::new();
                    let ended = replay.end(&mut text);
                    out.write_all(text.as_bytes())?;
                    ended
                }
            },
        };
        Ok(())
    })?;
    // Who has read enough does not want to know about the rest.
    if read { outcome.map(|()| Exit::Done) } else { Ok(Exit::Done) }
}

/// The caller's own movements, from the server.
pub(super) fn own(context: &Context, format: Format) -> Result<Exit, ClientError> {
    let mut member = open_member(context)?;
    let mut books = OwnBooks::start(&mut member, format)?;
    while let Some(text) = books.next_part()? {
        if !context.out.data(|out| out.write_all(text.as_bytes()))? {
            // Whoever reads has seen enough; the rest need not be fetched.
            return Ok(Exit::Done);
        }
    }
    Ok(Exit::Done)
}
