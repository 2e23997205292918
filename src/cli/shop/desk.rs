//! `ledgerctl desk`: an agent deals with the purchases of customers.

use std::path::PathBuf;

use argh::{ArgsInfo, FromArgs};

use super::faces::show_row;
use super::purchases::{self, Cancel, Purchase, Refund, Told, carry_out, moment, number, text_of, writing};
use crate::cli::context::Context;
use crate::cli::run::Run;
use crate::cli::session::open_member;
use crate::cli::telling::{note_sent_before, show, tell};
use crate::client::{ClientError, User, each_purchase, event_of, fetch_balance, find_member, ship};
use crate::domain::shop;
use crate::domain::shop::purchases::{Command, Event, PurchaseId, PurchaseState};
use crate::terminal::exit::Exit;

/// The desk of the shop; for agents: deal with customers' purchases.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(
    subcommand,
    name = "desk",
    example = "ledgerctl desk purchases --state confirmed\nledgerctl desk purchase 12\nledgerctl desk ship 12"
)]
pub struct Desk {
    /// what to do
    #[argh(subcommand)]
    pub action: DeskAction,
}

/// What to do at the desk.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand)]
pub enum DeskAction {
    /// See [`Listing`].
    Purchases(Listing),
    /// See [`Purchase`].
    Purchase(Purchase),
    /// See [`Shipping`].
    Ship(Shipping),
    /// See [`Cancel`].
    Cancel(Cancel),
    /// See [`Refund`].
    Refund(Refund),
    /// See [`Releasing`].
    Release(Releasing),
}

/// Customers' purchases, by number.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "purchases", example = "ledgerctl desk purchases --state confirmed")]
pub struct Listing {
    /// only those in this state: paid, confirmed, shipped, received, missing, cancelled, closed or completed
    #[argh(option, arg_name = "state")]
    pub state: Option<PurchaseState>,

    /// only those of this customer: a handle, or a number like '#2', in quotes
    #[argh(option, arg_name = "user")]
    pub customer: Option<String>,
}

/// Say that a purchase was sent, or that the missing parcel was found.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(
    subcommand,
    name = "ship",
    example = "ledgerctl desk ship 12 --tracking-file tracking.txt\nledgerctl desk ship 12 --found"
)]
pub struct Shipping {
    /// its number
    #[argh(positional, from_str_fn(number))]
    pub purchase: PurchaseId,

    /// it is the parcel that was missing
    #[argh(switch)]
    pub found: bool,

    /// file that says how the parcel is traced, - for standard input; it stands in the ledger sealed
    #[argh(option, arg_name = "file")]
    pub tracking_file: Option<PathBuf>,
}

/// Take what is held for purchases that cannot be returned any more: it goes to the till.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "release", example = "ledgerctl desk release 12 13 14")]
pub struct Releasing {
    /// their numbers, all or none
    #[argh(positional, arg_name = "purchase", from_str_fn(number))]
    pub purchases: Vec<PurchaseId>,
}

impl Run for Desk {
    // Looking needs a home that can be read, and nothing more.
    const REMEMBERS: bool = false;

    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        match &self.action {
            DeskAction::Purchases(listing) => listing.run(context),
            DeskAction::Purchase(Purchase { purchase }) => purchases::one(context, *purchase),
            DeskAction::Ship(shipping) => writing(context, || shipping.run(context)),
            DeskAction::Cancel(cancel) => writing(context, || cancel.run(context)),
            DeskAction::Refund(refund) => writing(context, || refund.run(context)),
            DeskAction::Release(releasing) => writing(context, || releasing.run(context)),
        }
    }
}

impl Listing {
    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let customer: Option<User> =
            self.customer.as_deref().map(str::parse).transpose().map_err(ClientError::Usage)?;
        let mut member = open_member(context)?;
        let (_, currency) = fetch_balance(&mut member)?;
        let customer = customer.map(|customer| find_member(&mut member, &customer)).transpose()?;
        let mut any = false;
        each_purchase(&mut member, customer.map(|customer| customer.account), &mut |face| {
            if self.state.is_none_or(|state| state == face.state) {
                any = true;
                show_row(context, &face, &currency)?;
            }
            Ok(())
        })?;
        if !any && !context.out.json {
            context.out.note("there is no such purchase");
        }
        Ok(Exit::Done)
    }
}

impl Shipping {
    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let tracking = text_of(self.tracking_file.as_ref())?;
        let (purchase, found) = (self.purchase, self.found);
        let mut member = open_member(context)?;
        let again = &mut || note_sent_before(context);
        let submitted = ship(&mut member, (purchase, found), tracking.as_deref(), again)?;
        tell(submitted, |accepted| {
            let shop::Event::Purchases(Event::Shipped(shipped)) = event_of(accepted)? else {
                return Err(ClientError::other_answer());
            };
            let (by, customer) = (shipped.received_by, shipped.customer);
            let words = format!("purchase {purchase} was sent; it counts as received from {by} on");
            let mut told: Told = moment(purchase, "received_by", by).to_vec();
            told.push(("customer", customer.0.into()));
            show(context, accepted, &words, &told)
        })
    }
}

impl Releasing {
    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let mut member = open_member(context)?;
        let (_, currency) = fetch_balance(&mut member)?;
        let purchases = self.purchases.clone();
        let command = Command::Release(crate::domain::shop::purchases::Release { purchases });
        carry_out(context, &mut member, command, |event| {
            let Event::Released(released) = event else { return None };
            let sum = released.amounts.iter().copied().fold(0, u64::saturating_add);
            let words = format!(
                "the till has received {} for {} purchases",
                currency.show_named(sum),
                released.amounts.len()
            );
            let numbers: Vec<u64> = self.purchases.iter().map(|purchase| purchase.0).collect();
            let told = vec![
                ("purchases", numbers.into()),
                ("till", released.till.0.into()),
                ("amount", currency.show(sum).into()),
                ("minor", sum.to_string().into()),
            ];
            Some((words, told))
        })
    }
}
