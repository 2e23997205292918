//! `ledgerctl checkpoint`: what the server has signed for, kept, checked and compared.

use std::path::{Path, PathBuf};

use argh::{ArgsInfo, FromArgs};

use crate::chain;
use crate::cli::context::Context;
use crate::cli::named_files::{NewFile, is_standard, read_handed_on};
use crate::cli::run::Run;
use crate::client::{
    Anonymous, ClientError, Member, Reopen, Successor, accept_successor, known_servers, pinned, read_account,
};
use crate::crypto::note::LogPublicKey;
use crate::terminal::exit::Exit;

/// The server's signed checkpoint: print it, save it, check one that was kept, compare two.
///
/// Without an action: fetch the newest, have it proven to extend the one that is kept, and print it.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "checkpoint", example = "ledgerctl checkpoint save monday.checkpoint")]
pub struct Checkpoint {
    /// what to do with it
    #[argh(subcommand)]
    pub action: Option<CheckpointAction>,
}

/// What to do with checkpoints.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand)]
pub enum CheckpointAction {
    /// See [`SaveCheckpoint`].
    Save(SaveCheckpoint),
    /// See [`VerifyCheckpoint`].
    Verify(VerifyCheckpoint),
    /// See [`CompareCheckpoints`].
    Compare(CompareCheckpoints),
    /// See [`AcceptCheckpoint`].
    Accept(AcceptCheckpoint),
}

/// Fetch the newest checkpoint, have it proven to extend the one that is kept, and write it to a file.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "save", example = "ledgerctl checkpoint save monday.checkpoint")]
pub struct SaveCheckpoint {
    /// file to write
    #[argh(positional)]
    pub file: PathBuf,

    /// replace what is there
    #[argh(switch)]
    pub force: bool,
}

/// Check the signature of a checkpoint that was kept, and have the server prove that its ledger extends it.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "verify", example = "ledgerctl checkpoint verify monday.checkpoint")]
pub struct VerifyCheckpoint {
    /// file to read
    #[argh(positional)]
    pub file: PathBuf,

    /// check the signature only, offline, against this verifier key
    #[argh(option)]
    pub vkey: Option<LogPublicKey>,
}

/// Go on with a ledger that contradicts what it showed before, because you know why: an older copy of it was put back.
///
/// Names a checkpoint of the history that you accept, such as the second file that ROLLBACK or FORK told you. What was
/// shown before stays as evidence. Look afterwards, with copy and statement, which of your commands are gone.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(
    subcommand,
    name = "accept",
    example = "ledgerctl checkpoint accept evidence/1c2e33aa01020304-41-9f00aa0102030405.checkpoint"
)]
pub struct AcceptCheckpoint {
    /// file to read
    #[argh(positional)]
    pub file: PathBuf,
}

/// Compare two checkpoints of a ledger, offline: two that contradict each other are evidence against the server.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(
    subcommand,
    name = "compare",
    example = "ledgerctl checkpoint compare mine.checkpoint theirs.checkpoint"
)]
pub struct CompareCheckpoints {
    /// one file
    #[argh(positional)]
    pub a: PathBuf,

    /// the other file
    #[argh(positional)]
    pub b: PathBuf,

    /// the ledger's verifier key; that of the pinned server if not given
    #[argh(option)]
    pub vkey: Option<LogPublicKey>,
}

impl Run for Checkpoint {
    const REMEMBERS: bool = false;

    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        match &self.action {
            None => {
                let (note, checkpoint) = newest(context)?;
                show(context, &note, &checkpoint, note.trim_end())?;
            }
            Some(CheckpointAction::Save(command)) => {
                let file = NewFile::again(&command.file, command.force)?;
                let (note, checkpoint) = newest(context)?;
                if !(context.out.json && is_standard(&command.file)) {
                    file.write(note.as_bytes())?;
                }
                if context.out.json {
                    show(context, &note, &checkpoint, "")?;
                } else {
                    context.out.note(&format!("checkpoint over {} blocks saved", checkpoint.size));
                }
            }
            Some(CheckpointAction::Verify(command)) => verify(context, command)?,
            Some(CheckpointAction::Compare(command)) => compare(context, command)?,
            Some(CheckpointAction::Accept(command)) => accept(context, command)?,
        }
        Ok(Exit::Done)
    }
}

/// A channel to the server: a member's if this home has an account, for that costs the server less.
fn open(context: &Context) -> Result<Box<dyn Reopen>, ClientError> {
    let home = context.home()?;
    let server = pinned(&home, &context.server()?)?;
    Ok(match read_account(&home, server.ledger_id)? {
        Some(_) => Box::new(Member::open(&home, &context.server()?, &mut context.passphrase())?),
        None => Box::new(Anonymous::open(&home, &context.server()?)?),
    })
}

/// The newest checkpoint, proven to extend the one that was kept.
fn newest(context: &Context) -> Result<(String, chain::Checkpoint), ClientError> {
    let mut link = open(context)?;
    let checkpoint = link.newest_checkpoint()?;
    let (_, server, _) = link.parts();
    Ok((server.checkpoint.clone().unwrap_or_default(), checkpoint))
}

