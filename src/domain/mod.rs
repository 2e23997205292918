//! The rules, as pure functions: what members may ask for, what then happened, and what that changes.
//!
//! Every domain is a room of its own with a command, an event, a state, `decide` and `apply`; this file only
//! routes. A new domain is a new room and one line in each enum and each `match` below. Nothing here sees a
//! path, a socket, a clock or a random source.

mod words;
mod role;
mod currency;
mod facts;
mod decimal;
mod show;
mod transfers;
mod impossible;
mod answers;
mod asking;
pub mod accounts;
pub mod orders;
pub mod payments;
mod settings;
mod happened;
mod asked;

pub use answers::{Endorsement, Endorser, Hindrance, Opened, Signer, Unbalanced};
pub use asking::{Access, Declined, Past, Recorded};
pub use facts::{FACTS_MAX, Fact, Value};
pub use happened::{Happened, NoPair};
pub use impossible::Impossible;
pub use role::Role;
pub use settings::{BadSetting, Settings};
pub use show::{Shown, Sink};
pub use transfers::{Movement, Place, Transfer};
pub use words::{AccountId, CommandId, Context, Domain, Tag};

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::codec::{self, NotCanonical};
use crate::crypto::{self, Digest};

/// Bytes of an event before its postcard: schema and kind.
const TAG_BYTES: usize = 4;

/// What an author asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Joining the ledger, and roles.
    Accounts(accounts::Command),
    /// Buying and selling.
    Orders(orders::Command),
    /// Money.
    Payments(payments::Command),
}

/// What happened, decided by the server. Holds only what the command does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Somebody joined, or has another role.
    Accounts(accounts::Event),
    /// Orders stand.
    Orders(orders::Event),
    /// Money moved.
    Payments(payments::Event),
}

/// Why a rule refused a command. A refusal never changes anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// The rules of joining and of roles.
    Accounts(accounts::Rejection),
    /// The rules of orders.
    Orders(orders::Rejection),
    /// The rules of money.
    Payments(payments::Rejection),
}

/// A question of a domain. A session asks it as it is, without a signature: it changes nothing. Numbers on the wire: a
/// further domain is appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Query<'a> {
    /// About members.
    Accounts(#[serde(borrow)] accounts::Query<'a>),
    /// About money.
    Payments(payments::Query),
}

/// The answer to the [`Query`] of the same name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// About members.
    Accounts(accounts::Answer),
    /// About money.
    Payments(payments::Answer),
}

/// News for whoever follows an account that stands in no block which the account may read: told at most once, and dropped
/// where there is no room. Numbers on the wire: a further domain is appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Notice {
    /// About money.
    Payments(payments::Notice),
}

/// Everything that replaying the log yields, domain by domain.
#[derive(Clone, Debug, Default, Serialize)]
pub struct State {
    /// What genesis says, for ever.
    pub settings: Settings,
    /// Members.
    pub accounts: accounts::State,
    /// Orders placed.
    pub orders: orders::State,
    /// Money.
    pub payments: payments::State,
}

impl Command {
    /// Decodes the body of a signed command.
    ///
    /// # Errors
    /// [`Undecodable`] when the tag is unknown or the bytes are not canonical.
    pub fn decode(tag: Tag, bytes: &[u8]) -> Result<Command, Undecodable> {
        match tag.domain() {
            Some(Domain::Accounts) => accounts::Command::decode(tag, bytes).map(Command::Accounts),
            Some(Domain::Orders) => orders::Command::decode(tag, bytes).map(Command::Orders),
            Some(Domain::Payments) => payments::Command::decode(tag, bytes).map(Command::Payments),
            None => Err(Undecodable::UnknownKind(tag)),
        }
    }

    /// The tag and the canonical bytes.
    pub fn encode(&self) -> (Tag, Vec<u8>) {
        match self {
            Command::Accounts(command) => command.encode(),
            Command::Orders(command) => command.encode(),
            Command::Payments(command) => command.encode(),
        }
    }

    /// Whether an anonymous session may ask for it: account 0 may, and only account 0.
    pub fn is_registration(tag: Tag) -> bool {
        tag.kind == accounts::REGISTER.kind
    }
}

