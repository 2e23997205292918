//! The commands of `ledgerctl`: the list of all commands, the files that they share, and the way from the words of a
//! command line to the command that runs.
//!
//! A command is a file in one of the rooms below, which holds the arguments of the command and what it does
//! (`Run` in `run.rs`), and a line in the list below. The protocol is not here but in [`crate::client`]: a command parses,
//! calls and prints.

pub mod block_words;
mod amounts;
mod codes;
mod context;
mod fields;
mod instants;
mod members;
mod named_files;
mod json;
mod offline;
mod outlet;
mod overview;
mod passphrases;
mod run;
mod session;
mod telling;
mod visible;

/// Commands about the server, the key and the account of a home.
mod accounts {
    pub(super) mod erase;
    pub(super) mod erasure;
    pub(super) mod forget;
    pub(super) mod get_key;
    pub(super) mod keys;
    pub(super) mod passphrase;
    pub(super) mod register;
    pub(super) mod profile;
    pub(super) mod second_factor;
    pub(super) mod whoami;
}

/// Commands about e-mail and password.
mod passwords {
    pub(super) mod secrets;
    pub(super) mod join;
    pub(super) mod login;
    pub(super) mod logout;
    pub(super) mod password;
    pub(super) mod recover;
}

/// Commands about money, and about the cheques that become money.
mod payments {
    pub(super) mod balance;
    pub(super) mod moved;
    pub(super) mod cheque;
    pub(super) mod pay;
    pub(super) mod revoke_cheque;
    pub(super) mod settle;
    pub(super) mod statement;
    pub(super) mod wanted;
}

/// Commands about the shop.
mod shop {
    pub(super) mod desk;
    mod faces;
    mod listing;
    mod purchases;
    #[expect(clippy::module_inception, reason = "the command has the name of its room")]
    pub(super) mod shop;
    pub(super) mod stock;
}

/// Commands between members who are online, and payments from hand to hand.
mod peers {
    pub(super) mod listen;
    pub(super) mod online;
    pub(super) mod send;
}

/// Commands that prove something: to the member, to a stranger, from a server or from files.
mod proofs {
    pub(super) mod audit;
    pub(super) mod check_receipt;
    pub(super) mod checkpoint;
    pub(super) mod export;
    mod erasure_note;
    mod extract;
    mod findings;
    mod ledger_files;
    pub(super) mod receipt;
    pub(super) mod show;
    pub(super) mod tiles;
    mod vault_lines;
    pub(super) mod verify;
    pub(super) mod witness;
}

/// Commands about stock orders, and about the blocks in which they stand.
mod orders {
    mod blocks;
    pub(super) mod add;
    pub(super) mod copy;
    pub(super) mod tail;
}

/// Commands for the operator of a ledger.
mod operator {
    pub(super) mod bench;
    pub(super) mod grant;
    pub(super) mod issue;
    pub(super) mod journal;
    pub(super) mod keygen;
    pub(super) mod pay_out;
    pub(super) mod revoke;
    pub(super) mod status;
    pub(super) mod vault;
    pub(super) mod vouch_clock;
}

/// Commands about this program, and not about a ledger.
mod tools {
    pub(super) mod completions;
    pub(super) mod demo;
    pub(super) mod man;
    mod man_pages;
    pub(super) mod next_word;
    pub(super) mod shell;
    pub(super) mod version;
}

pub use overview::overview_lines;
pub use tools::demo::DAEMON_ARGUMENT;

use std::ffi::OsString;
use std::path::PathBuf;

use argh::{ArgsInfo, FromArgs};

use crate::client::ClientError;
use crate::refusal;
use crate::terminal::arguments::{Stopped, try_parse, words_of};
use crate::terminal::exit::Exit;
use crate::terminal::words::arrange;
use context::Context;
use outlet::Outlet;
use tools::{next_word, version};

/// The client of a tamper-evident ledger.
///
/// Data goes to stdout, words about it to stderr.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(
    example = "ledgerctl --server 127.0.0.1:7878 getKey --fingerprint SHA3-256:…\nledgerctl register alice\nledgerctl add orders.json",
    note = "Exit codes: 0 done, 2 usage, 3 refused, 4 unreachable, 5 outcome unknown, 6 done but not told, 65 integrity violation."
)]
pub struct Arguments {
    /// directory of keys and pinned servers (LEDGERCTL_HOME)
    #[argh(option)]
    pub home: Option<PathBuf>,

    /// HOST:PORT of the server (LEDGERCTL_SERVER), 127.0.0.1:7878 if not given; of several addresses with commas between
    /// them, the first that answers
    #[argh(option)]
    pub server: Option<String>,

