//! `ledgerctl add`: orders from a file or a stream.

mod each;

use std::path::{Path, PathBuf};
use std::time::Duration;

use argh::{ArgsInfo, FromArgs};
use indicatif::ProgressBar;

use crate::cli::context::Context;
use crate::cli::named_files::{NewFile, open_source};
use crate::cli::proofs::receipt;
use crate::cli::run::Run;
use crate::cli::session::open_member;
use crate::client::orders_input::{Columns, Layout};
use crate::client::{ClientError, IdempotencyKey, Input, Member, Placed, PlacingTold, place};
use crate::terminal::arguments::number_in;
use crate::terminal::exit::Exit;

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
}

fn inflight(text: &str) -> Result<usize, String> {
    number_in(text, 1, 1_024).map(|number| number as usize)
}

fn deadline(text: &str) -> Result<u64, String> {
    number_in(text, 1, 86_400)
}

impl Run for Add {
    const REMEMBERS: bool = true;

    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        if self.each { each::run(context, self) } else { run(context, self) }
    }
}

fn run(context: &Context, command: &Add) -> Result<Exit, ClientError> {
    // A run that was cut off may have written its receipt already; the run that goes on may find that file there.
    let path = command.receipt.as_deref();
    let file = path.map(|path| NewFile::again(path, command.force)).transpose()?;
    let input = Input::read(&command.file, open_source(&command.file)?, layout(command)?)?;
    let count = input.commands();
    if path.is_some() && count > 1 {
        return Err(ClientError::Usage(format!(
            "--receipt: the input is cut into {count} commands, a receipt is of one; \
             use `ledgerctl receipt INDEX` for each block"
        )));
    }
    let mut member = open_member(context)?;
    let bar = context.out.bar("placing orders", count as u64);
    let mut told = Told { context, bar, receipt: file.zip(path), force: command.force };
    let deadline = Duration::from_secs(command.deadline);
    let placed = place(&mut member, input, command.idempotency_key.as_ref(), deadline, &mut told);
    told.bar.finish_and_clear();
    placed.map(|()| Exit::Done)
}

/// The layout that the arguments say the input has.
fn layout(command: &Add) -> Result<Layout, ClientError> {
    match (command.csv, &command.columns) {
        (true, columns) => Ok(Layout::Csv(columns.clone().unwrap_or_default())),
        (false, None) => Ok(Layout::Json),
        (false, Some(_)) => Err(ClientError::Usage("--columns goes with --csv".to_owned())),
    }
}

/// The listener that prints how the placing of orders goes on.
struct Told<'a> {
    context: &'a Context,
    bar: ProgressBar,
    /// The file for the receipt, and the path of that file.
    receipt: Option<(NewFile<'a>, &'a Path)>,
    /// Whether a file that is there already may be replaced.
    force: bool,
}

impl PlacingTold for Told<'_> {
    fn goes_on(&mut self, left: usize, of: usize) {
        self.context
            .out
            .note(&format!("going on with an unfinished run of this input: {left} of {of} commands left"));
    }

    fn begins(&mut self) -> Result<(), ClientError> {
        self.receipt.map_or(Ok(()), |(_, path)| NewFile::new(path, self.force).map(|_| ()))
    }

    fn step(&mut self) {
        self.bar.inc(1);
    }

    fn placed(&mut self, placed: &Placed) -> Result<(), ClientError> {
        self.bar.suspend(|| show(self.context, placed))
    }

    fn placed_all(&mut self, member: &mut Member, placed: &Placed) -> Result<(), ClientError> {
        self.bar.finish_and_clear();
        if let Some((file, path)) = self.receipt {
            receipt::fetch_into(self.context, member, placed.accepted.index, file, path)?;
        }
        show(self.context, placed)
    }

    fn stopped(&mut self, stand: usize, of: usize) {
        self.bar.finish_and_clear();
        self.context.out.note(&format!(
            "{stand} of {of} commands stand. Run the same input again to go on; nothing is sent twice"
        ));
    }
}

/// Tells the outcome of a command whose orders were placed.
fn show(context: &Context, placed: &Placed) -> Result<(), ClientError> {
    let Placed { id, orders, accepted } = placed;
    let (index, hash) = (accepted.index, accepted.hash);
    if context.out.json {
        let value = serde_json::json!({
            "index": index,
            "hash": hash.to_string(),
            "timestamp": accepted.timestamp.to_string(),
            "orders": orders,
            "command_id": id.to_string(),
            "duplicate": accepted.duplicate,
        });
        return context.out.tell(&value.to_string());
    }
    let again = if accepted.duplicate { " (was there already)" } else { "" };
    let plural = if *orders == 1 { "" } else { "s" };
    context.out.tell(&format!("block {index} {hash} {orders} order{plural}{again}"))
}