impl Tag {
    /// Whether a command of this kind carries endorsements: they are looked for before its signature is checked, and
    /// only where there are any. A test holds it against [`Command::endorsements`].
    pub fn is_endorsed(self) -> bool {
        self == payments::SETTLE
    }
}

impl Event {
    /// Decodes an event as a block holds it: schema u16 ‖ kind u16 ‖ canonical postcard.
    ///
    /// # Errors
    /// [`Undecodable`] when the tag is unknown or the bytes are not canonical.
    pub fn decode(bytes: &[u8]) -> Result<Event, Undecodable> {
        let (tag, body) = split_tag(bytes)?;
        match tag.domain() {
            Some(Domain::Accounts) => accounts::Event::decode(tag, body).map(Event::Accounts),
            Some(Domain::Orders) => orders::Event::decode(tag, body).map(Event::Orders),
            Some(Domain::Payments) => payments::Event::decode(tag, body).map(Event::Payments),
            None => Err(Undecodable::UnknownKind(tag)),
        }
    }

    /// The bytes as a block holds them.
    pub fn encode(&self) -> Vec<u8> {
        let (tag, body) = match self {
            Event::Accounts(event) => event.encode(),
            Event::Orders(event) => event.encode(),
            Event::Payments(event) => event.encode(),
        };
        let mut bytes = Vec::with_capacity(TAG_BYTES + body.len());
        bytes.extend_from_slice(&tag.schema.to_be_bytes());
        bytes.extend_from_slice(&tag.kind.to_be_bytes());
        bytes.extend_from_slice(&body);
        bytes
    }
}

/// Splits the tag off an event's bytes.
///
/// # Errors
/// [`Undecodable::NotCanonical`] when there is no room for a tag.
pub fn split_tag(bytes: &[u8]) -> Result<(Tag, &[u8]), Undecodable> {
    let (head, body) = bytes.split_first_chunk::<TAG_BYTES>().ok_or(Undecodable::NotCanonical)?;
    let [s0, s1, k0, k1] = *head;
    Ok((Tag { schema: u16::from_be_bytes([s0, s1]), kind: u16::from_be_bytes([k0, k1]) }, body))
}

/// Decides what a command leads to, without changing anything.
///
/// # Errors
/// The [`Rejection`] of the first rule that refuses it.
pub fn decide(state: &State, command: &Command, context: &Context<'_>) -> Result<Event, Rejection> {
    let State { settings, accounts, orders, payments } = state;
    match command {
        Command::Accounts(command) => {
            let event = accounts::decide(accounts, command, context).map_err(Rejection::Accounts)?;
            if matches!(event, accounts::Event::Registered(_)) {
                payments::decide_grant(payments, settings.opening_grant).map_err(Rejection::Payments)?;
            }
            Ok(Event::Accounts(event))
        }
        Command::Orders(command) => {
            orders::decide(orders, accounts, command, context).map(Event::Orders).map_err(Rejection::Orders)
        }
        Command::Payments(command) => payments::decide(payments, accounts, command, context)
            .map(Event::Payments)
            .map_err(Rejection::Payments),
    }
}

/// Moves the state. It decides nothing: it books every movement of money and holds what the event says against the
/// state. Live operation and replay both end here. Where the live path, which has just decided, meets something
/// impossible, that is a mistake of ours; in a log it is damage. `moved` is told the balance of every account whose
/// money moved, once for each movement.
///
/// # Errors
/// [`Impossible`]; the state is of no use then.
pub fn apply(
    state: &mut State,
    happened: &Happened,
    context: &Context<'_>,
    moved: &mut dyn FnMut(AccountId, u64),
) -> Result<(), Impossible> {
    let State { settings, accounts, orders, payments } = state;
    let mut booked = Ok(());
    happened.transfers(settings, context, &mut |transfer| {
        booked = payments::book(payments, &transfer, moved);
        booked.is_ok()
    });
    booked?;
    match happened {
        Happened::Accounts(happened) => {
            accounts::apply(accounts, happened, settings.operator.as_ref(), context)
        }
        Happened::Orders(happened) => orders::apply(orders, happened, context),
        Happened::Payments(happened) => payments::apply(payments, happened, context),
    }
}

