//! `ledgerctl audit`: a ledger, checked from its files alone.

use std::path::{Path, PathBuf};

use argh::{ArgsInfo, FromArgs};

use super::erasure_note::Compared;
use super::findings::{sentence, show_findings};
use super::ledger_files::{directory, is_folder, no_verdict};
use super::vault_lines::{as_json as vault_as_json, in_words as vault_in_words};
use crate::audit::{self, Judgement, Kept, Report, Stranded};
use crate::chain::armour::NotOne;
use crate::cli::amounts::object;
use crate::cli::context::Context;
use crate::cli::named_files::read_handed_on;
use crate::cli::offline::of_daemon;
use crate::cli::run::Run;
use crate::client::ClientError;
use crate::crypto::note::LogPublicKey;
use crate::daemon::keep_as_it_is;
use crate::domain::AccountId;
use crate::eventlog::Disk;
use crate::lock_file::ReadLock;
use crate::session::fingerprint;
use crate::terminal::exit::Exit;
use crate::text::escape;

/// Check a ledger from its files alone, read-only: a copy, a live directory, or a folder of tiles.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "audit", example = "ledgerctl audit /var/lib/ledgerd --checkpoint kept.txt")]
pub struct Audit {
    /// the ledger's directory, or a folder that `tiles` wrote
    #[argh(positional)]
    pub directory: PathBuf,

    /// a file with a signed checkpoint that the ledger has to extend
    #[argh(option)]
    pub checkpoint: Option<PathBuf>,

    /// a file with an erasure note, which the ledger has to confirm
    #[argh(option)]
    pub erasure: Option<PathBuf>,

    /// hold the vault beside the log against it too: whoever does so needs the keys in it, and ledgerd has to be stopped
    #[argh(switch)]
    pub vault: bool,

    /// the verifier key that the ledger has to have, from a source that you trust
    #[argh(option)]
    pub vkey: Option<LogPublicKey>,
}

impl Audit {
    /// Keeps the vault as it is while it is audited: between a block and what it does to the vault nobody can say whether the vault
    /// is right.
    fn keep_vault(&self, of_tiles: bool) -> Result<Option<ReadLock>, ClientError> {
        match self.vault {
            false => Ok(None),
            true if of_tiles => Err(ClientError::Usage(
                "--vault is of a ledger's directory, and this is one of tiles".to_owned(),
            )),
            true => keep_as_it_is(&self.directory).map_err(of_daemon),
        }
    }
}

impl Run for Audit {
    const REMEMBERS: bool = false;

    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let path = &self.directory;
        let of_tiles = is_folder(&path.join("tile"))? && !is_folder(&path.join("log"))?;
        let disk = if of_tiles { Disk::new(path) } else { directory(path)? };
        let kept = self.checkpoint.as_deref().map(Held::read).transpose()?;
        let threads = std::thread::available_parallelism().unwrap_or(std::num::NonZeroUsize::MIN);
        let checkpoint = kept.as_ref().and_then(|kept| kept.checkpoint.clone().ok());
        let log_key = self.vkey.clone();
        let request = audit::Request { up_to: None, threads, checkpoint, log_key, vault: self.vault };
        let _unchanged = self.keep_vault(of_tiles)?;
        let bar = context.out.bar("checking", 1);
        let mut progress = |done, total| {
            bar.set_length(total);
            bar.set_position(done);
        };
        let check = if of_tiles { audit::audit_tiles } else { audit::audit };
        let report = check(&disk, &request, &mut progress, &|| false);
        bar.finish_and_clear();
        let report = report.map_err(|error| no_verdict(path, &error))?;
        if of_tiles && self.erasure.is_some() {
            return Err(ClientError::Usage(
                "--erasure is held against a ledger's directory, and this is one of tiles".to_owned(),
            ));
        }
        let erasure = self.erasure.as_deref();
        let erasure = erasure.map(|file| Compared::with(file, (path, &disk), &report)).transpose()?;
        if context.out.json {
            context.out.line(&as_json(&report, kept.as_ref(), erasure.as_ref()).to_string())?;
        } else {
            in_words(context, &report, kept.as_ref())?;
            report.vault.iter().try_for_each(|vault| context.out.line(&vault_in_words(vault)))?;
            erasure.as_ref().map_or(Ok(()), |compared| context.out.line(&compared.in_words()))?;
        }
        if !report.is_clean() || erasure.is_some_and(|compared| compared.contradiction.is_some()) {
            return Ok(Exit::Integrity);
        }
        // What is wrong with a file that was to be compared is no verdict on the ledger, and comes after it.
        match kept.and_then(|kept| kept.is_foreign(&report)) {
            Some(complaint) => Err(ClientError::Usage(complaint)),
            None => Ok(Exit::Done),
        }
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
    let Some(Stranded { settings, accounts }) = &report.stranded else { return Ok(()) };
    for (account, left) in accounts {
        let left = settings.currency.show_named(*left);
        context.out.line(&format!("stranded: the erased account {account} has {left}"))?;
    }
    Ok(())
}

/// What erased accounts have, each with the number of the account and its money.
fn stranded_as_json(stranded: &Stranded) -> serde_json::Value {
    let one = |(account, left): &(AccountId, u64)| {
        let money =
            [("amount", stranded.settings.currency.show(*left).into()), ("minor", left.to_string().into())];
        object([("account", account.0.into())].into_iter().chain(money))
    };
    stranded.accounts.iter().map(one).collect()
}

fn as_json(report: &Report, kept: Option<&Held>, erasure: Option<&Compared>) -> serde_json::Value {
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
        "erasure": erasure.map(Compared::as_json),
        "stranded": report.stranded.as_ref().map(stranded_as_json),
        "vault": report.vault.as_ref().map(vault_as_json),
        "findings": report.findings,
        "findings_total": report.findings_total,
        "warnings": report.warnings,
    })
}
