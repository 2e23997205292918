//! The rules, as pure functions: what members may ask for, what then happened, and what that changes.
//!
//! Every domain is a room of its own with a command, an event, a state, `decide` and `apply`; this file only
//! routes. A new domain is a new room and one line in each enum and each `match` below. Nothing here sees a
//! path, a socket, a clock or a random source.

mod words;
mod numbered;
mod role;
mod rights;
mod currency;
mod custody;
mod facts;
mod decimal;
mod show;
mod transfers;
mod impossible;
mod scopes;
mod answers;
mod asking;
pub mod accounts;
pub mod orders;
pub mod payments;
pub mod shop;
mod settings;
mod happened;
mod asked;
mod tags;
mod noted;

pub use accounts::{CredentialAt, SecondFactorAt, SetSecondFactor};
pub use answers::{
    CredentialPart, Endorsement, Endorser, EndsSessions, Erasing, Hindrance, KeyChange, Opened, RoleUse,
    Signer, Unbalanced, Uncounted, Units,
};
pub use asked::READING_ROLES;
pub use asking::{Access, Declined, Past, Recorded};
pub use currency::Currency;
pub use custody::{CredentialCommit, Custody};
pub use decimal::Decimal;
pub use facts::{FACTS_MAX, Fact, Value};
pub use happened::{Happened, NoPair};
pub use impossible::Impossible;
pub use noted::noted_questions;
pub use rights::Rights;
pub use role::Role;
pub use scopes::{Scope, ScopeKind, ScopeUse, Scopes, SealedField, SealedPart, SealedText, TextForm};
pub use settings::{BadSetting, Settings};
pub use show::{Shown, Sink};
pub use transfers::{Movement, Place, Transfer};
pub use words::{AccountId, CommandId, Context, Domain, Tag};

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::codec::{self, NotCanonical};
use crate::crypto::{self, Digest, KeyId};
use crate::time::Timestamp;

/// Bytes of an event before its postcard: schema and kind.
const TAG_BYTES: usize = 4;

/// A request of a member's, which the member signs. The rules of its domain decide what comes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// A command about members: somebody joins the ledger, a member's keys or roles change, or an operator vouches for the
    /// clock.
    Accounts(accounts::Command),
    /// A command that places orders to buy or to sell.
    Orders(orders::Command),
    /// A command that moves money.
    Payments(payments::Command),
    /// A command that opens the shop or keeps its stock.
    Shop(shop::Command),
}

/// The outcome of a command, as the server decided it. An event holds only what its command does not say already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Somebody joined the ledger, a member's keys or roles changed, or an operator vouched for the clock.
    Accounts(accounts::Event),
    /// Orders were placed.
    Orders(orders::Event),
    /// Money moved.
    Payments(payments::Event),
    /// The shop or its stock changed.
    Shop(shop::Event),
}

/// The reason for which a rule refused a command. A refused command has changed nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// A rule about joining, keys, roles or the clock refused.
    Accounts(accounts::Rejection),
    /// A rule about orders refused.
    Orders(orders::Rejection),
    /// A rule about money refused.
    Payments(payments::Rejection),
    /// A rule about the shop refused.
    Shop(shop::Rejection),
}

/// A question that a domain answers. A session asks it without a signature, because a question changes nothing. The order
/// of the variants is their number on the wire: a further domain is appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Query<'a> {
    /// A question about members.
    Accounts(#[serde(borrow)] accounts::Query<'a>),
    /// A question about money.
    Payments(payments::Query),
    /// A question about the shop.
    Shop(#[serde(borrow)] shop::Query<'a>),
}

/// The answer to the [`Query`] of the same name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// The answer to a question about members.
    Accounts(accounts::Answer),
    /// The answer to a question about money.
    Payments(payments::Answer),
    /// The answer to a question about the shop.
    Shop(shop::Answer),
}

/// News for an account that follows its blocks, about something that stands in no block which the account may read. A
/// notice is sent at most once, and dropped where there is no room for it. The order of the variants is their number on
/// the wire: a further domain is appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Notice {
    /// News about money.
    Payments(payments::Notice),
}

