//! `ledgerctl add`: orders from a file, validated whole before anything is sent.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, Write};
use std::time::Duration;

use sha3::{Digest as _, Sha3_256};

use super::Context;
use super::arguments::Add;
use super::named_files::{NewFile, open_source};
use super::receipt;
use super::settling::open_member;
use crate::chain::CommandId;
use crate::cli::exit::Exit;
use crate::client::orders_input::{self, Element, Form, InputError, Layout, read_orders};
use crate::client::{ClientError, Journal, Member, News, Outcome, Signer, Submitter, manifest};
use crate::crypto::{Digest, LedgerId};
use crate::domain::orders::{self, Order, PlaceOrders};
use crate::domain::{AccountId, Command, Event};
use crate::limits::ORDERS_MAX;
use crate::wire::{Accepted, Refusal};

/// Commands under way at once when an input is cut into several.
const COMMANDS_IN_FLIGHT: usize = 8;

/// The input, spooled, with what is known of it.
struct Input {
    spool: File,
    layout: Layout,
    digest: Digest,
    orders: u64,
}

pub(super) fn run(context: &Context, command: &Add) -> Result<Exit, ClientError> {
    let mut input = spool(&command.file, layout(command)?)?;
    let mut member = open_member(context)?;
    let ledger_id = member.server().ledger_id;
    let account = member.account().account;
    let count = usize::try_from(input.orders.div_ceil(ORDERS_MAX as u64)).unwrap_or(usize::MAX);
    if command.receipt.is_some() && count > 1 {
        return Err(ClientError::Usage(format!(
            "--receipt: the input is cut into {count} commands, a receipt is of one; \
             use `ledgerctl receipt INDEX` for each block"
        )));
    }
    let home = member.home().clone();
    let (mut plan, unfinished) = manifest::begin(&home, ledger_id, account, input.digest, count)?;
    if unfinished {
        let left = plan.commands.iter().filter(|step| step.block.is_none()).count();
        context
            .out
            .note(&format!("going on with an unfinished run of this input: {left} of {count} commands left"));
    }
    // A run that goes on may find the receipt that it wrote before it was cut off.
    let look = if unfinished { NewFile::again } else { NewFile::new };
    let receipt =
        command.receipt.as_deref().map(|path| Ok((look(path, command.force)?, path))).transpose()?;
    let mut journal = Journal::create(&home)?;
    let mut sender = Sender {
        context,
        input: &mut input,
        plan: &mut plan,
        journal: &mut journal,
        deadline: Duration::from_secs(command.deadline),
        json: command.json || context.out.json,
        ledger_id,
        account,
        bar: context.out.bar("placing orders", count as u64),
        refused: None,
        under_way: BTreeMap::new(),
    };
    let sent = sender.send_all(&mut member);
    sender.bar.finish_and_clear();
    let refused = sender.refused.take();
    journal.finish()?;
    sent?;
    let Some(refusal) = refused else {
        // Finished: the same input given again is a new run.
        manifest::finish(&home, ledger_id, account, input.digest)?;
        let block = plan.commands.first().and_then(|step| step.block);
        if let (Some((file, path)), Some(index)) = (receipt, block) {
            receipt::fetch_into(context, &mut member, index, file, path)?;
        }
        return Ok(Exit::Done);
    };
    let stand = plan.commands.iter().filter(|step| step.block.is_some()).count();
    if stand == 0 {
        manifest::finish(&home, ledger_id, account, input.digest)?;
    } else {
        // The plan stays: the same input given again goes on behind what stands.
        context.out.note(&format!(
            "{stand} of {count} commands stand. Run the same input again to go on; nothing is sent twice"
        ));
    }
    Err(ClientError::Refused(placed(&command.file, &mut input, refusal)))
}

