//! The ledger daemon: arguments in, exit code out.

use std::io::Write as _;
use std::process::ExitCode;

use ledgerd::terminal::arguments::words_of;
use ledgerd::terminal::exit::Exit;

fn main() -> ExitCode {
    let exit = match words_of(std::env::args_os()) {
        Ok(words) => ledgerd::daemon::main(&words),
        Err(sentence) => {
            drop(writeln!(std::io::stderr(), "ledgerd: {sentence}"));
            Exit::Usage
        }
    };
    exit.into()
}