/// Everything that the rules know: what replaying the log yields, domain by domain.
#[derive(Clone, Debug, Default, Serialize)]
pub struct State {
    /// The settings of the ledger, which its genesis block says for ever.
    pub settings: Settings,
    /// The scopes of sealed texts.
    pub scopes: Scopes,
    /// The members, with their handles, keys and roles.
    pub accounts: accounts::State,
    /// How many orders every account has placed.
    pub orders: orders::State,
    /// The balances, and what became of every cheque.
    pub payments: payments::State,
    /// The shop and its stock.
    pub shop: shop::State,
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
            Some(Domain::Shop) => shop::Command::decode(tag, bytes).map(Command::Shop),
            None => Err(Undecodable::UnknownKind(tag)),
        }
    }

    /// Encodes the command as its author signs it: the tag of its type, and the canonical bytes of its body.
    pub fn encode(&self) -> (Tag, Vec<u8>) {
        match self {
            Command::Accounts(command) => command.encode(),
            Command::Orders(command) => command.encode(),
            Command::Payments(command) => command.encode(),
            Command::Shop(command) => command.encode(),
        }
    }

    /// Whether a command of this type registers a member. Only such a command may come from an anonymous session, whose
    /// account is 0, and account 0 may send no other.
    pub fn is_registration(tag: Tag) -> bool {
        tag.kind == accounts::REGISTER.kind
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
            Some(Domain::Shop) => shop::Event::decode(tag, body).map(Event::Shop),
            None => Err(Undecodable::UnknownKind(tag)),
        }
    }

    /// Encodes the event as a block holds it.
    pub fn encode(&self) -> Vec<u8> {
        let (tag, body) = match self {
            Event::Accounts(event) => event.encode(),
            Event::Orders(event) => event.encode(),
            Event::Payments(event) => event.encode(),
            Event::Shop(event) => event.encode(),
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
    may_sign(state, command, context)?;
    let State { settings, scopes, accounts, orders, payments, shop } = state;
    match command {
        Command::Accounts(command) => {
            // A new account is given the opening grant, so that the rules of money have a say in a registration.
            let mut event =
                accounts::decide(accounts, scopes, command, context).map_err(Rejection::Accounts)?;
            if matches!(event, accounts::Event::Registered(_)) {
                payments::decide_grant(payments, settings.opening_grant).map_err(Rejection::Payments)?;
            }
            if let accounts::Command::GrantRole(accounts::GrantRole { account, role: Role::Agent }) = command
            {
                shop::may_be_agent(shop, *account).map_err(Rejection::Shop)?;
            }
            // Every domain may have a reason why an account cannot be erased yet, and something that ends with it.
            if let (accounts::Command::Erase(erase), accounts::Event::Erased(erased)) = (command, &mut event)
            {
                state.may_be_erased(erase.account, erase.force)?;
                erased.purchases = shop.purchases().unsent_of(erase.account).collect();
            }
            Ok(Event::Accounts(event))
        }
        Command::Orders(command) => {
            orders::decide(orders, command).map(Event::Orders).map_err(Rejection::Orders)
        }
        Command::Payments(command) => payments::decide(payments, accounts, command, context)
            .map(Event::Payments)
            .map_err(Rejection::Payments),
        Command::Shop(command) => {
            let others = shop::Others { accounts, payments, scopes };
            shop::decide(shop, others, command, context).map(Event::Shop).map_err(Rejection::Shop)
        }
    }
}

/// Asks whether the key with which an author signed a command may sign it.
///
/// # Errors
/// The [`Rejection`] by which the rules refuse it.
pub fn author_may_sign(
    state: &State,
    command: &Command,
    author: AccountId,
    key_id: &KeyId,
) -> Result<(), Rejection> {
    match command.signer() {
        Signer::Author => {
            accounts::may_sign(&state.accounts, author, key_id, command.needs()).map_err(Rejection::Accounts)
        }
        Signer::Itself(_) => Ok(()),
    }
}

/// Asks the one rule about signing of everybody who signed the command, before any domain's rules.
fn may_sign(state: &State, command: &Command, context: &Context<'_>) -> Result<(), Rejection> {
    author_may_sign(state, command, context.author, &context.key_id)?;
    let accounts = &state.accounts;
    for endorsement in command.endorsements(context.ledger_id, context.author, context.command_id) {
        // A key that stands in the command is new: the rules of the domain judge it.
        let Endorser::Of { account, key_id, needs, unknown } = endorsement.by else { continue };
        accounts::may_sign(accounts, account, &key_id, needs).map_err(|rejection| match rejection {
            accounts::Rejection::NoSuchSigner => unknown,
            known => Rejection::Accounts(known),
        })?;
    }
    Ok(())
}

/// The same rule of one key of which this is known: the block that ended it, if one did, and its rights. An audit asks it
/// behind a gap, where there is no state to decide by.
///
/// # Errors
/// The [`Rejection`] of the first that does not hold.
pub fn key_may_sign(ended_at: Option<u64>, rights: Rights, needed: Rights) -> Result<(), Rejection> {
    accounts::key_may_sign(ended_at, rights, needed).map_err(Rejection::Accounts)
}

/// Changes the state by what happened. This function decides nothing: it books every movement of money, and compares what
/// the event says with the state. Live operation and replay both end here. Something impossible is a mistake of this
/// program if the rules have just allowed it, and damage if it stands in a log. `moved` is told the balance of every
/// account whose money moved, once for each movement.
///
/// # Errors
/// [`Impossible`]; the state is of no use then.
pub fn apply(
    state: &mut State,
    happened: &Happened,
    context: &Context<'_>,
    moved: &mut dyn FnMut(AccountId, u64),
) -> Result<(), Impossible> {
    let State { settings, scopes, accounts, orders, payments, shop } = state;
    // Money first: whatever command moved it, it moves here and nowhere else.
    let mut booked = Ok(());
    happened.transfers(settings, context, &mut |transfer| {
        booked = payments::book(payments, &transfer, moved);
        booked.is_ok()
    });
    booked?;
    // Then the scope, if the block opened one.
    if let Some((id, scope)) = happened.opens_scope(context) {
        scopes.open(id, scope)?;
    }
    // Then everything else that the domain keeps.
    match happened {
        Happened::Accounts(happened) => {
            accounts::apply(accounts, happened, settings.operator.as_ref(), scopes, context)?;
        }
        Happened::Orders(happened) => orders::apply(orders, happened, context)?,
        Happened::Payments(happened) => payments::apply(payments, happened, context)?,
        Happened::Shop(happened) => shop::apply(shop, happened, context)?,
    }
    // And at last what an erasure takes away in every domain.
    match happened.erases() {
        Some(erasing) => state.erase(erasing, context),
        None => Ok(()),
    }
}

/// Answers a question of `asker`, who asks it `now`. The answer may have seen blocks that are not durable yet, so that it has
/// to wait until they are.
///
/// # Errors
/// [`Declined`] when the domain has nothing to tell, or not to this asker.
pub fn answer(
    state: &State,
    past: &mut dyn Past,
    asker: AccountId,
    query: &Query<'_>,
    now: Timestamp,
) -> Result<Answer, Declined> {
    let State { settings, scopes, accounts, orders: _, payments, shop } = state;
    match query {
        Query::Accounts(query) => accounts::answer(accounts, scopes, asker, query).map(Answer::Accounts),
        Query::Payments(query) => {
            payments::answer((payments, accounts, settings), past, asker, query).map(Answer::Payments)
        }
        Query::Shop(query) => {
            let others = shop::Others { accounts, payments, scopes };
            shop::answer((shop, others, settings), asker, query, now).map(Answer::Shop)
        }
    }
}

impl fmt::Display for Notice {
    /// The sentence for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Notice::Payments(notice) => notice.fmt(f),
        }
    }
}