/// Says in a refusal of one order where it stands in the input.
fn placed(name: &str, input: &mut Input, mut refusal: Refusal) -> Refusal {
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
    plan: &'a mut manifest::Manifest,
    journal: &'a mut Journal,
    deadline: Duration,
    json: bool,
    ledger_id: LedgerId,
    account: u64,
    bar: indicatif::ProgressBar,
    refused: Option<Refusal>,
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
        let (ledger_id, account, key) = (self.ledger_id, AccountId(self.account), member.key().clone());
        let signer = Signer { ledger_id, account, key };
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
            let sent = self.send(&mut submitter, &signer, step, full);
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
                if let Err(Stop::Client(error)) = self.send(&mut submitter, &signer, step, orders) {
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

    /// Sends a command, unless an earlier run has; waits while enough are under way.
    fn send(
        &mut self,
        submitter: &mut Submitter<'_>,
        signer: &Signer,
        step: usize,
        orders: Vec<Order>,
    ) -> Result<(), Stop> {
        let planned = self.plan.commands.get(step);
        let planned = planned.ok_or_else(|| ClientError::Config("the manifest is too short".to_owned()))?;
        if planned.block.is_some() {
            self.bar.inc(1);
            return Ok(());
        }
        let id = planned.id()?;
        while submitter.len() >= COMMANDS_IN_FLIGHT {
            self.take_outcome(submitter)?;
        }
        if self.refused.is_some() {
            return Err(Stop::Refused);
        }
        let count = orders.len();
        let command = Command::Orders(orders::Command::PlaceOrders(PlaceOrders { orders }));
        let (message, signature) = signer.sign(id, &command);
        self.journal.sending(&message, &signature, true)?;
        self.under_way.insert(step as u64, (id, count));
        submitter.submit(step as u64, message, signature);
        Ok(())
    }

    /// Waits for the next outcome.
    fn take_outcome(&mut self, submitter: &mut Submitter<'_>) -> Result<(), ClientError> {
        let News::Outcome(step, outcome) = submitter.wait()? else { return Ok(()) };
        let Some((id, orders)) = self.under_way.remove(&step) else { return Ok(()) };
        match outcome {
            Outcome::Done(accepted) => self.accepted(step, id, orders, &accepted),
            Outcome::Refused(refusal) => {
                self.journal.settled(id)?;
                // The rules count the orders of a command, people those of the input.
                let before = step * ORDERS_MAX as u64;
                let element = refusal.element.map(|element| element.saturating_add(before));
                self.refused.get_or_insert(refusal.about(element));
                Ok(())
            }
            Outcome::Unknown => Err(unknown()),
        }
    }

    fn accepted(
        &mut self,
        step: u64,
        id: CommandId,
        orders: usize,
        accepted: &Accepted,
    ) -> Result<(), ClientError> {
        if !matches!(Event::decode(&accepted.event), Ok(Event::Orders(orders::Event::OrdersPlaced(_)))) {
            return Err(ClientError::unexpected_reply());
        }
        self.journal.settled(id)?;
        let step = usize::try_from(step).ok().and_then(|step| self.plan.commands.get_mut(step));
        if let Some(step) = step {
            step.block = Some(accepted.index);
        }
        if self.plan.commands.len() > 1 {
            manifest::keep(self.journal.home(), self.ledger_id, self.account, self.input.digest, self.plan)?;
        }
        self.bar.inc(1);
        let (index, hash) = (accepted.index, accepted.hash);
        if self.json {
            let value = serde_json::json!({
                "index": index,
                "hash": hash.to_string(),
                "timestamp": accepted.timestamp.to_string(),
                "orders": orders,
                "command_id": id.to_string(),
                "duplicate": accepted.duplicate,
            });
            return self.bar.suspend(|| self.context.out.line(&value.to_string()));
        }
        let again = if accepted.duplicate { " (was there already)" } else { "" };
        let plural = if orders == 1 { "" } else { "s" };
        let text = format!("block {index} {hash} {orders} order{plural}{again}");
        self.bar.suspend(|| self.context.out.line(&text))
    }
}

fn unknown() -> ClientError {
    ClientError::Unknown(
        "no answer came: whether the orders stand is not known. Run the same command again; nothing is sent twice"
            .to_owned(),
    )
}
