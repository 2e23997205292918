//! The commands of `ledgerctl`, one file each: arguments are understood here, what is done is the client's.

mod add;
mod add_each;
mod amounts;
mod arguments;
mod bench;
mod bench_arguments;
mod bookkeeping;
mod checkpoint;
mod completion;
mod copy;
mod demo;
mod extract;
mod get_key;
mod home_arguments;
mod man_pages;
mod manual;
mod money;
mod money_arguments;
mod named_files;
mod offline;
mod outlet;
mod overview;
mod passphrase;
mod payment_orders;
mod peer_arguments;
mod peers;
mod proof_arguments;
mod receipt;
mod register;
mod roles;
mod script;
mod settling;
mod shell;
mod show;
mod status;
mod submitting;
mod tiles;
mod verify;
mod visible;
mod witness;

pub use arguments::{Arguments, Subcommand};
pub use demo::DAEMON_ARGUMENT;
pub use overview::overview_lines;

use std::cell::OnceCell;
use std::ffi::OsString;
use std::sync::Arc;

use argh::ArgsInfo as _;

use crate::client::{ClientError, Home};
use crate::terminal::arguments::{Stopped, try_parse, words_of};
use crate::terminal::exit::Exit;
use crate::terminal::words::arrange;
use outlet::Outlet;
use zeroize::Zeroizing;

/// What every command gets: where things are, and where its words go.
struct Context {
    home: Option<std::path::PathBuf>,
    server: String,
    out: Outlet,
    /// The home, once it was opened.
    opened: OnceCell<Home>,
    /// The passphrase that the command line named.
    given_passphrase: Option<Zeroizing<String>>,
    /// Where a shell keeps its session between commands.
    session: Option<shell::SharedSession>,
}

impl Context {
    fn of(arguments: &Arguments) -> Result<Context, ClientError> {
        // An empty variable is one that is not set.
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let home = arguments.home.clone().or_else(|| variable("LEDGERCTL_HOME").map(Into::into));
        let server = arguments.server.clone();
        let server = server
            .or_else(|| variable("LEDGERCTL_SERVER").map(|server| server.to_string_lossy().into_owned()));
        Ok(Context {
            home,
            server: server.unwrap_or_else(|| "127.0.0.1:7878".to_owned()),
            out: Outlet::new(arguments.json),
            opened: OnceCell::new(),
            given_passphrase: passphrase::given(arguments)?,
            session: None,
        })
    }

    fn home(&self) -> Result<Home, ClientError> {
        if let Some(home) = self.opened.get() {
            return Ok(home.clone());
        }
        let out = self.out;
        let home = Home::open(self.home.as_deref())?.telling(Arc::new(move |text| out.note(text)));
        Ok(self.opened.get_or_init(|| home).clone())
    }
}

/// Runs `ledgerctl` with the arguments of its process, the program's name among them.
pub fn main(arguments: impl Iterator<Item = OsString>) -> Exit {
    let arguments: Vec<OsString> = arguments.collect();
    let raw = match words_of(arguments.iter().cloned()) {
        Ok(raw) => raw,
        Err(sentence) => {
            let out = Outlet::new(arguments.iter().any(|argument| argument == "--json"));
            return ended(out, Err(ClientError::Usage(sentence)));
        }
    };
    if raw.first().is_some_and(|first| first == DAEMON_ARGUMENT) {
        return crate::daemon::main(raw.get(1..).unwrap_or_default());
    }
    if raw.first().is_some_and(|first| first == completion::COMPLETE_ARGUMENT) {
        let answer = completion::answer(raw.get(1..).unwrap_or_default());
        let told = Outlet::new(false).data(|out| out.write_all(answer.as_bytes()));
        return ended(Outlet::new(false), told.map(|_| Exit::Done));
    }
    if raw.iter().all(|word| word == "--json") {
        return ended(Outlet::new(false), show_overview(Outlet::new(false)));
    }
    let arguments = match try_parse::<Arguments>("ledgerctl", &raw) {
        Ok(arguments) => arguments,
        Err(stopped) => return say_stopped(Outlet::new(asks_json(&raw)), stopped),
    };
    let context = match Context::of(&arguments) {
        Ok(context) => context,
        Err(error) => return ended(Outlet::new(arguments.json), Err(error)),
    };
    if let Subcommand::Shell(command) = &arguments.command {
        return shell::run(Context { session: Some(shell::SharedSession::default()), ..context }, command);
    }
    ended(context.out, dispatch(&context, &arguments.command))
}

/// Whether these words ask for JSON, even if nothing else about them is understood.
fn asks_json(raw: &[String]) -> bool {
    let arranged = arrange(&Arguments::get_args_info(), raw);
    arranged.map_or_else(|_| raw.iter().any(|word| word == "--json"), |arranged| arranged.json)
}

/// Says what was asked for instead of a command, or what is wrong with the words.
fn say_stopped(out: Outlet, stopped: Stopped) -> Exit {
    let said = match stopped {
        Stopped::Help { command, .. } if command.is_empty() => show_overview(out),
        Stopped::Help { text, .. } => out.line(text.trim_end()).map(|()| Exit::Done),
        Stopped::Version => version(out).map(|()| Exit::Done),
        Stopped::Mistake(text) => Err(ClientError::Usage(text)),
    };
    ended(out, said)
}

