//! `ledgerctl stock`: an agent keeps the stock of the shop.

use argh::{ArgsInfo, FromArgs};

use super::listing;
use crate::cli::amounts::Field;
use crate::cli::context::Context;
use crate::cli::named_files::open_source;
use crate::cli::run::Run;
use crate::cli::session::{Session, open_member};
use crate::cli::telling::{note_sent_before, show, tell};
use crate::client::{
    ClientError, ItemNamed, each_of_stock, event_of, fetch_balance, fetch_stock_item, find_item, keep_stock,
    load_stock, price_of, read_stock,
};
use crate::domain::Currency;
use crate::domain::shop::{
    self, AddItem, CatalogueItem, Event, ItemId, Publish, SetPrice, StockIn, StockInReason, StockOut,
    StockOutReason, StockedIn, StockedOut, Unpublish,
};
use crate::terminal::arguments::number_in;
use crate::terminal::exit::Exit;
use crate::text::escape;
use crate::wire::Accepted;

/// The stock of the shop; for agents: add items, bring units in and take them out, put them on sale.
///
/// An item is named by its name, in whichever case, or by its number like '#2'. Every change is signed and stands in the ledger.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(
    subcommand,
    name = "stock",
    example = "ledgerctl stock load cards.csv --publish\nledgerctl stock in Caterpie 10\nledgerctl stock list"
)]
pub struct Stock {
    /// what to do
    #[argh(subcommand)]
    pub action: StockAction,
}

/// What to do with the stock.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand)]
pub enum StockAction {
    /// See [`Add`].
    Add(Add),
    /// See [`In`].
    In(In),
    /// See [`Out`].
    Out(Out),
    /// See [`Publishing`].
    Publish(Publishing),
    /// See [`Unpublishing`].
    Unpublish(Unpublishing),
    /// See [`Price`].
    Price(Price),
    /// See [`List`].
    List(List),
    /// See [`Load`].
    Load(Load),
}

/// Add an item, of which there is no unit yet.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "add", example = "ledgerctl stock add 'Caterpie (mint)' --price 9")]
pub struct Add {
    /// its name: 1 to 64 bytes, which no other item has in whichever case
    #[argh(positional)]
    pub name: String,

    /// what one costs, in the ledger's currency
    #[argh(option, arg_name = "amount")]
    pub price: Option<String>,
}

/// Bring units of an item in; they are not on sale yet.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "in", example = "ledgerctl stock in Caterpie 10 --reason delivery")]
pub struct In {
    /// the item
    #[argh(positional)]
    pub item: ItemNamed,

    /// how many, at most 1000000000
    #[argh(positional, from_str_fn(units))]
    pub units: u64,

    /// why: delivery, found, correction or other; delivery if not given
    #[argh(option, arg_name = "reason", default = "StockInReason::Delivery")]
    pub reason: StockInReason,
}

/// Take units of an item out that are not on sale.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "out", example = "ledgerctl stock out Caterpie 1 --reason damaged")]
pub struct Out {
    /// the item
    #[argh(positional)]
    pub item: ItemNamed,

    /// how many
    #[argh(positional, from_str_fn(units))]
    pub units: u64,

    /// why: damaged, lost, given, correction or other
    #[argh(option, arg_name = "reason")]
    pub reason: StockOutReason,
}

/// Put units of an item on sale.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "publish", example = "ledgerctl stock publish Caterpie --price 9")]
pub struct Publishing {
    /// the item
    #[argh(positional)]
    pub item: ItemNamed,

    /// how many; all that are not on sale, if not given
    #[argh(positional, from_str_fn(units))]
    pub units: Option<u64>,

    /// what one costs from now on; what it cost before, if not given
    #[argh(option, arg_name = "amount")]
    pub price: Option<String>,
}

/// Take units of an item off sale.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "unpublish", example = "ledgerctl stock unpublish Caterpie")]
pub struct Unpublishing {
    /// the item
    #[argh(positional)]
    pub item: ItemNamed,

    /// how many; all of them, if not given, and the item is off sale then
    #[argh(positional, from_str_fn(units))]
    pub units: Option<u64>,
}

