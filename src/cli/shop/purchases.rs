//! What customers do with purchases, and how purchases are shown to them and to agents.

use std::path::PathBuf;
use std::str::FromStr;

use argh::{ArgsInfo, FromArgs};
use serde_json::Value;

use super::faces::{show_face, show_row};
use crate::cli::context::Context;
use crate::cli::named_files::read_handed_on;
use crate::cli::session::open_member;
use crate::cli::telling::{note_sent_before, show, tell};
use crate::client::{
    ClientError, ItemNamed, Member, confirm_shipment, deal, each_purchase, event_of, fetch_balance, fetch_me,
    fetch_purchase, fetch_texts, find_item, price_of,
};
use crate::domain::Currency;
use crate::domain::shop;
use crate::domain::shop::purchases::{
    self, Bought, Cancelled, Command, ConfirmReceipt, Event, ItemUnits, PurchaseId, RefundMissing,
    ReportMissing, Wanted,
};
use crate::limits::LINE_UNITS_MAX;
use crate::terminal::arguments::number_in;
use crate::terminal::exit::Exit;
use crate::time::Timestamp;

/// Buy: the money is held until the shop has sent what you bought, and you cannot return it any more.
///
/// What is charged is the price at which an item is on sale when the server decides, and never more than you were shown, or than
/// --max-price says.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(
    subcommand,
    name = "buy",
    example = "ledgerctl shop buy Caterpie=2 Mewtwo\nledgerctl shop buy '#1=3' --max-price 9"
)]
pub struct Buy {
    /// items, each perhaps with = and how many: one if nothing is said
    #[argh(positional, arg_name = "item")]
    pub items: Vec<UnitsNamed>,

    /// the most that one unit of each may cost; what it costs now, if not given
    #[argh(option, arg_name = "amount")]
    pub max_price: Option<String>,
}

/// Your purchases, by number.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "purchases", example = "ledgerctl shop purchases")]
pub struct Purchases {}

/// One purchase: what was bought, how far it has come, and your address with it.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "purchase", example = "ledgerctl shop purchase 12")]
pub struct Purchase {
    /// its number
    #[argh(positional, from_str_fn(number))]
    pub purchase: PurchaseId,
}

/// Say that a purchase may be sent, or that it has arrived.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(
    subcommand,
    name = "confirm",
    example = "ledgerctl shop confirm 12 --shipment --address-file address.txt\nledgerctl shop confirm 12 --receipt"
)]
pub struct Confirm {
    /// its number
    #[argh(positional, from_str_fn(number))]
    pub purchase: PurchaseId,

    /// it may be sent; from then on you can cancel it only if it was not sent in time
    #[argh(switch)]
    pub shipment: bool,

    /// with --shipment: file with the address, - for standard input; it stands in the ledger sealed
    #[argh(option, arg_name = "file")]
    pub address_file: Option<PathBuf>,

    /// it has arrived
    #[argh(switch)]
    pub receipt: bool,
}

/// Cancel a purchase that was not sent, or some units of it: the money comes back.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(
    subcommand,
    name = "cancel",
    example = "ledgerctl shop cancel 12\nledgerctl shop cancel 12 Caterpie=1"
)]
pub struct Cancel {
    /// its number
    #[argh(positional, from_str_fn(number))]
    pub purchase: PurchaseId,

    /// items, each perhaps with = and how many; all that are left, if none is given
    #[argh(positional, arg_name = "item")]
    pub items: Vec<UnitsNamed>,
}

/// Say that a purchase which was sent has not arrived.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "missing", example = "ledgerctl shop missing 12")]
pub struct Missing {
    /// its number
    #[argh(positional, from_str_fn(number))]
    pub purchase: PurchaseId,
}

/// Take the money back for a purchase that is missing and was not found in time.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "refund", example = "ledgerctl shop refund 12")]
pub struct Refund {
    /// its number
    #[argh(positional, from_str_fn(number))]
    pub purchase: PurchaseId,
}

/// An item with how many of it.
#[derive(Clone, Debug)]
pub struct UnitsNamed {
    item: ItemNamed,
    units: u64,
}

impl FromStr for UnitsNamed {
    type Err = String;