impl Query<'_> {
    /// The members who may ask this question.
    pub fn access(&self) -> Access {
        match self {
            Query::Accounts(query) => query.access(),
            Query::Payments(query) => query.access(),
            Query::Shop(query) => query.access(),
        }
    }
}

/// Visits the movements of money of a block in the log, until `each` returns false. A payroll of thousands of payments is
/// walked over without decoding all of it.
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
    /// The refusal of a registration that is signed with another key than the one that it contains.
    pub fn not_its_key() -> Rejection {
        Rejection::Accounts(accounts::Rejection::NotItsKey)
    }

    /// The stable name by which programs know the refusal, such as `handle_taken`.
    pub fn name(&self) -> &'static str {
        match self {
            Rejection::Accounts(rejection) => rejection.name(),
            Rejection::Orders(rejection) => rejection.name(),
            Rejection::Payments(rejection) => rejection.name(),
            Rejection::Shop(rejection) => rejection.name(),
        }
    }

    /// The English sentence by which people know the refusal. Amounts stand in it as the ledger with these settings shows
    /// them.
    pub fn sentence(&self, settings: &Settings) -> String {
        match self {
            Rejection::Accounts(rejection) => rejection.to_string(),
            Rejection::Orders(rejection) => rejection.to_string(),
            Rejection::Payments(rejection) => rejection.sentence(&settings.currency),
            Rejection::Shop(rejection) => rejection.sentence(&settings.currency),
        }
    }

    /// The values in the sentence, so that a program can fill a sentence of its own with them: at most [`FACTS_MAX`]
    /// facts.
    pub fn facts(&self) -> Vec<(Fact, Value)> {
        match self {
            Rejection::Accounts(rejection) => rejection.facts(),
            Rejection::Orders(rejection) => rejection.facts(),
            Rejection::Payments(rejection) => rejection.facts(),
            Rejection::Shop(rejection) => rejection.facts(),
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
