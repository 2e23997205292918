//! The arguments of the commands between members. The doc comments are their help.

use std::net::SocketAddr;
use std::path::PathBuf;

use argh::{ArgsInfo, FromArgs};

use super::arguments::number_in;
use crate::client::IdempotencyKey;

/// Go online: let others see where you listen, take payment orders from them, and settle each.
///
/// Goes on until it is interrupted. Without --addr it listens on this machine only, on any free port.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "listen", example = "ledgerctl listen --addr 0.0.0.0:7879")]
pub struct ListenCommand {
    /// IP:PORT to listen on, 127.0.0.1:0 if not given; with 0.0.0.0 others are told the address that the server sees
    #[argh(option, default = "SocketAddr::from(([127, 0, 0, 1], 0))")]
    pub addr: SocketAddr,

    /// be found only by those who ask for you by name
    #[argh(switch)]
    pub hidden: bool,

    /// JSON Lines
    #[argh(switch)]
    pub json: bool,
}

/// Your balance, and who is online.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "online", example = "ledgerctl online")]
pub struct OnlineCommand {
    /// stable JSON instead of text
    #[argh(switch)]
    pub json: bool,
}

/// Hand a payment order to a member who is online, and wait until it is settled.
///
/// Run again after an unknown outcome, it hands the same order over and pays nothing twice.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "send", example = "ledgerctl send bob 12.50 --memo lunch")]
pub struct SendCommand {
    /// who is paid: a handle, or a number like '#2', in quotes
    #[argh(positional)]
    pub user: String,

    /// how much, in the ledger's currency
    #[argh(positional)]
    pub amount: String,

    /// what it is for: at most 96 bytes
    #[argh(option)]
    pub memo: Option<String>,

    /// write the receipt of the settlement to this file
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

/// Write a payment order, like a cheque: good once, for one payee, until it expires or you revoke it.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "order", example = "ledgerctl order bob 12.50 --memo rent --out rent.order")]
pub struct OrderCommand {
    /// who is paid: a handle, or a number like '#2', in quotes
    #[argh(positional)]
    pub user: String,

    /// how much, in the ledger's currency
    #[argh(positional)]
    pub amount: String,

    /// what it is for: at most 96 bytes
    #[argh(option)]
    pub memo: Option<String>,

    /// days until it expires, 1 to 3650, 7 if not given
    #[argh(option, default = "7", from_str_fn(days))]
    pub expires: u64,

    /// file to write; standard output if not given
    #[argh(option)]
    pub out: Option<PathBuf>,

    /// with --out: replace what is there
    #[argh(switch)]
    pub force: bool,
}

fn days(text: &str) -> Result<u64, String> {
    number_in(text, 1, 3_650)
}

/// Turn a payment order that is for you into money.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "settle", example = "ledgerctl settle rent.order")]
pub struct SettleCommand {
    /// file to read, - for standard input
    #[argh(positional)]
    pub file: String,

    /// stable JSON instead of text
    #[argh(switch)]
    pub json: bool,
}

/// Take a payment order of yours back, as long as it is not settled.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "revoke-order", example = "ledgerctl revoke-order rent.order")]
pub struct RevokeOrderCommand {
    /// the order's file, or its id (32 hexadecimal digits)
    #[argh(positional)]
    pub order: String,

    /// stable JSON instead of text
    #[argh(switch)]
    pub json: bool,
}
