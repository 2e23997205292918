//! The arguments of the commands about receipts, checkpoints and a ledger's files. The doc comments are their help.

use std::path::PathBuf;

use argh::{ArgsInfo, FromArgs};

use crate::chain::CommandId;
use crate::crypto::note::LogPublicKey;
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

    /// when it is proven, write command.bin, command.sig and the author's key.pem to this folder, for stock tools
    #[argh(option)]
    pub extract: Option<PathBuf>,

    /// with --extract: replace what is there
    #[argh(switch)]
    pub force: bool,

    /// stable JSON instead of text
    #[argh(switch)]
    pub json: bool,
}

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

    /// the verifier key that the ledger has to have, from a source that you trust
    #[argh(option)]
    pub vkey: Option<LogPublicKey>,

    /// stable JSON instead of text
    #[argh(switch)]
    pub json: bool,
}

/// Write a ledger as static files (C2SP tlog-tiles) that any web server can hand out.
///
/// Written for the newest signed checkpoint that the daemon has shown; a folder that is behind is continued.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "tiles", example = "ledgerctl tiles /var/lib/ledgerd /srv/www/ledger")]
pub struct Tiles {
    /// the ledger's directory
    #[argh(positional)]
    pub directory: PathBuf,

    /// the folder to write
    #[argh(positional)]
    pub out: PathBuf,

    /// another signed checkpoint of this ledger to write the files for
    #[argh(option)]
    pub checkpoint: Option<PathBuf>,
}

/// Say in words what a file is: a receipt, a checkpoint, a payment order, a key, or another file of a ledger's.
///
/// Who signed it, for whom, and what of it could be checked with what your home directory knows. No server is asked.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "show", example = "ledgerctl show rent.order")]
pub struct ShowCommand {
    /// file to read, - for standard input
    #[argh(positional)]
    pub file: PathBuf,

    /// stable JSON instead of text
    #[argh(switch)]
    pub json: bool,
}
