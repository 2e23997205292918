//! `ledgerctl listen`: payments from hand to hand, taken for as long as it runs.

use std::net::SocketAddr;

use argh::{ArgsInfo, FromArgs};
use mio::net::TcpListener;

use crate::cli::amounts;
use crate::cli::context::Context;
use crate::cli::outlet::Outlet;
use crate::cli::run::Run;
use crate::cli::session::open_member;
use crate::client::{ClientError, fetch_balance};
use crate::domain::payments::{Currency, Movement};
use crate::peer::{self, Errands, Incoming, Listener, News};
use crate::reactor::{Clock, Failure, Parts, Reactor, SignalSource};
use crate::terminal::exit::Exit;
use crate::text::escape;

/// Go online: let others see where you listen, take cheques from them, and settle each.
///
/// Goes on until it is interrupted. Without --addr it listens on this machine only, on any free port.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "listen", example = "ledgerctl listen --addr 0.0.0.0:7879")]
pub struct Listen {
    /// IP:PORT to listen on, 127.0.0.1:0 if not given; with 0.0.0.0 others are told the address that the server sees
    #[argh(option, default = "SocketAddr::from(([127, 0, 0, 1], 0))")]
    pub addr: SocketAddr,

    /// be found only by those who ask for you by name
    #[argh(switch)]
    pub hidden: bool,
}

impl Run for Listen {
    const REMEMBERS: bool = true;

    fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let signals = SignalSource::of_terminal().map_err(system("watching signals"))?;
        let out = context.out;
        let reactor =
            open(context, self, Some(signals), |currency| Box::new(move |news| tell(out, &currency, &news)))?;
        finish(reactor.run())
    }
}

/// Goes online; the loop that is returned serves whoever comes.
pub(in crate::cli) fn open(
    context: &Context,
    command: &Listen,
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
pub(in crate::cli) fn finish(ended: Result<(), Failure<ClientError>>) -> Result<Exit, ClientError> {
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
fn tell(out: Outlet, currency: &Currency, news: &News) {
    match news {
        News::Incoming(incoming) if out.json => {
            let Incoming { movement, payer, handle, amount, memo, index } = incoming;
            let mut fields = vec![
                ("index", (*index).into()),
                ("movement", movement.to_string().into()),
                ("payer", payer.map(|payer| payer.0).into()),
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
pub(in crate::cli) fn words(currency: &Currency, news: &News) -> String {
    match news {
        News::Online(address) => format!("online: listening on {address}"),
        News::Offline(why) => format!("offline: {}; trying again", escape(why)),
        News::Incoming(Incoming { movement, handle, amount, memo, index, .. }) => {
            let (who, amount) = (escape(handle), currency.show_named(*amount));
            let memo = if memo.is_empty() { String::new() } else { format!(": {}", escape(memo)) };
            let moved = match movement {
                Movement::Issue => format!("{who} issued {amount}"),
                // An operator did it: whoever had the account is gone.
                Movement::PayOut => format!("{amount} of {who} was paid out to you"),
                Movement::Refund => format!("{amount} came back for a purchase"),
                Movement::Release => format!("the till received {amount} for a purchase"),
                Movement::Grant | Movement::Payment | Movement::Settlement | Movement::Purchase => {
                    format!("{who} paid {amount}")
                }
            };
            format!("{moved} (block {index}){memo}")
        }
        News::Refused(handle, refusal) => {
            format!("not taken from {}: {}: {}", escape(handle), refusal.name, escape(&refusal.message))
        }
    }
}