/// Change what one unit of an item costs.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "price", example = "ledgerctl stock price Caterpie 8.50")]
pub struct Price {
    /// the item
    #[argh(positional)]
    pub item: ItemNamed,

    /// what one costs from now on, in the ledger's currency
    #[argh(positional)]
    pub amount: String,
}

/// Show the items, and where their units are.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "list", example = "ledgerctl stock list cater")]
pub struct List {
    /// a part of the name; all items, if not given
    #[argh(positional)]
    pub name_part: Option<String>,
}

/// Bring units of many items in with one command, all or nothing; an item that is not there is added.
///
/// The file holds name, quantity and perhaps price, as JSON Lines or as a table with a header.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "load", example = "ledgerctl stock load cards.csv --publish")]
pub struct Load {
    /// file to read, - for standard input
    #[argh(positional)]
    pub file: String,

    /// put the units on sale at once
    #[argh(switch)]
    pub publish: bool,
}

fn units(text: &str) -> Result<u64, String> {
    number_in(text, 1, crate::limits::STOCK_UNITS_MAX)
}

impl Run for Stock {
    // Listing needs a home that can be read, and nothing more.
    const REMEMBERS: bool = false;

    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        if !matches!(self.action, StockAction::List(_)) {
            context.home()?.check_writable()?;
        }
        match &self.action {
            StockAction::List(list) => list.run(context),
            StockAction::Load(load) => load.run(context),
            StockAction::Add(add) => add.run(context),
            StockAction::In(stock_in) => stock_in.run(context),
            StockAction::Out(stock_out) => stock_out.run(context),
            StockAction::Publish(publish) => publish.run(context),
            StockAction::Unpublish(unpublish) => unpublish.run(context),
            StockAction::Price(price) => price.run(context),
        }
    }
}

/// Sends a command about one item. `telling` makes words and further fields of what happened.
fn change(
    context: &Context,
    member: &mut Session<'_>,
    command: shop::Command,
    telling: impl FnOnce(&Event) -> Option<(String, Vec<Field>)>,
) -> Result<Exit, ClientError> {
    let submitted = keep_stock(member, command, &mut || note_sent_before(context))?;
    tell(submitted, |accepted: &Accepted| {
        let (words, fields) = telling(&event_of(accepted)?).ok_or_else(ClientError::other_answer)?;
        show(context, accepted, &words, &fields)
    })
}

fn named(item: ItemId, name: &str) -> Vec<Field> {
    vec![("item", item.0.into()), ("name", name.into())]
}

impl Add {
    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let mut member = open_member(context)?;
        let (_, currency) = fetch_balance(&mut member)?;
        let price = self.price.as_deref().map(|text| price_of("--price", text, &currency)).transpose()?;
        let command = shop::Command::AddItem(AddItem { name: self.name.clone(), price });
        change(context, &mut member, command, |event| {
            let Event::ItemAdded(added) = event else { return None };
            let mut fields = named(added.item, &self.name);
            fields.extend(listing::price(price, &currency));
            Some((format!("added item {}, {}", added.item, escape(&self.name)), fields))
        })
    }
}

/// The item that is meant, and a session.
fn open<'a>(context: &'a Context, named: &ItemNamed) -> Result<(Session<'a>, CatalogueItem), ClientError> {
    let mut member = open_member(context)?;
    let item = find_item(&mut member, named)?;
    Ok((member, item))
}

impl In {
    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let (n, reason) = (self.units, self.reason.into());
        bring_or_take(context, (&self.item, n), "came in", |item| {
            shop::Command::StockIn(StockIn { item, n, reason })
        })
    }
}

impl Out {
    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let (n, reason) = (self.units, self.reason.into());
        bring_or_take(context, (&self.item, n), "taken out", |item| {
            shop::Command::StockOut(StockOut { item, n, reason })
        })
    }
}

