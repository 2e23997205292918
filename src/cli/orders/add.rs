//! `ledgerctl add`: orders from a file, validated whole before anything is sent.

mod each;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, Write};
use std::path::PathBuf;
use std::time::Duration;

use argh::{ArgsInfo, FromArgs};
use sha3::{Digest as _, Sha3_256};

use crate::chain::CommandId;
use crate::cli::context::Context;
use crate::cli::named_files::{NewFile, open_source};
use crate::cli::proofs::receipt;
use crate::cli::run::Run;
use crate::cli::session::open_member;
use crate::cli::telling::{refuse_order_of_key, untold};
use crate::client::orders_input::{self, Columns, Element, Form, InputError, Layout, read_orders};
use crate::client::{
    ClientError, IdempotencyKey, Journal, Member, News, Outcome, RunKind, Runner, Signer, Submitter,
};
use crate::crypto::Digest;
use crate::domain::orders::{self, Order, PlaceOrders};
use crate::domain::{AccountId, Command, Event};
use crate::limits::ORDERS_MAX;
use crate::terminal::arguments::number_in;
use crate::terminal::exit::Exit;
use crate::wire::{Accepted, Refusal};

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

/// Commands under way at once when an input is cut into several.
const COMMANDS_IN_FLIGHT: usize = 8;

/// The input, spooled, with what is known of it.
struct Input {
    spool: File,
    layout: Layout,
    digest: Digest,
    orders: u64,
}

fn run(context: &Context, command: &Add) -> Result<Exit, ClientError> {
    // A run that goes on may find the receipt that it wrote before it was cut off.
    let file = command.receipt.as_deref().map(|path| NewFile::again(path, command.force)).transpose()?;
    let mut input = spool(&command.file, layout(command)?)?;
    let count = usize::try_from(input.orders.div_ceil(ORDERS_MAX as u64)).unwrap_or(usize::MAX);
    if command.receipt.is_some() && count > 1 {
        return Err(ClientError::Usage(format!(
            "--receipt: the input is cut into {count} commands, a receipt is of one; \
             use `ledgerctl receipt INDEX` for each block"
        )));
    }
    let mut member = open_member(context)?;
    refuse_order_of_key(&mut member, command.idempotency_key.as_ref())?;
    let (home, ledger_id) = (member.home().clone(), member.server().ledger_id);
    let account = AccountId(member.account().account);
    let runner = Runner { home: &home, ledger_id, account };
    let mut journal = Journal::open(runner, RunKind::Input, input.digest, command.idempotency_key.as_ref())?;
    if journal.goes_on() {
        let told = journal.count_told();
        context.out.note(&format!(
            "going on with an unfinished run of this input: {} of {count} commands left",
            count.saturating_sub(told)
        ));
    }
    let is_new = !journal.goes_on() && command.idempotency_key.is_none();
    if let Some(path) = command.receipt.as_deref().filter(|_| is_new)
        && let Err(error) = NewFile::new(path, command.force)
    {
        journal.finish()?;
        return Err(error);
    }
    let mut sender = Sender {
        context,
        input: &mut input,
        journal: &mut journal,
        signer: Signer { ledger_id, account, key: member.key().clone() },
        count,
        deadline: Duration::from_secs(command.deadline),
        bar: context.out.bar("placing orders", count as u64),
        refused: None,
        only: None,
        under_way: BTreeMap::new(),
    };
    let sent = sender.send_all(&mut member);
    sender.bar.finish_and_clear();
    let (refused, only) = (sender.refused.take(), sender.only.take());
    sent?;
    if let Some(only) = only {
        let tell_only = |member: &mut Member| {
            if let (Some(file), Some(path)) = (file, &command.receipt) {
                receipt::fetch_into(context, member, only.accepted.index, file, path)?;
            }
            tell(context, &only)
        };
        tell_only(&mut member).map_err(|error| untold(only.accepted.index, error))?;
    }
    let Some(refusal) = refused else {
        // All is told: the same input given again is a new run.
        journal.finish()?;
        return Ok(Exit::Done);
    };
    let stand = journal.count_told();
    if stand == 0 {
        journal.finish()?;
    } else {
        // The journal stays: the same input given again goes on behind what stands.
        context.out.note(&format!(
            "{stand} of {count} commands stand. Run the same input again to go on; nothing is sent twice"
        ));
    }
    Err(ClientError::Refused(with_place(&command.file, &mut input, refusal)))
}

