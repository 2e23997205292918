//! The command line of `ledgerctl`. The doc comments are its help.

use std::path::PathBuf;

use argh::{ArgsInfo, FromArgs};

use super::bench_arguments::BenchCommand;
use super::home_arguments::{Forget, GetKey, Register};
use super::money_arguments::{
    BalanceCommand, GrantCommand, IssueCommand, KeygenCommand, PayCommand, RevokeCommand, StatementCommand,
    VouchClockCommand,
};
use super::passphrase::PassphraseCommand;
use super::peer_arguments::{
    ListenCommand, OnlineCommand, OrderCommand, RevokeOrderCommand, SendCommand, SettleCommand,
};
use super::proof_arguments::{Audit, CheckReceipt, Checkpoint, Receipt, ShowCommand, Tiles};
use super::shell::Shell;
use crate::client::IdempotencyKey;
use crate::client::bookkeeping::Format;
use crate::client::orders_input::Columns;
use crate::crypto::cosignature::WitnessPublicKey;

/// The client of a tamper-evident ledger.
///
/// Data goes to stdout, words about it to stderr.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(
    example = "ledgerctl --server 127.0.0.1:7878 getKey --fingerprint SHA3-256:…\nledgerctl register alice\nledgerctl add orders.json",
    note = "Exit codes: 0 done, 2 usage, 3 refused, 4 unreachable, 5 outcome unknown, 6 done but not told, 65 integrity violation."
)]
pub struct Arguments {
    /// directory of keys and pinned servers (LEDGERCTL_HOME)
    #[argh(option)]
    pub home: Option<PathBuf>,

    /// HOST:PORT of the server (LEDGERCTL_SERVER), 127.0.0.1:7878 if not given
    #[argh(option)]
    pub server: Option<String>,

    /// file whose first line is the passphrase of the key, - for standard input
    #[argh(option)]
    pub passphrase_file: Option<String>,

    /// number of an open file whose next line is the passphrase of the key
    #[argh(option)]
    pub passphrase_fd: Option<u32>,

    /// stable JSON instead of text
    #[argh(switch)]
    pub json: bool,

    /// what to do
    #[argh(subcommand)]
    pub command: Subcommand,
}

/// The commands.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand)]
pub enum Subcommand {
    /// See [`GetKey`].
    GetKey(GetKey),
    /// See [`Forget`].
    Forget(Forget),
    /// See [`PassphraseCommand`].
    Passphrase(PassphraseCommand),
    /// See [`Register`].
    Register(Register),
    /// See [`Add`].
    Add(Add),
    /// See [`Copy`].
    Copy(Copy),
    /// See [`Verify`].
    Verify(Verify),
    /// See [`Receipt`].
    Receipt(Receipt),
    /// See [`CheckReceipt`].
    CheckReceipt(CheckReceipt),
    /// See [`Checkpoint`].
    Checkpoint(Checkpoint),
    /// See [`Witness`].
    Witness(Witness),
    /// See [`BalanceCommand`].
    Balance(BalanceCommand),
    /// See [`StatementCommand`].
    Statement(StatementCommand),
    /// See [`PayCommand`].
    Pay(PayCommand),
    /// See [`ListenCommand`].
    Listen(ListenCommand),
    /// See [`OnlineCommand`].
    Online(OnlineCommand),
    /// See [`SendCommand`].
    Send(SendCommand),
    /// See [`OrderCommand`].
    Order(OrderCommand),
    /// See [`SettleCommand`].
    Settle(SettleCommand),
    /// See [`RevokeOrderCommand`].
    RevokeOrder(RevokeOrderCommand),
    /// See [`IssueCommand`].
    Issue(IssueCommand),
    /// See [`GrantCommand`].
    Grant(GrantCommand),
    /// See [`VouchClockCommand`].
    VouchClock(VouchClockCommand),
    /// See [`RevokeCommand`].
    Revoke(RevokeCommand),
    /// See [`KeygenCommand`].
    Keygen(KeygenCommand),
    /// See [`Audit`].
    Audit(Audit),
    /// See [`Export`].
    Export(Export),
    /// See [`Tiles`].
    Tiles(Tiles),
    /// See [`BenchCommand`].
    Bench(BenchCommand),
    /// See [`Status`].
    Status(Status),
    /// See [`ShowCommand`].
    Show(ShowCommand),
    /// See [`Whoami`].
    Whoami(Whoami),
    /// See [`Shell`].
    Shell(Shell),
    /// See [`Completions`].
    Completions(Completions),
    /// See [`Man`].
    Man(Man),
    /// See [`Version`].
    Version(Version),
    /// See [`Demo`].
    Demo(Demo),
}

