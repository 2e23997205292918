//! Placing the orders of an input: it is read whole and validated before anything is sent, cut into commands, and gone
//! on with where an earlier run of the same input stopped.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, Write};
use std::time::Duration;

use sha3::{Digest as _, Sha3_256};

use super::input::{self, Element, Form, InputError, Layout, read_orders};
use crate::chain::CommandId;
use crate::client::link::{Member, Reopen as _};
use crate::client::sending::{
    IdempotencyKey, News, Outcome, RunBook, RunKind, Runner, Submitter, refuse_key_of_cheque,
};
use crate::client::{ClientError, Signer};
use crate::crypto::Digest;
use crate::domain::Fact;
use crate::domain::orders::{self, Order, PlaceOrders};
use crate::domain::{Command, Event};
use crate::limits::ORDERS_MAX;
use crate::wire::{Accepted, Refusal};

/// Commands under way at once when an input is cut into several.
const COMMANDS_IN_FLIGHT: usize = 8;

/// An input of orders, copied to a file of its own, with what is known of it.
#[derive(Debug)]
pub struct Input {
    /// What people call it.
    name: String,
    spool: File,
    layout: Layout,
    digest: Digest,
    orders: u64,
}

impl Input {
    /// Copies an input to a file of its own, hashes it and checks every order in it.
    ///
    /// # Errors
    /// [`ClientError::Usage`] names the input, the place in it, and what was expected.
    pub fn read(name: &str, mut source: impl Read, layout: Layout) -> Result<Input, ClientError> {
        let failed = |error: io::Error| ClientError::Usage(format!("{name}: {error}"));
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
        let mut count = |_| -> Result<(), InputError> {
            orders += 1;
            Ok(())
        };
        let counted = read_orders(BufReader::with_capacity(1 << 20, &spool), &layout, &mut count);
        let form = counted.map_err(|error| ClientError::Usage(format!("{name}: {error}")))?;
        if form != Form::Lines && orders > ORDERS_MAX as u64 {
            return Err(ClientError::Usage(format!(
                "{name}: an array holds at most {ORDERS_MAX} orders, not {orders}; write one order a line (JSON Lines)"
            )));
        }
        let digest = Digest(hasher.finalize().into());
        Ok(Input { name: name.to_owned(), spool, layout, digest, orders })
    }

    /// The number of commands that the input is cut into.
    pub fn commands(&self) -> usize {
        usize::try_from(self.orders.div_ceil(ORDERS_MAX as u64)).unwrap_or(usize::MAX)
    }

    /// Says in a refusal of one order where it stands in the input.
    fn with_place(&mut self, mut refusal: Refusal) -> Refusal {
        let place = refusal.number(Fact::Element).and_then(|element| {
            self.spool.rewind().ok()?;
            input::place_of(BufReader::new(&self.spool), &self.layout, element)
        });
        if let Some(place) = place {
            refusal.message = format!("{}: {place}: {}", self.name, refusal.message);
        }
        refusal
    }
}

/// A command that stands.
#[derive(Clone, Debug)]
pub struct Placed {
    /// Its id.
    pub id: CommandId,
    /// The number of its orders.
    pub orders: usize,
    /// Where it stands.
    pub accepted: Accepted,
}

/// Hears how the placing goes on.
pub trait PlacingTold {
    /// An earlier run of the same input did not end: `left` of `of` commands are still to be told.
    fn goes_on(&mut self, left: usize, of: usize);

    /// The run is one that nobody has begun before. Nothing has left yet: what stands in the way is told now.
    ///
    /// # Errors
    /// What stands in the way; the run has not begun then.
    fn begins(&mut self) -> Result<(), ClientError>;

    /// A command is done, whether now or by an earlier run.
    fn step(&mut self);

    /// Tells that a command stands, one of several.
    ///
    /// # Errors
    /// [`ClientError`] when it could not be told.
    fn placed(&mut self, placed: &Placed) -> Result<(), ClientError>;

    /// Tells that the only command of an input stands. The member's channel is free then: for the receipt, say.
    ///
    /// # Errors
    /// As for [`PlacingTold::placed`].
    fn placed_all(&mut self, member: &mut Member, placed: &Placed) -> Result<(), ClientError>;

    /// One of `of` commands was refused, and `stand` stand: the same input given again goes on behind them.
    fn stopped(&mut self, stand: usize, of: usize);
}