    /// file whose first line is the passphrase of the key, - for standard input
    #[argh(option)]
    pub passphrase_file: Option<String>,

    /// number of an open file whose next line is the passphrase of the key
    #[argh(option)]
    pub passphrase_fd: Option<u32>,

    /// code of your second factor, for a command that needs one; asked for otherwise, if somebody is there
    #[argh(option, arg_name = "digits")]
    pub code: Option<String>,

    /// stable JSON instead of text
    #[argh(switch)]
    pub json: bool,

    /// what to do
    #[argh(subcommand)]
    pub command: Subcommand,
}

/// Makes three things from one line for each command: the type that argh parses, the function that runs a command, and the
/// overview.
macro_rules! commands {
    ($($title:literal { $($room:ident::$file:ident::$command:ident $summary:literal,)* })*) => {
        /// The commands, in the order of the overview.
        #[derive(FromArgs, ArgsInfo, Debug)]
        #[argh(subcommand)]
        #[expect(missing_docs, reason = "each is described where its arguments are")]
        pub enum Subcommand {
            $($($command($room::$file::$command),)*)*
        }

        /// Runs one command.
        fn dispatch(context: &Context, command: &Subcommand) -> Result<Exit, ClientError> {
            match command {
                $($(Subcommand::$command(command) => run::run(context, command),)*)*
            }
        }

        /// The overview: groups of commands, each command with a short line.
        const GROUPS: &[(&str, &[(&str, &str)])] = &[
            $(($title, &[
                $((<$room::$file::$command as argh::SubCommand>::COMMAND.name, $summary),)*
            ]),)*
        ];
    };
}

// The list, in groups and in the order in which somebody new meets the commands.
commands! {
    "To begin" {
        tools::demo::Demo "show all of this on a temporary ledger",
        accounts::get_key::GetKey "fetch the server's identity, verify it and pin it",
        accounts::register::Register "make a key, and an account under a public handle",
        accounts::profile::Profile "your name and e-mail address, sealed in the ledger",
        accounts::erase::Erase "erase your account, or for operators anybody's",
        accounts::erasure::Erasure "the proof that an account was erased",
        accounts::whoami::Whoami "your account as the ledger has it",
        accounts::keys::Keys "the keys of your account: list, add, end, replace",
        accounts::second_factor::SecondFactor "codes of a telephone beside your key",
        accounts::passphrase::Passphrase "set, change or remove the passphrase of your key",
        accounts::forget::Forget "forget an address of a pinned server, or the server",
        tools::shell::Shell "many commands over one connection",
    }
    "E-mail and password" {
        passwords::join::Join "an account with e-mail and password",
        passwords::login::Login "fetch your key with e-mail and password",
        passwords::logout::Logout "log out, and take a fetched key out of this home",
        passwords::password::Password "change your password, or get a first one",
        passwords::recover::Recover "set a new password with your recovery code",
    }
    "Orders" {
        orders::add::Add "place orders from JSON",
        orders::copy::Copy "fetch your own blocks, each checked before it is shown",
        orders::tail::Tail "show your blocks and those that concern you, as they come",
    }
    "Money" {
        payments::balance::Balance "what you have",
        payments::statement::Statement "what came and went",
        payments::pay::Pay "pay somebody, or many at once",
        peers::online::Online "your balance, and who is online",
        peers::listen::Listen "go online and take payments from hand to hand",
        peers::send::Send "pay a member who is online, from hand to hand",
        payments::cheque::Cheque "write a cheque, which its payee can settle once",
        payments::settle::Settle "turn a cheque for you into money",
        payments::revoke_cheque::RevokeCheque "take back a cheque that is not settled",
    }
    "The shop" {
        shop::shop::Shop "the shop: see, buy; for operators, opening it",
        shop::stock::Stock "keep the stock; for agents",
        shop::desk::Desk "deal with customers' purchases; for agents",
    }
    "Proofs" {
        proofs::verify::Verify "have the server check its whole log",
        proofs::receipt::Receipt "fetch the proof of a block, for a stranger",
        proofs::check_receipt::CheckReceipt "check such a proof, offline",
        proofs::show::Show "what a file is, who signed it and for whom",
        proofs::checkpoint::Checkpoint "keep, check and compare what the server signed",
        proofs::witness::Witness "cosign what the server signed",
    }
    "From a ledger's files" {
        proofs::audit::Audit "check a ledger",
        proofs::export::Export "blocks as JSON Lines, or money for bookkeeping",
        proofs::tiles::Tiles "write a ledger as static files",
    }
    "For operators" {
        operator::keygen::Keygen "make your key before there is a ledger",
        operator::issue::Issue "make money",
        operator::pay_out::PayOut "pay out what an erased account has",
        operator::grant::Grant "give a member a role",
        operator::revoke::Revoke "take a role away",
        operator::vouch_clock::VouchClock "say in the ledger that the server's clock is right",
        operator::status::Status "the server's figures",
        operator::journal::Journal "the server's record of who asked for what",
        operator::vault::Vault "make a backup of what sealed texts need, or put it back",
        operator::bench::Bench "put load on a server and measure it",
    }
    "This program" {
        tools::completions::Completions "print a completion script for your shell",
        tools::man::Man "write the man pages",
        tools::version::Version "print the version",
    }
}