/// Place orders from JSON: one object, an array, or one object a line; or from a table with --csv.
///
/// A file is one signed command and one block, all or nothing; more than 8192 orders, one a line, are cut into
/// several. Run again after an unknown outcome, it sends nothing twice.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "add", example = "ledgerctl add orders.json")]
pub struct Add {
    /// file to read, - for standard input
    #[argh(positional)]
    pub file: String,

    /// the file is a table with a header, as brokers and exchanges export it
    #[argh(switch)]
    pub csv: bool,

    /// with --csv: which columns are meant, as in side=B/S,symbol=Pair,quantity=Filled,price=Avg,currency=Quote
    #[argh(option)]
    pub columns: Option<Columns>,

    /// every line is a command of its own, answered on a line of its own
    #[argh(switch)]
    pub each: bool,

    /// with --each: commands under way at once, 1 to 1024, 64 if not given
    #[argh(option, default = "64", from_str_fn(inflight))]
    pub inflight: usize,

    /// seconds after which a command without an answer is unknown, 30 if not given
    #[argh(option, default = "30", from_str_fn(deadline))]
    pub deadline: u64,

    /// write the receipt of the block to this file; for an input that is one command
    #[argh(option)]
    pub receipt: Option<PathBuf>,

    /// with --receipt: replace what is there
    #[argh(switch)]
    pub force: bool,

    /// a name for this run that stands for nothing else: run again with it, it tells the outcome of the first run
    #[argh(option)]
    pub idempotency_key: Option<IdempotencyKey>,

    /// stable JSON instead of text
    #[argh(switch)]
    pub json: bool,
}

pub(super) fn number_in(text: &str, least: u64, most: u64) -> Result<u64, String> {
    let number = text.parse().ok().filter(|number| (least..=most).contains(number));
    number.ok_or_else(|| format!("expected a whole number from {least} to {most}"))
}

fn inflight(text: &str) -> Result<usize, String> {
    number_in(text, 1, 1_024).map(|number| number as usize)
}

fn deadline(text: &str) -> Result<u64, String> {
    number_in(text, 1, 86_400)
}

/// Fetch your own transactions, each checked before it is shown.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "copy", example = "ledgerctl copy --from 100 --limit 10 --json")]
pub struct Copy {
    /// smallest block index, 0 if not given
    #[argh(option, default = "0")]
    pub from: u64,

    /// most blocks, all if not given
    #[argh(option, default = "u64::MAX")]
    pub limit: u64,

    /// JSON Lines
    #[argh(switch)]
    pub json: bool,
}

/// Have the server check its whole log from disk, and keep the signed checkpoint.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "verify", example = "ledgerctl verify")]
pub struct Verify {
    /// demand that the ledger was cosigned by this witness: its verifier key; may be given several times
    #[argh(option)]
    pub witness: Vec<WitnessPublicKey>,

    /// stable JSON instead of text
    #[argh(switch)]
    pub json: bool,
}

/// Be a witness: cosign checkpoints that are consistent with everything seen before, and hand them in.
///
/// The first call makes the witness's key; its verifier key is what others demand with verify --witness.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "witness", example = "ledgerctl witness --every 60")]
pub struct Witness {
    /// name of a new witness, such as witness.example/alice; made of the handle if not given
    #[argh(option)]
    pub name: Option<String>,

    /// go on, once every so many seconds, until it is interrupted
    #[argh(option, from_str_fn(every))]
    pub every: Option<u64>,

    /// stable JSON instead of text
    #[argh(switch)]
    pub json: bool,
}

fn every(text: &str) -> Result<u64, String> {
    number_in(text, 1, 86_400)
}

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
}

/// The server's figures.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "status", example = "ledgerctl status --json")]
pub struct Status {
    /// stable JSON instead of text
    #[argh(switch)]
    pub json: bool,
}

/// Your account as the ledger has it.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "whoami", example = "ledgerctl whoami")]
pub struct Whoami {
    /// stable JSON instead of text
    #[argh(switch)]
    pub json: bool,
}

/// Print a completion script for a shell.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(
    subcommand,
    name = "completions",
    example = "ledgerctl completions bash > /etc/bash_completion.d/ledgerctl"
)]
pub struct Completions {
    /// bash, zsh, fish or nushell
    #[argh(positional)]
    pub shell: String,
}

/// Write the man pages of ledgerctl and ledgerd into a directory.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "man", example = "ledgerctl man /usr/local/share/man/man1")]
pub struct Man {
    /// where the pages go
    #[argh(positional)]
    pub directory: PathBuf,

    /// replace what is there
    #[argh(switch)]
    pub force: bool,
}

/// Print the version.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "version", example = "ledgerctl version")]
pub struct Version {}

/// Show the main job on a temporary ledger.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "demo", example = "ledgerctl demo")]
pub struct Demo {}
