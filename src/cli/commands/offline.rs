//! `ledgerctl audit`, and `ledgerctl export` of blocks: from files alone.

use std::path::Path;
use std::str::FromStr;

use super::Context;
use super::arguments::{Audit, Export};
use super::named_files::read_text;
use crate::audit::{self, AuditError, Kept};
use crate::cli::exit::Exit;
use crate::cli::text::escape;
use crate::client::{ClientError, show};
use crate::crypto::note::LogPublicKey;
use crate::eventlog::Disk;
use crate::wire::Finding;

pub(super) fn directory(path: &Path) -> Result<Disk, ClientError> {
    if path.join("log").is_dir() {
        Ok(Disk::new(path))
    } else {
        Err(ClientError::Usage(format!("{}: not a ledger's directory: it has no log", path.display())))
    }
}

pub(super) fn no_verdict(error: &AuditError) -> ClientError {
    ClientError::Unexpected(error.to_string())
}

/// Checks a ledger from its files, or from a folder of tiles.
pub(super) fn audit(context: &Context, command: &Audit) -> Result<Exit, ClientError> {
    let of_tiles = command.directory.join("tile").is_dir() && !command.directory.join("log").exists();
    let disk = if of_tiles { Disk::new(&command.directory) } else { directory(&command.directory)? };
    let checkpoint = command.checkpoint.as_deref().map(read_checkpoint).transpose()?;
    let threads = std::thread::available_parallelism().unwrap_or(std::num::NonZeroUsize::MIN);
    let request = audit::Request { up_to: None, threads, checkpoint };
    let bar = context.out.bar("checking", 1);
    let mut progress = |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    };
    let check = if of_tiles { audit::audit_tiles } else { audit::audit };
    let report = check(&disk, &request, &mut progress, &|| false);
    bar.finish_and_clear();
    let report = report.map_err(|error| no_verdict(&error))?;
    let clean = report.is_clean();
    if command.json || context.out.json {
        let value = serde_json::json!({
            "intact": clean,
            "blocks": report.blocks,
            "signatures": report.signatures,
            "ledger_id": report.ledger_id.map(|id| id.to_string()),
            "head": report.head.map(|head| head.to_string()),
            "root": report.root.map(|root| root.to_string()),
            "findings": report.findings,
            "findings_total": report.findings_total,
            "warnings": report.warnings,
        });
        context.out.line(&value.to_string())?;
    } else {
        for warning in &report.warnings {
            context.out.note(&format!("warning: {}", sentence(warning)));
        }
        show_findings(context, &report.findings, report.findings_total)?;
        let verdict = if clean { "intact" } else { "DAMAGED" };
        let head = report.head.map_or_else(String::new, |head| format!("; head {head}"));
        let text = format!("{verdict}: {} blocks, {} signatures{head}", report.blocks, report.signatures);
        context.out.line(&text)?;
    }
    Ok(if clean { Exit::Done } else { Exit::Integrity })
}

/// A file with a signed checkpoint, and perhaps the vkey to check it with on a first line of its own.
fn read_checkpoint(path: &Path) -> Result<Kept, ClientError> {
    let text = read_text(path)?;
    let (vkey, note) = match text.split_once('\n') {
        Some((first, rest)) if LogPublicKey::from_str(first).is_ok() => {
            (LogPublicKey::from_str(first).ok(), rest)
        }
        _ => (None, text.as_str()),
    };
    Kept::read(note, vkey).map_err(|error| ClientError::Usage(format!("{}: {error}", path.display())))
}

pub(super) fn sentence(finding: &Finding) -> String {
    let index = finding.index.map_or_else(String::new, |index| format!(", block {index}"));
    let (file, name, reason) = (escape(&finding.file), escape(&finding.name), escape(&finding.reason));
    format!("{file}, offset {}{index}: {name}: {reason}", finding.offset)
}

/// Lists findings, one a line.
pub(super) fn show_findings(context: &Context, findings: &[Finding], total: u64) -> Result<(), ClientError> {
    for finding in findings {
        context.out.line(&sentence(finding))?;
    }
    let listed = findings.len() as u64;
    if total > listed {
        context.out.line(&format!("and {} more findings", total - listed))?;
    }
    Ok(())
}

/// Writes every block as a line of JSON.
pub(super) fn export(context: &Context, command: &Export) -> Result<Exit, ClientError> {
    let Some(path) = &command.directory else {
        let text = "export DIR, a ledger's directory; or export --format FORMAT, your own statement";
        return Err(ClientError::Usage(text.to_owned()));
    };
    let disk = directory(path)?;
    let mut failed = None;
    let mut damaged = None;
    let written = context.out.data(|out| {
        let mut visit = |bytes: &[u8]| {
            let mut line = Vec::new();
            let shown = if command.raw {
                show::raw_line(bytes, &mut line)
            } else {
                show::json_line(bytes, &mut line)
            };
            if let Err(error) = shown {
                damaged.get_or_insert(error.to_string());
                return Ok(());
            }
            out.write_all(&line)
        };
        let mut write_failed = Ok(());
        let exported = audit::export(&disk, &mut |bytes, _| {
            write_failed = visit(bytes);
            write_failed.is_ok()
        });
        match exported {
            Ok(exported) => failed = exported.damage,
            Err(error) => damaged = Some(error.to_string()),
        }
        write_failed
    });
    written?;
    if let Some(finding) = failed {
        return Err(ClientError::Integrity(sentence(&finding)));
    }
    match damaged {
        Some(reason) => Err(ClientError::Integrity(reason)),
        None => Ok(Exit::Done),
    }
}
