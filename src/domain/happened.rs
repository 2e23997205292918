//! A command together with the event that it led to. The two are decoded as one value, so that a command cannot be
//! paired with another command's event.

use std::fmt;

use super::{Command, Event, Tag, Undecodable, accounts, orders, payments, shop, split_tag};

/// What a block did: the command that was asked for and the event that it led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happened {
    /// Somebody joined the ledger, a member's keys or roles changed, or an operator vouched for the clock.
    Accounts(accounts::Happened),
    /// Orders were placed.
    Orders(orders::Happened),
    /// Money moved.
    Payments(payments::Happened),
    /// The shop or its stock changed.
    Shop(shop::Happened),
}

/// Why the bytes of a command and of an event are no pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoPair {
    /// The command does not decode.
    Command(Undecodable),
    /// The event does not decode.
    Event(Undecodable),
    /// The event is not one of this command.
    OtherEvent,
}

impl Happened {
    /// Pairs a command with its event; none if the event is not one of this command.
    pub fn of(command: Command, event: Event) -> Option<Happened> {
        match (command, event) {
            (Command::Accounts(command), Event::Accounts(event)) => {
                accounts::Happened::of(command, event).map(Happened::Accounts)
            }
            (Command::Orders(command), Event::Orders(event)) => {
                Some(Happened::Orders(orders::Happened::of(command, event)))
            }
            (Command::Payments(command), Event::Payments(event)) => {
                payments::Happened::of(command, event).map(Happened::Payments)
            }
            (Command::Shop(command), Event::Shop(event)) => {
                shop::Happened::of(command, event).map(Happened::Shop)
            }
            (Command::Accounts(_) | Command::Orders(_) | Command::Payments(_) | Command::Shop(_), _) => None,
        }
    }

    /// Decodes what a block holds: the tag and the body of the signed command, and the event as it is stored.
    ///
    /// # Errors
    /// [`NoPair`] for the first thing that does not fit.
    pub fn decode(tag: Tag, body: &[u8], event: &[u8]) -> Result<Happened, NoPair> {
        let command = Command::decode(tag, body).map_err(NoPair::Command)?;
        let decoded = Event::decode(event).map_err(NoPair::Event)?;
        // An event has the number of the command that it came from.
        let (event_tag, _) = split_tag(event).map_err(NoPair::Event)?;
        if event_tag.kind != tag.kind {
            return Err(NoPair::OtherEvent);
        }
        Happened::of(command, decoded).ok_or(NoPair::OtherEvent)
    }

    /// The command that was asked for. An audit asks the rules about it again.
    pub fn command(&self) -> Command {
        match self {
            Happened::Accounts(happened) => Command::Accounts(happened.command()),
            Happened::Orders(happened) => Command::Orders(happened.command()),
            Happened::Payments(happened) => Command::Payments(happened.command()),
            Happened::Shop(happened) => Command::Shop(happened.command()),
        }
    }
}

impl fmt::Display for NoPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoPair::Command(error) => write!(f, "the command: {error}"),
            NoPair::Event(error) => write!(f, "the event: {error}"),
            NoPair::OtherEvent => f.write_str("the event is not one of this command"),
        }
    }
}

impl std::error::Error for NoPair {}