fn verify(context: &Context, command: &VerifyCheckpoint) -> Result<(), ClientError> {
    if let Some(vkey) = &command.vkey {
        let (_, checkpoint) = signed(&command.file, vkey)?;
        return verdict(context, "signed", &checkpoint, None, &format!("signed: {}", sentence(&checkpoint)));
    }
    // A file that is not of this ledger says nothing about the server, and is told before the server is asked.
    let (note, _) = signed(&command.file, &pinned(&context.home()?, &context.server()?)?.log_key)?;
    let mut link = open(context)?;
    let kept = link.prove_kept(&note)?;
    let (_, server, _) = link.parts();
    let newest = known_servers::read_checkpoint(server, server.checkpoint.as_deref().unwrap_or_default())?;
    let text = format!("extended: {}; now {} blocks, root {}", sentence(&kept), newest.size, newest.root);
    verdict(context, "extended", &kept, Some(&newest), &text)
}

fn compare(context: &Context, command: &CompareCheckpoints) -> Result<(), ClientError> {
    let vkey = match &command.vkey {
        Some(vkey) => vkey.clone(),
        None => pinned(&context.home()?, &context.server()?)?.log_key,
    };
    if is_standard(&command.a) && is_standard(&command.b) {
        return Err(ClientError::Usage("compare - -: standard input is one file".to_owned()));
    }
    let ((_, a), (_, b)) = (signed(&command.a, &vkey)?, signed(&command.b, &vkey)?);
    if a.size != b.size {
        context.out.note(
            "only the server, or an audit of its files, can prove that one extends the other: \
             checkpoint verify, audit --checkpoint",
        );
        let text = format!("different sizes: {}; {}", sentence(&a), sentence(&b));
        return verdict(context, "different_sizes", &a, Some(&b), &text);
    }
    if a.root != b.root {
        return Err(ClientError::Integrity(format!(
            "CONTRADICTION: {vkey} signed for two histories of {} blocks\n  {}: root {}\n  {}: root {}\n\
             These two files are evidence of it for anybody.",
            a.size,
            command.a.display(),
            a.root,
            command.b.display(),
            b.root
        )));
    }
    verdict(context, "same", &a, Some(&b), &format!("the same: {}", sentence(&a)))
}

/// Shows a checkpoint: its parts with `--json`, else this text.
fn show(
    context: &Context,
    note: &str,
    checkpoint: &chain::Checkpoint,
    text: &str,
) -> Result<(), ClientError> {
    if !context.out.json {
        return context.out.line(text);
    }
    let mut value = as_json(checkpoint);
    value["checkpoint"] = note.into();
    context.out.line(&value.to_string())
}

/// Shows what came of a checkpoint that was checked, or of two: with `--json` in parts, else this text.
fn verdict(
    context: &Context,
    word: &str,
    checkpoint: &chain::Checkpoint,
    other: Option<&chain::Checkpoint>,
    text: &str,
) -> Result<(), ClientError> {
    if !context.out.json {
        return context.out.line(text);
    }
    let value = serde_json::json!({
        "verdict": word, "checkpoint": as_json(checkpoint), "other": other.map(as_json),
    });
    context.out.line(&value.to_string())
}

fn as_json(checkpoint: &chain::Checkpoint) -> serde_json::Value {
    let chain::Checkpoint { origin, size, root, .. } = checkpoint;
    serde_json::json!({ "origin": origin, "size": size, "root": root.to_string() })
}

/// Goes on with a history that contradicts the one before.
fn accept(context: &Context, command: &AcceptCheckpoint) -> Result<(), ClientError> {
    let home = context.home()?;
    home.check_writable()?;
    let text = read_handed_on(&command.file)?;
    let note = chain::Checkpoint::find_note(&text).unwrap_or(text);
    match accept_successor(&home, &context.server()?, &note)? {
        Some(Successor { before, now, evidence }) => {
            context.out.note(&format!(
                "what the server showed before stays in {}\nLook with copy and statement which of your commands are \
                 gone; the ledger does not know them any more",
                evidence.display()
            ));
            let text = format!("accepted: {}; before {}", sentence(&now), sentence(&before));
            verdict(context, "accepted", &now, Some(&before), &text)
        }
        None => {
            context
                .out
                .note("the server contradicts nothing that it showed before: there is nothing to accept");
            Ok(())
        }
    }
}

fn sentence(checkpoint: &chain::Checkpoint) -> String {
    format!("{} blocks, root {}", checkpoint.size, checkpoint.root)
}

/// The signed note in a file, and what it says.
fn signed(path: &Path, vkey: &LogPublicKey) -> Result<(String, chain::Checkpoint), ClientError> {
    let bad = |reason: &str| ClientError::Usage(format!("{}: not a checkpoint {reason}", path.display()));
    let note =
        chain::Checkpoint::find_note(&read_handed_on(path)?).map_err(|absent| bad(&format!("({absent})")))?;
    let checkpoint = chain::Checkpoint::of_note(&note, vkey);
    checkpoint.map(|checkpoint| (note, checkpoint)).map_err(|error| bad(&format!("of {vkey}: {error}")))
}