/// Answers a question. The answer may have seen blocks that are not durable yet.
///
/// # Errors
/// [`Declined`] when there is nothing to be told.
pub fn answer(
    state: &State,
    past: &mut dyn Past,
    asker: AccountId,
    query: &Query<'_>,
) -> Result<Answer, Declined> {
    let State { settings, accounts, orders: _, payments } = state;
    match query {
        Query::Accounts(query) => accounts::answer(accounts, query).map(Answer::Accounts),
        Query::Payments(query) => {
            payments::answer((payments, accounts, settings), past, asker, query).map(Answer::Payments)
        }
    }
}

impl Query<'_> {
    /// Who may ask it.
    pub fn access(&self) -> Access {
        match self {
            Query::Accounts(query) => query.access(),
            Query::Payments(query) => query.access(),
        }
    }
}

/// Visits the movements of money of a block in the log, until `each` wants no more. Costs no decoding of the whole
/// command where that may be large.
///
/// # Errors
/// [`NoPair`] for bytes that are no command with its event.
pub fn visit_transfers(
    settings: &Settings,
    context: &Context<'_>,
    (tag, body, event): (Tag, &[u8], &[u8]),
    each: &mut dyn FnMut(Transfer<'_>) -> bool,
) -> Result<(), NoPair> {
    if tag == payments::PAY {
        return payments::visit_stored_payments(context.author, body, each).map_err(NoPair::Command);
    }
    Happened::decode(tag, body, event)?.transfers(settings, context, each);
    Ok(())
}

impl State {
    /// The state of a ledger with these settings, in which nothing happened yet.
    pub fn new(settings: Settings) -> State {
        State { settings, ..State::default() }
    }

    /// A digest of everything in the state: two states are equal if and only if their digests are.
    pub fn digest(&self) -> Digest {
        crypto::sha3(&[b"ledgerd/state/1\0", &codec::encode(self)])
    }
}

impl Rejection {
    /// The refusal of a registration that another key signed than the one that it contains.
    pub fn not_its_key() -> Rejection {
        Rejection::Accounts(accounts::Rejection::NotItsKey)
    }

    /// The stable machine name, as in `handle_taken`.
    pub fn name(&self) -> &'static str {
        match self {
            Rejection::Accounts(rejection) => rejection.name(),
            Rejection::Orders(rejection) => rejection.name(),
            Rejection::Payments(rejection) => rejection.name(),
        }
    }

    /// The sentence for people. Amounts stand in it as the ledger with these settings shows them.
    pub fn sentence(&self, settings: &Settings) -> String {
        match self {
            Rejection::Accounts(rejection) => rejection.to_string(),
            Rejection::Orders(rejection) => rejection.to_string(),
            Rejection::Payments(rejection) => rejection.sentence(&settings.currency),
        }
    }

    /// What the sentence is filled with: at most [`FACTS_MAX`] facts.
    pub fn facts(&self) -> Vec<(Fact, Value)> {
        match self {
            Rejection::Accounts(rejection) => rejection.facts(),
            Rejection::Orders(rejection) => rejection.facts(),
            Rejection::Payments(rejection) => rejection.facts(),
        }
    }
}

/// Bytes that are no command or event of this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undecodable {
    /// No domain has this tag.
    UnknownKind(Tag),
    /// The bytes are not the canonical encoding of the type that the tag names.
    NotCanonical,
}

impl From<NotCanonical> for Undecodable {
    fn from(NotCanonical: NotCanonical) -> Undecodable {
        Undecodable::NotCanonical
    }
}

impl fmt::Display for Undecodable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Undecodable::UnknownKind(tag) => write!(f, "unknown kind {} of schema {}", tag.kind, tag.schema),
            Undecodable::NotCanonical => NotCanonical.fmt(f),
        }
    }
}

impl std::error::Error for Undecodable {}

#[cfg(test)]
mod tests;