    fn from_str(text: &str) -> Result<UnitsNamed, String> {
        // A name may hold this character, too: digits behind the last one are a number of units.
        let split = text.rsplit_once('=');
        let split = split.filter(|(_, n)| !n.is_empty() && n.bytes().all(|byte| byte.is_ascii_digit()));
        let (item, units) = match split {
            Some((item, n)) => (item, number_in(n, 1, LINE_UNITS_MAX)?),
            None => (text, 1),
        };
        Ok(UnitsNamed { item: item.parse()?, units })
    }
}

/// The number of a purchase.
pub(super) fn number(text: &str) -> Result<PurchaseId, String> {
    let digits = text.strip_prefix('#').unwrap_or(text);
    let number = digits.parse().ok().filter(|number| *number > 0);
    number.map(PurchaseId).ok_or_else(|| format!("{text:?} is no number of a purchase, such as 12"))
}

/// Runs what signs something, in a home that can be written.
pub(super) fn writing(
    context: &Context,
    run: impl FnOnce() -> Result<Exit, ClientError>,
) -> Result<Exit, ClientError> {
    context.home()?.check_writable()?;
    run()
}

/// The text of a file that is to be sealed, without the line feed at its end.
pub(super) fn text_of(file: Option<&PathBuf>) -> Result<Option<String>, ClientError> {
    let text = file.map(read_handed_on).transpose()?;
    Ok(text.map(|text| text.trim_end().to_owned()))
}

impl Buy {
    pub(super) fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        if self.items.is_empty() {
            return Err(ClientError::Usage(
                "say what to buy: an item, perhaps with = and how many".to_owned(),
            ));
        }
        let mut member = open_member(context)?;
        let (_, currency) = fetch_balance(&mut member)?;
        let most =
            self.max_price.as_deref().map(|text| price_of("--max-price", text, &currency)).transpose()?;
        let mut lines = Vec::with_capacity(self.items.len());
        for UnitsNamed { item, units } in &self.items {
            let found = find_item(&mut member, item)?;
            // What has no price is not on sale, which the rules say.
            let max_price = most.or(found.price).unwrap_or_default();
            lines.push(Wanted { item: found.item, n: *units, max_price });
        }
        let units: Vec<u64> = lines.iter().map(|line| line.n).collect();
        let command = Command::Buy(purchases::Buy { lines });
        carry_out(context, &mut member, command, |event| {
            let Event::Bought(Bought { purchase, prices, .. }) = event else { return None };
            let costs = units.iter().zip(prices).map(|(units, price)| units.saturating_mul(*price));
            let paid = costs.fold(0, u64::saturating_add);
            let words = format!("purchase {purchase}: paid {}", currency.show_named(paid));
            Some((words, money(*purchase, ["paid", "paid_minor"], paid, &currency)))
        })
    }
}

/// The purchases of whoever asks.
pub(super) fn own(context: &Context) -> Result<Exit, ClientError> {
    let mut member = open_member(context)?;
    let (_, currency) = fetch_balance(&mut member)?;
    let me = fetch_me(&mut member)?.account;
    let mut any = false;
    each_purchase(&mut member, Some(me), &mut |face| {
        any = true;
        show_row(context, &face, &currency)
    })?;
    if !any && !context.out.json {
        context.out.note("you have bought nothing");
    }
    Ok(Exit::Done)
}

/// One purchase, with its texts.
pub(super) fn one(context: &Context, purchase: PurchaseId) -> Result<Exit, ClientError> {
    let mut member = open_member(context)?;
    let (_, currency) = fetch_balance(&mut member)?;
    let face = fetch_purchase(&mut member, purchase)?;
    let texts = fetch_texts(&mut member, &face)?;
    show_face(context, &face, &texts, &currency)?;
    Ok(Exit::Done)
}