/// Says in a refusal of one order where it stands in the input.
fn with_place(name: &str, input: &mut Input, mut refusal: Refusal) -> Refusal {
    let place = refusal.element.and_then(|element| {
        input.spool.rewind().ok()?;
        orders_input::place_of(BufReader::new(&input.spool), &input.layout, element)
    });
    if let Some(place) = place {
        refusal.message = format!("{name}: {place}: {}", refusal.message);
    }
    refusal
}

/// How the input is written.
fn layout(command: &Add) -> Result<Layout, ClientError> {
    match (command.csv, &command.columns) {
        (true, columns) => Ok(Layout::Csv(columns.clone().unwrap_or_default())),
        (false, None) => Ok(Layout::Json),
        (false, Some(_)) => Err(ClientError::Usage("--columns goes with --csv".to_owned())),
    }
}

/// A command that stands.
struct Placed {
    id: CommandId,
    orders: usize,
    accepted: Accepted,
}

/// Tells that orders stand.
fn tell(context: &Context, placed: &Placed) -> Result<(), ClientError> {
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

/// Copies the input to a file of its own, hashes it and checks every order in it.
fn spool(name: &str, layout: Layout) -> Result<Input, ClientError> {
    let failed = |error: io::Error| ClientError::Usage(format!("{name}: {error}"));
    let mut source = open_source(name)?;
    let mut spool = tempfile::tempfile().map_err(failed)?;
    let mut hasher = Sha3_256::new();
    if let Layout::Csv(columns) = &layout {
        // Read by other columns, the same bytes are other orders.
        hasher.update(format!("ledgerctl/csv/1\0{columns}\0"));
    }
    let mut chunk = vec![0; 256 << 10];
    loop {
        let count = match source.read(&mut chunk) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(failed(error)),
        };
        let bytes = chunk.get(..count).unwrap_or_default();
        hasher.update(bytes);
        spool.write_all(bytes).map_err(failed)?;
    }
    spool.rewind().map_err(failed)?;
    let mut orders = 0u64;
    let counted =
        read_orders(BufReader::with_capacity(1 << 20, &spool), &layout, &mut |_| -> Result<(), InputError> {
            orders += 1;
            Ok(())
        });
    let form = counted.map_err(|error| ClientError::Usage(format!("{name}: {error}")))?;
    if form != Form::Lines && orders > ORDERS_MAX as u64 {
        return Err(ClientError::Usage(format!(
            "{name}: an array holds at most {ORDERS_MAX} orders, not {orders}; write one order a line (JSON Lines)"
        )));
    }
    Ok(Input { spool, layout, digest: Digest(hasher.finalize().into()), orders })
}

struct Sender<'a> {
    context: &'a Context,
    input: &'a mut Input,
    journal: &'a mut Journal,
    signer: Signer,
    /// Commands that the input is cut into.
    count: usize,
    deadline: Duration,
    bar: indicatif::ProgressBar,
    refused: Option<Refusal>,
    /// The command of an input that is one: it is told together with its receipt.
    only: Option<Placed>,
    /// Orders of the commands under way, by step.
    under_way: BTreeMap<u64, (CommandId, usize)>,
}

/// What stops the reading of orders half way.
enum Stop {
    Client(ClientError),
    Refused,
}

impl From<ClientError> for Stop {
    fn from(error: ClientError) -> Stop {
        Stop::Client(error)
    }
}

