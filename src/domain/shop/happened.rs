//! Commands of the shop with the events that they led to.

use super::{
    AddItem, Command, Event, ItemAdded, LeaveTill, LoadStock, OpenShop, PriceSet, Publish, Published,
    SetPrice, ShopOpened, StockIn, StockLoaded, StockOut, StockedIn, StockedOut, TillLeft, Unpublish,
    Unpublished, purchases,
};
use crate::crypto::sealed::ScopeId;
use crate::domain::{AccountId, Context, Scope, Transfer};

/// What a block did to the shop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happened {
    /// The shop was opened, or its till and its settings changed.
    ShopOpened(OpenShop, ShopOpened),
    /// The till is the till no more.
    TillLeft(LeaveTill, TillLeft),
    /// An item was added.
    ItemAdded(AddItem, ItemAdded),
    /// Units came in.
    StockedIn(StockIn, StockedIn),
    /// Units were taken out.
    StockedOut(StockOut, StockedOut),
    /// Units were put on sale.
    Published(Publish, Published),
    /// Units were taken off sale.
    Unpublished(Unpublish, Unpublished),
    /// A price was changed.
    PriceSet(SetPrice, PriceSet),
    /// Units of many items came in.
    StockLoaded(LoadStock, StockLoaded),
    /// Something happened to a purchase.
    Purchases(purchases::Happened),
}

impl Happened {
    pub(in crate::domain) fn of(command: Command, event: Event) -> Option<Happened> {
        match (command, event) {
            (Command::OpenShop(command), Event::ShopOpened(event)) => {
                Some(Happened::ShopOpened(command, event))
            }
            (Command::LeaveTill(command), Event::TillLeft(event)) => Some(Happened::TillLeft(command, event)),
            (Command::AddItem(command), Event::ItemAdded(event)) => Some(Happened::ItemAdded(command, event)),
            (Command::StockIn(command), Event::StockedIn(event)) => Some(Happened::StockedIn(command, event)),
            (Command::StockOut(command), Event::StockedOut(event)) => {
                Some(Happened::StockedOut(command, event))
            }
            (Command::Publish(command), Event::Published(event)) => Some(Happened::Published(command, event)),
            (Command::Unpublish(command), Event::Unpublished(event)) => {
                Some(Happened::Unpublished(command, event))
            }
            (Command::SetPrice(command), Event::PriceSet(event)) => Some(Happened::PriceSet(command, event)),
            (Command::LoadStock(command), Event::StockLoaded(event)) => {
                Some(Happened::StockLoaded(command, event))
            }
            (Command::Purchases(command), Event::Purchases(event)) => {
                purchases::Happened::of(command, event).map(Happened::Purchases)
            }
            (
                Command::OpenShop(_)
                | Command::LeaveTill(_)
                | Command::AddItem(_)
                | Command::StockIn(_)
                | Command::StockOut(_)
                | Command::Publish(_)
                | Command::Unpublish(_)
                | Command::SetPrice(_)
                | Command::LoadStock(_)
                | Command::Purchases(_),
                _,
            ) => None,
        }
    }

    pub(in crate::domain) fn command(&self) -> Command {
        match self {
            Happened::ShopOpened(command, _) => Command::OpenShop(command.clone()),
            Happened::TillLeft(command, _) => Command::LeaveTill(*command),
            Happened::ItemAdded(command, _) => Command::AddItem(command.clone()),
            Happened::StockedIn(command, _) => Command::StockIn(*command),
            Happened::StockedOut(command, _) => Command::StockOut(*command),
            Happened::Published(command, _) => Command::Publish(*command),
            Happened::Unpublished(command, _) => Command::Unpublish(*command),
            Happened::PriceSet(command, _) => Command::SetPrice(*command),
            Happened::StockLoaded(command, _) => Command::LoadStock(command.clone()),
            Happened::Purchases(happened) => Command::Purchases(happened.command()),
        }
    }

    /// Whoever has become the till by its consent reads of it; the operator's own till is the author.
    pub(in crate::domain) fn concerns(&self, each: &mut dyn FnMut(AccountId)) {
        match self {
            Happened::ShopOpened(open, _) => each(open.till),
            Happened::Purchases(happened) => happened.concerns(each),
            Happened::TillLeft(..)
            | Happened::ItemAdded(..)
            | Happened::StockedIn(..)
            | Happened::StockedOut(..)
            | Happened::Published(..)
            | Happened::Unpublished(..)
            | Happened::PriceSet(..)
            | Happened::StockLoaded(..) => {}
        }
    }

    /// The scope that the block opened, if it opened one.
    pub(in crate::domain) fn opens_scope(&self, context: &Context<'_>) -> Option<(ScopeId, Scope)> {
        match self {
            Happened::Purchases(happened) => happened.opens_scope(context),
            Happened::ShopOpened(..)
            | Happened::TillLeft(..)
            | Happened::ItemAdded(..)
            | Happened::StockedIn(..)
            | Happened::StockedOut(..)
            | Happened::Published(..)
            | Happened::Unpublished(..)
            | Happened::PriceSet(..)
            | Happened::StockLoaded(..) => None,
        }
    }

    /// Only purchases move money.
    pub(in crate::domain) fn transfers(&self, author: AccountId, each: &mut dyn FnMut(Transfer<'_>) -> bool) {
        match self {
            Happened::Purchases(happened) => happened.transfers(author, each),
            Happened::ShopOpened(..)
            | Happened::TillLeft(..)
            | Happened::ItemAdded(..)
            | Happened::StockedIn(..)
            | Happened::StockedOut(..)
            | Happened::Published(..)
            | Happened::Unpublished(..)
            | Happened::PriceSet(..)
            | Happened::StockLoaded(..) => {}
        }
    }
}
