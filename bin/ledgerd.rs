//! The ledger daemon: arguments in, exit code out.

use std::io::Write as _;
use std::process::ExitCode;

use ledgerd::cli::exit::Exit;

fn main() -> ExitCode {
    let words: Result<Vec<String>, _> = std::env::args_os().skip(1).map(|word| word.into_string()).collect();
    let exit = match words {
        Ok(words) => ledgerd::daemon::main(&words),
        // A path made readable would be another path.
        Err(word) => {
            drop(writeln!(std::io::stderr(), "ledgerd: {word:?}: arguments have to be UTF-8"));
            Exit::Usage
        }
    };
    exit.into()
}