impl Sender<'_> {
    fn send_all(&mut self, member: &mut Member) -> Result<(), ClientError> {
        let unexpected = |error: io::Error| ClientError::Unexpected(error.to_string());
        self.input.spool.rewind().map_err(unexpected)?;
        let spool = self.input.spool.try_clone().map_err(unexpected)?;
        let mut submitter = Submitter::new(member, self.deadline);
        let mut orders: Vec<Order> = Vec::with_capacity(ORDERS_MAX);
        let mut step = 0;
        let mut stop = None;
        let layout = self.input.layout.clone();
        let read = read_orders(BufReader::with_capacity(1 << 20, spool), &layout, &mut |element: Element| {
            orders.push(element.order);
            if orders.len() < ORDERS_MAX {
                return Ok(());
            }
            let full = std::mem::take(&mut orders);
            let sent = self.send(&mut submitter, step, full);
            step += 1;
            sent.map_err(|reason| {
                stop = Some(reason);
                InputError::stopped()
            })
        });
        match (stop, read) {
            (Some(Stop::Client(error)), _) => return Err(error),
            (Some(Stop::Refused), _) => {}
            (None, Err(error)) => {
                return Err(ClientError::Unexpected(format!("the spooled input changed: {error}")));
            }
            (None, Ok(_)) if !orders.is_empty() => {
                if let Err(Stop::Client(error)) = self.send(&mut submitter, step, orders) {
                    return Err(error);
                }
            }
            (None, Ok(_)) => {}
        }
        while !submitter.is_empty() {
            self.take_outcome(&mut submitter)?;
        }
        Ok(())
    }

    /// Sends a command, unless an earlier run has told its outcome; waits while enough are under way.
    fn send(&mut self, submitter: &mut Submitter<'_>, step: u64, orders: Vec<Order>) -> Result<(), Stop> {
        let count = orders.len();
        let command = Command::Orders(orders::Command::PlaceOrders(PlaceOrders { orders }));
        let (tag, body) = command.encode();
        let id = self.journal.id(step, tag, &body);
        if self.journal.is_told(id) {
            self.bar.inc(1);
            return Ok(());
        }
        while submitter.len() >= COMMANDS_IN_FLIGHT {
            self.take_outcome(submitter)?;
        }
        if self.refused.is_some() {
            return Err(Stop::Refused);
        }
        let (message, signature) = self.signer.sign(id, &command);
        self.journal.sending(&message, &signature, true)?;
        self.under_way.insert(step, (id, count));
        submitter.submit(step, message, signature);
        Ok(())
    }

    /// Waits for the next outcome.
    fn take_outcome(&mut self, submitter: &mut Submitter<'_>) -> Result<(), ClientError> {
        let News::Outcome(step, outcome) = submitter.wait()? else { return Ok(()) };
        let Some((id, orders)) = self.under_way.remove(&step) else { return Ok(()) };
        match outcome {
            Outcome::Done(accepted) => self.accepted(Placed { id, orders, accepted }),
            Outcome::Refused(refusal) => {
                self.journal.refused(id)?;
                // The rules count the orders of a command, people those of the input.
                let before = step * ORDERS_MAX as u64;
                let element = refusal.element.map(|element| element.saturating_add(before));
                self.refused.get_or_insert(refusal.about(element));
                Ok(())
            }
            Outcome::Unknown => Err(unknown()),
        }
    }

    fn accepted(&mut self, placed: Placed) -> Result<(), ClientError> {
        let index = placed.accepted.index;
        if !matches!(Event::decode(&placed.accepted.event), Ok(Event::Orders(orders::Event::OrdersPlaced(_))))
        {
            return Err(untold(index, ClientError::unexpected_reply()));
        }
        self.bar.inc(1);
        if self.count == 1 {
            self.only = Some(placed);
            return Ok(());
        }
        let told = self.bar.suspend(|| tell(self.context, &placed));
        told.and_then(|()| self.journal.told(placed.id)).map_err(|error| untold(index, error))
    }
}

fn unknown() -> ClientError {
    ClientError::Unknown(
        "no answer came: whether the orders stand is not known. Run the same command again; nothing is sent twice"
            .to_owned(),
    )
}