/// Brings units of an item in or takes them out; what is left of those that are not on sale stands in either event.
fn bring_or_take(
    context: &Context,
    (wanted, units): (&ItemNamed, u64),
    what: &str,
    command: impl FnOnce(ItemId) -> shop::Command,
) -> Result<Exit, ClientError> {
    let (mut member, CatalogueItem { item, name, .. }) = open(context, wanted)?;
    change(context, &mut member, command(item), |event| {
        let (Event::StockedIn(StockedIn { unlisted }) | Event::StockedOut(StockedOut { unlisted })) = event
        else {
            return None;
        };
        let mut fields = named(item, &name);
        fields.extend([("quantity", units.into()), ("unlisted", (*unlisted).into())]);
        Some((format!("{units} of {} {what}; not on sale: {unlisted}", escape(&name)), fields))
    })
}

impl Publishing {
    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let (mut member, found) = open(context, &self.item)?;
        let (_, currency) = fetch_balance(&mut member)?;
        let price = self.price.as_deref().map(|text| price_of("--price", text, &currency)).transpose()?;
        let n = match self.units {
            Some(units) => units,
            // Where there is none, the rules say so.
            None => fetch_stock_item(&mut member, &found)?.buckets.unlisted.max(1),
        };
        let CatalogueItem { item, name, price: before, .. } = found;
        let command = shop::Command::Publish(Publish { item, n, price });
        change(context, &mut member, command, |event| {
            let Event::Published(published) = event else { return None };
            let price = price.or(before);
            let mut fields = named(item, &name);
            fields.extend([("quantity", n.into()), ("listed", published.listed.into())]);
            fields.extend(listing::price(price, &currency));
            let at = price.map_or_else(String::new, |price| format!(" at {}", currency.show_named(price)));
            Some((format!("{n} of {} put on sale{at}; on sale: {}", escape(&name), published.listed), fields))
        })
    }
}

impl Unpublishing {
    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let (mut member, CatalogueItem { item, name, .. }) = open(context, &self.item)?;
        let command = shop::Command::Unpublish(Unpublish { item, n: self.units });
        change(context, &mut member, command, |event| {
            let Event::Unpublished(unpublished) = event else { return None };
            let off_sale = self.units.is_none();
            let mut fields = named(item, &name);
            fields.extend([("quantity", unpublished.n.into()), ("off_sale", off_sale.into())]);
            let end = if off_sale { ", which is off sale now" } else { "" };
            Some((format!("{} taken off sale of {}{end}", unpublished.n, escape(&name)), fields))
        })
    }
}

impl Price {
    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let (mut member, CatalogueItem { item, name, .. }) = open(context, &self.item)?;
        let (_, currency) = fetch_balance(&mut member)?;
        let price = price_of("amount", &self.amount, &currency)?;
        let command = shop::Command::SetPrice(SetPrice { item, price });
        change(context, &mut member, command, |event| {
            let Event::PriceSet(_) = event else { return None };
            let mut fields = named(item, &name);
            fields.extend(listing::price(Some(price), &currency));
            Some((format!("{} costs {} from now on", escape(&name), currency.show_named(price)), fields))
        })
    }
}

impl List {
    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let mut member = open_member(context)?;
        let (_, currency): (_, Currency) = fetch_balance(&mut member)?;
        let mut list = listing::List::of_stock(context);
        let part = self.name_part.as_deref().unwrap_or_default();
        each_of_stock(&mut member, part, &mut |kept| list.stock(&kept, &currency).map(|()| true))?;
        list.end()
    }
}

impl Load {
    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let lines = read_stock(&self.file, open_source(&self.file)?)?;
        let mut member = open_member(context)?;
        let again = &mut || note_sent_before(context);
        let loaded = load_stock(&mut member, &lines, self.publish, again)?;
        let (count, units) = (lines.len() as u64, loaded.units);
        tell(loaded.submitted, |accepted| {
            let Event::StockLoaded(event) = event_of(accepted)? else {
                return Err(ClientError::other_answer());
            };
            let sold = if self.publish { ", and are on sale" } else { "" };
            let words =
                format!("{units} units of {count} items came in{sold}; items of the shop: {}", event.items);
            let fields = [
                ("lines", count.into()),
                ("quantity", units.into()),
                ("on_sale", self.publish.into()),
                ("items", event.items.into()),
            ];
            show(context, accepted, &words, &fields)
        })
    }
}
