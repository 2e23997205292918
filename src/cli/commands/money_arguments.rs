//! The arguments of the commands about money and roles. The doc comments are their help.

use argh::{ArgsInfo, FromArgs};

use crate::client::IdempotencyKey;
use crate::domain::accounts::Role;

/// What you have.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "balance", example = "ledgerctl balance")]
pub struct BalanceCommand {
    /// stable JSON instead of text
    #[argh(switch)]
    pub json: bool,
}

/// What came and went, with the balance after each movement.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "statement", example = "ledgerctl statement --from 2026-01-01 --csv")]
pub struct StatementCommand {
    /// first day or time, in UTC: 2026-01-31 or 2026-01-31T12:00:00Z
    #[argh(option)]
    pub from: Option<String>,

    /// first day or time that is not shown any more
    #[argh(option)]
    pub to: Option<String>,

    /// comma-separated values with a header (RFC 4180)
    #[argh(switch)]
    pub csv: bool,

    /// JSON Lines
    #[argh(switch)]
    pub json: bool,
}

/// Pay somebody, or many at once, all or nothing.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "pay", example = "ledgerctl pay bob 12.50 --memo lunch")]
pub struct PayCommand {
    /// who is paid, by handle or by number ('#2' in quotes), and how much, in the ledger's currency
    #[argh(positional, arg_name = "user amount")]
    pub payment: Vec<String>,

    /// what it is for: at most 96 bytes
    #[argh(option)]
    pub memo: Option<String>,

    /// payments as JSON Lines with to, amount and memo (- for standard input): one command of up to 8192
    #[argh(option)]
    pub file: Option<String>,

    /// a name for this run that stands for nothing else: run again with it, it tells the outcome of the first run
    #[argh(option)]
    pub idempotency_key: Option<IdempotencyKey>,

    /// stable JSON instead of text
    #[argh(switch)]
    pub json: bool,
}

/// Make money and give it to somebody; for operators.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "issue", example = "ledgerctl issue bob 1000")]
pub struct IssueCommand {
    /// who receives it: a handle, or a number like '#2', in quotes
    #[argh(positional)]
    pub user: String,

    /// how much, in the ledger's currency
    #[argh(positional)]
    pub amount: String,

    /// a name for this run that stands for nothing else: run again with it, it tells the outcome of the first run
    #[argh(option)]
    pub idempotency_key: Option<IdempotencyKey>,

    /// stable JSON instead of text
    #[argh(switch)]
    pub json: bool,
}

/// Give a member a role; for operators.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "grant", example = "ledgerctl grant bob operator")]
pub struct GrantCommand {
    /// who receives it: a handle, or a number like '#2', in quotes
    #[argh(positional)]
    pub user: String,

    /// operator
    #[argh(positional)]
    pub role: Role,

    /// stable JSON instead of text
    #[argh(switch)]
    pub json: bool,
}

/// Vouch for this machine's clock, for operators: where blocks carry a time that has not come yet, commands are
/// measured by the clock until it has.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(
    subcommand,
    name = "vouch-clock",
    example = "ledgerd --data /srv/ledger --accept-clock\nledgerctl vouch-clock"
)]
pub struct VouchClockCommand {
    /// stable JSON instead of text
    #[argh(switch)]
    pub json: bool,
}

/// Take a role away; for operators.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "revoke", example = "ledgerctl revoke bob operator")]
pub struct RevokeCommand {
    /// who loses it: a handle, or a number like '#2', in quotes
    #[argh(positional)]
    pub user: String,

    /// operator
    #[argh(positional)]
    pub role: Role,

    /// stable JSON instead of text
    #[argh(switch)]
    pub json: bool,
}

/// Make your key before there is a ledger, and print its public half.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "keygen", example = "ledgerctl keygen > operator.pem")]
pub struct KeygenCommand {
    /// ask for a passphrase and encrypt the key with it
    #[argh(switch)]
    pub passphrase: bool,

    /// stable JSON instead of text
    #[argh(switch)]
    pub json: bool,
}
