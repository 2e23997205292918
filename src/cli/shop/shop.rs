//! `ledgerctl shop`: what the shop sells, what its customers buy; and for operators, opening it.

use std::path::PathBuf;
use std::str::FromStr;

use argh::{ArgsInfo, FromArgs};

use super::listing;
use super::purchases::{self, Buy, Cancel, Confirm, Missing, Purchase, Purchases, Refund};
use crate::cli::amounts::{self, Field};
use crate::cli::context::Context;
use crate::cli::fields;
use crate::cli::members::whom;
use crate::cli::named_files::read_handed_on;
use crate::cli::run::Run;
use crate::cli::session::{open_member, open_member_for};
use crate::cli::telling::{note_sent_before, show, tell};
use crate::client::{
    self, ClientError, TillConsent, User, consent, each_item, event_of, fetch_balance, fetch_shop,
    leave_till, open_shop, price_of,
};
use crate::domain::shop::{Event, Setting};
use crate::domain::{Currency, Rights};
use crate::terminal::exit::Exit;

/// The shop: what it sells, what you buy of it; and for operators, opening it.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(
    subcommand,
    name = "shop",
    example = "ledgerctl shop catalogue\nledgerctl shop buy Caterpie=2\nledgerctl shop purchases\nledgerctl shop open --till bank --agent-limit 50"
)]
pub struct Shop {
    /// what to do
    #[argh(subcommand)]
    pub action: ShopAction,
}

/// What to do with the shop.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand)]
pub enum ShopAction {
    /// See [`Catalogue`].
    Catalogue(Catalogue),
    /// See [`Settings`].
    Settings(Settings),
    /// See [`Open`].
    Open(Open),
    /// See [`Consent`].
    Consent(Consent),
    /// See [`LeaveTill`].
    LeaveTill(LeaveTill),
    /// See [`Buy`].
    Buy(Buy),
    /// See [`Purchases`].
    Purchases(Purchases),
    /// See [`Purchase`].
    Purchase(Purchase),
    /// See [`Confirm`].
    Confirm(Confirm),
    /// See [`Cancel`].
    Cancel(Cancel),
    /// See [`Missing`].
    Missing(Missing),
    /// See [`Refund`].
    Refund(Refund),
}

/// What the shop sells, with prices and how many there are.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "catalogue", example = "ledgerctl shop catalogue cater")]
pub struct Catalogue {
    /// a part of the name; all items, if not given
    #[argh(positional)]
    pub name_part: Option<String>,
}

/// Whose the till is, and which settings hold.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "settings", example = "ledgerctl shop settings")]
pub struct Settings {}

/// Open the shop, or change its till and its settings for what begins afterwards; for operators.
///
/// The till is the account that pays and is paid for the shop: your own, or that of a member who consents. What is not named
/// keeps its value.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(
    subcommand,
    name = "open",
    example = "ledgerctl shop open --till bank --agent-limit 50\nledgerctl shop open --till bank --setting return_window=30"
)]
pub struct Open {
    /// whose account is the till: a handle, or a number like '#2', in quotes
    #[argh(option, arg_name = "user")]
    pub till: String,

    /// what an agent may pay for cards with one signature, in the ledger's currency, or none for no limit; has to be said at first
    #[argh(option, arg_name = "amount")]
    pub agent_limit: Option<String>,

    /// another setting, as in ship_by=3; may be given several times
    #[argh(option, arg_name = "name=value")]
    pub setting: Vec<NamedSetting>,

    /// file with what shop consent printed in the home of the till, - for standard input
    #[argh(option, arg_name = "file")]
    pub consent: Option<PathBuf>,
}

/// Sign that your account may be the till of an operator's shop: prints what the operator needs, and sends nothing.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "consent", example = "ledgerctl shop consent bank > till.consent")]
pub struct Consent {
    /// the operator: a handle, or a number like '#1', in quotes
    #[argh(positional)]
    pub operator: String,
}

/// Stop being the till of the shop.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "leave-till", example = "ledgerctl shop leave-till")]
pub struct LeaveTill {}

/// A setting with its value.
#[derive(Clone, Copy, Debug)]
pub struct NamedSetting {
    /// The setting.
    pub setting: Setting,
    /// The value.
    pub value: u64,
}

impl FromStr for NamedSetting {
    type Err = String;

    fn from_str(text: &str) -> Result<NamedSetting, String> {
        let (name, value) = text.split_once('=').ok_or_else(|| format!("{text:?}: expected NAME=VALUE"))?;
        let setting: Setting = name.parse()?;
        if setting == Setting::AgentLimit {
            return Err("agent_limit is an amount of money: --agent-limit AMOUNT".to_owned());
        }
        let value = value.parse().map_err(|_| format!("{name}: expected a whole number, found {value:?}"))?;
        Ok(NamedSetting { setting, value })
    }
}

