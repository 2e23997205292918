//! `ledgerctl listen`, `online`: members who can be reached.

use mio::net::TcpListener;

use super::Context;
use super::amounts::{self, Field};
use super::money::fetch_balance;
use super::outlet::Outlet;
use super::peer_arguments::{ListenCommand, OnlineCommand};
use super::settling::open_member;
use crate::client::{ClientError, Member};
use crate::domain::AccountId;
use crate::domain::payments::{Currency, Movement};
use crate::peer::{self, Errands, Incoming, Listener, News};
use crate::reactor::{Clock, Failure, Parts, Reactor, SignalSource};
use crate::terminal::exit::Exit;
use crate::text::escape;
use crate::wire::{OnlineMember, Reply, Request};

/// Members asked for at once.
const PAGE_MEMBERS: u64 = 512;

pub(super) fn listen(context: &Context, command: &ListenCommand) -> Result<Exit, ClientError> {
    let signals = SignalSource::of_terminal().map_err(system("watching signals"))?;
    let json = command.json || context.out.json;
    let out = context.out;
    let reactor = open(context, command, Some(signals), |currency| {
        Box::new(move |news| tell(out, &currency, json, &news))
    })?;
    finish(reactor.run())
}

/// Goes online; the loop that is returned serves whoever comes.
pub(super) fn open(
    context: &Context,
    command: &ListenCommand,
    signals: Option<SignalSource>,
    tell: impl FnOnce(Currency) -> Box<dyn FnMut(News) + Send>,
) -> Result<Reactor<Listener>, ClientError> {
    let socket = TcpListener::bind(command.addr)
        .map_err(|error| ClientError::Usage(format!("--addr {}: {error}", command.addr)))?;
    let address = socket.local_addr().map_err(system("listening"))?;
    let mut member = open_member(context)?.detach()?;
    let (_, currency) = fetch_balance(&mut member)?;
    let (key, own) = (member.key().clone(), peer::identity_of(&member));
    let mut errands = Errands::new(member, address, command.hidden);
    errands.announce()?;
    let handler = Listener::new(own, errands.note(), tell(currency));
    let lanes = peer::lanes(key, errands);
    let made = Reactor::new(Parts { handler, lanes, socket, clock: Clock::start(), signals });
    made.map_err(failed)
}

/// What the end of the loop means.
pub(super) fn finish(ended: Result<(), Failure<ClientError>>) -> Result<Exit, ClientError> {
    ended.map(|()| Exit::Done).map_err(failed)
}

fn failed(failure: Failure<ClientError>) -> ClientError {
    match failure {
        Failure::Handler(error) => error,
        Failure::System(what, error) => system(what)(error),
    }
}

fn system(what: &'static str) -> impl Fn(std::io::Error) -> ClientError {
    move |error| ClientError::Unexpected(format!("{what}: {error}"))
}

/// Prints what happens to a listener: money as data, everything else as words about it.
fn tell(out: Outlet, currency: &Currency, json: bool, news: &News) {
    match news {
        News::Incoming(incoming) if json => {
            let Incoming { movement, payer, handle, amount, memo, index } = incoming;
            let mut fields = vec![
                ("index", (*index).into()),
                ("movement", movement.to_string().into()),
                ("payer", payer.0.into()),
                ("handle", handle.clone().into()),
            ];
            fields.extend(amounts::amount(i64::try_from(*amount).unwrap_or(i64::MAX), currency));
            fields.push(("memo", memo.clone().into()));
            let value = amounts::object(fields);
            // A reader who has gone away is no reason to refuse money.
            out.line(&value.to_string()).unwrap_or_default();
        }
        News::Incoming(_) => out.line(&words(currency, news)).unwrap_or_default(),
        _ => out.note(&words(currency, news)),
    }
}

/// News as a sentence.
pub(super) fn words(currency: &Currency, news: &News) -> String {
    match news {
        News::Online(address) => format!("online: listening on {address}"),
        News::Offline(why) => format!("offline: {}; trying again", escape(why)),
        News::Incoming(Incoming { movement, handle, amount, memo, index, .. }) => {
            let did = if *movement == Movement::Issue { "issued" } else { "paid" };
            let (who, amount) = (escape(handle), currency.show(*amount));
            let memo = if memo.is_empty() { String::new() } else { format!(": {}", escape(memo)) };
            format!("{who} {did} {amount} {} (block {index}){memo}", currency.name)
        }
        News::Refused(handle, refusal) => {
            format!("not taken from {}: {}: {}", escape(handle), refusal.name, escape(&refusal.message))
        }
    }
}

pub(super) fn online(context: &Context, command: &OnlineCommand) -> Result<Exit, ClientError> {
    let mut member = open_member(context)?;
    let (balance, currency) = fetch_balance(&mut member)?;
    let members = fetch_online(&mut member)?;
    if command.json || context.out.json {
        let mut fields: Vec<Field> = amounts::balance(balance, &currency).into();
        fields.extend(amounts::currency(&currency));
        fields.push(("members", members.iter().map(json_of).collect()));
        context.out.line(&amounts::object(fields).to_string())?;
        return Ok(Exit::Done);
    }
    context.out.line(&format!("balance {} {}", currency.show(balance), currency.name))?;
    for OnlineMember { account, handle, address, key_id } in &members {
        context.out.line(&format!("{account:>6}  {:20}  {address:22}  {key_id}", escape(handle)))?;
    }
    Ok(Exit::Done)
}

/// Everybody who is online and not hidden, by account.
pub(super) fn fetch_online(member: &mut Member) -> Result<Vec<OnlineMember>, ClientError> {
    let mut members: Vec<OnlineMember> = Vec::new();
    let mut next = Some(AccountId::default());
    while let Some(from) = next {
        let Reply::Online(page) = member.ask(&Request::Online { from, limit: PAGE_MEMBERS }, &mut |_| ())?
        else {
            return Err(ClientError::unexpected_reply());
        };
        if page.next.is_some_and(|next| next <= from) {
            return Err(ClientError::Integrity("the server's pages do not go on".to_owned()));
        }
        members.extend(page.members);
        next = page.next;
    }
    Ok(members)
}

fn json_of(member: &OnlineMember) -> serde_json::Value {
    serde_json::json!({
        "account": member.account.0,
        "handle": member.handle,
        "address": member.address.ip().to_string(),
        "port": member.address.port(),
        "key_id": member.key_id.to_string(),
    })
}
