//! `ledgerctl audit`, and `ledgerctl export` of blocks: from files alone.

use std::io::ErrorKind;
use std::path::Path;

use super::Context;
use super::arguments::Export;
use super::named_files::read_handed_on;
use super::proof_arguments::Audit;
use crate::audit::{self, AuditError, Judgement, Kept, Report};
use crate::chain::armour::NotOne;
use crate::client::{ClientError, show};
use crate::crypto::note::LogPublicKey;
use crate::daemon::is_unfinished;
use crate::eventlog::{Disk, LogError};
use crate::session::fingerprint;
use crate::terminal::exit::Exit;
use crate::text::escape;
use crate::wire::Finding;

/// The files of a ledger, which somebody named.
pub(super) fn directory(path: &Path) -> Result<Disk, ClientError> {
    is_folder(path)?;
    if is_unfinished(path) {
        let text = format!("{}: not a ledger yet: it was never finished, or is being made", path.display());
        return Err(ClientError::Usage(text));
    }
    if is_folder(&path.join("log"))? {
        Ok(Disk::new(path))
    } else {
        Err(ClientError::Usage(format!("{}: not a ledger's directory: it has no log", path.display())))
    }
}

/// Whether a folder is there; that this cannot be told is another matter.
fn is_folder(path: &Path) -> Result<bool, ClientError> {
    match std::fs::metadata(path) {
        Ok(found) => Ok(found.is_dir()),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(false),
        Err(error) => Err(unreadable(path, &error)),
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> ClientError {
    let advice = match error.kind() {
        ErrorKind::PermissionDenied => ": nothing was judged; run it as a user who may read the files",
        _ => "",
    };
    ClientError::Usage(format!("{}: {error}{advice}", path.display()))
}

/// Files of this directory that cannot be read are an input that cannot be read, and say nothing about the ledger.
pub(super) fn no_verdict(directory: &Path, error: &AuditError) -> ClientError {
    match error {
        AuditError::Storage(LogError::Io { file, source, .. }) => unreadable(&directory.join(file), source),
        error => ClientError::Unexpected(format!("{}: {error}", directory.display())),
    }
}

/// Checks a ledger from its files, or from a folder of tiles.
pub(super) fn audit(context: &Context, command: &Audit) -> Result<Exit, ClientError> {
    let path = &command.directory;
    let of_tiles = is_folder(&path.join("tile"))? && !is_folder(&path.join("log"))?;
    let disk = if of_tiles { Disk::new(path) } else { directory(path)? };
    let kept = command.checkpoint.as_deref().map(Held::read).transpose()?;
    let threads = std::thread::available_parallelism().unwrap_or(std::num::NonZeroUsize::MIN);
    let checkpoint = kept.as_ref().and_then(|kept| kept.checkpoint.clone().ok());
    let request = audit::Request { up_to: None, threads, checkpoint, log_key: command.vkey.clone() };
    let bar = context.out.bar("checking", 1);
    let mut progress = |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    };
    let check = if of_tiles { audit::audit_tiles } else { audit::audit };
    let report = check(&disk, &request, &mut progress, &|| false);
    bar.finish_and_clear();
    let report = report.map_err(|error| no_verdict(path, &error))?;
    if command.json || context.out.json {
        context.out.line(&as_json(&report, kept.as_ref()).to_string())?;
    } else {
        in_words(context, &report, kept.as_ref())?;
    }
    if !report.is_clean() {
        return Ok(Exit::Integrity);
    }
    // What is wrong with a file that was to be compared is no verdict on the ledger, and comes after it.
    match kept.and_then(|kept| kept.is_foreign(&report)) {
        Some(complaint) => Err(ClientError::Usage(complaint)),
        None => Ok(Exit::Done),
    }
}

/// A file that is said to hold a checkpoint of the ledger.
struct Held {
    name: String,
    /// Which one, or why it is none at all.
    checkpoint: Result<Kept, NotOne>,
}

impl Held {
    fn read(path: &Path) -> Result<Held, ClientError> {
        Ok(Held { name: path.display().to_string(), checkpoint: Kept::find(&read_handed_on(path)?) })
    }

    /// Why it says nothing about this ledger, if so.
    fn is_foreign(&self, report: &Report) -> Option<String> {
        let Held { name, checkpoint } = self;
        let reason = match (checkpoint, &report.checkpoint) {
            (Err(absent), _) => return Some(format!("{name}: not a checkpoint: {absent}")),
            (_, Some(Judgement::NotOfThisLedger(reason))) => reason,
            _ => return None,
        };
        Some(format!("{name}: not a checkpoint of this ledger: {reason}"))
    }
}

fn in_words(context: &Context, report: &Report, kept: Option<&Held>) -> Result<(), ClientError> {
    for warning in &report.warnings {
        context.out.note(&format!("warning: {}", sentence(warning)));
    }
    show_findings(context, &report.findings, report.findings_total)?;
    let verdict = if report.is_clean() { "intact" } else { "DAMAGED" };
    let head = report.head.map_or_else(String::new, |head| format!("; head {head}"));
    context
        .out
        .line(&format!("{verdict}: {} blocks, {} signatures{head}", report.blocks, report.signatures))?;
    if let (Some(log_key), Some(id)) = (&report.log_key, report.ledger_id) {
        let (origin, fingerprint) = (log_key.origin(), fingerprint(log_key.bytes(), &id));
        context.out.line(&format!("it is the ledger {origin}, id {id}, fingerprint {fingerprint}"))?;
    }
    if let (Some(Judgement::Extended), Some(Held { name, checkpoint: Ok(kept) })) = (&report.checkpoint, kept)
    {
        let (size, name) = (kept.checkpoint().size, escape(name));
        context.out.line(&format!(
            "it extends the checkpoint of {name}: {size} blocks then, {} now",
            report.blocks
        ))?;
    }
    Ok(())
}

fn as_json(report: &Report, kept: Option<&Held>) -> serde_json::Value {
    let checkpoint = kept.map(|kept| {
        let said = kept.checkpoint.as_ref().ok().map(Kept::checkpoint);
        let verdict = report.checkpoint.as_ref().map_or("not_a_checkpoint", Judgement::name);
        serde_json::json!({
            "verdict": verdict,
            "origin": said.map(|said| &said.origin),
            "size": said.map(|said| said.size),
            "root": said.map(|said| said.root.to_string()),
        })
    });
    let log_key = report.log_key.as_ref();
    let print = log_key.zip(report.ledger_id).map(|(key, id)| fingerprint(key.bytes(), &id));
    serde_json::json!({
        "intact": report.is_clean(),
        "blocks": report.blocks,
        "signatures": report.signatures,
        "ledger_id": report.ledger_id.map(|id| id.to_string()),
        "origin": log_key.map(LogPublicKey::origin),
        "vkey": log_key.map(ToString::to_string),
        "fingerprint": print,
        "head": report.head.map(|head| head.to_string()),
        "root": report.root.map(|root| root.to_string()),
        "checkpoint": checkpoint,
        "findings": report.findings,
        "findings_total": report.findings_total,
        "warnings": report.warnings,
    })
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
    let mut unread = None;
    let mut currency = None;
    let written = context.out.data(|out| {
        let mut visit = |bytes: &[u8]| {
            let mut line = Vec::new();
            // The first block says what money is called and how many decimals it has.
            currency = currency.take().or_else(|| show::currency_of(bytes));
            let shown = if command.raw {
                show::raw_line(bytes, currency.as_ref(), &mut line)
            } else {
                show::json_line(bytes, currency.as_ref(), &mut line)
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
