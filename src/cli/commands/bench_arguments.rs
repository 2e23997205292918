//! The arguments of the load generator. The doc comments are its help.

use std::path::PathBuf;

use argh::{ArgsInfo, FromArgs};

use super::arguments::number_in;
use crate::limits::{ORDERS_MAX, PAYMENTS_MAX};

const _: () = assert!(ORDERS_MAX == PAYMENTS_MAX, "one option counts both");

/// Put load on a running server and measure it.
///
/// Commands are those of throw-away accounts, and stay in the ledger: use one that may be thrown away.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "bench", example = "ledgerctl bench --connections 64 --commands 20000")]
pub struct BenchCommand {
    /// connections, each with an account of its own, 1 to 256, 10 if not given
    #[argh(option, default = "10", from_str_fn(connections))]
    pub connections: usize,

    /// commands over all connections, 1 to 1000000, 1000 if not given; about 6 ms each to sign beforehand
    #[argh(option, default = "1_000", from_str_fn(commands))]
    pub commands: usize,

    /// orders, or payments, in each command, 1 to 8192, 1 if not given
    #[argh(option, default = "1", from_str_fn(orders))]
    pub orders_per_command: usize,

    /// commands under way at once on each connection, 1 to 1024, 1 if not given
    #[argh(option, default = "1", from_str_fn(inflight))]
    pub inflight: usize,

    /// payments of one minor unit instead of orders
    #[argh(switch)]
    pub payments: bool,

    /// directory of the throw-away accounts; bench in the home directory if not given
    #[argh(option)]
    pub cache: Option<PathBuf>,

    /// stable JSON instead of text
    #[argh(switch)]
    pub json: bool,
}

fn connections(text: &str) -> Result<usize, String> {
    number_in(text, 1, 256).map(|number| number as usize)
}

fn commands(text: &str) -> Result<usize, String> {
    number_in(text, 1, 1_000_000).map(|number| number as usize)
}

fn orders(text: &str) -> Result<usize, String> {
    number_in(text, 1, ORDERS_MAX as u64).map(|number| number as usize)
}

fn inflight(text: &str) -> Result<usize, String> {
    number_in(text, 1, 1_024).map(|number| number as usize)
}
