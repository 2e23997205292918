//! The rules of the shop, one refusal a line, in a fixed order. Those of the stock stand in `stock_rules`, those of
//! purchases in `purchases`.

use super::purchase_rules::decide_purchase;
use super::stock_rules::{
    decide_add_item, decide_load_stock, decide_publish, decide_set_price, decide_stock_in, decide_stock_out,
    decide_unpublish,
};
use super::{
    Command, Event, InvalidTill, OpenShop, Others, Rejection, Settings, ShopOpened, State, TillLeft,
};
use crate::domain::{AccountId, Context, Role, accounts};

/// Decides a command of the shop.
///
/// # Errors
/// The [`Rejection`] of the first rule that refuses it.
pub fn decide(
    state: &State,
    others: Others<'_>,
    command: &Command,
    context: &Context<'_>,
) -> Result<Event, Rejection> {
    let accounts = others.accounts;
    if !state.is_open() && !matches!(command, Command::OpenShop(_)) {
        return Err(Rejection::NoShop);
    }
    if let Some(role) = command.only_for()
        && !accounts.has_role(context.author, role)
    {
        return Err(Rejection::NeedsRole(role));
    }
    match command {
        Command::OpenShop(open) => decide_open(state, accounts, open, context).map(Event::ShopOpened),
        Command::LeaveTill(_) => decide_leave(state, context).map(Event::TillLeft),
        Command::AddItem(add) => decide_add_item(state, add).map(Event::ItemAdded),
        Command::StockIn(stock_in) => decide_stock_in(state, *stock_in).map(Event::StockedIn),
        Command::StockOut(stock_out) => decide_stock_out(state, *stock_out).map(Event::StockedOut),
        Command::Publish(publish) => decide_publish(state, *publish).map(Event::Published),
        Command::Unpublish(unpublish) => decide_unpublish(state, *unpublish).map(Event::Unpublished),
        Command::SetPrice(set) => decide_set_price(state, *set).map(Event::PriceSet),
        Command::LoadStock(load) => decide_load_stock(state, load).map(Event::StockLoaded),
        Command::Purchases(command) => decide_purchase(state, others, command, context).map(Event::Purchases),
    }
}

fn decide_open(
    state: &State,
    accounts: &accounts::State,
    open: &OpenShop,
    context: &Context<'_>,
) -> Result<ShopOpened, Rejection> {
    let OpenShop { till, consent, settings } = open;
    if accounts.get(*till).is_none() {
        return Err(Rejection::InvalidUser(*till));
    }
    if accounts.has_role(*till, Role::Agent) {
        return Err(Rejection::InvalidTill(*till, InvalidTill::Agent));
    }
    if let Some(block) = accounts.erased_at(*till) {
        return Err(Rejection::InvalidTill(*till, InvalidTill::Erased(block)));
    }
    if state.has_open_business(*till) {
        return Err(Rejection::InvalidTill(*till, InvalidTill::OpenBusiness));
    }
    // That a consent holds is asked where all signatures are: see `Command::endorsements`.
    if *till != context.author && consent.is_none() {
        return Err(Rejection::BadConsent(*till));
    }
    Settings::changed(state.settings(), settings).map_err(Rejection::InvalidSetting)?;
    Ok(ShopOpened { settings: state.settings_count() })
}

fn decide_leave(state: &State, context: &Context<'_>) -> Result<TillLeft, Rejection> {
    let till = state.till().filter(|till| till.account == context.author);
    till.map(|till| TillLeft { since: till.since }).ok_or(Rejection::NotTill)
}

/// Whether an account may become an agent, as far as the shop is concerned.
///
/// # Errors
/// The [`Rejection`] of the first rule that refuses it.
pub(in crate::domain) fn may_be_agent(state: &State, account: AccountId) -> Result<(), Rejection> {
    if state.is_till(account) {
        return Err(Rejection::IsTill(account));
    }
    if state.has_open_business(account) { Err(Rejection::OpenBusiness(account)) } else { Ok(()) }
}