impl Run for Shop {
    // Looking needs a home that can be read, and nothing more.
    const REMEMBERS: bool = false;

    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        match &self.action {
            ShopAction::Catalogue(catalogue) => catalogue.run(context),
            ShopAction::Settings(Settings {}) => settings(context),
            ShopAction::Consent(consent) => consent.run(context),
            ShopAction::Open(open) => {
                context.home()?.check_writable()?;
                open.run(context)
            }
            ShopAction::LeaveTill(LeaveTill {}) => {
                context.home()?.check_writable()?;
                leave(context)
            }
            ShopAction::Purchases(Purchases {}) => purchases::own(context),
            ShopAction::Purchase(Purchase { purchase }) => purchases::one(context, *purchase),
            ShopAction::Buy(buy) => purchases::writing(context, || buy.run(context)),
            ShopAction::Confirm(confirm) => purchases::writing(context, || confirm.run(context)),
            ShopAction::Cancel(cancel) => purchases::writing(context, || cancel.run(context)),
            ShopAction::Missing(missing) => purchases::writing(context, || missing.run(context)),
            ShopAction::Refund(refund) => purchases::writing(context, || refund.run(context)),
        }
    }
}

impl Catalogue {
    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let mut member = open_member(context)?;
        let (_, currency): (_, Currency) = fetch_balance(&mut member)?;
        let mut list = listing::List::of_catalogue(context);
        let part = self.name_part.as_deref().unwrap_or_default();
        each_item(&mut member, part, &mut |item| list.sold(&item, &currency).map(|()| true))?;
        list.end()
    }
}

fn settings(context: &Context) -> Result<Exit, ClientError> {
    let mut member = open_member(context)?;
    let (_, currency) = fetch_balance(&mut member)?;
    let face = fetch_shop(&mut member)?;
    let mut told: Vec<Field> = vec![
        ("till", face.till.map(|till| till.0).into()),
        ("settings", face.settings.into()),
        ("items", face.items.into()),
    ];
    for setting in Setting::ALL {
        let value = face.values.get(usize::from(u8::from(*setting))).copied();
        match (setting, value) {
            (Setting::AgentLimit, Some(limit)) => {
                told.push(("agent_limit", currency.show(limit).into()));
                told.push(("agent_limit_minor", limit.to_string().into()));
            }
            (setting, value) => told.push((setting.name(), value.into())),
        }
    }
    fields::print(context, told.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())?;
    Ok(Exit::Done)
}

impl Open {
    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let till: User = self.till.parse().map_err(ClientError::Usage)?;
        let consent = self.consent.as_deref().map(read_handed_on).transpose()?;
        let consent = consent.map(|text| TillConsent::find(&text)).transpose().map_err(ClientError::Usage)?;
        let mut member = open_member_for(context, Rights::Full)?;
        let (_, currency) = fetch_balance(&mut member)?;
        let mut settings: Vec<(u8, u64)> =
            self.setting.iter().map(|named| (named.setting.into(), named.value)).collect();
        match self.agent_limit.as_deref() {
            Some("none") => settings.push((Setting::AgentLimit.into(), 0)),
            Some(text) => {
                settings.push((Setting::AgentLimit.into(), price_of("--agent-limit", text, &currency)?))
            }
            None => {}
        }
        let again = &mut || note_sent_before(context);
        let opened = open_shop(&mut member, &till, consent.as_ref(), &settings, again)?;
        let client::Opened { till, submitted } = opened;
        tell(submitted, |accepted| {
            let Event::ShopOpened(event) = event_of(accepted)? else {
                return Err(ClientError::other_answer());
            };
            let words = format!("the shop is open, and {} is its till", whom(&till.handle, till.account));
            let fields = [
                ("till", till.account.0.into()),
                ("till_handle", till.handle.as_str().into()),
                ("settings", event.settings.into()),
            ];
            show(context, accepted, &words, &fields)
        })?;
        note_grant(context, &mut member, &currency)
    }
}

/// Says what a grant means for a shop: whoever joins has money.
fn note_grant(
    context: &Context,
    member: &mut client::Member,
    currency: &Currency,
) -> Result<Exit, ClientError> {
    let face = fetch_shop(member)?;
    if face.opening_grant > 0 {
        let grant = currency.show_named(face.opening_grant);
        context.out.note(&format!(
            "every new account of this ledger receives {grant}: whoever joins can buy for so much, and anybody can join as often as he has \
             e-mail addresses, which nobody proves"
        ));
    }
    Ok(Exit::Done)
}

impl Consent {
    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let operator: User = self.operator.parse().map_err(ClientError::Usage)?;
        let mut member = open_member_for(context, Rights::Full)?;
        let (operator, consent) = consent(&mut member, &operator)?;
        let text = consent.to_pem()?;
        if context.out.json {
            let fields: [Field; 4] = [
                ("till", consent.till.0.into()),
                ("operator", operator.account.0.into()),
                ("command_id", consent.command_id.to_string().into()),
                ("consent", text.into()),
            ];
            context.out.line(&amounts::object(fields).to_string())?;
            return Ok(Exit::Done);
        }
        context.out.note(&format!(
            "with this, {} can make your account the till once: what the shop pays comes out of your balance. For the operator: \
             ledgerctl shop open --consent FILE",
            whom(&operator.handle, operator.account)
        ));
        context.out.line(text.trim_end())?;
        Ok(Exit::Done)
    }
}

fn leave(context: &Context) -> Result<Exit, ClientError> {
    let mut member = open_member_for(context, Rights::Full)?;
    let submitted = leave_till(&mut member, &mut || note_sent_before(context))?;
    tell(submitted, |accepted| {
        let Event::TillLeft(left) = event_of(accepted)? else { return Err(ClientError::other_answer()) };
        show(context, accepted, "your account is not the till any more", &[("since", left.since.into())])
    })
}