/// Somebody who types the name alone wants to know what there is.
fn show_overview(out: Outlet) -> Result<Exit, ClientError> {
    out.line(overview::text().trim_end()).map(|()| Exit::Done)
}

fn version(out: Outlet) -> Result<(), ClientError> {
    let (name, version) = ("ledgerctl", env!("CARGO_PKG_VERSION"));
    if out.json {
        return out.line(&serde_json::json!({ "name": name, "version": version }).to_string());
    }
    out.line(&format!("{name} {version}"))
}

/// What a command's end means to whoever waits for the process.
fn ended(out: Outlet, done: Result<Exit, ClientError>) -> Exit {
    match done {
        Ok(exit) => exit,
        Err(error) => {
            out.complain(&error);
            Exit::from(&error)
        }
    }
}

/// Whether a command changes something that the home has to remember: it is not begun with a home that cannot be
/// written to. What only sometimes writes asks for itself.
fn has_to_remember(command: &Subcommand) -> bool {
    match command {
        Subcommand::Forget(_)
        | Subcommand::Passphrase(_)
        | Subcommand::Register(_)
        | Subcommand::Add(_)
        | Subcommand::Witness(_)
        | Subcommand::Pay(_)
        | Subcommand::Issue(_)
        | Subcommand::Grant(_)
        | Subcommand::Revoke(_)
        | Subcommand::VouchClock(_)
        | Subcommand::Listen(_)
        | Subcommand::Send(_)
        | Subcommand::Settle(_)
        | Subcommand::RevokeOrder(_) => true,
        Subcommand::GetKey(_)
        | Subcommand::Copy(_)
        | Subcommand::Verify(_)
        | Subcommand::Receipt(_)
        | Subcommand::CheckReceipt(_)
        | Subcommand::Checkpoint(_)
        | Subcommand::Balance(_)
        | Subcommand::Statement(_)
        | Subcommand::Keygen(_)
        | Subcommand::Audit(_)
        | Subcommand::Export(_)
        | Subcommand::Tiles(_)
        | Subcommand::Bench(_)
        | Subcommand::Show(_)
        | Subcommand::Status(_)
        | Subcommand::Whoami(_)
        | Subcommand::Completions(_)
        | Subcommand::Man(_)
        | Subcommand::Version(_)
        | Subcommand::Online(_)
        | Subcommand::Order(_)
        | Subcommand::Shell(_)
        | Subcommand::Demo(_) => false,
    }
}

/// Runs one command.
fn dispatch(context: &Context, command: &Subcommand) -> Result<Exit, ClientError> {
    if has_to_remember(command) {
        context.home()?.check_writable()?;
    }
    match command {
        Subcommand::GetKey(command) => get_key::run(context, command),
        Subcommand::Forget(command) => get_key::forget(context, command),
        Subcommand::Passphrase(command) => passphrase::run(context, command),
        Subcommand::Register(command) => register::run(context, command),
        Subcommand::Add(command) if command.each => add_each::run(context, command),
        Subcommand::Add(command) => add::run(context, command),
        Subcommand::Copy(command) => copy::run(context, command),
        Subcommand::Verify(command) => verify::run(context, command),
        Subcommand::Receipt(command) => receipt::run(context, command),
        Subcommand::CheckReceipt(command) => receipt::check(context, command),
        Subcommand::Checkpoint(command) => checkpoint::run(context, command),
        Subcommand::Witness(command) => witness::run(context, command),
        Subcommand::Balance(command) => money::balance(context, command),
        Subcommand::Statement(command) => money::statement(context, command),
        Subcommand::Pay(command) => money::pay(context, command),
        Subcommand::Issue(command) => money::issue(context, command),
        Subcommand::Grant(command) => roles::grant(context, command),
        Subcommand::VouchClock(command) => roles::vouch_clock(context, command),
        Subcommand::Revoke(command) => roles::revoke(context, command),
        Subcommand::Keygen(command) => roles::keygen(context, command),
        Subcommand::Audit(command) => offline::audit(context, command),
        Subcommand::Export(command) => match command.format {
            Some(format) => bookkeeping::run(context, command, format),
            None => offline::export(context, command),
        },
        Subcommand::Tiles(command) => tiles::run(context, command),
        Subcommand::Bench(command) => bench::run(context, command),
        Subcommand::Status(command) => status::run(context, command),
        Subcommand::Show(command) => show::run(context, command),
        Subcommand::Whoami(command) => status::whoami(context, command),
        Subcommand::Completions(command) => manual::completions(context, command),
        Subcommand::Man(command) => manual::man(context, command),
        Subcommand::Version(_) => version(context.out).map(|()| Exit::Done),
        Subcommand::Listen(command) => peers::listen(context, command),
        Subcommand::Online(command) => peers::online(context, command),
        Subcommand::Send(command) => payment_orders::send(context, command),
        Subcommand::Order(command) => payment_orders::order(context, command),
        Subcommand::Settle(command) => payment_orders::settle(context, command),
        Subcommand::RevokeOrder(command) => payment_orders::revoke_order(context, command),
        Subcommand::Shell(_) => Err(ClientError::Usage("this is the shell".to_owned())),
        Subcommand::Demo(_) => Ok(demo::run(&mut std::io::stdout())),
    }
}