/// Places the orders of an input. The same input given again after an unknown outcome places nothing twice.
///
/// # Errors
/// [`ClientError::Refused`] with the place of the order that was refused, [`ClientError::Unknown`] when no answer came,
/// [`ClientError::Untold`] when what stands could not be told.
pub fn place(
    member: &mut Member,
    mut input: Input,
    key: Option<&IdempotencyKey>,
    deadline: Duration,
    telling: &mut dyn PlacingTold,
) -> Result<(), ClientError> {
    refuse_key_of_cheque(member, key)?;
    let count = input.commands();
    let (home, ledger_id, account) = (member.home().clone(), member.server().ledger_id, member.account_id());
    let runner = Runner { home: &home, ledger_id, account };
    let mut book = RunBook::open(runner, RunKind::Input, input.digest, key)?;
    if book.goes_on() {
        telling.goes_on(count.saturating_sub(book.count_told()), count);
    } else if key.is_none()
        && let Err(error) = telling.begins()
    {
        book.finish()?;
        return Err(error);
    }
    let mut sender = Sender {
        input: &mut input,
        book: &mut book,
        signer: Signer { ledger_id, account, key: member.key().clone() },
        count,
        telling,
        refused: None,
        only: None,
        under_way: BTreeMap::new(),
    };
    let sent = sender.send_all(member, deadline);
    let (refused, only) = (sender.refused.take(), sender.only.take());
    sent?;
    if let Some(only) = only {
        let told = telling.placed_all(member, &only);
        told.map_err(|error| ClientError::untold(only.accepted.index, error))?;
    }
    let Some(refusal) = refused else {
        // All is told: the same input given again is another run.
        return book.finish();
    };
    match book.count_told() {
        0 => book.finish()?,
        // The run book stays: the same input given again goes on behind what stands.
        stand => telling.stopped(stand, count),
    }
    Err(ClientError::Refused(input.with_place(refusal)))
}

struct Sender<'a> {
    input: &'a mut Input,
    book: &'a mut RunBook,
    signer: Signer,
    /// Commands that the input is cut into.
    count: usize,
    telling: &'a mut dyn PlacingTold,
    refused: Option<Refusal>,
    /// The command of an input that is one: it is told when nothing is under way any more.
    only: Option<Placed>,
    /// Id and number of orders of the commands under way, by step.
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
    fn send_all(&mut self, member: &mut Member, deadline: Duration) -> Result<(), ClientError> {
        let unexpected = |error: io::Error| ClientError::Unexpected(error.to_string());
        self.input.spool.rewind().map_err(unexpected)?;
        let spool = self.input.spool.try_clone().map_err(unexpected)?;
        let mut submitter = Submitter::new(member, deadline);
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
        let id = self.book.id(step, tag, &body);
        if self.book.is_told(id) {
            self.telling.step();
            return Ok(());
        }
        while submitter.len() >= COMMANDS_IN_FLIGHT {
            self.take_outcome(submitter)?;
        }
        if self.refused.is_some() {
            return Err(Stop::Refused);
        }
        let signed = self.signer.sign(id, &command);
        self.book.sending(&signed, true)?;
        self.under_way.insert(step, (id, count));
        submitter.submit(step, signed);
        Ok(())
    }

    /// Waits for the next outcome.
    fn take_outcome(&mut self, submitter: &mut Submitter<'_>) -> Result<(), ClientError> {
        let News::Outcome(step, outcome) = submitter.wait()? else { return Ok(()) };
        let Some((id, orders)) = self.under_way.remove(&step) else { return Ok(()) };
        match outcome {
            Outcome::Done(accepted) => self.accepted(Placed { id, orders, accepted }),
            Outcome::Refused(refusal) => {
                self.book.refused(id)?;
                // The rules count the orders of a command, people those of the input.
                let before = step * ORDERS_MAX as u64;
                self.refused.get_or_insert(refusal.of_later_elements(before));
                Ok(())
            }
            Outcome::Unknown => Err(unknown()),
        }
    }

    fn accepted(&mut self, placed: Placed) -> Result<(), ClientError> {
        let index = placed.accepted.index;
        if !matches!(Event::decode(&placed.accepted.event), Ok(Event::Orders(orders::Event::OrdersPlaced(_))))
        {
            return Err(ClientError::untold(index, ClientError::other_answer()));
        }
        self.telling.step();
        if self.count == 1 {
            self.only = Some(placed);
            return Ok(());
        }
        let told = self.telling.placed(&placed);
        told.and_then(|()| self.book.told(placed.id)).map_err(|error| ClientError::untold(index, error))
    }
}

fn unknown() -> ClientError {
    ClientError::Unknown(
        "no answer came: whether the orders stand is not known. Run the same command again; nothing is sent twice"
            .to_owned(),
    )
}