impl Confirm {
    pub(super) fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let purchase = self.purchase;
        match (self.shipment, self.receipt) {
            (true, false) => {
                let address = text_of(self.address_file.as_ref())?;
                let mut member = open_member(context)?;
                let again = &mut || note_sent_before(context);
                let submitted = confirm_shipment(&mut member, purchase, address.as_deref(), again)?;
                tell(submitted, |accepted| {
                    let shop::Event::Purchases(Event::ShipmentConfirmed(confirmed)) = event_of(accepted)?
                    else {
                        return Err(ClientError::other_answer());
                    };
                    let by = confirmed.ship_by;
                    let words =
                        format!("purchase {purchase} may be sent; from {by} on you can cancel it again");
                    show(context, accepted, &words, &moment(purchase, "ship_by", by))
                })
            }
            (false, true) if self.address_file.is_none() => {
                let mut member = open_member(context)?;
                let command = Command::ConfirmReceipt(ConfirmReceipt { purchase });
                carry_out(context, &mut member, command, |event| {
                    let Event::ReceiptConfirmed(confirmed) = event else { return None };
                    let by = confirmed.return_by;
                    let words = format!("purchase {purchase} has arrived; it can be returned until {by}");
                    Some((words, moment(purchase, "return_by", by).to_vec()))
                })
            }
            _ => Err(ClientError::Usage(
                "say one of --shipment, perhaps with --address-file, and --receipt".to_owned(),
            )),
        }
    }
}

impl Cancel {
    pub(super) fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let mut member = open_member(context)?;
        let (_, currency) = fetch_balance(&mut member)?;
        let mut lines = Vec::with_capacity(self.items.len());
        for UnitsNamed { item, units } in &self.items {
            lines.push(ItemUnits { item: find_item(&mut member, item)?.item, n: *units });
        }
        let lines = Some(lines).filter(|lines| !lines.is_empty());
        let purchase = self.purchase;
        let command = Command::Cancel(purchases::Cancel { purchase, lines });
        carry_out(context, &mut member, command, |event| {
            let Event::Cancelled(Cancelled { refund, left, .. }) = *event else { return None };
            let words = format!(
                "purchase {purchase}: {} went back; units left to be sent: {left}",
                currency.show_named(refund)
            );
            let mut told = money(purchase, REFUND, refund, &currency);
            told.push(("left", left.into()));
            Some((words, told))
        })
    }
}

impl Missing {
    pub(super) fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let purchase = self.purchase;
        let mut member = open_member(context)?;
        let command = Command::ReportMissing(ReportMissing { purchase });
        carry_out(context, &mut member, command, |event| {
            let Event::MissingReported(reported) = event else { return None };
            let by = reported.found_by;
            let words = format!("purchase {purchase} is missing; from {by} on you can take the money back");
            Some((words, moment(purchase, "found_by", by).to_vec()))
        })
    }
}

impl Refund {
    pub(super) fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let purchase = self.purchase;
        let mut member = open_member(context)?;
        let (_, currency) = fetch_balance(&mut member)?;
        let command = Command::RefundMissing(RefundMissing { purchase });
        carry_out(context, &mut member, command, |event| {
            let Event::MissingRefunded(refunded) = event else { return None };
            let words = format!("purchase {purchase}: {} went back", currency.show_named(refunded.refund));
            Some((words, money(purchase, REFUND, refunded.refund, &currency)))
        })
    }
}

/// Fields of what is told, beside those that every command has.
pub(super) type Told = Vec<(&'static str, Value)>;

/// The names of what went back.
pub(super) const REFUND: [&str; 2] = ["refund", "refund_minor"];

/// The number of a purchase, and money under two names: as people see it, and in minor units.
pub(super) fn money(
    purchase: PurchaseId,
    [name, minor_name]: [&'static str; 2],
    minor: u64,
    currency: &Currency,
) -> Told {
    vec![
        ("purchase", purchase.0.into()),
        (name, currency.show(minor).into()),
        (minor_name, minor.to_string().into()),
    ]
}

/// The number of a purchase, and a moment with a name.
pub(super) fn moment(
    purchase: PurchaseId,
    name: &'static str,
    moment: Timestamp,
) -> [(&'static str, Value); 2] {
    [("purchase", purchase.0.into()), (name, moment.to_string().into())]
}

/// Has a command carried out and tells what came of it. `words` says it; none if the event is one of another command.
pub(super) fn carry_out(
    context: &Context,
    member: &mut Member,
    command: Command,
    words: impl FnOnce(&Event) -> Option<(String, Told)>,
) -> Result<Exit, ClientError> {
    let submitted = deal(member, command, &mut || note_sent_before(context))?;
    tell(submitted, |accepted| {
        let shop::Event::Purchases(event) = event_of(accepted)? else {
            return Err(ClientError::other_answer());
        };
        let (words, told) = words(&event).ok_or_else(ClientError::other_answer)?;
        show(context, accepted, &words, &told)
    })
}