/// Runs `ledgerctl` with the arguments of its process, the program's name among them.
pub fn main(arguments: impl Iterator<Item = OsString>) -> Exit {
    let arguments: Vec<OsString> = arguments.collect();
    // The words of the command line, which have to be text.
    let raw = match words_of(arguments.iter().cloned()) {
        Ok(raw) => raw,
        Err(sentence) => {
            let out = Outlet::new(arguments.iter().any(|argument| argument == "--json"));
            return ended(out, Err(ClientError::Usage(sentence)));
        }
    };
    // Two words that no person types: the demo starts the daemon with one, and shells ask for completions with the other.
    if raw.first().is_some_and(|first| first == DAEMON_ARGUMENT) {
        return crate::daemon::main(raw.get(1..).unwrap_or_default());
    }
    if raw.first().is_some_and(|first| first == next_word::COMPLETE_ARGUMENT) {
        let answer = next_word::answer(raw.get(1..).unwrap_or_default());
        let told = Outlet::new(false).data(|out| out.write_all(answer.as_bytes()));
        return ended(Outlet::new(false), told.map(|_| Exit::Done));
    }
    // The name of the program alone shows what there is.
    if raw.iter().all(|word| word == "--json") {
        return ended(Outlet::new(false), show_overview(Outlet::new(false)));
    }
    // One of the commands of the list.
    let arguments = match try_parse::<Arguments>("ledgerctl", &raw) {
        Ok(arguments) => arguments,
        Err(stopped) => return say_stopped(Outlet::new(asks_json(&raw)), stopped),
    };
    let done = Context::of(&arguments).and_then(|context| dispatch(&context, &arguments.command));
    ended(Outlet::new(arguments.json), done)
}

/// Whether these words ask for JSON, even if nothing else about them is understood.
fn asks_json(raw: &[String]) -> bool {
    let arranged = arrange(&Arguments::get_args_info(), raw);
    arranged.map_or_else(|_| raw.iter().any(|word| word == "--json"), |arranged| arranged.json)
}

/// Prints the help or the version if the words asked for that, and otherwise says what is wrong with the words.
fn say_stopped(out: Outlet, stopped: Stopped) -> Exit {
    let said = match stopped {
        Stopped::Help { command, .. } if command.is_empty() => show_overview(out),
        Stopped::Help { text, .. } => {
            let text = format!("{}\n{}", text.trim_end(), overview::options_of_every_command());
            out.line(text.trim_end()).map(|()| Exit::Done)
        }
        Stopped::Version => version::tell(out).map(|()| Exit::Done),
        Stopped::Mistake(text) => Err(ClientError::Usage(text)),
    };
    ended(out, said)
}

/// Prints the overview of all commands.
fn show_overview(out: Outlet) -> Result<Exit, ClientError> {
    out.line(overview::text().trim_end()).map(|()| Exit::Done)
}

/// The exit code for the end of a command. An error is told first.
fn ended(out: Outlet, done: Result<Exit, ClientError>) -> Exit {
    match done {
        Ok(exit) => exit,
        Err(error) => {
            out.complain(&error);
            Exit::from(&error)
        }
    }
}

impl From<&ClientError> for Exit {
    fn from(error: &ClientError) -> Exit {
        match error {
            ClientError::Usage(_) => Exit::Usage,
            // Too much at once is no refusal of what was asked.
            ClientError::Refused(refusal) if refusal.name == refusal::BUSY => Exit::Unreachable,
            ClientError::Refused(_) => Exit::Refused,
            ClientError::Unreachable(_) | ClientError::Busy(_) => Exit::Unreachable,
            ClientError::Unknown(_) | ClientError::KeyEnded(_) => Exit::Unknown,
            ClientError::Untold(_) => Exit::Untold,
            ClientError::Integrity(_) => Exit::Integrity,
            ClientError::Config(_) | ClientError::File(..) => Exit::Config,
            ClientError::InUse(_) => Exit::Busy,
            ClientError::Unexpected(_) => Exit::Unexpected,
        }
    }
}
